"""The gauges over the fleet, counted from the cache when somebody scrapes."""

from collections import Counter
from datetime import timedelta

from lessor.metrics import Fleet
from lessor.model import conditions, reading
from lessor.model.conditions import ConditionType
from lessor.model.instancelease import InstanceLease
from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.runtime.cache import Cache
from lessor.runtime.clouds import Clouds
from lessor.runtime.deadlines import Deadlines
from lessor.runtime.queue import Queue
from lessor.runtime.timekeeping import Timekeeping

_WITHIN = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}


class Counting:
    """Counts the fleet."""

    def __init__(  # noqa: PLR0913 (what is counted)
        self,
        *,
        clock: Clock,
        cache: Cache,
        clouds: Clouds,
        deadlines: Deadlines,
        queue: Queue,
        timekeeping: Timekeeping,
    ) -> None:
        self._clock = clock
        self._cache = cache
        self._clouds = clouds
        self._deadlines = deadlines
        self._queue = queue
        self._timekeeping = timekeeping

    def fleet(self) -> Fleet:
        """Count all objects now."""
        objects: Counter[tuple[str, str]] = Counter()
        expiring: Counter[tuple[str, str]] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        suspended: Counter[str] = Counter()
        kind = Kind.INSTANCE_LEASE.value
        now = self._clock.now()
        for uid in self._cache.uids(Kind.INSTANCE_LEASE):
            entry = self._cache.get(uid)
            if entry is None:
                continue
            lease, _ = reading.instance_lease(entry.body)
            objects[kind, _state(lease)] += 1
            suspended[kind] += lease.spec.suspend
            end = lease.status.expire_time
            for within, span in _WITHIN.items():
                expiring[kind, within] += end is not None and now < end <= now + span
            if lease.status.next_action is not None and lease.status.next_action.blocked_by is not None:
                held[kind, lease.status.next_action.blocked_by] += 1
        soonest = self._deadlines.soonest()
        return Fleet(
            objects=dict(objects),
            expiring=dict(expiring),
            next_deadline=soonest.timestamp() if soonest is not None else None,
            held=dict(held),
            suspended=dict(suspended),
            inventory=self._inventories(),
            queue=len(self._queue),
            skews=self._timekeeping.skews(),
        )

    def _inventories(self) -> list[tuple[str, float, int]]:
        """One line a cloud (Keystone URL and region): the oldest of its sessions' ages, the sum of their servers."""
        lines: dict[str, tuple[float, int]] = {}
        now = self._clock.now()
        for session in self._clouds.sessions():
            age = session.inventory.age(now)
            if session.cloud is None or age is None:
                continue
            cloud = f"{session.cloud.identity.auth_url} {session.cloud.identity.region}"
            oldest, servers = lines.get(cloud, (0.0, 0))
            lines[cloud] = (max(oldest, age.total_seconds()), servers + len(session.inventory))
        return [(cloud, age, servers) for cloud, (age, servers) in lines.items()]


def _state(lease: InstanceLease) -> str:
    ready = conditions.find(lease.status.conditions, ConditionType.READY)
    return ready.reason if ready is not None else "New"
