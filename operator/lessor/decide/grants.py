"""What LeaseRenewals get: monotonic, clamped by the limits, each decided once.

A grant is written first into the lease's history (name, uid), then into the LeaseRenewal: a crash between the two is
filled in by the next pass from the history.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from lessor.decide import requests, window
from lessor.decide.facts import Facts
from lessor.model import conditions, times
from lessor.model.conditions import Reason, Verdict
from lessor.model.instancelease import Action, Grant, InstanceLeaseSpec, RenewalsStatus, RenewFrom
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.plans import Event, EventReason, RenewalDecision
from lessor.model.times import Duration

HISTORY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What came of the requests of one pass: the grants so far, the answers, the Events."""

    renewals: RenewalsStatus | None
    decisions: tuple[RenewalDecision, ...] = ()
    events: tuple[Event, ...] = ()


def rule(facts: Facts, start: datetime, renewals: RenewalsStatus | None) -> Ruling:
    """Answer every request that is open, oldest first; and clear away what was decided long ago."""
    ruling = Ruling(renewals=renewals)
    if must_look(facts):
        return replace(
            ruling,
            decisions=requests.waiting(
                facts.renewals, "Whether the server has been deleted is not known yet.", facts.now
            ),
        )
    for request in requests.still_open(facts.renewals):
        ruling = _answer(facts, start, request, ruling)
    return replace(ruling, decisions=ruling.decisions + requests.cleared(facts.renewals, facts.lease.metadata.uid))


def counted(spec: InstanceLeaseSpec, renewals: RenewalsStatus | None) -> RenewalsStatus | None:
    """Give the grants with how many remain, by the limit as it is declared now; None: no grant and no limit."""
    most = spec.renewal.max_renewals if spec.renewal is not None else None
    if renewals is None and most is None:
        return None
    known = renewals if renewals is not None else RenewalsStatus()
    remaining = None if most is None else max(0, most - known.count)
    return msgspec.structs.replace(known, remaining=remaining)


def must_look(facts: Facts) -> bool:
    """Tell whether an open request cannot be answered before the server was read: a Delete is claimed."""
    claim = facts.lease.status.next_action
    claimed = claim is not None and claim.claimed_time is not None and claim.action == Action.DELETE
    read = facts.live and facts.fault is None
    return claimed and not read and any(not request.decided for request in facts.renewals)


def _answer(facts: Facts, start: datetime, request: LeaseRenewal, ruling: Ruling) -> Ruling:
    history = ruling.renewals.history if ruling.renewals is not None else ()
    recorded = next((grant for grant in history if grant.uid == request.metadata.uid), None)
    if recorded is not None:
        return _granted(facts, request, recorded, ruling)
    denial = _denial(facts, start, request, ruling.renewals)
    if denial is not None:
        return _denied(facts, request, denial, ruling)
    grant = _grant(facts, start, request, ruling.renewals)
    grown = _grown(ruling.renewals or RenewalsStatus(), grant)
    return _granted(facts, request, grant, replace(ruling, renewals=grown), fresh=True)


def _denial(facts: Facts, start: datetime, request: LeaseRenewal, renewals: RenewalsStatus | None) -> Verdict | None:
    rules, name = facts.lease.spec.renewal, request.metadata.name
    term = window.at(facts.lease.spec, start, renewals)
    granted = renewals if renewals is not None else RenewalsStatus()
    if any(grant.name == name for grant in granted.history):
        return conditions.false(
            Reason.ALREADY_GRANTED, f"A LeaseRenewal named {name} was granted before. Ask again under another name."
        )
    if _too_late(facts):
        return conditions.false(Reason.TOO_LATE, "The server has been deleted: there is nothing left to renew.")
    if rules is None:
        return None
    if rules.max_renewals is not None and granted.count >= rules.max_renewals:
        reason = Reason.NOT_RENEWABLE if rules.max_renewals == 0 else Reason.LIMIT_REACHED
        return conditions.false(
            reason, f"The lease allows {rules.max_renewals} renewals, and {granted.count} were granted."
        )
    opens = times.earlier(term.end, rules.window.delta) if rules.window is not None else None
    if opens is not None and facts.now < opens:
        first = times.text(opens)
        return conditions.false(Reason.TOO_EARLY, f"The lease can be renewed from {first} on. Ask again then.")
    moved = _new_end(facts, request, start, term) > term.end
    if not moved and rules.from_ == RenewFrom.NOW and (term.latest is None or term.end < term.latest):
        first = times.text(times.earlier(term.end, _length(facts, request, start)))
        return conditions.false(
            Reason.TOO_EARLY,
            f"A renewal counts from now, and the lease ends later than that: it moves the end from {first} on.",
        )
    if term.latest is not None and not moved:
        return conditions.false(
            Reason.LIMIT_REACHED,
            f"The lease already ends at {times.text(term.end)}, and spec.renewal.maxTotal lets it end no later than "
            f"{times.text(term.latest)}.",
        )
    return None


def _too_late(facts: Facts) -> bool:
    stage, claimed = facts.lease.status.stage, facts.lease.status.next_action
    if stage is not None and stage.done == Action.DELETE:
        return True
    deleting = claimed is not None and claimed.claimed_time is not None and claimed.action == Action.DELETE
    gone = facts.server is None or facts.server.over or facts.server.task_state in {"deleting", "soft-deleting"}
    return deleting and gone


def _length(facts: Facts, request: LeaseRenewal, start: datetime) -> timedelta:
    """How much is asked for; at most one renewal's length, where the lease names one."""
    rules = facts.lease.spec.renewal
    most = rules.extend_by.delta if rules is not None and rules.extend_by is not None else None
    asked = request.spec.extend_by.delta if request.spec.extend_by is not None else None
    if asked is None:
        asked = most if most is not None else window.declared_length(facts.lease.spec, start)
    return min(asked, most) if most is not None else asked


def _new_end(facts: Facts, request: LeaseRenewal, start: datetime, term: window.Term) -> datetime:
    """The end after the grant, never earlier than now: a lease that has ended is renewed from now."""
    rules, now = facts.lease.spec.renewal, times.rounded_up(facts.now)
    counted_from = rules.from_ if rules is not None else None
    base = now if counted_from == RenewFrom.NOW else max(term.end, now)
    end = max(term.end, times.later(base, _length(facts, request, start)))
    end = max(term.end, min(end, times.later(term.declared_end, times.LONGEST)))
    return end if term.latest is None else max(term.end, min(end, term.latest))


def _grant(facts: Facts, start: datetime, request: LeaseRenewal, renewals: RenewalsStatus | None) -> Grant:
    term = window.at(facts.lease.spec, start, renewals)
    end = _new_end(facts, request, start, term)
    return Grant(
        name=request.metadata.name,
        uid=request.metadata.uid,
        time=times.rounded_up(facts.now),
        granted=Duration.of(end - term.end),
        granted_until=end,
        requested_by=requests.requester(request, stamped=facts.stamped),
    )


def _grown(before: RenewalsStatus, grant: Grant) -> RenewalsStatus:
    return RenewalsStatus(
        count=before.count + 1,
        extended=Duration.of(before.sum + grant.granted.delta),
        history=(*before.history, grant)[-HISTORY:],
    )


def _granted(facts: Facts, request: LeaseRenewal, grant: Grant, ruling: Ruling, *, fresh: bool = False) -> Ruling:
    given, until = _given(facts, request, grant), times.text(grant.granted_until)
    clamp = _clamp(facts, request, given)
    if clamp is None:
        verdict = conditions.true(Reason.FULL, f"Granted {Duration.of(given)}: the lease ends at {until}.")
    else:
        asked = request.spec.extend_by
        verdict = conditions.true(
            Reason.CLAMPED,
            f"Granted {Duration.of(given)} of {asked}: {clamp} of the lease allows no more. It ends at {until}.",
        )
    decision = requests.decided(request, verdict, grant, facts.now)
    event = Event(
        EventReason.RENEWED if clamp is None else EventReason.CLAMPED, f"{request.metadata.name}: {verdict.message}"
    )
    return replace(
        ruling,
        decisions=(*ruling.decisions, decision),
        events=(*ruling.events, event) if fresh else ruling.events,
    )


def _given(facts: Facts, request: LeaseRenewal, grant: Grant) -> timedelta:
    """The length of the grant from where it was counted: the end as it was, or now for a lease that had ended."""
    rules, asked = facts.lease.spec.renewal, request.spec.extend_by
    from_now = rules is not None and rules.from_ == RenewFrom.NOW
    end_before = grant.granted_until - grant.granted.delta
    given = grant.granted_until - (grant.time if from_now else max(end_before, grant.time))
    return given if asked is None else min(given, asked.delta)


def _clamp(facts: Facts, request: LeaseRenewal, given: timedelta) -> str | None:
    """Name the rule that made the grant shorter than what was asked for, None when it was given in full."""
    asked, rules = request.spec.extend_by, facts.lease.spec.renewal
    if asked is None or rules is None or given >= asked.delta:
        return None
    if rules.extend_by is not None and given >= rules.extend_by.delta:
        return "spec.renewal.extendBy"
    return "spec.renewal.maxTotal"


def _denied(facts: Facts, request: LeaseRenewal, verdict: Verdict, ruling: Ruling) -> Ruling:
    event = Event(EventReason.RENEWAL_DENIED, f"{request.metadata.name}: {verdict.message}")
    decision = requests.decided(request, verdict, None, facts.now)
    return replace(ruling, decisions=(*ruling.decisions, decision), events=(*ruling.events, event))
