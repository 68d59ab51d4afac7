"""Real time, for the whole bench: nothing here is simulated."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


def wall() -> float:
    """Give the seconds since 1970."""
    return time.time()  # noqa: TID251 (what is measured happens in real time)


def now() -> datetime:
    """Give the wall time, aware, in UTC."""
    return datetime.fromtimestamp(wall(), UTC)


def sleep(seconds: float) -> None:
    """Let time pass; not at all when there is none to pass."""
    if seconds > 0:
        time.sleep(seconds)  # noqa: TID251 (what is measured happens in real time)


def until(holds: Callable[[], bool], what: str, timeout: float, pause: float = 0.1) -> None:
    """Wait until this holds.

    Raises:
        TimeoutError: it does not after `timeout` seconds; `what` says what was waited for.
    """
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:.0f} s in vain: {what}")
        sleep(pause)
