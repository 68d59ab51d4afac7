"""What is done to the server after its end: an ordered chain of rules, the first that answers decides.

Never early: a stage runs after its time, after the stage before it was seen done, on re-read truth. What must be known
before an effect (the claim) is written first; only the pass that starts from that answer acts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from lessor.decide import locks, pauses, stages, undoing
from lessor.decide.facts import Facts, Look
from lessor.decide.marking import Marking
from lessor.decide.stages import Due, Move
from lessor.decide.window import Term
from lessor.model import conditions, times
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import Action, Before, InstanceLeaseStatus, NextAction, StageStatus
from lessor.model.observed import VM_ACTIVE
from lessor.model.plans import Deed, Effect, Event, EventReason, Purpose, StageFact

_SNAPSHOT_LIMIT = timedelta(hours=2)
_DELETE_LIMIT = timedelta(minutes=10)
_DEED_LIMIT = timedelta(minutes=1)
_DEEDS = {
    Action.STOP: Deed.STOP,
    Action.SHELVE: Deed.SHELVE,
    Action.SNAPSHOT: Deed.SNAPSHOT,
    Action.DELETE: Deed.DELETE,
}
_DONE = {
    Action.STOP: (Reason.STOPPED, EventReason.STOPPED, "stopped"),
    Action.SHELVE: (Reason.SHELVED, EventReason.SHELVED, "shelved"),
    Action.SNAPSHOT: (Reason.SNAPSHOTTED, EventReason.SNAPSHOTTED, "snapshotted"),
    Action.DELETE: (Reason.DELETED, EventReason.DELETED, "deleted"),
}
_GONE_STATES = frozenset({"killed", "deleted", "pending_delete", "deactivated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What is said of the stages, and what is to be done.

    Attributes:
        enforced: the verdict on Enforced; None: what was said before stays.
        restore: the verdict on Ready while the server is being brought back; None: it is not.
        stage, before, next_action: these parts of the new status.
        restored: the server is as it was before our first effect.
        The rest: as in `Plan`.
    """

    stage: StageStatus | None
    before: Before | None
    next_action: NextAction | None = None
    enforced: Verdict | None = None
    restore: Verdict | None = None
    restored: bool = False
    exempt: bool = False
    effect: Effect | None = None
    look_closer: bool = False
    claim: bool = False
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    disposition: Disposition = Disposition.DONE
    fact: StageFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the rules look at: the facts, the status with the grants of this pass, the term, the mark, the stage."""

    facts: Facts
    status: InstanceLeaseStatus
    term: Term
    marking: Marking
    due: Due | None

    @property
    def now(self) -> datetime:
        """The instant of the pass."""
        return self.facts.now

    @property
    def claimed(self) -> bool:
        """Whether the stage that is due has been claimed, at its time as it is now."""
        claim = self.status.next_action
        if claim is None or claim.claimed_time is None or self.due is None:
            return False
        return (claim.action, claim.time) == (self.due.action, self.due.time)


Rule = Callable[[Case], Enforcement | None]


def enforce(facts: Facts, status: InstanceLeaseStatus, term: Term, marking: Marking) -> Enforcement:
    """Say what is done to the server now. `status` holds the grants of this pass already."""
    case = Case(
        facts=facts,
        status=status,
        term=term,
        marking=marking,
        due=stages.pending(facts.lease.spec, status, term),
    )
    return _first(case, RULES)


def _first(case: Case, rules: tuple[Rule, ...]) -> Enforcement:
    answers = (rule(case) for rule in rules)
    return next((answer for answer in answers if answer is not None), _same(case))


def _same(case: Case) -> Enforcement:
    return Enforcement(stage=case.status.stage, before=case.status.before, next_action=case.status.next_action)


def _held(case: Case, reason: Reason, message: str, *, again: datetime | None = None) -> Enforcement:
    """Let the stage wait, and say for what."""
    due, claim = case.due, case.status.next_action
    verdict = conditions.false(reason, message)
    if due is None:
        return replace(_same(case), enforced=verdict, wake_at=again, disposition=verdict.disposition)
    claimed = claim.claimed_time if claim is not None and case.claimed else None
    action = NextAction(action=due.action, time=due.time, claimed_time=claimed, blocked_by=reason.value)
    return replace(_same(case), next_action=action, enforced=verdict, wake_at=again, disposition=verdict.disposition)


def unreachable(facts: Facts, status: InstanceLeaseStatus, term: Term, why: Verdict) -> Enforcement:
    """Say what is done while the server cannot be read: nothing, and a stage that is due says so."""
    due = stages.pending(facts.lease.spec, status, term)
    case = Case(facts=facts, status=status, term=term, marking=Marking(), due=due)
    if why.reason is not Reason.CLOUD_UNAVAILABLE or due is None or facts.now < due.time or facts.lease.spec.suspend:
        return _same(case)
    return _held(case, why.reason, why.message)


# ---------------------------------------------------------------- the rules, in their order


def _suspended(case: Case) -> Enforcement | None:
    return _same(case) if case.facts.lease.spec.suspend else None


def _over(case: Case) -> Enforcement | None:
    """The server is deleted: by us, then the stage is done; or by another, then no stage is run."""
    server = case.facts.server
    if case.facts.look is not Look.ABSENT and (server is None or not server.over):
        return None
    if case.claimed and case.due is not None and case.due.action is Action.DELETE:
        return _done(case, case.due)
    return replace(_same(case), next_action=None)


def _restoring(case: Case) -> Enforcement | None:
    """The end was moved past now: the server is brought back, outside all limits and freezes."""
    until = times.text(case.term.end)
    if case.term.end <= case.now or case.status.before is None:
        return None
    under_way = conditions.false(Reason.RENEWED, f"The server is being brought back: it may run until {until}.")
    if not case.facts.live:
        return replace(_same(case), restore=under_way, look_closer=True)
    if not case.marking.valid:
        return replace(_same(case), restore=_unmarked_verdict(case), disposition=Disposition.ASK)
    step = undoing.step(case.facts, case.status.before, case.status.stage)
    if step.done:
        event = Event(EventReason.RESTORED, f"The server is as it was before: it may run until {until}.")
        restored = replace(_waiting(_anew(case, before=None)), restored=True)
        return replace(restored, events=(event,), enforced=_nothing_enforced(case))
    return replace(
        _same(case),
        effect=step.effect,
        restore=step.verdict or under_way,
        wake_at=step.again,
        disposition=step.disposition,
    )


def _nothing_enforced(case: Case) -> Verdict | None:
    if conditions.find(case.status.conditions, conditions.ConditionType.ENFORCED) is None:
        return None
    return conditions.false(Reason.DUE, f"Nothing is enforced before {times.text(case.term.end)}.")


def _after(case: Case, done: StageStatus) -> Case:
    """Give the case with this stage as the last one done."""
    status = msgspec.structs.replace(case.status, stage=done, next_action=None)
    return replace(case, status=status, due=stages.pending(case.facts.lease.spec, status, case.term))


def _anew(case: Case, *, before: Before | None) -> Case:
    """Give the case with no stage done and none claimed."""
    status = msgspec.structs.replace(case.status, stage=None, next_action=None, before=before)
    return replace(case, status=status, due=stages.pending(case.facts.lease.spec, status, case.term))


def _started_by_hand(case: Case) -> Enforcement | None:
    """A server that runs after our Stop was started by a person: the stages begin anew from the first."""
    server = case.facts.server
    running = server is not None and server.vm_state == VM_ACTIVE and server.task_state is None
    if not running or case.term.end > case.now:
        return None
    if not stages.stops(case.facts.lease.spec, case.status):
        return None
    if not case.facts.live:
        return replace(_same(case), look_closer=True)
    event = Event(EventReason.MANUAL_START, "The server was started after its end. The stages begin anew.")
    answer = _first(_anew(case, before=None), HOLDS)
    return replace(answer, events=(event, *answer.events))


def _nothing_left(case: Case) -> Enforcement | None:
    return replace(_same(case), next_action=None) if case.due is None else None


def _not_yet(case: Case) -> Enforcement | None:
    return _waiting(case) if case.due is not None and case.now < case.due.time else None


def _waiting(case: Case) -> Enforcement:
    due = case.due
    if due is None:
        return replace(_same(case), next_action=None)
    return replace(_same(case), next_action=NextAction(action=due.action, time=due.time), wake_at=due.time)


def _exempt(case: Case) -> Enforcement | None:
    exemption = case.facts.lease.spec.exemption
    if exemption is None or case.now >= exemption.until or case.due is None:
        return None
    action = NextAction(action=case.due.action, time=case.due.time, blocked_by=Reason.EXEMPT.value)
    return replace(_same(case), next_action=action, exempt=True, wake_at=exemption.until)


def _notice_required(case: Case) -> Enforcement | None:
    if case.facts.lease.spec.min_notice <= times.ZERO:
        return None
    return _held(
        case,
        Reason.NOTICE_REQUIRED,
        "spec.notifications.minNotice asks for a notice before this stage, and this version sends none: it waits. "
        "Set minNotice to 0s to let it run without a notice.",
    )


def _frozen(case: Case) -> Enforcement | None:
    return (
        _held(case, Reason.FROZEN, "Lessor is frozen by its operators: no stage runs.") if case.facts.frozen else None
    )


def _clock_uncertain(case: Case) -> Enforcement | None:
    if case.facts.clock_certain:
        return None
    return _held(
        case,
        Reason.CLOCK_UNCERTAIN,
        "The clock of Lessor and those of the API server or the cloud differ, or one was just set: no stage runs.",
        again=case.now + timedelta(minutes=1),
    )


def _unmarked(case: Case) -> Enforcement | None:
    if case.marking.valid:
        return None
    verdict = _unmarked_verdict(case)
    return _held(case, verdict.reason, verdict.message, again=case.marking.again)


def _unmarked_verdict(case: Case) -> Verdict:
    said = case.marking.verdict
    why = said.message if said is not None else "The server does not carry the mark of this lease."
    return conditions.false(Reason.MARK_MISSING, why)


def _locked_by_another(case: Case) -> Enforcement | None:
    lock = locks.seen(case.facts)
    if lock is locks.Lock.UNKNOWN:
        return replace(_same(case), look_closer=True)
    if lock is not locks.Lock.FOREIGN:
        return None
    return _held(
        case,
        Reason.SERVER_LOCKED,
        "The server is locked by somebody else, and that is respected. The stage runs when the lock is gone.",
        again=case.now + timedelta(minutes=1),
    )


def _unclaimed(case: Case) -> Enforcement | None:
    """Claim the stage: what the server was before goes into the status before anything is done to it."""
    server, due = case.facts.server, case.due
    if case.claimed or server is None or due is None:
        return None
    before = case.status.before
    if before is None:  # a lock that is ours is no part of what was before
        before = Before(vm_state=server.vm_state or "", locked=False)
    action = NextAction(action=due.action, time=due.time, claimed_time=times.whole_second(case.now))
    verdict = conditions.false(Reason.DUE, f"{due.action} is due since {times.text(due.time)}.")
    return replace(_same(case), before=before, next_action=action, enforced=verdict, claim=True)


def _acting(case: Case) -> Enforcement | None:
    """Carry the claimed stage out, one deed after the other, each on what is seen now."""
    server, due = case.facts.server, case.due
    if server is None or due is None:
        return None
    if not case.facts.live:
        return replace(_same(case), look_closer=True)
    if server.task_state is not None:
        return _task(case, due, server.task_state)
    move = stages.move(due.action, server.vm_state or "")
    if due.action is Action.SHELVE and server.vm_state == "shelved":
        return _under_way(case)
    if move is Move.WAIT:
        message = f"The server is {server.vm_state}: {due.action} waits until that is over."
        return _held(case, Reason.SERVER_BUSY, message, again=case.now + pauses.BUSY)
    if move is Move.LOCK_ONLY or _stop_refused(case, due):
        return _lock(case, due, required=True) or _done(case, due, locked_only=True)
    if due.action is Action.SNAPSHOT and move is Move.DO:
        return _snapshot(case, due)
    if move is Move.DO:
        return _do(case, due)
    return _lock(case, due, required=due.lock) or _done(case, due)


# What holds a stage, in the order in which it is said, and the stage itself.
HOLDS: tuple[Rule, ...] = (
    _nothing_left,
    _not_yet,
    _exempt,
    _notice_required,
    _frozen,
    _clock_uncertain,
    _unmarked,
    _locked_by_another,
    _unclaimed,
    _acting,
)
RULES: tuple[Rule, ...] = (_suspended, _over, _restoring, _started_by_hand, *HOLDS)


# ---------------------------------------------------------------- acting


def _claimed_since(case: Case) -> datetime | None:
    return case.status.next_action.claimed_time if case.status.next_action is not None else None


def _under_way(case: Case) -> Enforcement:
    return replace(_same(case), wake_at=pauses.while_under_way(_claimed_since(case), case.now))


def _task(case: Case, due: Due, task: str) -> Enforcement:
    if task not in stages.OWN_TASKS[due.action]:
        message = f"The server is busy ({task}): {due.action} waits until that is over."
        return _held(case, Reason.SERVER_BUSY, message, again=case.now + pauses.BUSY)
    since = _claimed_since(case)
    limit = _DELETE_LIMIT if due.action is Action.DELETE else _SNAPSHOT_LIMIT
    if since is not None and case.now - since > limit:
        return _failed(case, f"{due.action} was accepted by Nova and is not done after {limit}.")
    return _under_way(case)


def _failed(case: Case, message: str) -> Enforcement:
    held = _held(case, Reason.ACTION_FAILED, message)
    before = conditions.find(case.status.conditions, conditions.ConditionType.ENFORCED)
    if before is not None and before.reason == Reason.ACTION_FAILED:
        return held
    action = case.due.action if case.due is not None else ""
    lag = (case.now - case.due.time).total_seconds() if case.due is not None else 0.0
    fact = StageFact(action=action, result="failed", lag_seconds=lag)
    return replace(held, events=(Event(EventReason.ACTION_FAILED, message),), fact=fact)


def _refusal(case: Case, deed: Deed) -> Enforcement | None:
    """What to say when this deed was tried in this pass and refused; None when it was not."""
    failed = case.facts.failed
    if failed is None or failed.effect.deed is not deed:
        return None
    reason, message = failed.fault.reason, failed.fault.message
    if reason is Reason.SERVER_BUSY:
        return _held(case, reason, message, again=case.now + pauses.BUSY)
    if reason is Reason.SERVER_LOCKED:
        return _held(case, reason, message, again=case.now + timedelta(minutes=1))
    if reason is Reason.CLOUD_UNAVAILABLE:
        return _held(case, reason, message)
    return _failed(case, message)


def _attempt(case: Case, effect: Effect) -> Enforcement:
    """Try a deed, unless it was refused in this pass, or was done in it and has not shown yet."""
    refusal = _refusal(case, effect.deed)
    if refusal is not None:
        return refusal
    if effect.deed in case.facts.done:
        return _under_way(case)
    return replace(_same(case), effect=effect)


def _server_id(case: Case) -> str:
    return case.facts.server.id if case.facts.server is not None else ""


def _do(case: Case, due: Due) -> Enforcement:
    """Ask Nova for the action; our own lock comes off first, under the same claim."""
    unlocked = _unlock(case)
    if unlocked is not None:
        return unlocked
    since = _claimed_since(case)
    answer = _attempt(case, Effect(deed=_DEEDS[due.action], purpose=Purpose.STAGE, server_id=_server_id(case)))
    enforced = conditions.find(case.status.conditions, conditions.ConditionType.ENFORCED)
    stuck = since is not None and case.now - since > _DEED_LIMIT
    if answer.effect is not None and stuck and enforced is not None and enforced.reason == Reason.DUE:
        return replace(
            _failed(case, f"{due.action} was asked for and has not come about; it is asked for again."),
            effect=answer.effect,
        )
    return answer


def _unlock(case: Case) -> Enforcement | None:
    lock = locks.seen(case.facts)
    if lock is locks.Lock.NONE:
        return None
    return _attempt(case, Effect(deed=Deed.UNLOCK, purpose=Purpose.STAGE, server_id=_server_id(case)))


def _lock(case: Case, due: Due, *, required: bool) -> Enforcement | None:
    server = case.facts.server
    if not required or due.action is Action.DELETE or server is None or server.locked:
        return None
    text = locks.reason(case.facts.lease)
    return _attempt(case, Effect(deed=Deed.LOCK, purpose=Purpose.STAGE, server_id=server.id, text=text))


def _stop_refused(case: Case, due: Due) -> bool:
    """A server in ERROR may be stopped; where Nova refuses, it is only locked."""
    server, failed = case.facts.server, case.facts.failed
    if due.action is not Action.STOP or server is None or server.vm_state != "error":
        return False
    refused = failed is not None and failed.effect.deed is Deed.STOP and failed.wrong_state
    return refused or locks.seen(case.facts) is locks.Lock.OURS


def _snapshot(case: Case, due: Due) -> Enforcement:
    """An image is made once: it carries the stage, and is looked for before another one is asked for."""
    server, image = case.facts.server, case.facts.image
    if server is None:
        return _same(case)
    if image is not None and image.status == "active":
        return _lock(case, due, required=due.lock) or _done(case, due)
    if image is not None and image.status not in _GONE_STATES:
        since = _claimed_since(case)
        if since is not None and case.now - since > _SNAPSHOT_LIMIT:
            return _failed(case, f"The snapshot {image.id} is still {image.status} after {_SNAPSHOT_LIMIT}.")
        return _under_way(case)
    name = f"{server.name}-expired-{due.time:%Y%m%d}"
    stage = stages.key(case.facts.lease.metadata.uid, due)
    effect = Effect(deed=Deed.SNAPSHOT, purpose=Purpose.STAGE, server_id=server.id, text=name, stage=stage)
    return _attempt(case, effect)


def _done(case: Case, due: Due, *, locked_only: bool = False) -> Enforcement:
    """Report the stage as done, and announce the next one."""
    reason, event, word = _DONE[due.action]
    before = case.status.before
    untouched = before is not None and due.action in {Action.STOP, Action.SHELVE} and case.status.stage is None
    server = case.facts.server
    if locked_only:
        state = server.vm_state if server is not None else ""
        verdict = conditions.true(Reason.LOCKED_ONLY, f"The server is {state}, so it was not {word} but locked.")
    elif untouched and before is not None and before.vm_state != VM_ACTIVE and _as_before(case, before):
        verdict = conditions.true(
            Reason.ALREADY_DONE, f"The server was {before.vm_state} already, so {due.action} had nothing to do."
        )
    else:
        verdict = conditions.true(reason, f"The server was {word}: its time ended at {times.text(case.term.end)}.")
    done = StageStatus(done=due.action.value, time=times.rounded_up(case.now))
    after = _waiting(_after(case, done))
    lag = (case.now - due.time).total_seconds()
    fact = StageFact(action=due.action.value, result="done", lag_seconds=lag)
    return replace(after, enforced=verdict, events=(Event(event, verdict.message),), fact=fact)


def _as_before(case: Case, before: Before) -> bool:
    server = case.facts.server
    return server is not None and server.vm_state == before.vm_state
