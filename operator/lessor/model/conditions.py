"""The closed sets of condition types and reasons, each with what we do about it; the rule of transition times."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from lessor.model import times
from lessor.model.wire import Wire


class Disposition(StrEnum):
    """What we do about a reason."""

    WAIT = "wait"  # a known event or a pause brings it on
    RETRY = "retry"  # again, with growing pauses from 5 s to 10 min
    SPEC = "spec"  # a person must change the object: Stalled
    ASK = "ask"  # a person must act elsewhere: an Event, and again each 10 min
    DONE = "done"


class ConditionType(StrEnum):
    """What can be said of an object."""

    ACCEPTED = "Accepted"
    RESERVED = "Reserved"
    SERVER_FOUND = "ServerFound"
    MARKED = "Marked"
    ACTIVE = "Active"
    NOTIFIED = "Notified"
    EXPIRING = "Expiring"
    EXPIRED = "Expired"
    ENFORCED = "Enforced"
    EXEMPT = "Exempt"
    DEGRADED = "Degraded"
    SEQUESTERED = "Sequestered"
    SUSPENDED = "Suspended"
    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    COMPLETED = "Completed"
    GRANTED = "Granted"


class Reason(StrEnum):
    """Why a condition is as it is: one word of a closed set; what a person must know stands in the message."""

    # Accepted
    ACCEPTED = "Accepted"
    INVALID_SPEC = "InvalidSpec"
    UNSUPPORTED_VALUE = "UnsupportedValue"
    NOT_IMPLEMENTED_YET = "NotImplementedYet"
    PERMISSION_DENIED = "PermissionDenied"
    CREDENTIALS_MISSING = "CredentialsMissing"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    INVALID_CREDENTIALS = "InvalidCredentials"
    CLOUD_CHANGED = "CloudChanged"
    CLOUD_UNAVAILABLE = "CloudUnavailable"
    ALREADY_LEASED = "AlreadyLeased"
    AMBIGUOUS_SERVER = "AmbiguousServer"
    UNSUPPORTED_RESOURCE_TYPE = "UnsupportedResourceType"
    CREDENTIALS_UNSUITABLE = "CredentialsUnsuitable"
    IMPORT_AMBIGUOUS = "ImportAmbiguous"
    IMPORT_NOT_FOUND = "ImportNotFound"
    # Reserved
    RESERVED = "Reserved"
    CREATING = "Creating"
    NOT_ENOUGH_RESOURCES = "NotEnoughResources"
    REFUSED = "Refused"
    LOST = "Lost"
    RELEASED = "Released"
    UNCERTAIN = "Uncertain"
    # Active
    IN_WINDOW = "InWindow"
    NOT_STARTED = "NotStarted"
    STARTING = "Starting"
    NOT_RESERVED = "NotReserved"
    NOT_ACCEPTED = "NotAccepted"
    EXPIRED = "Expired"
    # ServerFound
    FOUND = "Found"
    MISSING = "Missing"
    NOT_FOUND_YET = "NotFoundYet"
    NEWER_SERVER = "NewerServer"
    FORBIDDEN = "Forbidden"
    # Marked
    MARKED = "Marked"
    NOT_WRITABLE = "NotWritable"
    OTHER_INSTALLATION = "OtherInstallation"
    # Expiring, Expired
    ENDS_SOON = "EndsSoon"
    END_REACHED = "EndReached"
    RENEWED = "Renewed"
    # Enforced
    STOPPED = "Stopped"
    SHELVED = "Shelved"
    SNAPSHOTTED = "Snapshotted"
    DELETED = "Deleted"
    LOCKED_ONLY = "LockedOnly"
    ALREADY_DONE = "AlreadyDone"
    DUE = "Due"
    SERVER_BUSY = "ServerBusy"
    SERVER_LOCKED = "ServerLocked"
    MARK_MISSING = "MarkMissing"
    NOTICE_REQUIRED = "NoticeRequired"
    FROZEN = "Frozen"
    CLOCK_UNCERTAIN = "ClockUncertain"
    ACTION_FAILED = "ActionFailed"
    # Exempt
    UNTIL_TIME = "UntilTime"
    ENDED = "Ended"
    # Degraded
    MISSING_RESOURCES = "MissingResources"
    RESOURCES_CHANGED = "ResourcesChanged"
    RENAMED = "Renamed"
    END_CHANGED = "EndChanged"
    BLAZAR_ERROR = "BlazarError"
    BEFORE_END_FAILED = "BeforeEndFailed"
    TRUST_OF_OTHER_USER = "TrustOfOtherUser"
    HEALED = "Healed"
    # Sequestered
    SERVER_FAILED = "ServerFailed"
    # Suspended
    REQUESTED = "Requested"
    # Ready
    IN_TERM = "InTerm"
    EXEMPT = "Exempt"
    DELETION_HELD = "DeletionHeld"
    RESTORE_FAILED = "RestoreFailed"
    RELEASE_BLOCKED = "ReleaseBlocked"
    # Completed
    DECIDED = "Decided"
    LEASE_NOT_FOUND = "LeaseNotFound"
    WAITING = "Waiting"
    # Granted
    FULL = "Full"
    CLAMPED = "Clamped"
    TOO_EARLY = "TooEarly"
    TOO_LATE = "TooLate"
    LIMIT_REACHED = "LimitReached"
    NOT_RENEWABLE = "NotRenewable"
    ALREADY_GRANTED = "AlreadyGranted"


_WAIT = (
    "AlreadyLeased NotStarted Missing Due ServerBusy ServerLocked NoticeRequired Frozen ClockUncertain DeletionHeld "
    "LeaseNotFound Waiting Renewed Creating NotEnoughResources Uncertain Starting"
)
_RETRY = (
    "CredentialsMissing CredentialsRefused InvalidCredentials CloudUnavailable NotFoundYet NotWritable ActionFailed "
    "RestoreFailed ImportNotFound"
)
_SPEC = (
    "InvalidSpec UnsupportedValue NotImplementedYet CloudChanged AmbiguousServer NewerServer UnsupportedResourceType "
    "CredentialsUnsuitable ImportAmbiguous Refused Lost"
)
_ASK = "PermissionDenied Forbidden OtherInstallation MarkMissing ReleaseBlocked TrustOfOtherUser"

DISPOSITIONS: Mapping[Reason, Disposition] = {
    **dict.fromkeys(Reason, Disposition.DONE),
    **{Reason(word): Disposition.WAIT for word in _WAIT.split()},
    **{Reason(word): Disposition.RETRY for word in _RETRY.split()},
    **{Reason(word): Disposition.SPEC for word in _SPEC.split()},
    **{Reason(word): Disposition.ASK for word in _ASK.split()},
}


class ConditionStatus(StrEnum):
    """True, False, or Unknown; an absent condition reads as Unknown."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Wire, frozen=True, kw_only=True):
    """One condition as it stands in a status. Source: the Kubernetes API conventions, metav1.Condition."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: Annotated[datetime, msgspec.Meta(tz=True)]
    observed_generation: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """What is said of one condition in one pass."""

    status: ConditionStatus
    reason: Reason
    message: str

    @property
    def disposition(self) -> Disposition:
        """What we do about it; a condition that is True asks for nothing."""
        return Disposition.DONE if self.status is ConditionStatus.TRUE else DISPOSITIONS[self.reason]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and the sentence for the object's owner."""

    reason: Reason
    message: str


def true(reason: Reason, message: str) -> Verdict:
    """Say that the condition holds."""
    return Verdict(ConditionStatus.TRUE, reason, message)


def false(reason: Reason, message: str) -> Verdict:
    """Say that the condition does not hold."""
    return Verdict(ConditionStatus.FALSE, reason, message)


def unknown(reason: Reason, message: str) -> Verdict:
    """Say that it cannot be told."""
    return Verdict(ConditionStatus.UNKNOWN, reason, message)


def find(conditions: Iterable[Condition], wanted: ConditionType) -> Condition | None:
    """Give the condition of that type, None when it is absent."""
    return next((condition for condition in conditions if condition.type == wanted), None)


def is_true(conditions: Iterable[Condition], wanted: ConditionType) -> bool:
    """Tell whether the condition is there and True."""
    condition = find(conditions, wanted)
    return condition is not None and condition.status == ConditionStatus.TRUE


def kept(conditions: Iterable[Condition], wanted: ConditionType) -> Verdict | None:
    """Say of a condition what was said before; None when nothing was, or in words of another version."""
    before = find(conditions, wanted)
    if before is None or before.status not in tuple(ConditionStatus) or before.reason not in tuple(Reason):
        return None
    return Verdict(ConditionStatus(before.status), Reason(before.reason), before.message)


def merged(
    old: tuple[Condition, ...], said: Mapping[ConditionType, Verdict], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Give the conditions after a pass: what was said, in the order of ConditionType.

    `lastTransitionTime` moves only with the status, never with reason or message.
    What was not said is gone: a caller that wants a condition to stay says it again.
    """
    result = []
    for kind in ConditionType:
        verdict = said.get(kind)
        if verdict is None:
            continue
        before = find(old, kind)
        same = before is not None and before.status == verdict.status
        since = before.last_transition_time if before is not None and same else times.whole_second(now)
        result.append(
            Condition(
                type=kind.value,
                status=verdict.status.value,
                reason=verdict.reason.value,
                message=verdict.message,
                last_transition_time=since,
                observed_generation=generation,
            )
        )
    return tuple(result)
