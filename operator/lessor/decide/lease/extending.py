"""Extending a Lease: by a LeaseRenewal, or by itself where `renewal.mode` is Auto.

Blazar decides. So a request is first written into the status as the extension that is under way, with the end that it
asks for; then Blazar is asked for that end; and what Blazar says makes it a grant, or a denial. An end is asked for as
an instant, so that it comes to the same however often it is asked.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from lessor.decide import requests
from lessor.decide.grants import HISTORY
from lessor.decide.lease import refusals, states, wanted, window
from lessor.decide.lease.changing import unchangeable
from lessor.decide.lease.facts import Change, Facts, Why
from lessor.decide.lease.window import Window, minute_up
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
_UNDECIDED = frozenset({Reason.UNCERTAIN, Reason.CLOUD_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Extending:
    """What is to be done about the requests for more time.

    Attributes:
        status: the new status but for conditions.
        effect: the end to ask Blazar for.
        claim: the status names an extension that is about to be asked for.
        decisions, events: the answers, and what is told of them.
        holds: Blazar refused what is done by itself, and is not asked again yet.
        wake_at: when to extend by itself next, or to try that again.
    """

    status: LeaseStatus
    effect: Change | None = None
    claim: bool = False
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()
    holds: bool = False
    wake_at: datetime | None = None


def extend(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Extending:
    """Say what is next. `status`: the new one so far; the spec's own differences are settled."""
    if status.extension is not None:
        return _under_way(facts, seen, status, status.extension)
    answered = _recorded(facts, status)
    if answered.decisions:
        return answered
    for request in requests.still_open(facts.renewals):
        denial = _denial(facts, seen, status, time, request)
        if denial is not None:
            return _denied(facts, status, request, denial)
        if facts.lease.spec.suspend or not states.takes_changes(seen):
            message = "The lease takes no change now: it is suspended, or Blazar is at it. The request waits."
            return Extending(status=status, decisions=requests.waiting(facts.renewals, message, facts.now))
        return Extending(status=replace(status, extension=_asked(facts, time, request)), claim=True)
    return _by_itself(facts, seen, status, time)


def waiting(facts: Facts, message: str) -> tuple[RenewalDecision, ...]:
    """Let the open requests wait, and say for what."""
    return requests.waiting(facts.renewals, message, facts.now)


def too_late(facts: Facts) -> tuple[RenewalDecision, ...]:
    """Deny the open requests: there is no lease any more."""
    verdict = conditions.false(Reason.TOO_LATE, "Blazar has the lease no more. Create another Lease.")
    return tuple(requests.decided(request, verdict, None, facts.now) for request in requests.still_open(facts.renewals))


# ---------------------------------------------------------------- one that is under way


def _under_way(facts: Facts, seen: ObservedLease, status: LeaseStatus, asked: Grant) -> Extending:
    if seen.end == asked.granted_until:
        return _granted(facts, status, asked)
    change = LeaseChange(end=asked.granted_until)
    failed = facts.failed
    ours = failed is not None and isinstance(failed.effect, Change) and failed.effect.change == change
    if failed is not None and ours and failed.fault.reason not in _UNDECIDED:
        if (back := _put_back(seen, status)) is not None:
            return Extending(status=status, effect=back)
        return _refused(facts, seen, status, asked, refusals.told(facts, failed.fault))
    tried = ours or any(isinstance(done, Change) and done.change == change for done in facts.done)
    if states.is_over(seen) or seen.end <= facts.now:
        return _refused(facts, seen, status, asked, Fault(Reason.TOO_LATE, "The lease has ended."))
    if tried or facts.lease.spec.suspend or not states.takes_changes(seen):
        return Extending(status=status, wake_at=facts.now + timedelta(seconds=5))
    return Extending(status=status, effect=Change(lease_id=seen.id, change=change, why=Why.EDIT))


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
    until = times.text(grant.granted_until)
    event = Event(EventReason.RENEWED, f"{grant.name}: Granted {grant.granted}: the lease ends at {until}.")
    return dataclasses.replace(_recorded(facts, done), events=(event,))


def _recorded(facts: Facts, status: LeaseStatus) -> Extending:
    """Answer what stands in the history; and clear away what was decided long ago."""
    history = {grant.uid: grant for grant in (status.renewals.history if status.renewals is not None else ())}
    decisions = tuple(
        requests.decided(request, _words(grant), grant, facts.now)
        for request in requests.still_open(facts.renewals)
        if (grant := history.get(request.metadata.uid)) is not None
    )
    return Extending(status=status, decisions=decisions + requests.cleared(facts.renewals, facts.lease.metadata.uid))


def _words(grant: Grant) -> Verdict:
    until = times.text(grant.granted_until)
    return conditions.true(Reason.FULL, f"Granted {grant.granted}: the lease ends at {until}.")


def _refused(facts: Facts, seen: ObservedLease, status: LeaseStatus, asked: Grant, fault: Fault) -> Extending:
    """Blazar said no: the lease stays as it was."""
    end = times.text(seen.end)
    none = replace(status, extension=None)
    if not asked.uid:
        refusal = refusals.of(facts, _auto_digest(asked), fault)
        event = Event(EventReason.RENEWAL_DENIED, f"{AUTO}: {fault.message} The lease ends at {end}, as before.")
        first = refusal.count == 1
        events = (event,) if first else ()
        again = refusals.again_at(refusal)
        return Extending(status=replace(none, refusal=refusal), events=events, holds=True, wake_at=again)
    request = next((one for one in facts.renewals if one.metadata.uid == asked.uid), None)
    if request is None:
        return Extending(status=none)
    reason = fault.reason if fault.reason in {Reason.NOT_ENOUGH_RESOURCES, Reason.TOO_LATE} else Reason.REFUSED
    verdict = conditions.false(reason, f"{fault.message} The lease ends at {end}, as before.")
    return _denied(facts, none, request, verdict)


# ---------------------------------------------------------------- one that is new


def _asked(facts: Facts, time: Window, request: LeaseRenewal) -> Grant:
    end = _new_end(facts.lease, time, request.spec.extend_by)
    return Grant(
        name=request.metadata.name,
        uid=request.metadata.uid,
        time=times.rounded_up(facts.now),
        granted=Duration.of(end - time.end),
        granted_until=end,
        requested_by=requests.requester(request, stamped=facts.stamped),
    )


def _new_end(lease: Lease, time: Window, asked: Duration | None) -> datetime:
    """The end after the extension, a whole minute, within the limits."""
    rules = lease.spec.renewal
    most = rules.extend_by if rules is not None else None
    by = (asked or most or window.length(lease)).delta
    if most is not None:
        by = min(by, most.delta)
    end = minute_up(times.later(time.end, by))
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
    if states.is_over(seen) or time.end <= facts.now:
        return conditions.false(
            Reason.TOO_LATE, "The lease has ended, and Blazar cannot bring it back. Create another Lease."
        )
    fixed = unchangeable(seen)
    if fixed is not None:
        return conditions.false(Reason.NOT_RENEWABLE, fixed.message)
    if _new_end(facts.lease, time, request.spec.extend_by) <= time.end:
        return conditions.false(
            Reason.LIMIT_REACHED,
            f"The lease already ends at {times.text(time.end)}, and spec.renewal.maxTotal lets it end no later.",
        )
    return None


def _denied(facts: Facts, status: LeaseStatus, request: LeaseRenewal, verdict: Verdict) -> Extending:
    event = Event(EventReason.RENEWAL_DENIED, f"{request.metadata.name}: {verdict.message}")
    decision = requests.decided(request, verdict, None, facts.now)
    return Extending(status=status, decisions=(decision,), events=(event,))


# ---------------------------------------------------------------- by itself


def _by_itself(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Extending:
    rules = facts.lease.spec.renewal
    quiet = Extending(status=status)
    if rules is None or rules.mode != RenewalMode.AUTO or states.is_over(seen) or unchangeable(seen) is not None:
        return quiet
    end = _new_end(facts.lease, time, rules.extend_by)
    if end <= time.end or not states.has_started(seen):
        return quiet
    at = _auto_at(time, end)
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
    digest = _auto_digest(asked)
    if (held := refusals.holding(facts, digest)) is not None:
        return Extending(status=status, holds=True, wake_at=refusals.again_at(held))
    if facts.lease.spec.suspend or not states.takes_changes(seen):
        return quiet
    return Extending(status=replace(status, extension=asked), claim=True)


def by_itself_at(lease: Lease, now: datetime) -> datetime | None:
    """Give when a Lease that has started is extended by itself next; None: it is not."""
    rules = lease.spec.renewal
    if rules is None or rules.mode != RenewalMode.AUTO or lease.status.state != LeaseState.ACTIVE:
        return None
    time = window.at(lease, None, now)
    end = _new_end(lease, time, rules.extend_by)
    return _auto_at(time, end) if end > time.end else None


def _auto_at(time: Window, end: datetime) -> datetime:
    """A third of an extension's length before the end: time enough to ask again when Blazar says no."""
    return times.rounded_up(max(time.start, time.end - (end - time.end) / 3))


def _auto_digest(asked: Grant) -> str:
    return wanted.request_digest([AUTO, asked.granted_until])
