"""The plan for one InstanceLease: whose it is, how long it lasts, what is done at its end, what is said of it."""

from datetime import datetime, timedelta

import msgspec

from lessor.decide import enforcing, finding, grants, marking, releasing, requests, summing, window
from lessor.decide.cases import Enforcement
from lessor.decide.facts import Facts, Plan
from lessor.decide.finding import Finding
from lessor.decide.marking import Marking
from lessor.decide.window import Term
from lessor.model import conditions, names, times
from lessor.model.conditions import ConditionType, Disposition, Reason, Verdict
from lessor.model.instancelease import InstanceLeaseStatus, RenewalsStatus
from lessor.model.plans import Event, EventReason, FinalizerChange

replace = msgspec.structs.replace


def plan(facts: Facts) -> Plan:
    """Say what ought to be done now with this InstanceLease. Same facts, same plan."""
    if facts.lease.metadata.deletion_timestamp is not None:
        return _release(facts)
    if (facts.asked or grants.must_look(facts)) and not facts.live and facts.fault is None:
        return Plan(status=facts.lease.status, look_closer=True)
    seen = finding.seek(facts)
    if seen.look_closer:
        return Plan(status=facts.lease.status, look_closer=True)
    if not seen.is_accepted:
        return _not_accepted(facts, seen)
    if seen.is_found and not facts.lease.metadata.held:
        return Plan(status=facts.lease.status, finalizer=FinalizerChange.PUT_ON)
    return _in_force(facts, seen)


# ---------------------------------------------------------------- not accepted


def _not_accepted(facts: Facts, seen: Finding) -> Plan:
    said = summing.sum_up(facts, seen, None, None, None)
    status = replace(
        facts.lease.status,
        observed_generation=facts.lease.metadata.generation,
        last_handled_reconcile_at=_handled(facts),
        conditions=_merged(facts, said),
    )
    why = f"The lease {facts.lease.metadata.name} is not accepted: {seen.accepted.message}"
    return Plan(
        status=status,
        decisions=requests.waiting(facts.renewals, why, facts.now),
        events=_refused_events(facts, seen.accepted),
        disposition=seen.accepted.disposition,
    )


def _refused_events(facts: Facts, accepted: Verdict) -> tuple[Event, ...]:
    before = conditions.find(facts.lease.status.conditions, ConditionType.ACCEPTED)
    said = {
        Reason.CREDENTIALS_MISSING,
        Reason.CREDENTIALS_REFUSED,
        Reason.INVALID_CREDENTIALS,
        Reason.PERMISSION_DENIED,
    }
    if accepted.reason not in said or (before is not None and before.reason == accepted.reason):
        return ()
    return (Event(EventReason.CREDENTIALS_REFUSED, accepted.message),)


def _handled(facts: Facts) -> str | None:
    asked = facts.lease.metadata.annotations.get(names.RECONCILE_REQUESTED_AT)
    return asked if asked is not None else facts.lease.status.last_handled_reconcile_at


def _merged(facts: Facts, said: dict[ConditionType, Verdict]) -> tuple[conditions.Condition, ...]:
    return conditions.merged(facts.lease.status.conditions, said, facts.lease.metadata.generation, facts.now)


# ---------------------------------------------------------------- in force


def _in_force(facts: Facts, seen: Finding) -> Plan:
    start = _start(facts, seen)
    ruling = grants.rule(facts, start, marking.grants(facts))
    renewals = grants.counted(facts.lease.spec, ruling.renewals)
    term = window.at(facts.lease.spec, start, renewals)
    status = _status(facts, seen, term, renewals)
    unresolved = seen.is_found and facts.lease.status.server_id is None and _by_name(facts)
    marked = _marking(facts, seen, status, term, unresolved=unresolved)
    if marked.look_closer:
        return Plan(status=facts.lease.status, look_closer=True)
    enforcement = _enforcement(facts, seen, status, term, marked)
    # a server that carries our mark is brought back, or held, before the mark is brought up to date
    effect = enforcement.effect if marked.valid and enforcement.effect is not None else marked.effect
    granted = _total(ruling.renewals) != _total(facts.lease.status.renewals)
    said = summing.sum_up(facts, seen, term, marked, enforcement)
    whole = _whole(facts, status, marked, enforcement, said)
    events = (*_events(facts, seen, term, said), *ruling.events, *enforcement.events)
    wake_at = _soonest(facts, term, marked, enforcement, at_once=unresolved or granted)
    return Plan(
        status=whole,
        # grants first: what moves the end is written before anything is done because of it
        effect=effect if facts.live and not granted else None,
        look_closer=not facts.live and not granted and (effect is not None or enforcement.look_closer),
        claim=enforcement.claim,
        decisions=ruling.decisions,
        events=events,
        wake_at=wake_at,
        urgent=wake_at is not None and wake_at == enforcement.wake_at,
        disposition=_disposition(seen, marked, enforcement),
        stage=enforcement.fact,
    )


def _total(renewals: RenewalsStatus | None) -> tuple[int, timedelta]:
    return (renewals.count, renewals.sum) if renewals is not None else (0, times.ZERO)


def _by_name(facts: Facts) -> bool:
    server = facts.lease.spec.server
    return server is not None and server.id is None


def _start(facts: Facts, seen: Finding) -> datetime:
    """The first time that the object was accepted; a crash right after the mark was written leaves it on the server."""
    if facts.lease.status.start_time is not None:
        return facts.lease.status.start_time
    mark = marking.own(facts) if seen.is_found else None
    # not before the object was there: our clock may be behind
    first = max(facts.now, facts.lease.metadata.creation_timestamp)
    return mark.start if mark is not None else times.whole_second(first)


def _status(facts: Facts, seen: Finding, term: Term, renewals: RenewalsStatus | None) -> InstanceLeaseStatus:
    """The new status but for stages and conditions."""
    old, server = facts.lease.status, facts.server
    found = server if seen.is_found else None
    settled = found is not None and (found.task_state is None or old.server_status is None)
    return replace(
        old,
        observed_generation=facts.lease.metadata.generation,
        server_id=found.id if found is not None else old.server_id,
        server_name=found.name if found is not None else old.server_name,
        server_status=found.status if found is not None and settled else _last_status(facts, seen),
        cloud=seen.cloud or old.cloud,
        start_time=term.start,
        expire_time=term.end,
        max_expire_time=term.latest,
        last_handled_reconcile_at=_handled(facts),
        renewals=renewals,
    )


def _last_status(facts: Facts, seen: Finding) -> str | None:
    gone = seen.found is not None and seen.found.reason is Reason.MISSING
    return "DELETED" if gone else facts.lease.status.server_status


def _marking(facts: Facts, seen: Finding, status: InstanceLeaseStatus, term: Term, *, unresolved: bool) -> Marking:
    if facts.server is None or not seen.is_found or facts.lease.spec.suspend or unresolved:
        return Marking()
    return marking.mark(facts, facts.server, status, term)


def _enforcement(facts: Facts, seen: Finding, status: InstanceLeaseStatus, term: Term, marked: Marking) -> Enforcement:
    gone = seen.found is not None and seen.found.reason is Reason.MISSING
    if seen.is_found or gone:
        return enforcing.enforce(facts, status, term, marked)
    return enforcing.unreachable(facts, status, term, seen.found)


def _whole(
    facts: Facts,
    status: InstanceLeaseStatus,
    marked: Marking,
    enforcement: Enforcement,
    said: dict[ConditionType, Verdict],
) -> InstanceLeaseStatus:
    marked_time = status.marked_time
    if marked.valid and marked_time is None:
        marked_time = times.whole_second(facts.now)
    # a mark that a person asked for and that cannot be written now is still asked for
    open_still = facts.asked and not marked.valid and marked.again is not None
    handled = facts.lease.status.last_handled_reconcile_at if open_still else status.last_handled_reconcile_at
    return replace(
        status,
        marked_time=marked_time,
        last_handled_reconcile_at=handled,
        stage=enforcement.stage,
        before=enforcement.before,
        next_action=enforcement.next_action,
        conditions=_merged(facts, said),
    )


def _events(facts: Facts, seen: Finding, term: Term, said: dict[ConditionType, Verdict]) -> tuple[Event, ...]:
    old, end = facts.lease.status.conditions, times.text(term.end)
    events = []
    if facts.lease.status.cloud is None and seen.cloud is not None:
        respite = " Its declared end was past already, so it got one hour." if term.respite else ""
        events.append(Event(EventReason.ADOPTED, f"The server has a lease now, which ends at {end}.{respite}"))
    if summing.became(old, said, ConditionType.EXPIRED):
        events.append(Event(EventReason.ENDED, f"The lease ended at {end}."))
    elif summing.became(old, said, ConditionType.EXPIRING):
        events.append(Event(EventReason.EXPIRING_SOON, f"The lease ends at {end}. A LeaseRenewal makes it longer."))
    before = conditions.find(old, ConditionType.SERVER_FOUND)
    missing = seen.found is not None and seen.found.reason is Reason.MISSING
    by_us = said.get(ConditionType.ENFORCED)
    deleted = by_us is not None and by_us.reason is Reason.DELETED
    if missing and not deleted and before is not None and before.reason != Reason.MISSING:
        events.append(Event(EventReason.SERVER_MISSING, said[ConditionType.SERVER_FOUND].message))
    ready = conditions.find(old, ConditionType.READY)
    now_ready = said[ConditionType.READY]
    if now_ready.reason is Reason.MARK_MISSING and (ready is None or ready.reason != Reason.MARK_MISSING):
        events.append(Event(EventReason.MARK_MISSING, now_ready.message))
    if now_ready.reason is Reason.RESTORE_FAILED and (ready is None or ready.reason != Reason.RESTORE_FAILED):
        events.append(Event(EventReason.RESTORE_FAILED, now_ready.message))
    return tuple(events)


def _soonest(facts: Facts, term: Term, marked: Marking, enforcement: Enforcement, *, at_once: bool) -> datetime | None:
    exemption = facts.lease.spec.exemption
    instants = [
        term.expiring if term.expiring > facts.now else None,
        term.end if term.end > facts.now else None,
        exemption.until if exemption is not None and exemption.until > facts.now else None,
        marked.again,
        enforcement.wake_at,
        facts.now if at_once else None,
    ]
    return min((instant for instant in instants if instant is not None), default=None)


def _disposition(seen: Finding, marked: Marking, enforcement: Enforcement) -> Disposition:
    """How to come back besides: the more eager of what the parts ask for."""
    said = (seen.found, marked.verdict if marked.again is None else None)
    asked = {enforcement.disposition, *(verdict.disposition for verdict in said if verdict is not None)}
    for eager in (Disposition.RETRY, Disposition.ASK, Disposition.WAIT):
        if eager in asked:
            return eager
    return Disposition.DONE


# ---------------------------------------------------------------- being deleted


def _release(facts: Facts) -> Plan:
    old = facts.lease.status
    if not facts.lease.metadata.held:
        return Plan(status=old)
    seen = finding.seek(facts)
    release = releasing.release(facts, seen)
    if release.let_go:
        events = (release.event,) if release.event is not None else ()
        return Plan(status=old, finalizer=FinalizerChange.TAKE_OFF, events=events)
    status = old
    if release.verdict is not None:
        said = {**summing.re_said(old), ConditionType.READY: release.verdict}
        status = replace(
            old,
            observed_generation=facts.lease.metadata.generation,
            conditions=_merged(facts, summing.with_kstatus(said)),
        )
    return Plan(
        status=status,
        effect=release.effect if facts.live else None,
        look_closer=not facts.live and (release.look_closer or release.effect is not None),
        wake_at=release.wake_at,
        disposition=release.disposition,
    )
