"""Everything that is known in one pass over an InstanceLease, and the plan that is made of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from lessor.model.conditions import Disposition, Fault
from lessor.model.instancelease import InstanceLease, InstanceLeaseStatus
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.marks import Seal
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from lessor.model.plans import Deed, Effect, Event, FinalizerChange, RenewalDecision, StageFact


class Look(Enum):
    """What came of looking for the server."""

    NOT_LOOKED = auto()  # not in the inventory, or not asked: decides nothing
    FOUND = auto()
    ABSENT = auto()  # 404 to the token that we have
    AMBIGUOUS = auto()  # several of that name


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An effect that was tried in this pass and refused. `wrong_state`: because of the server's vm_state."""

    effect: Effect
    fault: Fault
    wrong_state: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The lease that holds the server already; `name` only when it is of the same namespace."""

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one InstanceLease at one instant.

    Attributes:
        lease: the object, as last read or written.
        problem: why its spec cannot be read; then `lease.spec` holds what could be saved of it.
        now: the one reading of the clock.
        seal: to read and write marks with.
        live: the cloud was asked in this pass; else `server` is from the inventory, at most a minute old.
        identity: whom our credentials are; None while they are not usable.
        fault: why the cloud could not be asked; None when it was, or was not needed.
        look, server, same_name: what came of looking for the server; the ids when several have its name.
        events: its os-instance-actions, newest first; None: not read in this pass.
        image: the image of a claimed Snapshot stage; None: there is none, or it was not looked for.
        holder: another lease that holds this server; None: it is ours, or free.
        mark_lives: the object that the server's mark names is alive.
        renewals: the LeaseRenewals that name this lease.
        stamped: the cluster stamps who asked for a renewal; else the requester is unverified.
        clock_certain, frozen, may_delete: what the shell says of the clock, the freeze and the pace of deletions.
        done: the deeds of this pass so far.
        failed: the deeds of this pass that were refused, one entry a deed.
    """

    lease: InstanceLease
    now: datetime
    seal: Seal
    problem: Fault | None = None
    live: bool = False
    identity: CloudIdentity | None = None
    fault: Fault | None = None
    look: Look = Look.NOT_LOOKED
    server: ObservedServer | None = None
    same_name: tuple[str, ...] = ()
    events: tuple[ServerEvent, ...] | None = None
    image: ObservedImage | None = None
    holder: Holder | None = None
    mark_lives: bool = False
    renewals: tuple[LeaseRenewal, ...] = ()
    stamped: bool = False
    clock_certain: bool = True
    frozen: bool = False
    may_delete: bool = True
    done: frozenset[Deed] = frozenset()
    failed: tuple[Failed, ...] = ()

    def refusal(self, deed: Deed) -> Failed | None:
        """Give how this deed was refused in this pass, None when it was not tried or was done."""
        return next((failed for failed in self.failed if failed.effect.deed is deed), None)

    @property
    def asked(self) -> bool:
        """Whether a person asked to look now, and has not been answered."""
        asked = self.lease.metadata.annotations.get("lessor.dev/reconcile-requested-at")
        return asked is not None and asked != self.lease.status.last_handled_reconcile_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What ought to be done now.

    Attributes:
        status: the whole new status, as it should be written when there is no effect to perform.
        effect: what to do in the cloud; after it the world is looked at again.
        look_closer: more must be known than the inventory tells: come back with the cloud at hand.
        claim: the status must be written before the effect that it announces.
        The rest: as in `Outcome`.
    """

    status: InstanceLeaseStatus
    effect: Effect | None = None
    look_closer: bool = False
    claim: bool = False
    finalizer: FinalizerChange = FinalizerChange.KEEP
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    urgent: bool = False
    disposition: Disposition = Disposition.DONE
    stage: StageFact | None = None
