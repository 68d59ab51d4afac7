"""The seam to time. SystemClock is the only reader of the wall clock."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks, the wall's, which may be set, and one that only goes on; and the pauses that are made by them."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""

    def elapsed(self) -> float:
        """Give seconds of CLOCK_BOOTTIME: never set, and running while the machine sleeps."""

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds are over."""

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, at most that many seconds; tells whether it came."""


class LoopPauses:
    """Pauses by the timers of the event loop, for clocks that run as it does."""

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds are over."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, at most that many seconds; tells whether it came."""
        try:
            async with asyncio.timeout(seconds):
                return await event.wait()
        except TimeoutError:
            return False


class SystemClock(LoopPauses):
    """This machine's clocks."""

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Give seconds of CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
