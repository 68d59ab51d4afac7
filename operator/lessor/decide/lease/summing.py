"""The conditions of a Lease together: those that sum up the others, and the Events that a change of them is worth."""

from datetime import datetime

from lessor.decide import summing
from lessor.decide.lease import window
from lessor.decide.lease.facts import Facts
from lessor.model import conditions, times
from lessor.model.conditions import Condition, ConditionStatus, ConditionType, Reason, Verdict
from lessor.model.lease import LeaseStatus
from lessor.model.plans import Event, EventReason

with_kstatus = summing.with_kstatus
_NOT_ACCEPTED = conditions.false(Reason.NOT_ACCEPTED, "The lease is not in force, because it is not accepted.")
_NOT_ASKED = conditions.false(Reason.CREATING, "The lease has not been asked for.")
_NOTHING = conditions.false(Reason.NOT_RESERVED, "Nothing is reserved yet.")


def whole(  # noqa: PLR0913 (one for each condition that the facts decide)
    facts: Facts,
    *,
    accepted: Verdict,
    reserved: Verdict | None = None,
    active: Verdict | None = None,
    degraded: Verdict | None = None,
    ready: Verdict | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[ConditionType, Verdict]:
    """Give every condition of a Lease that is not being deleted. What is None stands as it was said before."""
    old = facts.lease.status.conditions
    is_accepted = accepted.status is ConditionStatus.TRUE
    said: dict[ConditionType, Verdict | None] = {
        ConditionType.ACCEPTED: accepted,
        ConditionType.RESERVED: reserved or conditions.kept(old, ConditionType.RESERVED) or _NOT_ASKED,
        ConditionType.ACTIVE: _active(facts, accepted, reserved, active),
        ConditionType.DEGRADED: degraded or conditions.kept(old, ConditionType.DEGRADED),
        ConditionType.EXPIRING: _expiring(facts, start, end),
        ConditionType.EXPIRED: _expired(facts, reserved, end),
        ConditionType.SUSPENDED: _suspended(facts),
        ConditionType.READY: ready if is_accepted and ready is not None else accepted,
    }
    return with_kstatus({kind: verdict for kind, verdict in said.items() if verdict is not None})


def re_said(status: LeaseStatus) -> dict[ConditionType, Verdict]:
    """Give what all conditions said before, but for the pair that is derived."""
    derived = {ConditionType.RECONCILING, ConditionType.STALLED}
    pairs = ((kind, conditions.kept(status.conditions, kind)) for kind in ConditionType if kind not in derived)
    return {kind: verdict for kind, verdict in pairs if verdict is not None}


def _active(facts: Facts, accepted: Verdict, reserved: Verdict | None, active: Verdict | None) -> Verdict:
    if active is not None:
        return active
    before = conditions.kept(facts.lease.status.conditions, ConditionType.ACTIVE)
    if reserved is not None and reserved.status is ConditionStatus.FALSE:
        if reserved.reason is Reason.ENDED:
            return conditions.false(Reason.EXPIRED, reserved.message)
        return _NOTHING
    if accepted.status is not ConditionStatus.TRUE and facts.lease.status.start_time is None:
        return _NOT_ACCEPTED
    return before or _NOTHING


def _expiring(facts: Facts, start: datetime | None, end: datetime | None) -> Verdict | None:
    old = facts.lease.status.conditions
    if end is None or start is None:
        return conditions.kept(old, ConditionType.EXPIRING)
    if window.expiring(start, end) <= facts.now:
        return conditions.true(Reason.ENDS_SOON, f"The lease ends at {times.text(end)}.")
    if conditions.find(old, ConditionType.EXPIRING) is None:
        return None
    return conditions.false(Reason.RENEWED, f"The lease goes on until {times.text(end)}.")


def _expired(facts: Facts, reserved: Verdict | None, end: datetime | None) -> Verdict | None:
    old = facts.lease.status.conditions
    if reserved is not None and reserved.reason is Reason.ENDED:
        return conditions.true(Reason.END_REACHED, reserved.message)
    if end is not None and end <= facts.now:
        return conditions.true(Reason.END_REACHED, f"The lease ended at {times.text(end)}.")
    if end is None or conditions.find(old, ConditionType.EXPIRED) is None:
        return conditions.kept(old, ConditionType.EXPIRED)
    return conditions.false(Reason.RENEWED, f"The lease goes on until {times.text(end)}.")


def _suspended(facts: Facts) -> Verdict | None:
    if not facts.lease.spec.suspend:
        return None
    return conditions.true(Reason.REQUESTED, "spec.suspend is set: nothing is asked of Blazar; the time runs on.")


# ---------------------------------------------------------------- Events

_OF_ACCEPTED = {
    Reason.CREDENTIALS_MISSING,
    Reason.CREDENTIALS_REFUSED,
    Reason.INVALID_CREDENTIALS,
    Reason.PERMISSION_DENIED,
    Reason.CREDENTIALS_UNSUITABLE,
}


def events(facts: Facts, status: LeaseStatus) -> tuple[Event, ...]:
    """Give an Event for each change that is worth a person's glance."""
    old, new = facts.lease.status.conditions, status.conditions
    found = []
    if (no := _turned(old, new, ConditionType.ACCEPTED)) and no.reason in _OF_ACCEPTED:
        found.append(Event(EventReason.CREDENTIALS_REFUSED, no.message))
    if reserved := _turned(old, new, ConditionType.RESERVED):
        found.extend(_of_reserved(facts, reserved))
    if (active := _turned(old, new, ConditionType.ACTIVE)) and active.status == ConditionStatus.TRUE:
        found.append(Event(EventReason.ACTIVATED, active.message))
    if degraded := _turned(old, new, ConditionType.DEGRADED):
        well = degraded.status != ConditionStatus.TRUE
        found.append(Event(EventReason.HEALED if well else EventReason.DRIFTED, degraded.message))
    if (expired := _turned(old, new, ConditionType.EXPIRED)) and expired.status == ConditionStatus.TRUE:
        found.append(Event(EventReason.ENDED, expired.message))
    elif (expiring := _turned(old, new, ConditionType.EXPIRING)) and expiring.status == ConditionStatus.TRUE:
        found.append(Event(EventReason.EXPIRING_SOON, expiring.message))
    if (ready := _turned(old, new, ConditionType.READY)) and _was_reserved(old) and _is_no(ready):
        found.append(Event(EventReason.NOT_ENOUGH_RESOURCES, ready.message))
    return tuple(found)


def _of_reserved(facts: Facts, reserved: Condition) -> tuple[Event, ...]:
    if reserved.status == ConditionStatus.TRUE:
        before = conditions.find(facts.lease.status.conditions, ConditionType.RESERVED)
        if before is not None and before.reason == Reason.CLOUD_UNAVAILABLE and facts.lease.status.start_time:
            return ()  # it was there before Blazar was away
        taken_over = facts.lease.spec.import_ is not None
        return (Event(EventReason.ADOPTED if taken_over else EventReason.RESERVED, reserved.message),)
    if reserved.reason in {Reason.NOT_ENOUGH_RESOURCES, Reason.REFUSED}:
        return (Event(EventReason.NOT_ENOUGH_RESOURCES, reserved.message),)
    if reserved.reason == Reason.LOST:
        return (Event(EventReason.DRIFTED, reserved.message),)
    return ()


def _is_no(ready: Condition) -> bool:
    return ready.status == ConditionStatus.FALSE and ready.reason in {Reason.NOT_ENOUGH_RESOURCES, Reason.REFUSED}


def _was_reserved(old: tuple[Condition, ...]) -> bool:
    return conditions.is_true(old, ConditionType.RESERVED)


def _turned(old: tuple[Condition, ...], new: tuple[Condition, ...], kind: ConditionType) -> Condition | None:
    """Give the condition when its status or reason is another than before; one that was first said False is no news."""
    before, now = conditions.find(old, kind), conditions.find(new, kind)
    if now is None or (before is not None and (before.status, before.reason) == (now.status, now.reason)):
        return None
    return now
