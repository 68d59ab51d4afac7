"""What Blazar refused: kept in status, so that nothing is asked for again before its time, whoever was restarted."""

from datetime import datetime, timedelta

from lessor.decide.lease.facts import Facts
from lessor.model import times
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import Refusal

_CAPACITY = (
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=4),
    timedelta(minutes=8),
    timedelta(minutes=16),
)
_LONGEST = timedelta(minutes=30)
_ASK = timedelta(minutes=10)
_LOST = timedelta(seconds=10)
# Nothing but another spec helps: asked again only then, or when a person wants it.
FINAL = frozenset({Reason.REFUSED, Reason.UNSUPPORTED_RESOURCE_TYPE, Reason.INVALID_SPEC})
# No answer at all: it may have been done. What comes to the same however often it is asked is asked again, in pauses:
# a Blazar that cannot act in its user's name answers each change so, and turns the lease to ERROR.
UNDECIDED = frozenset({Reason.UNCERTAIN, Reason.CLOUD_UNAVAILABLE})


def of(facts: Facts, request: str, fault: Fault) -> Refusal:
    """Give the refusal that stands after this one: the same again counts on."""
    before, at = facts.lease.status.refusal, times.whole_second(facts.now)
    same = before is not None and before.request == request and before.reason == fault.reason
    return Refusal(
        request=request,
        reason=fault.reason.value,
        message=fault.message,
        since=before.since if same and before is not None else at,
        time=at,
        count=before.count + 1 if same and before is not None else 1,
    )


def told(facts: Facts, fault: Fault) -> Fault:
    """Give the fault with the longest end that Blazar would have taken instead, where that was asked."""
    if fault.reason in UNDECIDED:
        return Fault(Reason.UNCERTAIN, fault.message)
    longest, requested = facts.longest, facts.lease.status.requested
    if longest is None or requested is None:
        return fault
    if longest <= requested.end_time:
        return Fault(fault.reason, f"{fault.message} At {times.text(facts.now)} no later end was free.")
    return Fault(
        fault.reason,
        f"{fault.message} At {times.text(facts.now)} Blazar would have taken an end up to about {times.text(longest)}; "
        "others may take that time.",
    )


def standing(facts: Facts, request: str) -> Refusal | None:
    """Give the refusal of just this request; None: it was not refused, or something else was."""
    refusal = facts.lease.status.refusal
    return refusal if refusal is not None and refusal.request == request else None


def again_at(refusal: Refusal) -> datetime | None:
    """Give when the same may be asked for again; None: never by itself."""
    if refusal.reason in FINAL:
        return None
    if refusal.reason in UNDECIDED:
        return times.later(refusal.time, min(_LOST * (1 << min(refusal.count - 1, 10)), _ASK))
    if refusal.reason != Reason.NOT_ENOUGH_RESOURCES:
        return times.later(refusal.time, _ASK)
    pause = _CAPACITY[refusal.count - 1] if refusal.count <= len(_CAPACITY) else _LONGEST
    return times.later(refusal.time, pause)


def holding(facts: Facts, request: str) -> Refusal | None:
    """Give the refusal for whose sake this request must not be made now; None: it may."""
    refusal = standing(facts, request)
    if refusal is None or facts.asked:
        return None
    again = again_at(refusal)
    return refusal if again is None or facts.now < again else None
