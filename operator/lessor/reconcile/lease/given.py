"""What the shell hands to a pass over a Lease: the object, what is remembered of Blazar, and the ports to ask more."""

from dataclasses import dataclass
from datetime import datetime

from lessor.model.conditions import Fault
from lessor.model.lease import Lease
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.observed import CloudIdentity
from lessor.model.reservations import ObservedLease
from lessor.ports.leading import Leadership
from lessor.ports.objects import Objects, Pace
from lessor.ports.reservations import Reservations


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What was last read of a lease, and when. `lease` None: a list did not have it."""

    lease: ObservedLease | None
    read: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one pass starts from.

    Attributes:
        lease: the object as it is known.
        problem: why its spec cannot be read; None when it can.
        fresh: it is the answer of our own last write: no need to read it again before the first effect.
        claimed: the claim that this process wrote and has sent no POST for; None: there is none.
        now: the one reading of the clock.
        identity: whom the Lease's credentials are; None while they are not usable.
        fault: why they are not usable.
        remembered: the lease as it was last read; None: it was not.
        edits_from: as in `Facts`.
        renewals: the LeaseRenewals of the Lease, as they are known.
        stamped, clock_certain, frozen, may_delete: as in `Facts`.
    """

    lease: Lease
    now: datetime
    problem: Fault | None = None
    fresh: bool = False
    claimed: datetime | None = None
    identity: CloudIdentity | None = None
    fault: Fault | None = None
    remembered: Remembered | None = None
    edits_from: datetime | None = None
    renewals: tuple[LeaseRenewal, ...] = ()
    stamped: bool = False
    clock_certain: bool = True
    frozen: bool = False
    may_delete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ways out of a pass that may act: it blocks on them, so it runs in a thread."""

    blazar: Reservations
    objects: Objects
    pace: Pace
    leading: Leadership
