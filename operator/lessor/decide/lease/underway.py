"""The extension that is under way: asked of Blazar until it is a grant, or a denial.

It may have been asked for by a process that is no more: what Blazar shows comes first.
"""

import dataclasses

import msgspec

from lessor.decide.grants import HISTORY
from lessor.decide.lease import extending, refusals, states
from lessor.decide.lease.extending import Extending
from lessor.decide.lease.facts import Change, Facts, Failed, Why
from lessor.decide.lease.window import MINUTE, Window
from lessor.model import conditions, times
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import Grant, RenewalsStatus
from lessor.model.lease import LeaseStatus
from lessor.model.plans import Event, EventReason
from lessor.model.reservations import LeaseChange, ObservedLease
from lessor.model.times import Duration

replace = msgspec.structs.replace
_SAID = frozenset(
    {Reason.NOT_ENOUGH_RESOURCES, Reason.TOO_EARLY, Reason.TOO_LATE, Reason.NOT_RENEWABLE, Reason.LIMIT_REACHED}
)


def next_step(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window, asked: Grant) -> Extending:
    """Say what is next with the extension that was asked for: it goes on, or the status names it no more."""
    if seen.end >= asked.granted_until:
        return _granted(facts, status, asked)
    fault = extending.ended_or_dead(facts, seen) or _no_room_left(facts, time, asked)
    if fault is not None:
        return _refused(facts, seen, status, asked, fault)
    if facts.lease.spec.suspend:
        return Extending(
            status=status, decisions=extending.waiting(facts, "The lease is suspended. The request waits.")
        )
    if (moved := _moved(time, asked)) != asked:  # the spec says another end since: what is added comes on top of it
        return Extending(status=replace(status, extension=moved), claim=True)
    if (failed := _failed(facts)) is not None:
        return _after_a_no(facts, seen, status, asked, failed)
    if (held := refusals.holding(facts, extending.digest(asked))) is not None:
        return Extending(status=status, wake_at=refusals.again_at(held))
    if any(isinstance(done, Change) and done.change == _wish(asked) for done in facts.done):
        return Extending(status=status, wake_at=facts.now + MINUTE)
    if not states.takes_changes(seen):
        return Extending(status=status)
    if facts.edits_from is not None and facts.now < facts.edits_from:  # it may still be putting an end back
        return Extending(status=status, wake_at=facts.edits_from)
    return Extending(status=status, effect=Change(lease_id=seen.id, change=_wish(asked), why=Why.EDIT))


def _wish(asked: Grant) -> LeaseChange:
    return LeaseChange(end=asked.granted_until)


def _no_room_left(facts: Facts, time: Window, asked: Grant) -> Fault | None:
    """Say why there is nothing to extend to after the spec was edited; None: there is."""
    end = _moved(time, asked).granted_until
    if end <= facts.now:
        return Fault(Reason.TOO_LATE, "The spec says an end since that is past, also with the extension.")
    if end > time.end:
        return None
    return Fault(Reason.LIMIT_REACHED, "spec.renewal.maxTotal lets the lease end no later.")


def _moved(time: Window, asked: Grant) -> Grant:
    end = times.later(time.end, asked.granted.delta)
    if time.latest is not None:
        end = min(end, time.latest)
    return replace(asked, granted=Duration.of(end - time.end), granted_until=end)


def _failed(facts: Facts) -> Failed | None:
    failed = facts.failed
    return (
        failed if failed is not None and isinstance(failed.effect, Change) and failed.effect.why is Why.EDIT else None
    )


def _after_a_no(facts: Facts, seen: ObservedLease, status: LeaseStatus, asked: Grant, failed: Failed) -> Extending:
    """A no is an answer. After a lost one, or one to what puts the end back, all is tried again after a pause."""
    ours = isinstance(failed.effect, Change) and failed.effect.change == _wish(asked)
    if ours and failed.fault.reason not in refusals.UNDECIDED:
        if (back := _put_back(seen, status)) is not None:
            return Extending(status=status, effect=back)
        return _refused(facts, seen, status, asked, refusals.told(facts, failed.fault))
    if not states.takes_changes(seen):
        return Extending(status=status)
    refusal = refusals.of(facts, extending.digest(asked), Fault(Reason.UNCERTAIN, failed.fault.message))
    message = f"Whether Blazar extended the lease is not known: {failed.fault.message} It is asked for again."
    return Extending(
        status=replace(status, refusal=refusal),
        decisions=extending.waiting(facts, message),
        wake_at=refusals.again_at(refusal),
    )


def _put_back(seen: ObservedLease, status: LeaseStatus) -> Change | None:
    """Undo what a search for the longest end left; None: the lease is as it was."""
    told = status.requested
    if told is None or seen.end == told.end_time or not states.takes_changes(seen):
        return None
    return Change(lease_id=seen.id, change=LeaseChange(end=told.end_time), why=Why.EDIT)


def _granted(facts: Facts, status: LeaseStatus, grant: Grant) -> Extending:
    """Blazar has the end: it goes into the history, before the LeaseRenewal is answered."""
    before = status.renewals if status.renewals is not None else RenewalsStatus()
    grown = RenewalsStatus(
        count=before.count + 1,
        extended=Duration.of(before.sum + grant.granted.delta),
        history=(*before.history, grant)[-HISTORY:],
    )
    requested = status.requested
    done = replace(
        status,
        extension=None,
        refusal=None,
        renewals=grown,
        requested=replace(requested, end_time=grant.granted_until) if requested is not None else None,
    )
    request = next((one for one in facts.renewals if one.metadata.uid == grant.uid), None)
    verdict = extending.words(facts, request, grant)
    reason = EventReason.RENEWED if verdict.reason is Reason.FULL else EventReason.CLAMPED
    return Extending(status=done, events=(Event(reason, f"{grant.name}: {verdict.message}"),))


def _refused(facts: Facts, seen: ObservedLease, status: LeaseStatus, asked: Grant, fault: Fault) -> Extending:
    """Blazar said no: the lease stays as it was."""
    end = times.text(seen.end)
    none = Extending(status=replace(status, extension=None))
    if not asked.uid:
        refusal = refusals.of(facts, extending.digest(asked), fault)
        event = Event(
            EventReason.RENEWAL_DENIED, f"{extending.AUTO}: {fault.message} The lease ends at {end}, as before."
        )
        first = refusal.count == 1
        return dataclasses.replace(
            none, status=replace(none.status, refusal=refusal), events=(event,) if first else (), holds=True
        )
    request = next((one for one in facts.renewals if one.metadata.uid == asked.uid), None)
    if request is None or request.decided:
        return none
    reason = fault.reason if fault.reason in _SAID else Reason.REFUSED
    return extending.denied(
        facts, none, request, conditions.false(reason, f"{fault.message} The lease ends at {end}, as before.")
    )
