"""Everything that is known in one pass over a Lease, what may be done, and the plan that is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from lessor.model import names
from lessor.model.conditions import Disposition, Fault
from lessor.model.lease import Lease, LeaseStatus
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.observed import CloudIdentity
from lessor.model.plans import ConfigMap, Event, FinalizerChange, RenewalDecision
from lessor.model.reservations import LeaseChange, ObservedLease, WantedLease


class Look(Enum):
    """What came of looking for the lease in Blazar."""

    NOT_LOOKED = auto()  # nothing is remembered of it, and nobody was asked
    FOUND = auto()
    LISTED_NOT = auto()  # the last list did not have it: only a read by its id says that it is gone
    ABSENT = auto()  # 404 to a read by its id
    NONE = auto()  # there is no id to look for
    AMBIGUOUS = auto()  # several of the name to import


class Why(Enum):
    """Why a lease is changed."""

    EDIT = auto()
    HEAL = auto()  # a rename: a lease whose update failed is well again after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make the lease."""

    wanted: WantedLease


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Change the lease."""

    lease_id: str
    change: LeaseChange
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete the lease. `harms`: servers may run on what it reserves."""

    lease_id: str
    harms: bool


Effect = Create | Change | Delete


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An effect of this pass that Blazar did not do, or not surely."""

    effect: Effect
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one Lease at one instant.

    Attributes:
        lease: the object, as last read or written.
        problem: why its spec cannot be read; then `lease.spec` holds what could be saved of it.
        now: the one reading of the clock.
        live: Blazar was asked in this pass.
        claimed: the claim that this process wrote and has sent no POST for; None: there is none.
        identity: whom our credentials are; None while they are not usable.
        fault: why Blazar could not be asked; None when it was, or was not needed.
        look, seen, same_name: what came of looking for the lease; the ids when several have its name.
        read: when the record was read; None: it was not.
        ids: the flavors and networks of the spec that were looked up, each with its id; None: there is none.
        unfit: why what the spec names cannot be looked up: it is not clear what is meant.
        floating_ips: the addresses by reservation id; None: they were not read.
        edits_from: until then a leader before us may still be changing the lease; None: there is none.
        renewals, stamped, clock_certain, frozen, may_delete: as for an InstanceLease.
        done: the effects of this pass that were done.
        failed: the last one that was not.
        longest: the latest end that Blazar would have taken a moment ago instead; None: nobody asked.
    """

    lease: Lease
    now: datetime
    problem: Fault | None = None
    live: bool = False
    claimed: datetime | None = None
    identity: CloudIdentity | None = None
    fault: Fault | None = None
    look: Look = Look.NOT_LOOKED
    seen: ObservedLease | None = None
    same_name: tuple[str, ...] = ()
    read: datetime | None = None
    ids: Mapping[str, str | None] = field(default_factory=dict)
    unfit: Fault | None = None
    floating_ips: Mapping[str, tuple[str, ...]] | None = None
    edits_from: datetime | None = None
    renewals: tuple[LeaseRenewal, ...] = ()
    stamped: bool = False
    clock_certain: bool = True
    frozen: bool = False
    may_delete: bool = True
    done: tuple[Effect, ...] = ()
    failed: Failed | None = None
    longest: datetime | None = None

    @property
    def asked(self) -> bool:
        """Whether a person asked to look now, and has not been answered."""
        asked = self.lease.metadata.annotations.get(names.RECONCILE_REQUESTED_AT)
        return asked is not None and asked != self.lease.status.last_handled_reconcile_at

    @property
    def handled(self) -> str | None:
        """The newest request to look that is answered with this pass."""
        asked = self.lease.metadata.annotations.get(names.RECONCILE_REQUESTED_AT)
        return asked if asked is not None else self.lease.status.last_handled_reconcile_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What ought to be done now.

    Attributes:
        status: the whole new status, as it should be written when there is no effect to perform.
        effect: what to do in Blazar; after it the lease is looked at again.
        look_closer: come back with Blazar at hand.
        claim: the status must be written before the effect that it announces.
        annotations: what is written with the finalizer, or alone.
        look_at: when the record of the lease must be read again, for it is about to change. None: the list will do.
        The rest: as in `Outcome`.
    """

    status: LeaseStatus
    effect: Effect | None = None
    look_closer: bool = False
    claim: bool = False
    finalizer: FinalizerChange = FinalizerChange.KEEP
    annotations: Mapping[str, str] | None = None
    config_map: ConfigMap | None = None
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    look_at: datetime | None = None
    disposition: Disposition = Disposition.DONE
