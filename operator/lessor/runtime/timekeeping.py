"""Whether our clock can be trusted: compared with the `Date` of the last answers and a clock that is never set.

The API server's clock concerns everybody, that of a cloud only those whose credentials lead there: a tenant's Nova must
not hold the stages of others.
"""

import threading
from datetime import datetime, timedelta

from lessor.ports.clock import Clock

KUBERNETES = "kubernetes"
_MOST_SKEW = 60.0
_STEP = 5.0
_STEP_MEMORY = 600.0


class Timekeeping:
    """The comparison of clocks. No stage runs while it is not `certain`. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._skews: dict[str, float] = {}
        self._stepped_at: float | None = None
        self._last = self._offset()

    def answered(self, source: str, date: datetime, sent: float, received: float) -> None:
        """Take the `Date` of an answer of this source and CLOCK_BOOTTIME before and after its request.

        The grain of `Date` is a second, and it was written somewhere between the two readings.
        """
        now_wall, now_elapsed = self._clock.now(), self._clock.elapsed()
        then = now_wall - timedelta(seconds=now_elapsed - (sent + received) / 2)
        slack = (received - sent) / 2 + 1.0
        skew = (then - date).total_seconds()
        with self._lock:
            self._look_for_a_step()
            self._skews[source] = 0.0 if abs(skew) <= slack else skew

    def certain(self, of: str = "") -> bool:
        """Tell whether neither the API server nor this source differs by more than a minute.

        Nor may our clock have been set in the last ten minutes. `of`: the beginning of a source's name.
        """
        with self._lock:
            self._look_for_a_step()
            stepped = self._stepped_at is not None and self._clock.elapsed() - self._stepped_at < _STEP_MEMORY
            asked = [
                skew for source, skew in self._skews.items() if source == KUBERNETES or (of and source.startswith(of))
            ]
            return not stepped and all(abs(skew) <= _MOST_SKEW for skew in asked)

    def forget(self, of: str) -> None:
        """Forget the sources whose names begin so."""
        with self._lock:
            self._skews = {source: skew for source, skew in self._skews.items() if not source.startswith(of)}

    def skews(self) -> dict[str, float]:
        """Give our clock minus the API server's and minus the worst of the clouds', in seconds, as last seen."""
        with self._lock:
            worst: dict[str, float] = {}
            for source, skew in self._skews.items():
                label = KUBERNETES if source == KUBERNETES else "openstack"
                worst[label] = max(skew, worst.get(label, 0.0), key=abs)
            return worst

    def _look_for_a_step(self) -> None:
        """See whether our clock was set since this was asked last: at each answer, so that none is found out late."""
        offset = self._offset()
        if abs(offset - self._last) > _STEP:
            self._stepped_at = self._clock.elapsed()
        self._last = offset

    def _offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.elapsed()
