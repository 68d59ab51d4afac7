"""What a pass wants and what came of it: effects, events, plans, outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lessor.model.conditions import Disposition, Fault
from lessor.model.instancelease import InstanceLeaseStatus
from lessor.model.lease import LeaseStatus
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalStatus
from lessor.model.observed import ObservedServer
from lessor.model.reservations import ObservedLease


class EventReason(StrEnum):
    """The reasons of Kubernetes Events."""

    ACCEPTED = "Accepted"
    RESERVED = "Reserved"
    ACTIVATED = "Activated"
    RENEWED = "Renewed"
    CLAMPED = "Clamped"
    STOPPED = "Stopped"
    SHELVED = "Shelved"
    SNAPSHOTTED = "Snapshotted"
    DELETED = "Deleted"
    RESTORED = "Restored"
    ADOPTED = "Adopted"
    RELEASED = "Released"
    ENDED = "Ended"
    HEALED = "Healed"
    EXPIRING_SOON = "ExpiringSoon"
    RENEWAL_DENIED = "RenewalDenied"
    ACTION_FAILED = "ActionFailed"
    RESTORE_FAILED = "RestoreFailed"
    MANUAL_START = "ManualStart"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    MARK_MISSING = "MarkMissing"
    SERVER_MISSING = "ServerMissing"
    NOT_ENOUGH_RESOURCES = "NotEnoughResources"
    DRIFTED = "Drifted"
    SEQUESTERED = "Sequestered"


WARNINGS = frozenset(
    {
        EventReason.EXPIRING_SOON,
        EventReason.RENEWAL_DENIED,
        EventReason.ACTION_FAILED,
        EventReason.RESTORE_FAILED,
        EventReason.MANUAL_START,
        EventReason.CREDENTIALS_REFUSED,
        EventReason.MARK_MISSING,
        EventReason.SERVER_MISSING,
        EventReason.NOT_ENOUGH_RESOURCES,
        EventReason.DRIFTED,
        EventReason.SEQUESTERED,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One Kubernetes Event about the object: a change worth a person's glance."""

    reason: EventReason
    note: str

    @property
    def type(self) -> str:
        """`Normal` or `Warning`."""
        return "Warning" if self.reason in WARNINGS else "Normal"


class Deed(StrEnum):
    """The verbs that change something in the cloud."""

    STOP = "stop"
    START = "start"
    LOCK = "lock"
    UNLOCK = "unlock"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SNAPSHOT = "snapshot"
    DELETE = "delete"
    WRITE_MARK = "write-mark"
    REMOVE_MARK = "remove-mark"
    SWEEP_IMAGE = "sweep-image"


class Purpose(StrEnum):
    """Why something is done in the cloud: what must be asked before it."""

    STAGE = "stage"  # harm: the renewals are listed first
    RESTORE = "restore"  # undoes harm: never held by freezes or limits
    MARK = "mark"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One request that changes the cloud.

    Attributes:
        deed: what is asked for.
        purpose: why.
        server_id: of which server.
        text: the locked_reason, the image's name, or the metadata key, as the deed needs it.
        stage: the `lessor_stage` property of a snapshot's image.
        items: the metadata to write.
    """

    deed: Deed
    purpose: Purpose
    server_id: str
    text: str = ""
    stage: str = ""
    items: Mapping[str, str] | None = None


class FinalizerChange(StrEnum):
    """What happens to our finalizer."""

    KEEP = "keep"
    PUT_ON = "put on"
    TAKE_OFF = "take off"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDecision:
    """The status that one LeaseRenewal gets, and whether it is bound to the lease by an ownerReference."""

    renewal: LeaseRenewal
    status: LeaseRenewalStatus
    adopt: bool = False
    delete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMap:
    """A ConfigMap that goes with the object, and what it ought to hold."""

    name: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFact:
    """For the metrics: a stage was seen done or failed; `lag_seconds` after its time."""

    action: str
    result: str
    lag_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one pass asks the shell to write, and when it wants to be called again.

    Attributes:
        status: the whole new status; None leaves it.
        finalizer: what happens to our finalizer.
        annotations: written with the finalizer, or alone; None: none.
        config_map: written before the status, which says that it was; None: none, or as it is.
        claim: the status claims an effect: it is written before all else, and the pass goes on from its answer.
        again: call again at once, with the cloud and the re-read object at hand: there is something to do.
        decisions: what the LeaseRenewals get, after the lease itself is written.
        events: written last.
        wake_at: the next instant that matters by the clock; None: none is known.
        urgent: what matters then is a stage.
        look_at: when the lease must be read again in Blazar, for it is about to change; None: the list will do.
        disposition: how to come back besides: RETRY and ASK have their pauses in the shell.
        stage: a stage that came to its end in this pass, for the metrics.
        posted: a Blazar lease was asked for: the claim of it is used up.
        changed: a Blazar lease was changed or deleted.
        looked: whether the server, or the lease in Blazar, was read by its id.
        seen, seen_lease: what was seen; None: it is not there.
        fault: why the cloud did not answer as it should.
    """

    status: InstanceLeaseStatus | LeaseStatus | None = None
    finalizer: FinalizerChange = FinalizerChange.KEEP
    annotations: Mapping[str, str] | None = None
    config_map: ConfigMap | None = None
    claim: bool = False
    again: bool = False
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    urgent: bool = False
    look_at: datetime | None = None
    disposition: Disposition = Disposition.DONE
    stage: StageFact | None = None
    posted: bool = False
    changed: bool = False
    looked: bool = False
    seen: ObservedServer | None = None
    seen_lease: ObservedLease | None = None
    fault: Fault | None = None
