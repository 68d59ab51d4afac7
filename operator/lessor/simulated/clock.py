"""A clock that stands still until somebody moves it on; who sleeps by it wakes as it passes.

The one that the demonstration and the tests of whole lives go by: weeks pass in milliseconds, and nothing depends on
how fast the machine is. `run` lets it go on by itself, at the speed of the real one.
"""

import asyncio
import heapq
import itertools
import threading
import time
from datetime import datetime, timedelta
from typing import Any


class SimClock:
    """`ports.clock.Clock`, moved by `jump`. It may be read from any thread; all else is for the event loop's."""

    def __init__(self, start: datetime) -> None:
        """Begin at this instant, which is aware and in UTC."""
        self._start = start
        self._passed = 0.0
        self._running_since: float | None = None
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    def now(self) -> datetime:
        """Give the wall time, aware, in UTC."""
        return self._start + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Give the seconds since the start."""
        with self._lock:
            if self._running_since is None:
                return self._passed
            return self._passed + time.monotonic() - self._running_since

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds are over."""
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, at most that many seconds; tells whether it came."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return event.is_set()
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        until = self.elapsed() + seconds
        heapq.heappush(self._sleepers, (until, next(self._number), over))
        if self._running_since is not None:
            self._arm(until, over)
        came = loop.create_task(event.wait())
        either: set[asyncio.Future[Any]] = {over, came}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            if not came.done():
                came.cancel()
        return event.is_set()

    def jump(self, to: datetime) -> None:
        """Move on to this instant, never back, and wake whose time has come. Not after `run`."""
        with self._lock:
            self._passed = max(self._passed, (to - self._start).total_seconds())
        self._wake()

    def soonest(self) -> datetime | None:
        """Give when the first of those who sleep wakes; None: nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._start + timedelta(seconds=self._sleepers[0][0]) if self._sleepers else None

    def run(self) -> None:
        """Go on by itself from here, a second each second."""
        with self._lock:
            self._running_since = time.monotonic()
        for until, _, over in self._sleepers:
            self._arm(until, over)

    def _arm(self, until: float, over: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(max(0.0, until - self.elapsed()), _resolve, over)

    def _wake(self) -> None:
        now = self.elapsed()
        while self._sleepers and (self._sleepers[0][0] <= now or self._sleepers[0][2].done()):
            _resolve(heapq.heappop(self._sleepers)[2])


def _resolve(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)
