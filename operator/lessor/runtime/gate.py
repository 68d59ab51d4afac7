"""A gate that lets a few through at once, the most urgent first: claims before reports, Events behind all."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from itertools import count


class Urgency(IntEnum):
    """Who goes first when writes wait in line."""

    CLAIM = 0
    REPORT = 1
    EVENT = 2


class Gate:
    """Lets `width` through at once."""

    def __init__(self, width: int) -> None:
        self._free = width
        self._line: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._ticket = count()

    def __len__(self) -> int:
        return len(self._line)

    @asynccontextmanager
    async def through(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for a place, most urgent first, then in order of coming."""
        await self._enter(urgency)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, urgency: Urgency) -> None:
        if self._free > 0:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (urgency, next(self._ticket), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._line:
            _, _, place = heapq.heappop(self._line)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
