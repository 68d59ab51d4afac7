"""A whole world in memory for passes: one project of Nova, the API server's copy of one lease, a clock that is set.

Only what passes ask for. It refuses what Nova refuses, by the states in which Nova refuses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lessor.decide.facts import Facts
from lessor.model import names, wire
from lessor.model.conditions import Condition, ConditionType, Fault, find
from lessor.model.instancelease import InstanceLease, InstanceLeaseSpec
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalSpec, RenewalLeaseRef
from lessor.model.marks import Seal
from lessor.model.meta import ObjectMeta, OwnerReference
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from lessor.model.plans import Event, FinalizerChange, Outcome
from lessor.model.times import Duration
from lessor.ports import cloud as errors
from lessor.reconcile import instanceleases
from lessor.reconcile.given import Given, Ports
from lessor.runtime.registry import Registry

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
SERVER = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
US = CloudIdentity(auth_url="http://keystone/v3", region="RegionOne", project_id="p1", user_id="lessor")
SEAL = Seal("installation-1", b"k" * 32)


@dataclass
class Nova:
    """One project's servers; tasks end when `settle` is called, or at once when `instant`."""

    clock: "World"
    instant: bool = True
    servers: dict[str, ObservedServer] = field(default_factory=dict)
    actions: dict[str, list[ServerEvent]] = field(default_factory=dict)
    images: list[tuple[str, ObservedImage]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fail: dict[str, list[errors.CloudError]] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    admin: bool = False
    identity: CloudIdentity = US
    pending: dict[str, dict[str, Any]] = field(default_factory=dict)

    def boot(self, server_id: str = SERVER, **changes: Any) -> None:
        known: dict[str, Any] = {
            "id": server_id,
            "name": "db-1",
            "project_id": self.identity.project_id,
            "status": "ACTIVE",
            "created": START - timedelta(days=1),
            "metadata": {},
            "locked": False,
            "vm_state": "active",
        }
        self.servers[server_id] = ObservedServer(**{**known, **changes})

    def change(self, server_id: str = SERVER, **changes: Any) -> None:
        self.servers[server_id] = msgspec.structs.replace(self.servers[server_id], **changes)

    def by(self, user: str, action: str, server_id: str = SERVER) -> None:
        event = ServerEvent(action=action, user_id=user, start_time=self.clock.now.strftime("%Y-%m-%dT%H:%M:%S.000000"))
        self.actions.setdefault(server_id, []).insert(0, event)

    def settle(self) -> None:
        for server_id, changes in self.pending.items():
            if changes.get("gone"):
                self.servers.pop(server_id, None)
            else:
                self.change(server_id, task_state=None, **changes)
        self.pending.clear()

    def deeds(self) -> list[str]:
        """Everything that was asked of the cloud and changed it."""
        return [call for call in self.calls if not call.startswith(("get", "list"))]

    # ------------------------------------------------------------ the port

    def server(self, server_id: str) -> ObservedServer | None:
        self._called("get-server")
        return self.servers.get(server_id)

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        self._called("list-servers")
        return tuple(server for server in self.servers.values() if server.name == name)

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        del changes_since
        self._called("list-pages")
        yield tuple(self.servers.values())

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        self._called("get-events")
        return tuple(self.actions.get(server_id, ()))

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        del server_id
        self._called("list-images")
        return next((image for mark, image in self.images if mark == stage), None)

    def stop(self, server_id: str) -> None:
        self._act(server_id, "stop", {"active", "error"}, "powering-off", status="SHUTOFF", vm_state="stopped")

    def start(self, server_id: str) -> None:
        self._act(server_id, "start", {"stopped"}, "powering-on", status="ACTIVE", vm_state="active")

    def shelve(self, server_id: str) -> None:
        states = {"active", "stopped", "paused", "suspended"}
        self._act(server_id, "shelve", states, "shelving", status="SHELVED_OFFLOADED", vm_state="shelved_offloaded")

    def unshelve(self, server_id: str) -> None:
        states = {"shelved", "shelved_offloaded"}
        self._act(server_id, "unshelve", states, "unshelving", status="ACTIVE", vm_state="active")

    def lock(self, server_id: str, reason: str) -> None:
        self._called("lock")
        self.change(server_id, locked=True, locked_reason=reason)
        self.by(self.identity.user_id, "lock", server_id)
        self._lost("lock")

    def unlock(self, server_id: str) -> None:
        self._called("unlock")
        self.change(server_id, locked=False, locked_reason=None)
        self.by(self.identity.user_id, "unlock", server_id)
        self._lost("unlock")

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        self._called("snapshot")
        self._free(server_id)
        image = ObservedImage(id=f"image-{len(self.images)}", status="active" if self.instant else "queued", name=name)
        self.images.append((stage, image))
        if not self.instant:
            self.change(server_id, task_state="image_snapshot")
            self.pending[server_id] = {}
        self._lost("snapshot")

    def delete(self, server_id: str) -> None:
        self._called("delete")
        if server_id not in self.servers:
            return
        self._unlocked(server_id)
        self.change(server_id, task_state="deleting")
        self.pending[server_id] = {"gone": True}
        if self.instant:
            self.settle()
        self._lost("delete")

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        self._called("write-metadata")
        self._writable(server_id)
        self.change(server_id, metadata={**(self.servers[server_id].metadata or {}), **items})
        self._lost("write-metadata")

    def remove_metadata(self, server_id: str, key: str) -> None:
        self._called("remove-metadata")
        self._writable(server_id)
        left = {name: value for name, value in (self.servers[server_id].metadata or {}).items() if name != key}
        self.change(server_id, metadata=left)
        self._lost("remove-metadata")

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        del server_id, name
        self._called("sweep")

    # ------------------------------------------------------------ how Nova refuses

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fail.get(call):
            raise self.fail[call].pop(0)

    def _lost(self, call: str) -> None:
        if call in self.lose:
            self.lose.discard(call)
            raise errors.CloudUnavailable("the answer was cut")

    def _unlocked(self, server_id: str) -> None:
        if self.servers[server_id].locked and not self.admin:
            raise errors.ServerLocked(f"Instance {server_id} is locked")

    def _free(self, server_id: str) -> None:
        if self.servers[server_id].task_state is not None:
            raise errors.ServerBusy(f"while it is in task_state {self.servers[server_id].task_state}")

    def _writable(self, server_id: str) -> None:
        self._unlocked(server_id)
        self._free(server_id)
        if self.servers[server_id].vm_state not in {"active", "paused", "suspended", "stopped"}:
            raise errors.WrongState(f"while it is in vm_state {self.servers[server_id].vm_state}")

    def _act(self, server_id: str, action: str, states: set[str], task: str, **after: Any) -> None:
        self._called(action)
        self._unlocked(server_id)
        self._free(server_id)
        if self.servers[server_id].vm_state not in states:
            raise errors.WrongState(
                f"Cannot '{action}' instance while it is in vm_state {self.servers[server_id].vm_state}"
            )
        self.by(self.identity.user_id, action, server_id)
        self.change(server_id, task_state=task)
        self.pending[server_id] = after
        if self.instant:
            self.settle()
        self._lost(action)


@dataclass
class World:
    """One lease, its requests, its cloud and the clock; `turn` makes a turn as the runtime does."""

    now: datetime = START
    frozen: bool = False
    clock_certain: bool = True
    stamped: bool = True
    fault: Fault | None = None
    deletions: int = 100
    lease: InstanceLease | None = None
    requests: dict[str, LeaseRenewal] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    wake_at: datetime | None = None
    outcome: Outcome | None = None
    registry: Registry = field(default_factory=lambda: Registry(lambda _: None))
    seal: Seal = SEAL
    made: int = 0
    nova: Nova = field(init=False)

    def __post_init__(self) -> None:
        self.nova = Nova(self)

    # ------------------------------------------------------------ people

    def declare(self, uid: str = "uid-1", **spec: Any) -> None:
        declared = {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"}, "server": {"id": SERVER}}
        body = {**declared, **({} if "expireTime" in spec else {"duration": "90d"}), **spec}
        self.lease = InstanceLease(
            metadata=ObjectMeta(
                name="vm1", namespace="team-a", uid=uid, generation=1, resource_version="1", creation_timestamp=self.now
            ),
            spec=wire.from_builtins(body, InstanceLeaseSpec),
        )

    def edit(self, **spec: Any) -> None:
        lease = self._lease()
        body = {**wire.to_builtins(lease.spec), **spec}
        kept = {key: value for key, value in body.items() if value is not None}
        meta = self._meta(lease, generation=lease.metadata.generation + 1)
        self.lease = msgspec.structs.replace(lease, metadata=meta, spec=wire.from_builtins(kept, InstanceLeaseSpec))

    def annotate(self, **annotations: str) -> None:
        lease = self._lease()
        known = {key.replace("_", "-"): value for key, value in annotations.items()}
        merged = {**lease.metadata.annotations, **{f"{names.GROUP}/{key}": value for key, value in known.items()}}
        self.lease = msgspec.structs.replace(lease, metadata=self._meta(lease, annotations=merged))

    def remove(self) -> None:
        lease = self._lease()
        self.lease = msgspec.structs.replace(lease, metadata=self._meta(lease, deletion_timestamp=self.now))
        if not lease.metadata.finalizers:
            self.lease = None

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

    # ------------------------------------------------------------ the runtime

    def turn(self) -> "World":
        """Make passes and write what they ask for, until nothing is left to go on with."""
        fresh = False
        for _ in range(12):
            if self.lease is None:
                return self
            given = self._given(fresh=fresh)
            self.outcome = instanceleases.glance(given)
            if self.outcome.again and self.fault is None:
                ports = Ports(cloud=self.nova, objects=self, pace=self)
                self.outcome = instanceleases.visit(given, ports)
            wrote = self._write(self.outcome)
            self.wake_at = self.outcome.wake_at
            due = self.wake_at is not None and self.wake_at <= self.now
            goes_on = self.outcome.claim or due or self.outcome.finalizer is FinalizerChange.PUT_ON
            if self.outcome.again and not wrote:
                self.hidden.clear()
                continue
            if not wrote or not goes_on:
                return self
            fresh = True
        return self

    def sleep(self, most: timedelta = timedelta(days=400), *, until: datetime | None = None) -> "World":
        """Jump from wake-up to wake-up, a turn at each, until nothing wakes within that span."""
        end = until if until is not None else self.now + most
        for _ in range(200):
            if self.wake_at is None or self.wake_at > end:
                break
            self.now = max(self.now, self.wake_at)
            self.nova.settle()
            self.turn()
        self.now = max(self.now, end) if until is not None else self.now
        return self

    def at(self, instant: datetime) -> "World":
        """Jump to this instant by way of every wake-up before it, and make a turn there."""
        self.sleep(until=instant)
        self.nova.settle()
        return self.turn()

    def after(self, **span: float) -> "World":
        """Jump this far from the start."""
        return self.at(START + timedelta(**span))

    def reread(self, lease: InstanceLease) -> InstanceLease | None:
        return self.lease if self.lease is not None and self.lease.metadata.uid == lease.metadata.uid else None

    def renewals(self, lease: InstanceLease) -> tuple[LeaseRenewal, ...]:
        del lease
        return tuple(self.requests.values())

    def take(self) -> bool:
        self.deletions -= 1
        return self.deletions >= 0

    # ------------------------------------------------------------ what is read in tests

    def said(self, kind: ConditionType) -> tuple[str, str] | None:
        condition: Condition | None = find(self._lease().status.conditions, kind)
        return None if condition is None else (condition.status, condition.reason)

    def told(self) -> list[str]:
        return [event.reason.value for event in self.events]

    def granted(self, name: str = "more") -> tuple[str, str] | None:
        request = next(r for r in self.requests.values() if r.metadata.name == name)
        condition = find(request.status.conditions, ConditionType.GRANTED)
        return None if condition is None else (condition.status, condition.reason)

    # ------------------------------------------------------------ inside

    def _lease(self) -> InstanceLease:
        assert self.lease is not None
        return self.lease

    def _meta(self, lease: InstanceLease, **changes: Any) -> ObjectMeta:
        version = str(int(lease.metadata.resource_version) + 1)
        return msgspec.structs.replace(lease.metadata, resource_version=version, **changes)

    def _given(self, *, fresh: bool) -> Given:
        lease = self._lease()
        server_id = lease.status.server_id
        return Given(
            lease=lease,
            fresh=fresh,
            now=self.now,
            seal=self.seal,
            registry=self.registry,
            identity=self.nova.identity if self.fault is None else None,
            fault=self.fault,
            remembered=self.nova.servers.get(server_id) if server_id is not None and self.fault is None else None,
            renewals=tuple(r for uid, r in self.requests.items() if uid not in self.hidden),
            stamped=self.stamped,
            clock_certain=self.clock_certain,
            frozen=self.frozen,
            may_delete=self.deletions > 0,
        )

    def _write(self, outcome: Outcome) -> bool:
        lease = self._lease()
        wrote = False
        if outcome.finalizer is not FinalizerChange.KEEP:
            on = outcome.finalizer is FinalizerChange.PUT_ON
            self.writes.append("finalizer on" if on else "finalizer off")
            meta = self._meta(lease, finalizers=(names.FINALIZER,) if on else ())
            self.lease = msgspec.structs.replace(lease, metadata=meta) if on else None
            wrote = True
        elif outcome.status is not None:
            self.writes.append("claim" if outcome.claim else "status")
            self.lease = msgspec.structs.replace(lease, metadata=self._meta(lease), status=outcome.status)
            wrote = True
        self._decide(outcome)
        self.events.extend(outcome.events)
        return wrote

    def _decide(self, outcome: Outcome) -> None:
        for decision in outcome.decisions:
            uid = decision.renewal.metadata.uid
            if decision.delete:
                del self.requests[uid]
                continue
            meta = decision.renewal.metadata
            if decision.adopt and self.lease is not None:
                ours = OwnerReference(
                    api_version=names.API_VERSION, kind="InstanceLease", name="vm1", uid=self.lease.metadata.uid
                )
                meta = msgspec.structs.replace(meta, owner_references=(ours,))
            self.requests[uid] = msgspec.structs.replace(decision.renewal, metadata=meta, status=decision.status)


def facts(world: World, **changes: Any) -> Facts:
    """The facts of a glance, changed: for tests of a single decision."""
    assert world.lease is not None
    plain = Facts(lease=world.lease, now=world.now, seal=world.seal, identity=US, server=world.nova.servers.get(SERVER))
    return replace(plain, **changes)
