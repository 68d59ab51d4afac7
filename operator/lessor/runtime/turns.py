"""One turn over an InstanceLease: the pass from memory, the pass with the cloud, the writes, and when to come back.

One turn at a time for a uid; a wake-up that comes meanwhile makes another turn of it.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lessor.metrics import Metrics
from lessor.model import reading
from lessor.model.conditions import ConditionType, Disposition, Fault, is_true
from lessor.model.instancelease import InstanceLease
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.marks import Seal
from lessor.model.names import Kind
from lessor.model.plans import FinalizerChange, Outcome
from lessor.ports.clock import Clock
from lessor.ports.leading import Leadership, NotLeading
from lessor.ports.objects import ClusterUnavailable
from lessor.reconcile import instanceleases
from lessor.reconcile.given import Given, Ports
from lessor.runtime import pauses
from lessor.runtime.bridge import Bridge
from lessor.runtime.cache import Cache, Entry
from lessor.runtime.clouds import Clouds, Session
from lessor.runtime.cluster import Cluster, ClusterError, Conflict, NotThere
from lessor.runtime.deadlines import Deadlines
from lessor.runtime.events import Events
from lessor.runtime.gate import Urgency
from lessor.runtime.heat import Heat
from lessor.runtime.pacing import Pacing
from lessor.runtime.registry import Registry
from lessor.runtime.timekeeping import Timekeeping
from lessor.runtime.writer import Writer

log = logging.getLogger(__name__)

_MOST_ROUNDS = 12
_REST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a turn works with."""

    clock: Clock
    cache: Cache
    cluster: Cluster
    clouds: Clouds
    registry: Registry
    deadlines: Deadlines
    writer: Writer
    events: Events
    metrics: Metrics
    timekeeping: Timekeeping
    pacing: Pacing
    threads: ThreadPoolExecutor
    leading: Leadership
    seal: Seal
    frozen: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """The object as a round of a turn knows it. `fresh`: it is the answer of our own last write."""

    lease: InstanceLease
    problem: Fault | None
    fresh: bool = False


class Turns:
    """The turns over InstanceLeases."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._bridge = Bridge(parts.cluster, asyncio.get_running_loop())
        self._failures: dict[str, int] = {}
        self._heat = Heat(parts.clock)
        self.stamped = False

    async def turn(self, uid: str) -> None:
        """Make one turn over the object; raises nothing that a cluster or a cloud may do.

        Raises:
            NotLeading: this process does not lead any more; the turn is not made again.
        """
        parts = self._parts
        entry = parts.cache.get(uid)
        if entry is None:
            self.forget(uid)
            return
        if self._heat.is_hot(uid):
            log.warning("written too often; it rests", extra={"object": f"{entry.namespace}/{entry.name}"})
            parts.deadlines.set(uid, parts.clock.now() + _REST)
            return
        try:
            outcome = await self._rounds(entry)
        except (ClusterError, ClusterUnavailable) as error:
            log.warning(
                "a turn could not be finished", extra={"object": f"{entry.namespace}/{entry.name}", "why": str(error)}
            )
            self._retry(uid)
            return
        except NotLeading:
            raise
        except Exception:
            log.exception("a turn broke", extra={"object": f"{entry.namespace}/{entry.name}"})
            parts.metrics.failed(Kind.INSTANCE_LEASE)
            self._retry(uid)
            return
        if outcome is not None:
            self._come_back(uid, outcome)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._parts.deadlines.set(uid, None)
        self._parts.registry.release(uid)
        self._parts.clouds.leave(uid)
        self._failures.pop(uid, None)
        self._heat.forget(uid)

    # ------------------------------------------------------------ rounds

    async def _rounds(self, entry: Entry) -> Outcome | None:
        """Look, write, and go on from the answer while there is something to go on with."""
        known = _Known(*reading.instance_lease(entry.body))
        for _ in range(_MOST_ROUNDS):
            outcome, session = await self._passed(known)
            try:
                answer = await self._written(known.lease, outcome)
            except Conflict:
                refreshed = await self._reread(known.lease)
                if refreshed is None:
                    return None
                known = refreshed
                continue
            except NotThere:
                self._gone(known.lease)
                return None
            if session is not None and outcome.again and answer is None:
                refreshed = await self._reread(known.lease)
                if refreshed is None:
                    return None
                known = refreshed
                continue
            if answer is None or not self._goes_on(outcome):
                return outcome
            known = answer
        return Outcome(wake_at=self._parts.clock.now() + timedelta(seconds=5))

    def _goes_on(self, outcome: Outcome) -> bool:
        due = outcome.wake_at is not None and outcome.wake_at <= self._parts.clock.now()
        return outcome.claim or due or outcome.finalizer is FinalizerChange.PUT_ON

    async def _passed(self, known: _Known) -> tuple[Outcome, Session | None]:
        """Make the pass from memory, and the one with the cloud if that asks for more."""
        parts, began = self._parts, self._parts.clock.elapsed()
        session = await self._session(known.lease)
        given = self._given(known, session)
        outcome = instanceleases.glance(given)
        visited = None
        if outcome.again and session is not None and session.fault is not None:
            given = replace(given, fault=session.fault)
            outcome = instanceleases.glance(given)
        if session is not None and given.fault is not None:
            session.waiting.add(known.lease.metadata.uid)
        cloud = session.usable if session is not None else None
        if outcome.again and session is not None and cloud is not None:
            pace = parts.pacing.of(cloud.identity)
            ports = Ports(cloud=cloud, objects=self._bridge, pace=pace, leading=parts.leading)
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(parts.threads, instanceleases.visit, given, ports)
            self._learn(known.lease, outcome, session)
            visited = session
        parts.metrics.passed(Kind.INSTANCE_LEASE, outcome, parts.clock.elapsed() - began)
        log.debug("a pass", extra=_extras(known.lease, outcome, visited=visited is not None))
        return outcome, visited

    def _learn(self, lease: InstanceLease, outcome: Outcome, session: Session) -> None:
        """Remember what was read by its id: it is newer than any list."""
        if outcome.fault is not None:
            self._parts.clouds.report(session, lease.metadata.uid, outcome.fault)
        if not outcome.looked:
            return
        if outcome.seen is not None and not outcome.seen.over:
            session.inventory.learn(outcome.seen)
        elif lease.status.server_id is not None:
            session.inventory.forget(lease.status.server_id)

    async def _session(self, lease: InstanceLease) -> Session | None:
        session = self._parts.clouds.enter(lease)
        if session is not None:
            await self._parts.clouds.ready(session)
        return session

    def _given(self, known: _Known, session: Session | None) -> Given:
        parts, lease = self._parts, known.lease
        pace = parts.pacing.of(session.cloud.identity) if session is not None and session.cloud is not None else None
        remembered = None
        if session is not None and session.cloud is not None and lease.status.server_id is not None:
            remembered = session.inventory.get(lease.status.server_id)
        return Given(
            lease=lease,
            problem=known.problem,
            fresh=known.fresh,
            now=parts.clock.now(),
            seal=parts.seal,
            registry=parts.registry,
            identity=session.cloud.identity if session is not None and session.cloud is not None else None,
            # a cloud that is away for now is no news to a lease that has nothing to ask it
            fault=session.fault if session is not None and session.cloud is None else None,
            remembered=remembered,
            renewals=self._renewals(lease),
            stamped=self.stamped,
            clock_certain=parts.timekeeping.certain(session.source if session is not None else ""),
            frozen=parts.frozen,
            may_delete=pace is None or pace.left() > 0,
        )

    def _renewals(self, lease: InstanceLease) -> tuple[LeaseRenewal, ...]:
        entries = self._parts.cache.renewals(lease.metadata.namespace, lease.metadata.name)
        read = (reading.lease_renewal(entry.body) for entry in entries)
        return tuple(
            request for request in read if request is not None and request.spec.lease_ref.kind == Kind.INSTANCE_LEASE
        )

    # ------------------------------------------------------------ writes

    async def _written(self, lease: InstanceLease, outcome: Outcome) -> _Known | None:
        """Write what the pass asked for; gives the object after it, None when the object itself was not written."""
        parts = self._parts
        answer = None
        if outcome.finalizer is not FinalizerChange.KEEP or outcome.status is not None:
            self._heat.wrote(lease.metadata.uid)
        if outcome.finalizer is not FinalizerChange.KEEP:
            raw = await parts.writer.finalizer(Kind.INSTANCE_LEASE, lease.metadata, outcome.finalizer)
            answer = self._answered(raw)
            if outcome.finalizer is FinalizerChange.TAKE_OFF:
                parts.registry.release(lease.metadata.uid)
        elif outcome.status is not None:
            urgency = Urgency.CLAIM if outcome.claim else Urgency.REPORT
            raw_status = await parts.writer.status(lease, outcome.status, urgency)
            answer = self._answered(raw_status) if raw_status is not None else None
            if not is_true(outcome.status.conditions, ConditionType.ACCEPTED) or lease.spec.suspend:
                self._stand_down(lease, outcome)
        await self._decide(lease, outcome)
        for event in outcome.events:
            parts.events.say(Kind.INSTANCE_LEASE, lease.metadata, event, parts.clock.now())
        return answer

    def _stand_down(self, lease: InstanceLease, outcome: Outcome) -> None:
        """A lease that is not accepted holds no server, but one that waits for its turn stays in line."""
        status = outcome.status
        waits = status is not None and any(
            condition.type == ConditionType.ACCEPTED and condition.reason == "AlreadyLeased"
            for condition in status.conditions
        )
        if not waits:
            self._parts.registry.release(lease.metadata.uid)

    async def _decide(self, lease: InstanceLease, outcome: Outcome) -> None:
        """Write the answers of the LeaseRenewals; one that changed meanwhile is answered in the next turn."""
        for decision in outcome.decisions:
            try:
                raw = await self._parts.writer.decision(decision, lease)
            except (Conflict, NotThere) as error:
                log.info(
                    "a LeaseRenewal changed meanwhile",
                    extra={"object": decision.renewal.metadata.key, "why": str(error)},
                )
                continue
            if raw is not None:
                self._parts.cache.put(Kind.LEASE_RENEWAL, raw)
            granted = next((c for c in decision.status.conditions if c.type == ConditionType.GRANTED), None)
            if granted is not None and not decision.renewal.decided:
                self._parts.metrics.renewed(granted.reason)

    def _answered(self, raw: dict[str, object]) -> _Known | None:
        self._parts.cache.put(Kind.INSTANCE_LEASE, raw)
        entry = self._parts.cache.get(str(raw["metadata"]["uid"]))  # type: ignore[index]
        if entry is None:
            return None
        fresh = str(entry.version) == raw["metadata"]["resourceVersion"]  # type: ignore[index]
        return _Known(*reading.instance_lease(entry.body), fresh=fresh)

    async def _reread(self, lease: InstanceLease) -> _Known | None:
        """Somebody else wrote: read the object again, and go on from there. None: it is gone."""
        meta, known = lease.metadata, self._parts.cache.get(lease.metadata.uid)
        before = known.version if known is not None else 0
        try:
            raw = await self._parts.cluster.read(Kind.INSTANCE_LEASE, meta.namespace, meta.name)
        except NotThere:
            raw = {}
        if raw.get("metadata", {}).get("uid") != meta.uid:
            self._gone(lease)
            return None
        if int(raw["metadata"]["resourceVersion"]) < before:  # etcd was restored: what we know never was
            self._parts.cache.gone(meta.uid)
        return self._answered(raw)

    def _gone(self, lease: InstanceLease) -> None:
        self._parts.cache.gone(lease.metadata.uid)
        self.forget(lease.metadata.uid)

    # ------------------------------------------------------------ coming back

    def _come_back(self, uid: str, outcome: Outcome) -> None:
        now = self._parts.clock.now()
        if outcome.disposition is Disposition.RETRY:
            self._failures[uid] = self._failures.get(uid, 0) + 1
            pause = timedelta(seconds=pauses.growing(self._failures[uid]))
            self._parts.deadlines.set(uid, _sooner(outcome.wake_at, now + pause))
            return
        self._failures.pop(uid, None)
        if outcome.disposition is Disposition.ASK:
            pause = timedelta(seconds=pauses.jittered(pauses.ASK))
            self._parts.deadlines.set(uid, _sooner(outcome.wake_at, now + pause))
            return
        self._parts.deadlines.set(uid, outcome.wake_at, urgent=outcome.urgent)

    def _retry(self, uid: str) -> None:
        self._failures[uid] = self._failures.get(uid, 0) + 1
        pause = timedelta(seconds=pauses.growing(self._failures[uid]))
        self._parts.deadlines.set(uid, self._parts.clock.now() + pause)


def _extras(lease: InstanceLease, outcome: Outcome, *, visited: bool) -> dict[str, object]:
    """What the log line of a pass tells."""
    return {
        "object": lease.metadata.key,
        "version": lease.metadata.resource_version,
        "asked_cloud": visited,
        "status": "changed" if outcome.status is not None else "same",
        "finalizer": outcome.finalizer.value,
        "claim": outcome.claim,
        "again": outcome.again,
        "wake_at": outcome.wake_at,
    }


def _sooner(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
