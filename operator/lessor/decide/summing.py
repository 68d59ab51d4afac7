"""The conditions that sum up the others: Active, Expiring, Expired, Exempt, Suspended, Ready, Reconciling, Stalled."""

from collections.abc import Mapping

from lessor.decide.cases import Enforcement
from lessor.decide.facts import Facts
from lessor.decide.finding import Finding
from lessor.decide.marking import Marking
from lessor.decide.window import Term
from lessor.model import conditions, times
from lessor.model.conditions import Condition, ConditionStatus, ConditionType, Disposition, Reason, Verdict
from lessor.model.instancelease import InstanceLeaseStatus

_NOT_LOOKED = conditions.false(Reason.NOT_FOUND_YET, "The server has not been looked for.")


def sum_up(
    facts: Facts, finding: Finding, term: Term | None, marking: Marking | None, enforcement: Enforcement | None
) -> dict[ConditionType, Verdict]:
    """Give every condition of an InstanceLease that is not being deleted."""
    old = facts.lease.status.conditions
    said: dict[ConditionType, Verdict | None] = {
        ConditionType.ACCEPTED: finding.accepted,
        ConditionType.SERVER_FOUND: finding.found or conditions.kept(old, ConditionType.SERVER_FOUND) or _NOT_LOOKED,
        ConditionType.MARKED: (marking.verdict if marking is not None else None)
        or conditions.kept(old, ConditionType.MARKED),
        ConditionType.ENFORCED: (enforcement.enforced if enforcement is not None else None)
        or conditions.kept(old, ConditionType.ENFORCED),
        ConditionType.EXPIRING: _expiring(facts, term),
        ConditionType.EXPIRED: _expired(facts, term),
        ConditionType.EXEMPT: _exempt(facts),
        ConditionType.ACTIVE: _active(facts, finding, term),
        ConditionType.SUSPENDED: _suspended(facts),
    }
    said[ConditionType.READY] = _ready(facts, finding, term, marking, enforcement)
    return with_kstatus({kind: verdict for kind, verdict in said.items() if verdict is not None})


def with_kstatus(said: Mapping[ConditionType, Verdict]) -> dict[ConditionType, Verdict]:
    """Add the abnormal-true pair of kstatus, from Ready: Reconciling while we bring it on, Stalled for the spec."""
    result = dict(said)
    ready = said[ConditionType.READY]
    if ready.status is ConditionStatus.TRUE:
        return result
    if ready.disposition is Disposition.SPEC:
        result[ConditionType.STALLED] = conditions.true(ready.reason, ready.message)
    elif ready.disposition in {Disposition.WAIT, Disposition.RETRY}:
        result[ConditionType.RECONCILING] = conditions.true(ready.reason, ready.message)
    return result


def re_said(status: InstanceLeaseStatus) -> dict[ConditionType, Verdict]:
    """Give what all conditions said before, but for the pair that is derived."""
    derived = {ConditionType.RECONCILING, ConditionType.STALLED}
    pairs = ((kind, conditions.kept(status.conditions, kind)) for kind in ConditionType if kind not in derived)
    return {kind: verdict for kind, verdict in pairs if verdict is not None}


def became(old: tuple[Condition, ...], said: Mapping[ConditionType, Verdict], kind: ConditionType) -> bool:
    """Tell whether the condition turns True in this pass."""
    verdict = said.get(kind)
    return verdict is not None and verdict.status is ConditionStatus.TRUE and not conditions.is_true(old, kind)


def _ended(facts: Facts, term: Term | None) -> bool:
    return term is not None and term.end <= facts.now


def _expiring(facts: Facts, term: Term | None) -> Verdict | None:
    old = facts.lease.status.conditions
    if term is None:
        return conditions.kept(old, ConditionType.EXPIRING)
    if term.expiring <= facts.now:
        return conditions.true(Reason.ENDS_SOON, f"The lease ends at {times.text(term.end)}.")
    if conditions.find(old, ConditionType.EXPIRING) is None:
        return None
    return conditions.false(Reason.RENEWED, f"The lease goes on until {times.text(term.end)}.")


def _expired(facts: Facts, term: Term | None) -> Verdict | None:
    old = facts.lease.status.conditions
    if term is None:
        return conditions.kept(old, ConditionType.EXPIRED)
    if _ended(facts, term):
        return conditions.true(Reason.END_REACHED, f"The lease ended at {times.text(term.end)}.")
    if conditions.find(old, ConditionType.EXPIRED) is None:
        return None
    return conditions.false(Reason.RENEWED, f"The lease goes on until {times.text(term.end)}.")


def _exempt(facts: Facts) -> Verdict | None:
    exemption = facts.lease.spec.exemption
    if exemption is not None and facts.now < exemption.until:
        why = f" ({exemption.reason})" if exemption.reason else ""
        return conditions.true(Reason.UNTIL_TIME, f"No stage runs before {times.text(exemption.until)}{why}.")
    if conditions.find(facts.lease.status.conditions, ConditionType.EXEMPT) is None:
        return None
    return conditions.false(Reason.ENDED, "The exemption has ended.")


def _active(facts: Facts, finding: Finding, term: Term | None) -> Verdict:
    if term is None or not finding.is_accepted:
        return conditions.false(Reason.NOT_ACCEPTED, "The lease is not in force, because it is not accepted.")
    if _ended(facts, term):
        return conditions.false(Reason.EXPIRED, f"The lease ended at {times.text(term.end)}.")
    since = " Its declared end was past already, so it got one hour." if term.respite else ""
    return conditions.true(Reason.IN_WINDOW, f"The lease is in force until {times.text(term.end)}.{since}")


def _suspended(facts: Facts) -> Verdict | None:
    if not facts.lease.spec.suspend:
        return None
    return conditions.true(Reason.REQUESTED, "spec.suspend is set: nothing is done with the server; the time runs on.")


def _ready(
    facts: Facts, finding: Finding, term: Term | None, marking: Marking | None, enforcement: Enforcement | None
) -> Verdict:
    """Say whether what is declared is so, in the words of the condition that decides it."""
    if not finding.is_accepted:
        return conditions.false(finding.accepted.reason, finding.accepted.message)
    if enforcement is not None and enforcement.restore is not None:
        return enforcement.restore
    if not finding.is_found and not (_ended(facts, term) and _gone(finding)):
        return finding.found or _NOT_LOOKED
    enforced = enforcement.enforced if enforcement is not None else None
    if enforced is not None and enforced.status is ConditionStatus.FALSE and _ended(facts, term):
        return enforced
    said = marking.verdict if marking is not None and not marking.valid else None
    if said is not None and said.status is ConditionStatus.FALSE:
        return said
    if enforcement is not None and enforcement.exempt:
        return conditions.true(Reason.EXEMPT, "The lease has ended, and the server is exempt from what follows.")
    if term is not None and _ended(facts, term):
        return conditions.true(Reason.EXPIRED, f"The lease ended at {times.text(term.end)}.")
    until = times.text(term.end) if term is not None else "its end"
    return conditions.true(Reason.IN_TERM, f"The server may run until {until}.")


def _gone(finding: Finding) -> bool:
    return finding.found is not None and finding.found.reason is Reason.MISSING
