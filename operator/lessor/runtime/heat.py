"""How often an object was written lately: whoever fights with us over a field must not make us run hot."""

from collections import deque

from lessor.ports.clock import Clock

_MOST = 30
_SPAN = 60.0


class Heat:
    """The writes of the last minute, by uid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._writes: dict[str, deque[float]] = {}

    def wrote(self, uid: str) -> None:
        """Note a write."""
        self._recent(uid).append(self._clock.elapsed())

    def is_hot(self, uid: str) -> bool:
        """Tell whether the object was written too often in the last minute."""
        if uid not in self._writes:
            return False
        writes = self._recent(uid)
        if not writes:
            del self._writes[uid]
        return len(writes) >= _MOST

    def forget(self, uid: str) -> None:
        """Forget an object."""
        self._writes.pop(uid, None)

    def _recent(self, uid: str) -> deque[float]:
        writes = self._writes.setdefault(uid, deque(maxlen=_MOST))
        while writes and self._clock.elapsed() - writes[0] > _SPAN:
            writes.popleft()
        return writes
