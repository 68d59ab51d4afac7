"""Fleets of settled InstanceLeases: what each would be after its first visit, by Lessor's own pure core.

They go straight into etcd, in the form that the API server gives such an object. The stub gets the servers, marked.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lessor.decide import wakeup, window
from lessor.model import names, times, wire
from lessor.model.instancelease import InstanceLease, InstanceLeaseSpec, InstanceLeaseStatus
from lessor.model.marks import Mark, Seal
from lessor.model.meta import ObjectMeta
from lessor.model.observed import ObservedServer
from lessor.reconcile import instanceleases
from lessor.reconcile.given import Given
from lessor.runtime.registry import Registry
from tests.bench import clock, templates
from tests.bench.cloud import StubCloud
from tests.bench.etcd import Etcd, Stored
from tests.bench.templates import Templates

TERM = timedelta(days=90)
_SPEC: dict[str, Any] = {
    "cloudCredentialsRef": {"secretName": "cloud", "cloudName": "openstack"},
    "duration": "90d",
    "renewal": {"extendBy": "30d", "from": "Expiry", "window": "30d", "maxTotal": "365d"},
    "expiry": {"stages": [{"after": "0s", "action": "Stop", "lock": True}]},
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A lease to be made: its name, and when it was first accepted."""

    name: str
    start: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A lease after its first visit, and its server."""

    lease: InstanceLease
    server: ObservedServer

    @property
    def end(self) -> datetime:
        """When its only stage is due."""
        return self.start + TERM

    @property
    def start(self) -> datetime:
        """When it was first accepted."""
        assert self.lease.status.start_time is not None
        return self.lease.status.start_time


class Fleet:
    """Makes leases in one namespace."""

    def __init__(self, templates: Templates, etcd: Etcd, cloud: StubCloud, seal: Seal, namespace: str) -> None:
        self._templates = templates
        self._etcd = etcd
        self._cloud = cloud
        self._seal = seal
        self._namespace = namespace

    def stored(self, name: str = "", *, until: int = 0) -> list[Stored]:
        """List the leases whose names begin so, as etcd has them; those not written since `until` unless that is 0."""
        return self._etcd.keys(templates.where(self._namespace, name), until=until)

    def write(self, spots: Iterable[Spot]) -> list[Settled]:
        """Make settled leases and their servers."""
        now = clock.now()
        leases = [self._settled(spot, now) for spot in spots]
        self._cloud.add(each.server for each in leases)
        revisions = self._etcd.put((self._key(each), self._templates.stored(each.lease)) for each in leases)
        return [_at_version(each, revision) for each, revision in zip(leases, revisions, strict=True)]

    def clear(self) -> None:
        """Forget the leases, and all servers."""
        self._etcd.delete(templates.where(self._namespace))
        self._cloud.clear()

    def prepare(self) -> None:
        """Make the templates of what this can write; before an operator runs."""
        now = clock.now()
        for spot in (*quiet(1, now), *ending([now + timedelta(hours=1)])):
            self._templates.make(self._settled(spot, now).lease)

    def _key(self, settled: Settled) -> str:
        return templates.where(self._namespace, settled.lease.metadata.name)

    # ------------------------------------------------------------ the core

    def _settled(self, spot: Spot, now: datetime) -> Settled:
        server_id, uid = str(uuid.uuid4()), str(uuid.uuid4())
        meta = ObjectMeta(
            name=spot.name,
            namespace=self._namespace,
            uid=uid,
            resource_version="1",
            generation=1,
            creation_timestamp=times.whole_second(now),
            finalizers=(names.FINALIZER,),
        )
        spec = wire.from_builtins({**_SPEC, "server": {"id": server_id}}, InstanceLeaseSpec)
        mark = Mark(installation=self._seal.installation, object=uid, server=server_id, start=spot.start)
        end = times.text(window.at(spec, spot.start, None).end)
        server = ObservedServer(
            id=server_id,
            name=f"server-of-{spot.name}",
            project_id=self._cloud.identity.project_id,
            status="ACTIVE",
            metadata={names.MARK_KEY: self._seal.write(mark), names.EXPIRES_KEY: end},
            locked=False,
            vm_state="active",
        )
        new = Settled(InstanceLease(metadata=meta, spec=spec), server)
        settled = Settled(msgspec.structs.replace(new.lease, status=self.after(new, now)), server)
        if self.after(settled, now) != settled.lease.status or (wakeup.at(settled.lease, now) or now) <= now:
            raise RuntimeError(f"the lease {spot.name} would not be settled at {now}")
        return settled

    def after(self, known: Settled, now: datetime) -> InstanceLeaseStatus:
        """Give the status that a pass from memory gives at this instant."""
        given = Given(
            lease=known.lease,
            now=now,
            seal=self._seal,
            registry=Registry(lambda _: None),
            identity=self._cloud.identity,
            remembered=known.server,
        )
        outcome = instanceleases.glance(given)
        return outcome.status if outcome.status is not None else known.lease.status


def quiet(count: int, now: datetime) -> Sequence[Spot]:
    """Give spots of leases to which nothing happens for weeks: accepted in the last ten days."""
    day = times.whole_second(now) - timedelta(days=10)
    return [Spot(f"quiet-{index:05}", day + timedelta(seconds=60 * index)) for index in range(count)]


def expiring(count: int, at: datetime, prefix: str = "herd") -> Sequence[Spot]:
    """Give spots of leases whose `Expiring` begins at this one instant."""
    return [Spot(f"{prefix}-{index:05}", at - TERM * 2 / 3) for index in range(count)]


def ending(ends: Sequence[datetime]) -> Sequence[Spot]:
    """Give spots of leases that end then, one each."""
    return [Spot(f"stage-{index:05}", end - TERM) for index, end in enumerate(ends)]


def _at_version(settled: Settled, revision: int) -> Settled:
    meta = msgspec.structs.replace(settled.lease.metadata, resource_version=str(revision))
    return Settled(msgspec.structs.replace(settled.lease, metadata=meta), settled.server)
