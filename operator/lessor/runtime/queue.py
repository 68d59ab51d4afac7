"""Who waits for a turn: one turn at a time for a uid, urgent ones on workers of their own."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from lessor.ports.clock import Clock

log = logging.getLogger(__name__)

Turn = Callable[[str], Awaitable[None]]


class Queue:
    """The line, and the workers that work it off."""

    def __init__(self, turn: Turn, clock: Clock, lag: Callable[[float], None]) -> None:
        """Call `turn` for each uid in line; tell `lag` how many seconds each one waited."""
        self._turn = turn
        self._clock = clock
        self._lag = lag
        self._lines: dict[bool, deque[str]] = {True: deque(), False: deque()}
        self._waiting: dict[str, tuple[float, bool]] = {}
        self._running: set[str] = set()
        self._again: dict[str, bool] = {}
        self._news = {True: asyncio.Event(), False: asyncio.Event()}

    def put(self, uid: str, *, urgent: bool = False) -> None:
        """Ask for a turn. One that runs is followed by another; one that waits may become urgent."""
        if uid in self._running:
            self._again[uid] = urgent or self._again.get(uid, False)
            return
        waiting = self._waiting.get(uid)
        if waiting is not None and (waiting[1] or not urgent):
            return
        since = waiting[0] if waiting is not None else self._clock.elapsed()
        self._waiting[uid] = (since, urgent)
        self._lines[urgent].append(uid)
        self._news[urgent].set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether no turn waits and none is under way."""
        return not self._waiting and not self._running

    async def work(self, *, urgent: bool) -> None:
        """Work one line off until cancelled."""
        line, news = self._lines[urgent], self._news[urgent]
        while True:
            while not line:
                news.clear()
                await news.wait()
            uid = line.popleft()
            waiting = self._waiting.get(uid)
            if waiting is None or waiting[1] is not urgent:
                continue  # it became urgent meanwhile, and was taken from that line
            del self._waiting[uid]
            self._lag(self._clock.elapsed() - waiting[0])
            await self._one(uid)

    async def _one(self, uid: str) -> None:
        self._running.add(uid)
        try:
            await self._turn(uid)
        finally:
            self._running.discard(uid)
            if uid in self._again:
                self.put(uid, urgent=self._again.pop(uid))
