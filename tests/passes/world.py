"""A whole world in memory for passes: a cloud, the API server's copy of one lease, a clock that jumps.

`World.turn` writes and comes back as the runtime does, and may be cut at each effect and each write (see `knife`).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lessor.decide import wakeup
from lessor.decide.facts import Facts, Look
from lessor.model import names, wire
from lessor.model.conditions import Condition, ConditionType, Disposition, Fault, find
from lessor.model.instancelease import InstanceLease, InstanceLeaseSpec, InstanceLeaseStatus
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalSpec, RenewalLeaseRef
from lessor.model.marks import Mark, Seal
from lessor.model.meta import ObjectMeta, OwnerReference
from lessor.model.names import Kind
from lessor.model.observed import ObservedServer
from lessor.model.plans import Event, FinalizerChange, Outcome, RenewalDecision
from lessor.model.times import Duration
from lessor.ports.objects import ClusterUnavailable
from lessor.reconcile import instanceleases
from lessor.reconcile.given import Given, Ports
from lessor.runtime.registry import Registry
from lessor.simulated.clock import SimClock
from tests.passes.knife import Cut, Knife
from tests.passes.nova import Nova
from tests.passes.project import OTHER, SERVER, START, US

__all__ = ["OTHER", "SEAL", "SERVER", "START", "US", "World", "adopted", "facts"]

SEAL = Seal("installation-1", b"k" * 32)
_MOST_ROUNDS = 12
_MOST_TURNS = 3000
_RETRY = timedelta(seconds=5)
_ASK = timedelta(minutes=10)


class HotLoop(AssertionError):
    """The lease woke too often."""


@dataclass
class World:
    """One lease, its requests, its cloud and the clock.

    Attributes:
        lease: the object as the API server holds it; None: it is gone.
        view: an older copy of it that our cache still holds; None: the cache is up to date.
        problem: why its spec cannot be read.
        remembered: what the inventory holds of the server while that is old; None: it is up to date.
        hidden: requests that the watch has not brought yet.
        writes: what was written of the lease, in order.
        wake_at, retry_at: when the next turn comes, by the clock and by the pauses, which grow without end here.
        turns: how many there were.
    """

    clock: SimClock = field(default_factory=lambda: SimClock(START))
    frozen: bool = False
    clock_certain: bool = True
    stamped: bool = True
    fault: Fault | None = None
    problem: Fault | None = None
    remembered: ObservedServer | None = None
    deletions: int = 100
    lease: InstanceLease | None = None
    view: InstanceLease | None = None
    requests: dict[str, LeaseRenewal] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    wake_at: datetime | None = None
    retry_at: datetime | None = None
    retries: int = 0
    turns: int = 0
    outcome: Outcome | None = None
    registry: Registry = field(default_factory=lambda: Registry(lambda _: None))
    seal: Seal = SEAL
    made: int = 0
    restart_takes: timedelta = timedelta(seconds=7)
    nova: Nova = field(init=False)

    def __post_init__(self) -> None:
        self.nova = Nova(self.clock)

    # ------------------------------------------------------------ people

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def beside(self) -> "World":
        """Give a world with the same cloud, clock and registry, for another lease."""
        other = World(self.clock)
        other.nova, other.registry = self.nova, self.registry
        return other

    def declare(self, uid: str = "uid-1", name: str = "vm1", namespace: str = "team-a", **spec: Any) -> None:
        created = spec.pop("created", self.now)
        declared = {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"}, "server": {"id": SERVER}}
        body = {**declared, **({} if "expireTime" in spec else {"duration": "90d"}), **spec}
        self.lease = InstanceLease(
            metadata=ObjectMeta(
                name=name,
                namespace=namespace,
                uid=uid,
                generation=1,
                resource_version="1",
                creation_timestamp=created,
            ),
            spec=wire.from_builtins(body, InstanceLeaseSpec),
        )

    def edit(self, **spec: Any) -> None:
        body = {**wire.to_builtins(self.held.spec), **spec}
        kept = {key: value for key, value in body.items() if value is not None}
        meta = self._meta(self.held, generation=self.held.metadata.generation + 1)
        self.lease = msgspec.structs.replace(self.held, metadata=meta, spec=wire.from_builtins(kept, InstanceLeaseSpec))

    def annotate(self, **annotations: str) -> None:
        known = {f"{names.GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        meta = self._meta(self.held, annotations={**self.held.metadata.annotations, **known})
        self.lease = msgspec.structs.replace(self.held, metadata=meta)

    def remove(self) -> None:
        lease = msgspec.structs.replace(self.held, metadata=self._meta(self.held, deletion_timestamp=self.now))
        self.lease = lease if lease.metadata.finalizers else None
        self.wake_at = self.now

    def ask(self, name: str = "more", extend_by: str | None = "30d", *, hidden: bool = False, **meta: Any) -> None:
        self.made += 1
        known: dict[str, Any] = {
            "name": name,
            "namespace": "team-a",
            "uid": f"request-{self.made}",
            "resource_version": "1",
            "generation": 1,
            "creation_timestamp": self.now + timedelta(milliseconds=self.made),
            "annotations": {names.REQUESTED_BY: "alice"},
        }
        spec = LeaseRenewalSpec(
            lease_ref=RenewalLeaseRef(kind="InstanceLease", name="vm1"),
            extend_by=None if extend_by is None else Duration(extend_by),
        )
        request = LeaseRenewal(metadata=ObjectMeta(**{**known, **meta}), spec=spec)
        self.requests[request.metadata.uid] = request
        if hidden:
            self.hidden.add(request.metadata.uid)
        else:
            self.wake_at = self.now

    # ------------------------------------------------------------ the runtime

    def turn(self) -> "World":
        """Make passes and write what they ask for, until nothing is left to go on with."""
        self.turns += 1
        try:
            self._rounds()
        except Cut:
            self.restart()
        except ClusterUnavailable:
            self.hidden.clear()
            self._come_back(Disposition.RETRY)
        return self

    def restart(self) -> "World":
        """Lose everything that was in memory, and arm the next turn from what the API server holds."""
        self.clock.jump(self.now + self.restart_takes)
        self.registry = Registry(lambda _: None)
        self.view, self.retry_at, self.retries, self.wake_at = None, None, 0, None
        self.hidden.clear()
        if self.lease is not None:
            self.registry.restore(self.lease)
            asked = any(not request.decided for request in self.requests.values())
            self.wake_at = self.now if asked else wakeup.at(self.lease, self.now)
        return self

    def sleep(self, most: timedelta = timedelta(days=400), *, until: datetime | None = None) -> "World":
        """Jump from wake-up to wake-up, a turn at each, until nothing wakes within that span."""
        end = until if until is not None else self.now + most
        for _ in range(_MOST_TURNS):
            waking = min((at for at in (self.wake_at, self.retry_at) if at is not None), default=None)
            if waking is None or waking > end:
                self.clock.jump(end if until is not None else self.now)
                return self
            self.clock.jump(waking)
            self.turn()
        raise HotLoop(self.outcome)

    def at(self, instant: datetime) -> "World":
        """Jump to this instant by way of every wake-up before it, and make a turn there."""
        return self.sleep(until=instant).jump(instant)

    def after(self, **span: float) -> "World":
        """Jump this far from the start, by way of every wake-up before it."""
        return self.at(START + timedelta(**span))

    def jump(self, instant: datetime) -> "World":
        """Make a turn at this instant, as if nobody had been awake before it."""
        self.clock.jump(instant)
        return self.turn()

    def wait(self, **span: float) -> "World":
        """Go on this far from now, by way of every wake-up."""
        return self.at(self.now + timedelta(**span))

    def reread(self, kind: Kind, meta: ObjectMeta) -> ObjectMeta | None:
        del kind
        return self.lease.metadata if self.lease is not None and self.lease.metadata.uid == meta.uid else None

    def renewals(self, kind: Kind, meta: ObjectMeta) -> tuple[LeaseRenewal, ...]:
        del kind, meta
        return tuple(self.requests.values())

    def take(self) -> bool:
        self.deletions -= 1
        return self.deletions >= 0

    def assure(self) -> None:
        """There is nobody else."""

    # ------------------------------------------------------------ what is read in tests

    @property
    def held(self) -> InstanceLease:
        assert self.lease is not None
        return self.lease

    @property
    def status(self) -> InstanceLeaseStatus:
        return self.held.status

    @property
    def server(self) -> ObservedServer:
        found = self.nova.known(SERVER)
        assert found is not None
        return found

    @property
    def state(self) -> tuple[str | None, bool | None]:
        """The server's vm_state, and whether it is locked."""
        return self.server.vm_state, self.server.locked

    @property
    def mark(self) -> Mark | None:
        return self.seal.read((self.server.metadata or {}).get(names.MARK_KEY, ""))

    def condition(self, kind: ConditionType) -> Condition:
        found = find(self.status.conditions, kind)
        assert found is not None
        return found

    def said(self, kind: ConditionType) -> tuple[str, str] | None:
        condition = find(self.status.conditions, kind)
        return None if condition is None else (condition.status, condition.reason)

    def told(self) -> list[str]:
        return [event.reason.value for event in self.events]

    def request(self, name: str = "more") -> LeaseRenewal:
        return next(r for r in self.requests.values() if r.metadata.name == name)

    def granted(self, name: str = "more") -> tuple[str, str] | None:
        condition = find(self.request(name).status.conditions, ConditionType.GRANTED)
        return None if condition is None else (condition.status, condition.reason)

    # ------------------------------------------------------------ inside

    def _rounds(self) -> None:
        fresh = False
        for _ in range(_MOST_ROUNDS):
            given = self._given(fresh=fresh)
            if given is None:
                self.wake_at = self.retry_at = None
                return
            outcome = self.outcome = instanceleases.glance(given)
            if outcome.again and self.fault is None:
                ports = Ports(cloud=self.nova, objects=self, pace=self, leading=self)
                outcome = self.outcome = instanceleases.visit(given, ports)
            if not self._current(given, outcome):
                continue
            wrote = self._write(outcome)
            self.wake_at = outcome.wake_at
            self._come_back(outcome.disposition)
            due = self.wake_at is not None and self.wake_at <= self.now
            goes_on = outcome.claim or due or outcome.finalizer is FinalizerChange.PUT_ON
            if outcome.again and not wrote and self.fault is None:
                self.view = None
                self.hidden.clear()
                continue
            if not wrote or not goes_on:
                return
            fresh = True
        raise HotLoop(self.outcome)

    def _current(self, given: Given, outcome: Outcome) -> bool:
        """Tell whether a write would be taken: a conflict reads the object again."""
        writes = outcome.status is not None or outcome.finalizer is not FinalizerChange.KEEP
        stale = self.lease is None or self.lease.metadata.resource_version != given.lease.metadata.resource_version
        if writes and stale:
            self.view = None
        return not (writes and stale)

    def _come_back(self, disposition: Disposition) -> None:
        first = {Disposition.RETRY: _RETRY, Disposition.ASK: _ASK}.get(disposition)
        self.retries = 0 if first is None else self.retries + 1
        self.retry_at = None if first is None else self.now + first * 2 ** min(self.retries - 1, 20)

    def _meta(self, lease: InstanceLease, **changes: Any) -> ObjectMeta:
        version = str(int(lease.metadata.resource_version) + 1)
        return msgspec.structs.replace(lease.metadata, resource_version=version, **changes)

    def _given(self, *, fresh: bool) -> Given | None:
        lease = self.view if self.view is not None else self.lease
        if lease is None:
            return None
        remembered = self.remembered or self.nova.known(lease.status.server_id or "")
        return Given(
            lease=lease,
            problem=self.problem,
            fresh=fresh,
            now=self.now,
            seal=self.seal,
            registry=self.registry,
            identity=self.nova.identity if self.fault is None else None,
            fault=self.fault,
            remembered=remembered if self.fault is None else None,
            renewals=tuple(r for uid, r in self.requests.items() if uid not in self.hidden),
            stamped=self.stamped,
            clock_certain=self.clock_certain,
            frozen=self.frozen,
            may_delete=self.deletions > 0,
        )

    def _write(self, outcome: Outcome) -> bool:
        lease = self.held if outcome.status is not None or self.lease is not None else None
        wrote = False
        if lease is not None and outcome.finalizer is not FinalizerChange.KEEP:
            on = outcome.finalizer is FinalizerChange.PUT_ON
            meta = self._meta(lease, finalizers=(names.FINALIZER,) if on else ())
            after = msgspec.structs.replace(lease, metadata=meta) if on else None
            self._patch("finalizer on" if on else "finalizer off", after)
            wrote = True
        elif lease is not None and outcome.status is not None:
            after = msgspec.structs.replace(lease, metadata=self._meta(lease), status=outcome.status)
            self._patch("claim" if outcome.claim else "status", after)
            wrote = True
        for decision in outcome.decisions:
            self._decide(decision)
        self.events.extend(outcome.events)
        return wrote

    def _patch(self, what: str, after: InstanceLease | None) -> None:
        self.nova.knife.before(what, ClusterUnavailable())
        self.view = self.lease  # until the answer is here
        self.lease = after
        self.writes.append(what)
        self.nova.knife.after(ClusterUnavailable())
        self.view = None

    def _decide(self, decision: RenewalDecision) -> None:
        request, uid = decision.renewal, decision.renewal.metadata.uid
        if uid not in self.requests:
            return
        self.nova.knife.before("decision", ClusterUnavailable())
        if decision.delete:
            del self.requests[uid]
        else:
            owners = request.metadata.owner_references
            if decision.adopt and self.lease is not None and self.lease.metadata.uid not in {o.uid for o in owners}:
                meta = self.lease.metadata
                ours = OwnerReference(api_version=names.API_VERSION, kind="InstanceLease", name=meta.name, uid=meta.uid)
                owners = (*owners, ours)
            meta = msgspec.structs.replace(request.metadata, owner_references=owners)
            self.requests[uid] = msgspec.structs.replace(request, metadata=meta, status=decision.status)
        self.nova.knife.after(ClusterUnavailable())


def adopted(knife: Knife | None = None, **spec: Any) -> World:
    """A world in which a running server has just got its lease."""
    world = World()
    world.nova.knife = knife if knife is not None else Knife()
    world.nova.boot()
    world.declare(**spec)
    return world.turn()


def facts(world: World, **changes: Any) -> Facts:
    """The facts of a visit that found the server, changed: for tests of a single decision."""
    server = world.nova.known(SERVER)
    plain = Facts(
        lease=world.held,
        now=world.now,
        seal=world.seal,
        identity=US,
        server=server,
        look=Look.FOUND if server is not None else Look.ABSENT,
        live=True,
    )
    return replace(plain, **changes)
