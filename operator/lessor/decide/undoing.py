"""Bringing a server back: restore just what `status.before` keeps, one deed after the other, each on what is seen now.

Source: nova/compute/api.py (start, unshelve, unlock). An unshelve without a host or quota is accepted, and the server
stays SHELVED_OFFLOADED: only time tells.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.decide import locks, pauses
from lessor.decide.facts import Facts
from lessor.model import conditions, times
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import Action, Before, StageStatus
from lessor.model.observed import VM_ACTIVE, VM_SHELVED, VM_SHELVED_OFFLOADED, VM_STOPPED, ServerEvent
from lessor.model.plans import Deed, Effect, Purpose

_SHELVED = (VM_SHELVED, VM_SHELVED_OFFLOADED)
_PATIENCE = timedelta(minutes=2)
_ACTIONS = {Deed.START: "start", Deed.UNSHELVE: "unshelve", Deed.STOP: "stop"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next step back. `done`: nothing is left to do. `verdict`: of Ready, when it went wrong."""

    done: bool = False
    effect: Effect | None = None
    verdict: Verdict | None = None
    again: datetime | None = None
    disposition: Disposition = Disposition.DONE


def step(facts: Facts, before: Before, stage: StageStatus | None) -> Step:
    """Give the next step back to `before`; the server is found, marked as ours, and was read in this pass."""
    server = facts.server
    if server is None or not server.known:
        return Step(again=facts.now + pauses.BUSY)
    if server.task_state is not None:
        return Step(again=_soon(facts))
    deed = _next_deed(facts, before, stage)
    if deed is None:
        return Step(done=True)
    return _attempt(facts, Effect(deed=deed, purpose=Purpose.RESTORE, server_id=server.id, text=server.name))


def _next_deed(facts: Facts, before: Before, stage: StageStatus | None) -> Deed | None:
    server, shelved = facts.server, stage is not None and stage.done == Action.SHELVE
    state = server.vm_state if server is not None else None
    if locks.seen(facts) is locks.Lock.OURS:
        return Deed.UNLOCK
    if state in _SHELVED and before.vm_state not in _SHELVED:
        return Deed.UNSHELVE
    if state == VM_STOPPED and before.vm_state == VM_ACTIVE:
        return Deed.START
    if state == VM_ACTIVE and before.vm_state == VM_STOPPED and shelved:
        return Deed.STOP
    if (
        shelved
        and state not in _SHELVED
        and Deed.SWEEP_IMAGE not in facts.done
        and not _failed(facts, Deed.SWEEP_IMAGE)
    ):
        return Deed.SWEEP_IMAGE
    return None


def _failed(facts: Facts, deed: Deed) -> bool:
    return facts.failed is not None and facts.failed.effect.deed is deed


def _attempt(facts: Facts, effect: Effect) -> Step:
    failed = facts.failed
    if failed is not None and failed.effect.deed is effect.deed:
        return _refused(facts, failed.fault.reason, failed.fault.message)
    if effect.deed in facts.done:
        return Step(again=_soon(facts))
    tried = _last_try(facts, effect.deed)
    if tried is None:
        return Step(effect=effect)
    if facts.now - tried < _PATIENCE:
        return Step(again=tried + _PATIENCE)
    verdict = _restore_failed(
        f"{effect.deed} was accepted by Nova, and the server did not come back. It is tried again."
    )
    return Step(effect=effect, verdict=verdict, disposition=Disposition.RETRY)


def _refused(facts: Facts, reason: Reason, message: str) -> Step:
    if reason is Reason.SERVER_BUSY:
        return Step(again=facts.now + pauses.BUSY)
    verdict = _restore_failed(f"The server could not be brought back: {message}")
    return Step(verdict=verdict, disposition=Disposition.RETRY)


def _restore_failed(message: str) -> Verdict:
    return conditions.false(Reason.RESTORE_FAILED, message)


def _last_try(facts: Facts, deed: Deed) -> datetime | None:
    """When this deed was asked for by us, if it was the last thing that happened to the server."""
    newest = _newest(facts)
    ours = facts.identity is not None and newest is not None and newest.user_id == facts.identity.user_id
    if newest is None or not ours or newest.action != _ACTIONS.get(deed):
        return None
    return times.parse(newest.start_time)


def _newest(facts: Facts) -> ServerEvent | None:
    quiet = {"lock", "unlock"}
    return next((event for event in facts.events or () if event.action not in quiet), None)


def _soon(facts: Facts) -> datetime:
    newest = _newest(facts)
    return pauses.while_under_way(times.parse(newest.start_time) if newest is not None else None, facts.now)
