"""Bringing a server back: restore just what `status.before` keeps, one deed after the other, each on what is seen now.

Only what we did is undone. Source: nova/compute/api.py (start, unshelve, unlock). An unshelve without a host or quota
is accepted, and the server stays SHELVED_OFFLOADED: only time tells.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.decide import locks, pauses, tries
from lessor.decide.facts import Facts
from lessor.model import conditions
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import Action, Before
from lessor.model.observed import VM_ACTIVE, VM_SHELVED, VM_SHELVED_OFFLOADED, VM_STOPPED
from lessor.model.plans import Deed, Effect, Purpose

_SHELVED = (VM_SHELVED, VM_SHELVED_OFFLOADED)
_ERROR = "error"
_PATIENCE = timedelta(minutes=2)
_LOCK_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next step back. `done`: nothing is left to do. `verdict`: of Ready, when it went wrong."""

    done: bool = False
    effect: Effect | None = None
    verdict: Verdict | None = None
    again: datetime | None = None
    disposition: Disposition = Disposition.DONE


def step(facts: Facts, before: Before) -> Step:
    """Give the next step back to `before`; the server is found, marked as ours, and was read in this pass."""
    server = facts.server
    if server is None or server.task_state is not None:
        return Step(again=_soon(facts))
    deed = _next_deed(facts, before)
    if deed is None and server.vm_state == _ERROR and before.vm_state != _ERROR:
        return Step(
            verdict=_failed("The server is in ERROR. Ask those who run the cloud."), disposition=Disposition.RETRY
        )
    if deed is None:
        return Step(done=True)
    if locks.seen(facts) is locks.Lock.FOREIGN:
        message = "The server is locked by somebody else: it is brought back when the lock is gone."
        return Step(verdict=_failed(message), again=facts.now + _LOCK_PAUSE)
    return _attempt(facts, Effect(deed=deed, purpose=Purpose.RESTORE, server_id=server.id, text=server.name))


def _next_deed(facts: Facts, before: Before) -> Deed | None:
    """Undo what was claimed; a stage that found its work done already is one with nothing to undo in `before`."""
    state = facts.server.vm_state if facts.server is not None else None
    shelved = Action.SHELVE in before.claimed and before.vm_state not in _SHELVED
    if locks.seen(facts) is locks.Lock.OURS:
        return Deed.UNLOCK
    if shelved and state in _SHELVED:
        return Deed.UNSHELVE
    if Action.STOP in before.claimed and state == VM_STOPPED and before.vm_state == VM_ACTIVE:
        return Deed.START
    if shelved and state == VM_ACTIVE and before.vm_state == VM_STOPPED:
        return Deed.STOP
    # in ERROR the image may be the only copy of its disk
    return Deed.SWEEP_IMAGE if shelved and state in {VM_ACTIVE, VM_STOPPED} and not _swept(facts) else None


def _swept(facts: Facts) -> bool:
    """Whether the image that shelving left is gone, or is not ours to delete."""
    refused = facts.refusal(Deed.SWEEP_IMAGE)
    forbidden = refused is not None and refused.fault.reason is not Reason.CLOUD_UNAVAILABLE
    return Deed.SWEEP_IMAGE in facts.done or forbidden


def _attempt(facts: Facts, effect: Effect) -> Step:
    """Ask for a deed; one that was accepted and does not come about is asked for again, with growing pauses."""
    refused = facts.refusal(effect.deed)
    if refused is not None:
        return _refused(facts, refused.fault.reason, refused.fault.message)
    tried = tries.of(facts, effect.deed)
    verdict = None
    if len(tried) > 1:
        verdict = _failed(f"{effect.deed} was accepted by Nova, and the server did not come back. It is tried again.")
    if effect.deed in facts.done:
        return Step(again=_soon(facts), verdict=verdict)
    if tried and facts.now < tries.again_at(tried, _PATIENCE):
        return Step(again=tries.again_at(tried, _PATIENCE), verdict=verdict)
    return Step(effect=effect)


def _refused(facts: Facts, reason: Reason, message: str) -> Step:
    if reason is Reason.SERVER_BUSY:
        return Step(again=facts.now + pauses.BUSY)
    return Step(verdict=_failed(f"The server could not be brought back: {message}"), disposition=Disposition.RETRY)


def _failed(message: str) -> Verdict:
    return conditions.false(Reason.RESTORE_FAILED, message)


def _soon(facts: Facts) -> datetime:
    return pauses.while_under_way(tries.newest(facts), facts.now)
