"""The objects in memory, one counter of resourceVersions, and a bounded history of what changed.

Objects that are stored are never changed in place: who got one keeps what it was.
"""

import bisect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lessor.simulated.cluster import resources
from lessor.simulated.cluster.resources import Key, Object

_FIRST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. `new` is None when the object went; `last` then holds its last state under the new version."""

    version: int
    storage: str
    old: Object | None
    new: Object | None
    last: Object

    @property
    def type(self) -> str:
        """As a watch tells it to those who see every object."""
        if self.new is None:
            return "DELETED"
        return "ADDED" if self.old is None else "MODIFIED"


class Store:
    """All objects. `history` is how many changes are remembered for watches that resume."""

    def __init__(self, history: int = 10_000) -> None:
        self.version = _FIRST
        self._objects: dict[str, dict[Key, Object]] = {}
        self._history: deque[Change] = deque(maxlen=history)
        self._forgotten = _FIRST
        self._listeners: list[Callable[[Change], None]] = []

    def get(self, storage: str, key: Key) -> Object | None:
        """Give one object; None: it is not there."""
        return self._objects.get(storage, {}).get(key)

    def all(self, storage: str, namespace: str = "") -> list[Object]:
        """Give the objects of one namespace, or all, in the order of etcd's keys."""
        kept = self._objects.get(storage, {})
        return [kept[key] for key in sorted(kept) if not namespace or key[0] == namespace]

    def put(self, storage: str, raw: Object) -> Object:
        """Store an object under the next version and tell those who listen; gives it as stored."""
        self.version += 1
        new = _versioned(raw, self.version)
        kept = self._objects.setdefault(storage, {})
        old = kept.get(resources.key(new))
        kept[resources.key(new)] = new
        self._tell(Change(version=self.version, storage=storage, old=old, new=new, last=new))
        return new

    def remove(self, storage: str, key: Key, last: Object | None = None) -> Object:
        """Remove an object; gives its last state, under the version of its removal."""
        old = self._objects[storage].pop(key)
        self.version += 1
        gone = _versioned(last or old, self.version)
        self._tell(Change(version=self.version, storage=storage, old=old, new=None, last=gone))
        return gone

    def since(self, version: int) -> list[Change] | None:
        """Give the changes after this version; None: they are no longer known."""
        if version < self._forgotten:
            return None
        start = bisect.bisect_right(self._history, version, key=lambda change: change.version)
        return [self._history[at] for at in range(start, len(self._history))]

    def forget_history(self) -> None:
        """Forget all changes so far."""
        self._history.clear()
        self._forgotten = self.version

    def begin_anew(self) -> None:
        """Forget all changes, also where those who watched stopped: as a new watch cache begins at its own start."""
        self.version += 1
        self.forget_history()

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Tell of each change from now on; gives what ends it, which may be called again."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def _tell(self, change: Change) -> None:
        if len(self._history) == self._history.maxlen:
            self._forgotten = self._history[0].version
        self._history.append(change)
        for listener in tuple(self._listeners):
            listener(change)


def _versioned(raw: Object, version: int) -> Object:
    metadata: dict[str, Any] = {**raw["metadata"], "resourceVersion": str(version)}
    return {**raw, "metadata": metadata}
