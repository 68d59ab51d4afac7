"""The seam to time. SystemClock is the only reader of the wall clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: the wall's, which may be set, and one that only goes on."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""

    def elapsed(self) -> float:
        """Give seconds of CLOCK_BOOTTIME: never set, and running while the machine sleeps."""


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Give seconds of CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
