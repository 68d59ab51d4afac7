"""One heap of wake-ups for all objects: (instant, uid), derived from spec and status, rebuilt at each start."""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime

_SPARE = 1000


class Deadlines:
    """The next wake-up of each object. A later `set` replaces an earlier one."""

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        """Call `moved` whenever the soonest wake-up may have become sooner."""
        self._heap: list[tuple[datetime, str]] = []
        self._at: dict[str, tuple[datetime, bool]] = {}
        self._moved = moved

    def set(self, uid: str, at: datetime | None, *, urgent: bool = False) -> None:
        """Wake the object then; None: not by the clock. `urgent`: for a stage."""
        if at is None:
            self._at.pop(uid, None)
            return
        known = self._at.get(uid)
        self._at[uid] = (at, urgent)
        if known is None or known[0] != at:
            heapq.heappush(self._heap, (at, uid))
            self._tidy()
        if self._heap[0] == (at, uid):
            self._moved()

    def soonest(self) -> datetime | None:
        """Give the next wake-up of all."""
        while self._heap and self._stale():
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def soonest_urgent(self) -> datetime | None:
        """Give the next wake-up for a stage. Walks all of them."""
        return min((at for at, urgent in self._at.values() if urgent), default=None)

    def due(self, now: datetime) -> Iterator[tuple[str, bool]]:
        """Take out the objects whose time has come, the longest overdue first: (uid, urgent)."""
        while (at := self.soonest()) is not None and at <= now:
            _, uid = heapq.heappop(self._heap)
            _, urgent = self._at.pop(uid)
            yield uid, urgent

    def _tidy(self) -> None:
        """Leave out what was replaced: who stands by takes nothing out, for months."""
        if len(self._heap) > 2 * len(self._at) + _SPARE:
            self._heap = [(at, uid) for uid, (at, _) in self._at.items()]
            heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._at)

    def _stale(self) -> bool:
        at, uid = self._heap[0]
        known = self._at.get(uid)
        return known is None or known[0] != at
