"""Extending a Lease: by a LeaseRenewal, or by itself where `renewal.mode` is Auto; the answers that requests get.

Blazar decides. So a request is first written into the status as the extension that is under way, with the end that it
asks for; then Blazar is asked for that end; and what Blazar says makes it a grant, or a denial. An end is asked for as
an instant, so that it comes to the same however often it is asked.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime

import msgspec

from lessor.decide import requests
from lessor.decide.lease import refusals, states, wanted, window
from lessor.decide.lease.changing import unchangeable
from lessor.decide.lease.facts import Change, Facts
from lessor.decide.lease.states import Trouble
from lessor.decide.lease.window import Window, minute_up
from lessor.model import conditions, times
from lessor.model.conditions import Fault, Reason, Verdict
from lessor.model.instancelease import Grant
from lessor.model.lease import Lease, LeaseStatus, RenewalMode
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.plans import Event, EventReason, RenewalDecision
from lessor.model.reservations import LeaseState, ObservedLease
from lessor.model.times import Duration

replace = msgspec.structs.replace
AUTO = "auto"
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
            begun = denied(facts, begun, request, denial)
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


# ---------------------------------------------------------------- answers


def _recorded(facts: Facts, status: LeaseStatus) -> tuple[RenewalDecision, ...]:
    """Answer what stands in the history; and clear away what was decided long ago."""
    history = {grant.uid: grant for grant in (status.renewals.history if status.renewals is not None else ())}
    decisions = tuple(
        requests.decided(request, words(facts, request, grant), grant, facts.now)
        for request in requests.still_open(facts.renewals)
        if (grant := history.get(request.metadata.uid)) is not None
    )
    return decisions + requests.cleared(facts.renewals, facts.lease.metadata.uid)


def _unanswered(facts: Facts, begun: Extending) -> tuple[LeaseRenewal, ...]:
    answered = {decision.renewal.metadata.uid for decision in begun.decisions}
    return tuple(one for one in requests.still_open(facts.renewals) if one.metadata.uid not in answered)


def words(facts: Facts, request: LeaseRenewal | None, grant: Grant) -> Verdict:
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


def ended_or_dead(facts: Facts, seen: ObservedLease) -> Fault | None:
    """Say why there is no lease to extend; None: there is one."""
    if states.is_over(seen) or seen.end <= facts.now:
        return _ENDED
    return _NEVER_STARTS if states.trouble(seen) is Trouble.START else None


def _denial(
    facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window, request: LeaseRenewal
) -> Verdict | None:
    name = request.metadata.name
    history = status.renewals.history if status.renewals is not None else ()
    if any(grant.name == name for grant in history):
        return conditions.false(
            Reason.ALREADY_GRANTED, f"A LeaseRenewal named {name} was granted before. Ask again under another name."
        )
    if (fault := ended_or_dead(facts, seen)) is not None:
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


def denied(facts: Facts, before: Extending, request: LeaseRenewal, verdict: Verdict) -> Extending:
    """Add the denial of a request to what was answered before."""
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
    holds = refusals.standing(facts, digest(asked)) is not None
    if (held := refusals.holding(facts, digest(asked))) is not None:
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


def digest(asked: Grant) -> str:
    """Give the digest by which a refusal knows what it was about."""
    return wanted.request_digest([asked.uid or AUTO, asked.granted_until])
