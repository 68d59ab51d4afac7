"""The pace of deletions: at most so many servers an hour in one cloud by deleting their objects. In memory."""

import threading
from collections import deque

from lessor.model.observed import CloudIdentity
from lessor.ports.clock import Clock

_HOUR = 3600.0


class Pace:
    """The deletions of one cloud in the last hour. Thread-safe."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def left(self) -> int:
        """Give how many may still be deleted now."""
        with self._lock:
            self._forget()
            return self._most - len(self._taken)

    def take(self) -> bool:
        """Take one; False when none is left."""
        with self._lock:
            self._forget()
            if len(self._taken) >= self._most:
                return False
            self._taken.append(self._clock.elapsed())
            return True

    def _forget(self) -> None:
        while self._taken and self._clock.elapsed() - self._taken[0] > _HOUR:
            self._taken.popleft()


class Pacing:
    """The paces of all clouds."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._paces: dict[tuple[str, str], Pace] = {}

    def of(self, identity: CloudIdentity) -> Pace:
        """Give the pace of one cloud: of its Keystone URL and region, whosever credentials lead there."""
        return self._paces.setdefault((identity.auth_url, identity.region), Pace(self._most, self._clock))
