"""Extending a Lease: by a LeaseRenewal, or by itself where `renewal.mode` is Auto.

Blazar decides. So a request is first written into the status as the extension that is under way, with the end that it
asks for; then Blazar is asked for that end; and what Blazar says makes it a grant, or a denial. An end is asked for as
an instant, so that it comes to the same however often it is asked.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime

import msgspec

from lessor.decide import requests
from lessor.decide.grants import HISTORY
from lessor.decide.lease import refusals, states, wanted, window
from lessor.decide.lease.changing import unchangeable
from lessor.decide.lease.facts import Change, Facts, Failed, Why
from lessor.decide.lease.states import Trouble
from lessor.decide.lease.window import MINUTE, Window, minute_up
from lessor.model import conditions, times
from lessor.model.conditions import Fault, Reason, Verdict
from lessor.model.instancelease import Grant, RenewalsStatus
from lessor.model.lease import Lease, LeaseStatus, RenewalMode
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.plans import Event, EventReason, RenewalDecision
from lessor.model.reservations import LeaseChange, LeaseState, ObservedLease
from lessor.model.times import Duration

replace = msgspec.structs.replace
AUTO = "auto"
_SAID = frozenset(
    {Reason.NOT_ENOUGH_RESOURCES, Reason.TOO_EARLY, Reason.TOO_LATE, Reason.NOT_RENEWABLE, Reason.LIMIT_REACHED}
)
_ENDED = Fault(Reason.TOO_LATE, "The lease has ended, and Blazar cannot bring it back. Create another Lease.")
_NEVER_STARTS = Fault(Reason.NOT_RENEWABLE, "Blazar could not start the lease. Delete it and create another Lease.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extending:
    """What is to be done about the requests for more time.

    Attributes:
        status: the new status but for conditions.
        effect: the end to ask Blazar for.
        claim: the status names an extension that is about to be asked for.
        decisions, events: the answers, and what is told of them.
        holds: the refusal in the status is of an extension that is tried again.
        wake_at: when to extend by itself next, or to try that again.
    """

    status: LeaseStatus
    effect: Change | None = None
    claim: bool = False
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()
    holds: bool = False
    wake_at: datetime | None = None


def extend(facts: Facts, seen: ObservedLease, begun: Extending, time: Window) -> Extending:
    """Answer the open requests, up to the first one that Blazar must be asked for; without one, see to it by itself.

    `begun`: the new status so far, and what was answered; no extension is under way, and the spec's own differences
    are settled.
    """
    status = begun.status
    for request in _unanswered(facts, begun):
        denial = _denial(facts, seen, status, time, request)
        if denial is not None:
            begun = _denied(facts, begun, request, denial)
        elif facts.lease.spec.suspend or not states.takes_changes(seen):
            message = "The lease takes no change now: it is suspended, or Blazar is at it. The request waits."
            begun = _put_off(facts, begun, request, message)
        else:
            asked = _asked(facts, seen, time, request)
            return dataclasses.replace(begun, status=replace(status, extension=asked), claim=True)
    alone = _by_itself(facts, seen, status, time)
    return dataclasses.replace(alone, decisions=begun.decisions, events=begun.events)


def waiting(facts: Facts, message: str) -> tuple[RenewalDecision, ...]:
    """Let the open requests wait, and say for what."""
    return requests.waiting(facts.renewals, message, facts.now)


def answered(facts: Facts, begun: Extending) -> Extending:
    """Answer the requests that stand in the history, and clear away what was decided long ago."""
    return dataclasses.replace(begun, decisions=begun.decisions + _recorded(facts, begun.status))


def put_off(facts: Facts, begun: Extending, message: str) -> Extending:
    """Let the requests wait that have no answer yet, and say for what."""
    for request in _unanswered(facts, begun):
        begun = _put_off(facts, begun, request, message)
    return begun


def too_late(facts: Facts) -> tuple[RenewalDecision, ...]:
    """Deny the open requests, but for those that were granted: there is no lease any more."""
    recorded = answered(facts, Extending(status=facts.lease.status))
    verdict = conditions.false(Reason.TOO_LATE, "Blazar has no such lease. Create another Lease.")
    denied = (requests.decided(request, verdict, None, facts.now) for request in _unanswered(facts, recorded))
    return (*recorded.decisions, *denied)


# ---------------------------------------------------------------- one that is under way


def under_way(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window, asked: Grant) -> Extending:
    """Say what is next with the extension that was asked for: it goes on, or the status names it no more."""
    if seen.end >= asked.granted_until:
        return _granted(facts, status, asked)
    fault = _ended_or_dead(facts, seen) or _no_room_left(facts, time, asked)
    if fault is not None:
        return _refused(facts, seen, status, asked, fault)
    if facts.lease.spec.suspend:
        return Extending(status=status, decisions=waiting(facts, "The lease is suspended. The request waits."))
    if (moved := _moved(time, asked)) != asked:  # the spec says another end since: what is added comes on top of it
        return Extending(status=replace(status, extension=moved), claim=True)
    if (failed := _failed(facts)) is not None:
        return _after_a_no(facts, seen, status, asked, failed)
    if (held := refusals.holding(facts, _digest(asked))) is not None:
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


def _ended_or_dead(facts: Facts, seen: ObservedLease) -> Fault | None:
    if states.is_over(seen) or seen.end <= facts.now:
        return _ENDED
    return _NEVER_STARTS if states.trouble(seen) is Trouble.START else None


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
    refusal = refusals.of(facts, _digest(asked), Fault(Reason.UNCERTAIN, failed.fault.message))
    message = f"Whether Blazar extended the lease is not known: {failed.fault.message} It is asked for again."
    return Extending(
        status=replace(status, refusal=refusal),
        decisions=waiting(facts, message),
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
    verdict = _words(facts, request, grant)
    reason = EventReason.RENEWED if verdict.reason is Reason.FULL else EventReason.CLAMPED
    return Extending(status=done, events=(Event(reason, f"{grant.name}: {verdict.message}"),))


def _recorded(facts: Facts, status: LeaseStatus) -> tuple[RenewalDecision, ...]:
    """Answer what stands in the history; and clear away what was decided long ago."""
    history = {grant.uid: grant for grant in (status.renewals.history if status.renewals is not None else ())}
    decisions = tuple(
        requests.decided(request, _words(facts, request, grant), grant, facts.now)
        for request in requests.still_open(facts.renewals)
        if (grant := history.get(request.metadata.uid)) is not None
    )
    return decisions + requests.cleared(facts.renewals, facts.lease.metadata.uid)


def _unanswered(facts: Facts, begun: Extending) -> tuple[LeaseRenewal, ...]:
    answered = {decision.renewal.metadata.uid for decision in begun.decisions}
    return tuple(one for one in requests.still_open(facts.renewals) if one.metadata.uid not in answered)


def _words(facts: Facts, request: LeaseRenewal | None, grant: Grant) -> Verdict:
    """Say what was granted, and which rule made it less than what was asked for."""
    until, rules = times.text(grant.granted_until), facts.lease.spec.renewal
    asked = request.spec.extend_by if request is not None else None
    if asked is None or rules is None or grant.granted.delta >= asked.delta:
        return conditions.true(Reason.FULL, f"Granted {grant.granted}: the lease ends at {until}.")
    by_step = rules.extend_by is not None and grant.granted.delta >= rules.extend_by.delta
    rule = "spec.renewal.extendBy" if by_step else "spec.renewal.maxTotal"
    return conditions.true(
        Reason.CLAMPED, f"Granted {grant.granted} of {asked}: {rule} of the lease allows no more. It ends at {until}."
    )


def _refused(facts: Facts, seen: ObservedLease, status: LeaseStatus, asked: Grant, fault: Fault) -> Extending:
    """Blazar said no: the lease stays as it was."""
    end = times.text(seen.end)
    none = Extending(status=replace(status, extension=None))
    if not asked.uid:
        refusal = refusals.of(facts, _digest(asked), fault)
        event = Event(EventReason.RENEWAL_DENIED, f"{AUTO}: {fault.message} The lease ends at {end}, as before.")
        first = refusal.count == 1
        return dataclasses.replace(
            none, status=replace(none.status, refusal=refusal), events=(event,) if first else (), holds=True
        )
    request = next((one for one in facts.renewals if one.metadata.uid == asked.uid), None)
    if request is None or request.decided:
        return none
    reason = fault.reason if fault.reason in _SAID else Reason.REFUSED
    return _denied(
        facts, none, request, conditions.false(reason, f"{fault.message} The lease ends at {end}, as before.")
    )


# ---------------------------------------------------------------- one that is new


def _asked(facts: Facts, seen: ObservedLease, time: Window, request: LeaseRenewal) -> Grant:
    end = _new_end(facts.lease, time, seen.end, request.spec.extend_by)
    return Grant(
        name=request.metadata.name,
        uid=request.metadata.uid,
        time=times.rounded_up(facts.now),
        granted=Duration.of(end - time.end),
        granted_until=end,
        requested_by=requests.requester(request, stamped=facts.stamped),
    )


def _new_end(lease: Lease, time: Window, held: datetime, asked: Duration | None) -> datetime:
    """The end after the extension, a whole minute, within the limits.

    `held`: the end in Blazar. Where somebody moved it past ours the length counts from there: nothing is shortened.
    """
    rules = lease.spec.renewal
    most = rules.extend_by if rules is not None else None
    by = (asked or most or window.length(lease)).delta
    if most is not None:
        by = min(by, most.delta)
    end = minute_up(times.later(max(time.end, held), by))
    return end if time.latest is None else max(time.end, min(end, time.latest))


def _denial(
    facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window, request: LeaseRenewal
) -> Verdict | None:
    name = request.metadata.name
    history = status.renewals.history if status.renewals is not None else ()
    if any(grant.name == name for grant in history):
        return conditions.false(
            Reason.ALREADY_GRANTED, f"A LeaseRenewal named {name} was granted before. Ask again under another name."
        )
    if (fault := _ended_or_dead(facts, seen)) is not None:
        return conditions.false(fault.reason, fault.message)
    fixed = unchangeable(seen)
    if fixed is not None:
        return conditions.false(Reason.NOT_RENEWABLE, fixed.message)
    if _new_end(facts.lease, time, seen.end, request.spec.extend_by) <= max(time.end, seen.end):
        return conditions.false(
            Reason.LIMIT_REACHED,
            f"The lease already ends at {times.text(seen.end)}, and spec.renewal.maxTotal lets it end no later.",
        )
    return None


def _denied(facts: Facts, before: Extending, request: LeaseRenewal, verdict: Verdict) -> Extending:
    event = Event(EventReason.RENEWAL_DENIED, f"{request.metadata.name}: {verdict.message}")
    decision = requests.decided(request, verdict, None, facts.now)
    return dataclasses.replace(before, decisions=(*before.decisions, decision), events=(*before.events, event))


def _put_off(facts: Facts, before: Extending, request: LeaseRenewal, message: str) -> Extending:
    decision = requests.unanswered(request, conditions.false(Reason.WAITING, message), facts.now)
    return before if decision is None else dataclasses.replace(before, decisions=(*before.decisions, decision))


# ---------------------------------------------------------------- by itself


def _by_itself(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Extending:
    rules = facts.lease.spec.renewal
    quiet = Extending(status=status)
    if rules is None or rules.mode != RenewalMode.AUTO or states.is_over(seen) or unchangeable(seen) is not None:
        return quiet
    base, end = max(time.end, seen.end), _new_end(facts.lease, time, seen.end, rules.extend_by)
    if end <= base or not states.has_started(seen):
        return quiet
    at = _auto_at(time, base, end)
    if facts.now < at:
        return Extending(status=status, wake_at=at)
    asked = Grant(
        name=f"{AUTO}-{times.text(time.end)}",
        uid="",
        time=times.rounded_up(facts.now),
        granted=Duration.of(end - time.end),
        granted_until=end,
        requested_by=AUTO,
    )
    # a refusal of just this stands until Blazar says yes: how long to wait is counted in it
    holds = refusals.standing(facts, _digest(asked)) is not None
    if (held := refusals.holding(facts, _digest(asked))) is not None:
        return Extending(status=status, holds=holds, wake_at=refusals.again_at(held))
    if facts.lease.spec.suspend or not states.takes_changes(seen):
        return dataclasses.replace(quiet, holds=holds)
    return Extending(status=replace(status, extension=asked), claim=True, holds=holds)


def by_itself_at(lease: Lease, now: datetime) -> datetime | None:
    """Give when a Lease that has started is extended by itself next; None: it is not."""
    rules, held = lease.spec.renewal, lease.status.end_time
    if rules is None or rules.mode != RenewalMode.AUTO or lease.status.state != LeaseState.ACTIVE or held is None:
        return None
    time = window.at(lease, None, now)
    base, end = max(time.end, held), _new_end(lease, time, held, rules.extend_by)
    return _auto_at(time, base, end) if end > base else None


def _auto_at(time: Window, base: datetime, end: datetime) -> datetime:
    """A third of an extension's length before the end: time enough to ask again when Blazar says no."""
    return times.rounded_up(max(time.start, base - (end - base) / 3))


def _digest(asked: Grant) -> str:
    return wanted.request_digest([asked.uid or AUTO, asked.granted_until])
