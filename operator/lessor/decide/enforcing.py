"""What is done to the server after its end: an ordered chain of rules, the first that answers decides.

Never early: a stage runs after its time, after the stage before it was seen done, on re-read truth. What must be known
before an effect (the claim) is written first; only the pass that starts from that answer acts.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec

from lessor.decide import acting, cases, locks, stages, undoing
from lessor.decide.cases import Case, Enforcement
from lessor.decide.facts import Facts, Look
from lessor.decide.marking import Marking
from lessor.decide.stages import Due
from lessor.decide.window import Term
from lessor.model import conditions, times
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import Action, Before, InstanceLeaseStatus, NextAction
from lessor.model.observed import VM_ACTIVE
from lessor.model.plans import Event, EventReason

Rule = Callable[[Case], Enforcement | None]
Hold = Callable[[Case, Due], Enforcement | None]
_PAUSE = timedelta(minutes=1)
_LOCK_PAUSE = timedelta(minutes=10)  # the inventory tells of an unlock within a minute


def enforce(facts: Facts, status: InstanceLeaseStatus, term: Term, marking: Marking) -> Enforcement:
    """Say what is done to the server now. `status` holds the grants of this pass already."""
    case = cases.of(facts, status, term, marking)
    answers = (rule(case) for rule in RULES)
    return next(answer for answer in answers if answer is not None)


def unreachable(facts: Facts, status: InstanceLeaseStatus, term: Term, why: Verdict | None) -> Enforcement:
    """Say what is done while the server cannot be read: nothing, and a stage that is due says so."""
    case = cases.of(facts, status, term, Marking())
    due = case.due
    if why is None or why.reason is not Reason.CLOUD_UNAVAILABLE or facts.lease.spec.suspend:
        return cases.same(case)
    if due is None or facts.now < due.time:
        return cases.same(case)
    return cases.held(case, due, why.reason, why.message)


# ---------------------------------------------------------------- before all stages


def _suspended(case: Case) -> Enforcement | None:
    return cases.same(case) if case.facts.lease.spec.suspend else None


def _over(case: Case) -> Enforcement | None:
    """The server is deleted: by us, then the stage is done; or by another, then no stage is run."""
    server = case.facts.server
    if case.facts.look is not Look.ABSENT and (server is None or not server.over):
        return None
    if case.claimed and case.due is not None and case.due.action is Action.DELETE:
        return acting.done(case, case.due)
    return replace(cases.same(case), next_action=None)


def _restoring(case: Case) -> Enforcement | None:
    """The end was moved past now: the server is brought back, outside all limits and freezes."""
    until, before = times.text(case.term.end), case.status.before
    if case.term.end <= case.now or before is None:
        return None
    under_way = conditions.false(Reason.RENEWED, f"The server is being brought back: it may run until {until}.")
    if not case.facts.live:
        return replace(cases.same(case), restore=under_way, look_closer=True)
    if not case.marking.valid:
        return replace(cases.same(case), restore=_unmarked_verdict(case), disposition=Disposition.ASK)
    step = undoing.step(case.facts, before)
    if step.done:
        event = Event(EventReason.RESTORED, f"The server is as it was before: it may run until {until}.")
        answer = cases.waiting(_anew(case, before=None))
        return replace(answer, restored=True, events=(event,), enforced=_nothing_enforced(case))
    return replace(
        cases.same(case),
        effect=step.effect,
        restore=step.verdict or under_way,
        wake_at=step.again,
        disposition=step.disposition,
    )


def _nothing_enforced(case: Case) -> Verdict | None:
    if conditions.find(case.status.conditions, conditions.ConditionType.ENFORCED) is None:
        return None
    return conditions.false(Reason.DUE, f"Nothing is enforced before {times.text(case.term.end)}.")


def _anew(case: Case, *, before: Before | None) -> Case:
    """Give the case with no stage done and none claimed."""
    status = msgspec.structs.replace(case.status, before=before)
    return cases.after(replace(case, status=status), None)


def _started_by_hand(case: Case) -> Enforcement | None:
    """A server that runs after our Stop was started by a person: the stages begin anew from the first."""
    server = case.facts.server
    running = server is not None and server.vm_state == VM_ACTIVE and server.task_state is None
    if not running or case.term.end > case.now or not stages.stops(case.status):
        return None
    if not case.facts.live:
        return replace(cases.same(case), look_closer=True)
    # the lock that is still on the server is ours to take off, should a renewal come before the next stage
    locked = locks.seen(case.facts) is locks.Lock.OURS
    before = Before(vm_state=VM_ACTIVE, locked=False) if locked else None
    event = Event(EventReason.MANUAL_START, "The server was started after its end. The stages begin anew.")
    answer = _stage(_anew(case, before=before))
    return replace(answer, events=(event, *answer.events))


# ---------------------------------------------------------------- what holds a stage


def _not_yet(case: Case, due: Due) -> Enforcement | None:
    return cases.waiting(case) if case.now < due.time else None


def _exempt(case: Case, due: Due) -> Enforcement | None:
    exemption = case.facts.lease.spec.exemption
    if exemption is None or case.now >= exemption.until:
        return None
    action = NextAction(action=due.action, time=due.time, blocked_by=Reason.EXEMPT.value)
    return replace(cases.same(case), next_action=action, exempt=True, wake_at=exemption.until)


def _notice_required(case: Case, due: Due) -> Enforcement | None:
    if case.facts.lease.spec.min_notice <= times.ZERO:
        return None
    return cases.held(
        case,
        due,
        Reason.NOTICE_REQUIRED,
        "spec.notifications.minNotice asks for a notice before this stage, and this version sends none: it waits. "
        "Set minNotice to 0s to let it run without a notice.",
    )


def _frozen(case: Case, due: Due) -> Enforcement | None:
    if not case.facts.frozen:
        return None
    return cases.held(case, due, Reason.FROZEN, "Lessor is frozen by its operators: no stage runs.")


def _clock_uncertain(case: Case, due: Due) -> Enforcement | None:
    if case.facts.clock_certain:
        return None
    return cases.held(
        case,
        due,
        Reason.CLOCK_UNCERTAIN,
        "The clock of Lessor and those of the API server or the cloud differ, or one was just set: no stage runs.",
        again=case.now + _PAUSE,
    )


def _unmarked(case: Case, due: Due) -> Enforcement | None:
    if case.marking.valid:
        return None
    verdict = _unmarked_verdict(case)
    return cases.held(case, due, verdict.reason, verdict.message, again=case.marking.again)


def _unmarked_verdict(case: Case) -> Verdict:
    said = case.marking.verdict
    why = said.message if said is not None else "The server does not carry the mark of this lease."
    return conditions.false(Reason.MARK_MISSING, why)


def _locked_by_another(case: Case, due: Due) -> Enforcement | None:
    lock = locks.seen(case.facts)
    if lock is locks.Lock.UNKNOWN:
        return replace(cases.same(case), look_closer=True)
    if lock is not locks.Lock.FOREIGN:
        return None
    return cases.held(
        case,
        due,
        Reason.SERVER_LOCKED,
        "The server is locked by somebody else, and that is respected. The stage runs when the lock is gone.",
        again=case.now + _LOCK_PAUSE,
    )


# ---------------------------------------------------------------- the stage itself


def _acting(case: Case, due: Due) -> Enforcement:
    """Claim the stage, and carry out what is claimed: both only on what was just read."""
    server, before = case.facts.server, case.status.before
    if server is None or not case.facts.live:
        return replace(cases.same(case), look_closer=True)
    if case.claimed:
        return acting.act(case, server, due)
    # a lock that is on the server now is ours, and no part of what was before
    first = Before(vm_state=server.vm_state or "", locked=False)
    return cases.claim(case, due, before if before is not None else first)


# What holds a stage, in the order in which it is said, and the stage itself.
HOLDS: tuple[Hold, ...] = (
    _not_yet,
    _exempt,
    _notice_required,
    _frozen,
    _clock_uncertain,
    _unmarked,
    _locked_by_another,
    _acting,
)


def _stage(case: Case) -> Enforcement:
    """Say what holds the next stage, or take the next step in it."""
    due = case.due
    if due is None:
        return cases.waiting(case)
    answers = (hold(case, due) for hold in HOLDS)
    return next(answer for answer in answers if answer is not None)


RULES: tuple[Rule, ...] = (_suspended, _over, _restoring, _started_by_hand, _stage)
