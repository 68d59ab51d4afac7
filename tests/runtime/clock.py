"""A clock that is set by the test."""

from datetime import UTC, datetime, timedelta

from lessor.ports.clock import LoopPauses

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)


class SetClock(LoopPauses):
    """Both clocks, moved together by `pass_`, or the wall's alone by `set_wall`."""

    def __init__(self) -> None:
        self.wall = START
        self.boot = 1000.0

    def now(self) -> datetime:
        """Give the wall time."""
        return self.wall

    def elapsed(self) -> float:
        """Give seconds that only go on."""
        return self.boot

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds

    def set_wall(self, seconds: float) -> None:
        """Step the wall clock, as a person or NTP may."""
        self.wall += timedelta(seconds=seconds)
