"""What the shell hands to a pass: the object, what is remembered, and the ports to ask more."""

from dataclasses import dataclass
from datetime import datetime

from lessor.model.conditions import Fault
from lessor.model.instancelease import InstanceLease
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.marks import Seal
from lessor.model.observed import CloudIdentity, ObservedServer
from lessor.ports.cloud import Cloud
from lessor.ports.leading import Leadership
from lessor.ports.objects import Objects, Pace, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one pass starts from.

    Attributes:
        lease: the object as it is known.
        problem: why its spec cannot be read; None when it can.
        fresh: it is the answer of our own last write: no need to read it again before the first effect.
        now: the one reading of the clock.
        seal, registry: to read marks with, and who holds which server.
        identity: whom the lease's credentials are; None while they are not usable.
        fault: why they are not usable.
        remembered: the server as the inventory holds it; None: it does not.
        renewals: the LeaseRenewals of the lease, as they are known.
        stamped, clock_certain, frozen, may_delete: as in `Facts`.
    """

    lease: InstanceLease
    now: datetime
    seal: Seal
    registry: Registry
    problem: Fault | None = None
    fresh: bool = False
    identity: CloudIdentity | None = None
    fault: Fault | None = None
    remembered: ObservedServer | None = None
    renewals: tuple[LeaseRenewal, ...] = ()
    stamped: bool = False
    clock_certain: bool = True
    frozen: bool = False
    may_delete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ways out of a pass that may act: it blocks on them, so it runs in a thread."""

    cloud: Cloud
    objects: Objects
    pace: Pace
    leading: Leadership
