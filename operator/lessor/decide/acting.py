"""Carrying a claimed stage out: one deed after the other, each on what is seen now, until it is seen done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from lessor.decide import cases, locks, pauses, stages, tries
from lessor.decide.cases import Case, Enforcement
from lessor.decide.stages import Due, Move
from lessor.model import conditions, times
from lessor.model.conditions import ConditionType, Reason
from lessor.model.instancelease import Action, StageStatus
from lessor.model.observed import VM_SHELVED, ObservedServer
from lessor.model.plans import Deed, Effect, Event, EventReason, Purpose, StageFact

_SNAPSHOT_LIMIT = timedelta(hours=2)
_DELETE_LIMIT = timedelta(minutes=10)
_OFFLOAD_LIMIT = timedelta(hours=2)
_OFFLOAD_PAUSE = timedelta(minutes=5)
_PATIENCE = timedelta(minutes=1)
_LOCK_PAUSE = timedelta(minutes=1)
_DEEDS: Mapping[Action, Deed] = {
    Action.STOP: Deed.STOP,
    Action.SHELVE: Deed.SHELVE,
    Action.SNAPSHOT: Deed.SNAPSHOT,
    Action.DELETE: Deed.DELETE,
}
_DONE: Mapping[Action, tuple[Reason, EventReason, str]] = {
    Action.STOP: (Reason.STOPPED, EventReason.STOPPED, "stopped"),
    Action.SHELVE: (Reason.SHELVED, EventReason.SHELVED, "shelved"),
    Action.SNAPSHOT: (Reason.SNAPSHOTTED, EventReason.SNAPSHOTTED, "snapshotted"),
    Action.DELETE: (Reason.DELETED, EventReason.DELETED, "deleted"),
}
_GONE_STATES = frozenset({"killed", "deleted", "pending_delete", "deactivated"})


def act(case: Case, server: ObservedServer, due: Due) -> Enforcement:
    """Give the next deed of the stage, or what it waits for, or that it is done. The server was read in this pass."""
    if server.task_state is not None:
        return _task(case, due, server.task_state)
    move = stages.move(due.action, server.vm_state or "")
    if due.action is Action.SHELVE and server.vm_state == VM_SHELVED and not _past(case, _OFFLOAD_LIMIT):
        return replace(_under_way(case), wake_at=pauses.while_under_way(case.claimed_time, case.now, _OFFLOAD_PAUSE))
    if due.action is Action.SHELVE and server.vm_state == VM_SHELVED:  # this cloud keeps it on its host
        move = Move.ALREADY_DONE
    if due.action is Action.SNAPSHOT and move is not Move.DO and _deletes(case):
        return _failed(
            case,
            due,
            f"No snapshot that outlives the server can be made while it is {server.vm_state}, so Delete waits. "
            "Bring the server to ACTIVE or SHUTOFF, or take the Snapshot or the Delete stage out of spec.expiry.",
        )
    if move is Move.WAIT:
        message = f"The server is {server.vm_state}: {due.action} waits until that is over."
        return cases.held(case, due, Reason.SERVER_BUSY, message, again=case.now + pauses.BUSY)
    if move is Move.LOCK_ONLY or _stop_refused(case, server, due):
        return _lock(case, server, due, required=True) or done(case, due, locked_only=True)
    if move is Move.DO and due.action is Action.SNAPSHOT:
        return _snapshot(case, server, due)
    if move is Move.DO:
        return _do(case, server, due)
    return _lock(case, server, due, required=due.lock) or done(case, due)


def _deletes(case: Case) -> bool:
    """Whether a Delete is declared: Nova deletes the `-shelved` image of a server with it.

    Source: nova/compute/api.py, _delete.
    """
    return any(stage.action == Action.DELETE for stage in case.facts.lease.spec.stages)


def _past(case: Case, limit: timedelta) -> bool:
    return case.claimed_time is not None and case.now - case.claimed_time > limit


def done(case: Case, due: Due, *, locked_only: bool = False) -> Enforcement:
    """Report the stage as done, and announce the next one."""
    reason, event, word = _DONE[due.action]
    state = case.facts.server.vm_state if case.facts.server is not None else None
    if locked_only:
        verdict = conditions.true(Reason.LOCKED_ONLY, f"The server is {state}, so it was not {word} but locked.")
    elif _had_nothing_to_do(case, due):
        verdict = conditions.true(
            Reason.ALREADY_DONE, f"The server was {state} already: {due.action} had nothing to do."
        )
    else:
        verdict = conditions.true(reason, f"The server was {word}: its time ended at {times.text(case.term.end)}.")
    earlier = case.status.stage.all if case.status.stage is not None else ()
    seen_done = StageStatus(done=due.action.value, time=times.rounded_up(case.now), earlier=earlier)
    fact = StageFact(action=due.action.value, result="done", lag_seconds=(case.now - due.time).total_seconds())
    return replace(
        cases.waiting(cases.after(case, seen_done)),
        enforced=verdict,
        events=(Event(event, verdict.message),),
        fact=fact,
    )


def _had_nothing_to_do(case: Case, due: Due) -> bool:
    """Whether the server was, before our first effect and now, in a state that the action leaves as it is."""
    before, server = case.status.before, case.facts.server
    if before is None or server is None or before.vm_state != server.vm_state:
        return False
    return stages.move(due.action, before.vm_state) is Move.ALREADY_DONE


def _under_way(case: Case) -> Enforcement:
    """What was claimed is not seen done yet: what was said of it stays, so that Ready stays as well."""
    said = conditions.kept(case.status.conditions, ConditionType.ENFORCED)
    return replace(cases.same(case), enforced=said, wake_at=pauses.while_under_way(case.claimed_time, case.now))


def _task(case: Case, due: Due, task: str) -> Enforcement:
    if task not in stages.OWN_TASKS[due.action]:
        message = f"The server is busy ({task}): {due.action} waits until that is over."
        return cases.held(case, due, Reason.SERVER_BUSY, message, again=case.now + pauses.BUSY)
    since = case.claimed_time
    limit = _DELETE_LIMIT if due.action is Action.DELETE else _SNAPSHOT_LIMIT
    if since is not None and case.now - since > limit:
        return _failed(case, due, f"{due.action} was accepted by Nova and is not done after {limit}.")
    return _under_way(case)


def _failed(case: Case, due: Due, message: str) -> Enforcement:
    held = cases.held(case, due, Reason.ACTION_FAILED, message)
    before = conditions.find(case.status.conditions, ConditionType.ENFORCED)
    if before is not None and before.reason == Reason.ACTION_FAILED:
        return held
    fact = StageFact(action=due.action, result="failed", lag_seconds=(case.now - due.time).total_seconds())
    return replace(held, events=(Event(EventReason.ACTION_FAILED, message),), fact=fact)


# ---------------------------------------------------------------- deeds


def _do(case: Case, server: ObservedServer, due: Due) -> Enforcement:
    """Ask Nova for the action; our own lock comes off first, under the same claim."""
    if server.locked:
        return _attempt(case, due, Effect(deed=Deed.UNLOCK, purpose=Purpose.STAGE, server_id=server.id))
    return _attempt(case, due, Effect(deed=_DEEDS[due.action], purpose=Purpose.STAGE, server_id=server.id))


def _attempt(case: Case, due: Due, effect: Effect) -> Enforcement:
    """Ask for a deed; one that was accepted and does not come about is asked for again, with growing pauses."""
    refusal = _refusal(case, due, effect.deed)
    if refusal is not None:
        return refusal
    tried = tries.of(case.facts, effect.deed, since=case.claimed_time)
    failed = None
    if len(tried) > 1:
        failed = _failed(
            case, due, f"{effect.deed} was accepted by Nova and has not come about. It is asked for again."
        )
    if effect.deed in case.facts.done:
        return failed or _under_way(case)
    if tried and case.now < tries.again_at(tried, _PATIENCE):
        return replace(failed or _under_way(case), wake_at=tries.again_at(tried, _PATIENCE))
    return replace(cases.same(case), effect=effect)


def _refusal(case: Case, due: Due, deed: Deed) -> Enforcement | None:
    """What to say when this deed was tried in this pass and refused; None when it was not."""
    failed = case.facts.refusal(deed)
    if failed is None:
        return None
    reason, message = failed.fault.reason, failed.fault.message
    if reason is Reason.SERVER_BUSY:
        return cases.held(case, due, reason, message, again=case.now + pauses.BUSY)
    if reason is Reason.SERVER_LOCKED:
        return cases.held(case, due, reason, message, again=case.now + _LOCK_PAUSE)
    if reason is Reason.CLOUD_UNAVAILABLE:
        return cases.held(case, due, reason, message)
    return _failed(case, due, message)


def _lock(case: Case, server: ObservedServer, due: Due, *, required: bool) -> Enforcement | None:
    if not required or due.action is Action.DELETE or server.locked:
        return None
    text = locks.reason(case.facts.lease)
    return _attempt(case, due, Effect(deed=Deed.LOCK, purpose=Purpose.STAGE, server_id=server.id, text=text))


def _stop_refused(case: Case, server: ObservedServer, due: Due) -> bool:
    """A server in ERROR may be stopped; where Nova refuses, it is only locked."""
    if due.action is not Action.STOP or server.vm_state != "error":
        return False
    refused = case.facts.refusal(Deed.STOP)
    return (refused is not None and refused.wrong_state) or locks.seen(case.facts) is locks.Lock.OURS


def _snapshot(case: Case, server: ObservedServer, due: Due) -> Enforcement:
    """An image is made once: it carries the stage, and is looked for before another one is asked for."""
    image = case.facts.image
    if image is not None and image.status == "active":
        return _lock(case, server, due, required=due.lock) or done(case, due)
    if image is not None and image.status not in _GONE_STATES:
        if case.claimed_time is not None and case.now - case.claimed_time > _SNAPSHOT_LIMIT:
            return _failed(case, due, f"The snapshot {image.id} is still {image.status} after {_SNAPSHOT_LIMIT}.")
        return _under_way(case)
    name = f"{server.name}-expired-{due.time:%Y%m%d}"
    stage = stages.key(case.facts.lease.metadata.uid, due)
    effect = Effect(deed=Deed.SNAPSHOT, purpose=Purpose.STAGE, server_id=server.id, text=name, stage=stage)
    return _attempt(case, due, effect)
