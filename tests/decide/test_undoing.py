"""Bringing a server back: only what we did is undone, one deed after the other."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from lessor.decide import undoing
from lessor.decide.facts import Failed
from lessor.model.conditions import Disposition, Fault, Reason
from lessor.model.instancelease import Before
from lessor.model.plans import Deed, Effect, Purpose
from tests import builders
from tests.builders import END, HOUR, SERVER, event, server

NOW = END + HOUR
MINUTE = timedelta(minutes=1)
LOCKED = {"locked": True, "locked_reason": "Expired 2026. Renew: ask"}
LOCK = event("lock", time=END)


def step(state: str, was: str, *claimed: str, **known: Any) -> undoing.Step:
    """Give the next step back for a server in this state, which was so before these actions were claimed."""
    seen = known.pop("server", {})
    facts = builders.facts(server=server(vm_state=state, **seen), **{"now": NOW, "events": (LOCK,), **known})
    return undoing.step(facts, Before(vm_state=was, locked=False, claimed=claimed))


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    step: undoing.Step
    deed: Deed | None


SWEPT = frozenset({Deed.SWEEP_IMAGE})
CASES = (
    Case("lock", "Our lock comes off first.", step("stopped", "active", "Stop", server=LOCKED), Deed.UNLOCK),
    Case("start", "It ran before.", step("stopped", "active", "Stop"), Deed.START),
    Case("was-stopped", "It did not run before.", step("stopped", "stopped", "Stop"), None),
    Case("paused", "Only a server that ran is started.", step("stopped", "paused", "Stop"), None),
    Case("not-ours", "Its owner stopped it after our snapshot.", step("stopped", "active", "Snapshot"), None),
    Case("runs", "It runs already.", step("active", "active", "Stop"), None),
    Case("unshelve", "It was not shelved before.", step("shelved_offloaded", "active", "Shelve"), Deed.UNSHELVE),
    Case("shelved", "Nor on its way to be offloaded.", step("shelved", "active", "Shelve"), Deed.UNSHELVE),
    Case("was-shelved", "It was shelved before.", step("shelved_offloaded", "shelved_offloaded", "Shelve"), None),
    Case("their-shelve", "Its owner shelved it after our stop.", step("shelved_offloaded", "active", "Stop"), None),
    Case("stop", "An unshelve starts what was stopped before.", step("active", "stopped", "Stop", "Shelve"), Deed.STOP),
    Case("sweep", "The image that shelving left goes.", step("active", "active", "Shelve"), Deed.SWEEP_IMAGE),
    Case("swept", "Once.", step("active", "active", "Shelve", done=SWEPT), None),
    Case("only-copy", "In ERROR the image may be the only copy of its disk.", step("error", "error", "Shelve"), None),
    Case("nothing", "Nothing was done.", step("active", "active"), None),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_only_what_we_did_is_undone(case: Case) -> None:
    effect = case.step.effect
    assert (effect.deed if effect is not None else None) is case.deed, case.why
    assert case.step.done is (case.deed is None)
    assert effect is None or (effect.purpose, effect.server_id, effect.text) == (Purpose.RESTORE, SERVER, "db-1")


def refused(deed: Deed, reason: Reason) -> tuple[Failed, ...]:
    effect = Effect(deed=deed, purpose=Purpose.RESTORE, server_id=SERVER)
    return (Failed(effect=effect, fault=Fault(reason, "Nova said no.")),)


def start(**known: Any) -> undoing.Step:
    return step("stopped", "active", "Stop", **known)


def tried(*ages: timedelta) -> dict[str, Any]:
    return {"events": tuple(event("start", time=NOW - age) for age in ages)}


@dataclass(frozen=True)
class Tried:
    id: str
    why: str
    step: undoing.Step
    failed: bool
    again: datetime | None = None
    effect: bool = False


TRIED = (
    Tried("busy", "Nova is at something else.", start(failed=refused(Deed.START, Reason.SERVER_BUSY)), failed=False,
          again=NOW + timedelta(seconds=15)),
    Tried("refused", "It is said, and tried with pauses.", start(failed=refused(Deed.START, Reason.ACTION_FAILED)),
          failed=True),
    Tried("done", "It was asked for in this pass.", start(done=frozenset({Deed.START})), failed=False,
          again=NOW + timedelta(seconds=0.5)),
    Tried("young", "It may still come about.", start(**tried(MINUTE)), failed=False, again=NOW + MINUTE),
    Tried("old", "It is asked for again.", start(**tried(2 * MINUTE)), failed=False, effect=True),
    Tried("twice", "Now it is said.", start(**tried(MINUTE, 3 * MINUTE)), failed=True, again=NOW + 3 * MINUTE),
    Tried("task", "A task of the server is waited for.",
          start(server={"task_state": "powering-on"}, **tried(4 * MINUTE)), failed=False,
          again=NOW + timedelta(seconds=15)),
    Tried("sweep-forbidden", "An image that we may not delete holds nobody up.",
          step("active", "active", "Shelve", failed=refused(Deed.SWEEP_IMAGE, Reason.ACTION_FAILED)), failed=False),
    Tried("sweep-away", "One that could not be asked for is tried again.",
          step("active", "active", "Shelve", failed=refused(Deed.SWEEP_IMAGE, Reason.CLOUD_UNAVAILABLE)), failed=True),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in TRIED])
def test_what_does_not_come_about_is_said_and_tried_again(case: Tried) -> None:
    verdict = builders.answer(case.step.verdict)
    assert verdict == (("False", Reason.RESTORE_FAILED) if case.failed else None), case.why
    assert (case.step.again, case.step.effect is not None) == (case.again, case.effect), case.why


def test_a_refusal_is_tried_again_with_pauses() -> None:
    assert start(failed=refused(Deed.START, Reason.ACTION_FAILED)).disposition is Disposition.RETRY


def test_a_server_that_came_back_in_error_is_not_said_to_be_restored() -> None:
    for claimed in ("Stop", "Shelve"):
        back = step("error", "active", claimed)
        assert (back.done, back.effect) == (False, None)
        assert back.verdict is not None
        assert back.verdict.reason is Reason.RESTORE_FAILED


def test_a_lock_of_somebody_else_is_not_worked_around() -> None:
    theirs = {"locked": True, "locked_reason": "mine"}
    back = step("stopped", "active", "Stop", server=theirs)
    assert (back.done, back.effect, back.again) == (False, None, NOW + timedelta(minutes=10))
