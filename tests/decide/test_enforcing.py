"""What holds a stage, in the order in which it is said; and what the claimed stage does next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from lessor.decide import enforcing, window
from lessor.decide.cases import Enforcement
from lessor.decide.facts import Failed, Look
from lessor.decide.marking import Marking
from lessor.model import conditions
from lessor.model.conditions import Disposition, Fault, Reason
from lessor.model.instancelease import Before, InstanceLeaseStatus, StageStatus
from lessor.model.observed import ObservedImage
from lessor.model.plans import Deed, Effect, EventReason, Purpose
from tests import builders
from tests.builders import DAY, END, HOUR, SERVER, START, begun, claim, condition, event, lease, server, spec, stages

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
WAS = Before(vm_state="active", locked=False)
TO_STOP = Before(vm_state="active", locked=False, claimed=("Stop",))
OURS = Marking(valid=True)
LOST = Marking(verdict=conditions.false(Reason.MARK_MISSING, "It is gone."))
FOREIGN = {"locked": True, "locked_reason": "mine"}
LOCKED = {"locked": True, "locked_reason": "Expired 2026. Renew: ask"}
LOCK = event("lock", time=END)
NOTICE = {"notifications": {"minNotice": "7d"}}
EXEMPT = {"exemption": {"until": "2026-04-01T00:00:00Z"}}
STOP = builders.stages(("0s", "Stop", True))


def enforce(
    declared: dict[str, Any] | None = None,
    status: InstanceLeaseStatus | None = None,
    marking: Marking = OURS,
    **known: Any,
) -> Enforcement:
    """Say what is done to a server at its end, ten days after the start, unless `now` says otherwise."""
    seen = known.pop("server", {})
    held = lease(spec(**(declared or {})), status if status is not None else begun())
    there = None if seen is None else server(**seen)
    facts = builders.facts(held, server=there, **{"now": END, "events": (LOCK,), **known})
    term = window.at(held.spec, START, held.status.renewals)
    return enforcing.enforce(facts, held.status, term, marking)


def claimed(action: str = "Stop", age: timedelta = timedelta(), **changes: Any) -> InstanceLeaseStatus:
    """Give the status of a lease whose stage was claimed that long ago, if `now` is its end."""
    before = Before(vm_state="active", locked=False, claimed=(action,))
    return begun(**{"next_action": claim(action, END, END - age), "before": before, **changes})


def deed(answer: Enforcement) -> Deed | None:
    return answer.effect.deed if answer.effect is not None else None


# ---------------------------------------------------------------- what holds a stage

# Each hold, the strongest first: with all that follow it in force as well, it is the one that is said.
HOLDS: tuple[tuple[str, dict[str, Any], tuple[str, Reason] | None], ...] = (
    ("its time", {"now": END - SECOND}, None),
    ("an exemption", {"declared": EXEMPT}, None),
    ("a notice", {"declared": NOTICE}, ("False", Reason.NOTICE_REQUIRED)),
    ("a freeze", {"frozen": True}, ("False", Reason.FROZEN)),
    ("an uncertain clock", {"clock_certain": False}, ("False", Reason.CLOCK_UNCERTAIN)),
    ("a lost mark", {"marking": LOST}, ("False", Reason.MARK_MISSING)),
    ("another's lock", {"server": FOREIGN}, ("False", Reason.SERVER_LOCKED)),
)


def together(holds: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """Give all holds at once; the first of two that say the same thing wins."""
    result: dict[str, Any] = {}
    for hold in reversed(holds):
        declared = {**result.get("declared", {}), **hold.get("declared", {})}
        result = {**result, **hold, **({"declared": declared} if declared else {})}
    return result


@pytest.mark.parametrize("at", range(len(HOLDS)), ids=[name for name, *_ in HOLDS])
@pytest.mark.parametrize("status", [begun(), claimed()], ids=["unclaimed", "claimed"])
def test_of_all_that_holds_a_stage_the_first_is_said(at: int, status: InstanceLeaseStatus) -> None:
    answer = enforce(status=status, **together(tuple(known for _, known, _ in HOLDS[at:])))
    assert builders.answer(answer.enforced) == HOLDS[at][2]
    assert (answer.effect, answer.claim, answer.stage, answer.before) == (None, False, None, status.before)


def test_with_nothing_in_the_way_the_stage_is_claimed_and_nothing_else_is_done() -> None:
    answer = enforce()
    assert (answer.claim, answer.effect, answer.before) == (True, None, TO_STOP)
    assert answer.next_action == claim("Stop", END)
    assert builders.answer(answer.enforced) == ("False", Reason.DUE)


def test_a_claim_is_made_only_of_what_was_just_read() -> None:
    answer = enforce(live=False)
    assert (answer.look_closer, answer.claim, answer.before) == (True, False, None)


def test_a_held_stage_keeps_its_claim_and_says_what_holds_it() -> None:
    action = enforce(status=claimed(), frozen=True).next_action
    assert action is not None
    assert (action.claimed_time, action.blocked_by) == (END, "Frozen")


def test_a_claim_of_another_time_is_none() -> None:
    answer = enforce(status=begun(next_action=claim("Stop", END - DAY)))
    assert (answer.claim, answer.effect) == (True, None)


def test_an_exempt_server_is_left_alone_until_then() -> None:
    answer = enforce(EXEMPT)
    assert (answer.exempt, answer.next_action and answer.next_action.blocked_by) == (True, "Exempt")
    assert answer.wake_at == lease(spec(**EXEMPT)).spec.exemption.until  # type: ignore[union-attr]


def test_whose_lock_it_is_must_be_read_before_anything_is_said() -> None:
    answer = enforce(server=LOCKED, events=None, live=False)
    assert (answer.look_closer, answer.enforced) == (True, None)


def test_a_suspended_lease_does_nothing_at_all() -> None:
    status = claimed()
    answer = enforce({"suspend": True}, status)
    assert answer == Enforcement(stage=None, before=status.before, next_action=status.next_action)


def test_when_all_stages_are_done_nothing_is_left() -> None:
    answer = enforce(status=begun(stage=StageStatus(done="Stop", time=END)), server={"vm_state": "stopped"})
    assert answer == Enforcement(stage=StageStatus(done="Stop", time=END), before=None)


# ---------------------------------------------------------------- a server that is gone


DELETE = {"expiry": builders.stages(("0s", "Delete"))}


def test_a_claimed_delete_is_done_when_the_server_is_gone() -> None:
    answer = enforce(DELETE, claimed("Delete"), server=None, look=Look.ABSENT)
    assert builders.answer(answer.enforced) == ("True", Reason.DELETED)
    assert answer.stage == StageStatus(done="Delete", time=END)
    assert [told.reason for told in answer.events] == [EventReason.DELETED]


@pytest.mark.parametrize("declared", [DELETE, {}], ids=["unclaimed Delete", "Stop"])
def test_a_server_that_another_deleted_has_no_stage(declared: dict[str, Any]) -> None:
    answer = enforce(
        declared, begun(next_action=builders.NextAction(action="Stop", time=END)), server={"vm_state": "deleted"}
    )
    assert (answer.enforced, answer.stage, answer.next_action, answer.effect) == (None, None, None, None)


# ---------------------------------------------------------------- a server that was started, or is to be restored

STOPPED = StageStatus(done="Stop", time=END)


def test_a_server_that_runs_after_our_stop_begins_anew() -> None:
    answer = enforce(status=begun(stage=STOPPED, before=WAS), now=END + HOUR)
    assert [told.reason for told in answer.events] == [EventReason.MANUAL_START]
    assert (answer.claim, answer.stage, answer.before) == (True, None, TO_STOP)
    assert answer.next_action == claim("Stop", END, END + HOUR)


def test_what_is_remembered_tells_no_manual_start() -> None:
    answer = enforce(status=begun(stage=STOPPED), now=END + HOUR, live=False)
    assert (answer.look_closer, answer.events) == (True, ())


def test_a_server_that_is_to_be_restored_and_lost_its_mark_waits_for_a_person() -> None:
    answer = enforce({"duration": "20d"}, claimed(), LOST)
    assert builders.answer(answer.restore) == ("False", Reason.MARK_MISSING)
    assert (answer.effect, answer.disposition) == (None, Disposition.ASK)


def test_what_is_remembered_restores_nothing() -> None:
    answer = enforce({"duration": "20d"}, claimed(), live=False)
    assert (answer.look_closer, answer.effect) == (True, None)


SAID = claimed(conditions=(condition("Enforced", "True", "Stopped"),))


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param(SAID, ("False", Reason.DUE), id="said before"),
        pytest.param(claimed(), None, id="never said, or in words of another version"),
    ],
)
def test_a_restored_server_has_its_stages_before_it(
    status: InstanceLeaseStatus, want: tuple[str, Reason] | None
) -> None:
    answer = enforce({"duration": "20d"}, status)
    assert builders.answer(answer.enforced) == want
    assert (answer.restored, answer.before, answer.stage) == (True, None, None)
    assert answer.next_action == builders.NextAction(action="Stop", time=START + 20 * DAY)
    assert [told.reason for told in answer.events] == [EventReason.RESTORED]


# ---------------------------------------------------------------- the claimed stage


def failed(what: Deed, reason: Reason = Reason.ACTION_FAILED, *, wrong_state: bool = False) -> dict[str, Any]:
    effect = Effect(deed=what, purpose=Purpose.STAGE, server_id=SERVER)
    return {"failed": (Failed(effect=effect, fault=Fault(reason, "Nova said no."), wrong_state=wrong_state),)}


def tried(action: str, *ages: timedelta) -> dict[str, Any]:
    return {"events": tuple(event(action, time=END - age) for age in ages)}


def image(status: str) -> dict[str, Any]:
    return {"image": ObservedImage(id="image-1", status=status)}


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    action: str
    known: dict[str, Any]
    deed: Deed | None = None
    said: tuple[str, Reason] | None = None
    again: timedelta | None = None


FAILED, BUSY = ("False", Reason.ACTION_FAILED), ("False", Reason.SERVER_BUSY)
CASES = (
    Case("stop", "It runs: it is stopped.", "Stop", {}, Deed.STOP),
    Case("lock", "It is down: it is locked.", "Stop", {"server": {"vm_state": "stopped"}}, Deed.LOCK),
    Case("unlock", "Our lock comes off for the action.", "Stop", {"server": LOCKED}, Deed.UNLOCK),
    Case("done", "It is down and locked.", "Stop", {"server": {"vm_state": "stopped", **LOCKED}},
         said=("True", Reason.STOPPED)),
    Case("error", "ERROR may be stopped.", "Stop", {"server": {"vm_state": "error"}}, Deed.STOP),
    Case("error-refused", "Where Nova refuses, it is locked.", "Stop",
         {"server": {"vm_state": "error"}, **failed(Deed.STOP, wrong_state=True)}, Deed.LOCK),
    Case("error-locked", "Then that is done.", "Stop", {"server": {"vm_state": "error", **LOCKED}},
         said=("True", Reason.LOCKED_ONLY)),
    Case("error-forbidden", "Another refusal is no reason to lock.", "Stop",
         {"server": {"vm_state": "error"}, **failed(Deed.STOP)}, said=FAILED),
    Case("shelved", "The offload is waited for.", "Shelve", {"server": {"vm_state": "shelved"}}, again=0.5 * SECOND),
    Case("offloaded", "No lock was declared.", "Shelve", {"server": {"vm_state": "shelved_offloaded"}},
         said=("True", Reason.SHELVED)),
    Case("building", "It is not there yet.", "Shelve", {"server": {"vm_state": "building"}}, said=BUSY,
         again=15 * SECOND),
    Case("other-task", "Another's task is waited for.", "Stop", {"server": {"task_state": "rebuilding"}}, said=BUSY,
         again=15 * SECOND),
    Case("our-task", "Ours is looked at again soon.", "Stop", {"server": {"task_state": "powering-off"}},
         again=0.5 * SECOND),
    Case("slow-delete", "A delete of more than ten minutes has failed.", "Delete",
         {"server": {"task_state": "deleting"}, "age": 11 * MINUTE}, said=FAILED),
    Case("slow-stop", "A stop may take longer.", "Stop", {"server": {"task_state": "powering-off"}, "age": 11 * MINUTE},
         again=15 * SECOND),
    Case("delete", "A locked server is not deleted over its lock.", "Delete", {"server": LOCKED}, Deed.UNLOCK),
    Case("refused", "It is said.", "Stop", failed(Deed.STOP), said=FAILED),
    Case("refused-busy", "It is waited for.", "Stop", failed(Deed.STOP, Reason.SERVER_BUSY), said=BUSY,
         again=15 * SECOND),
    Case("refused-locked", "Somebody locked it just now.", "Stop", failed(Deed.STOP, Reason.SERVER_LOCKED),
         said=("False", Reason.SERVER_LOCKED), again=MINUTE),
    Case("cut", "No answer is no failure.", "Stop", failed(Deed.STOP, Reason.CLOUD_UNAVAILABLE),
         said=("False", Reason.CLOUD_UNAVAILABLE)),
    Case("just-done", "It does not show yet.", "Stop", {"done": frozenset({Deed.STOP})}, again=0.5 * SECOND),
    Case("tried", "It was asked for and may still come about.", "Stop", tried("stop", 20 * SECOND), again=40 * SECOND),
    Case("tried-long-ago", "It is asked for again.", "Stop", {**tried("stop", MINUTE), "age": MINUTE}, Deed.STOP),
    Case("tried-twice", "Now it is said.", "Stop", {**tried("stop", MINUTE, 2 * MINUTE), "age": 2 * MINUTE},
         said=FAILED, again=MINUTE),
    Case("tried-just-now", "Also when it was done in this pass.", "Stop",
         {**tried("stop", MINUTE, 2 * MINUTE), "age": 2 * MINUTE, "done": frozenset({Deed.STOP})}, said=FAILED),
    Case("snapshot", "No image carries the stage: one is made.", "Snapshot", {}, Deed.SNAPSHOT),
    Case("snapshot-queued", "It is on its way.", "Snapshot", image("queued"), again=0.5 * SECOND),
    Case("snapshot-slow", "After two hours it has failed.", "Snapshot", {**image("saving"), "age": 3 * HOUR},
         said=FAILED),
    Case("snapshot-lost", "One that is lost is made again.", "Snapshot", image("killed"), Deed.SNAPSHOT),
    Case("snapshot-done", "It is there.", "Snapshot", image("active"), said=("True", Reason.SNAPSHOTTED)),
)  # fmt: skip


def acted(case: Case, *said: conditions.Condition) -> Enforcement:
    known = {**case.known}
    status = claimed(case.action, known.pop("age", timedelta()), conditions=said)
    return enforce({"expiry": stages(("0s", case.action, case.action == "Stop"))}, status, **known)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_claimed_stage_takes_one_step_on_what_is_seen(case: Case) -> None:
    answer = acted(case)
    assert (deed(answer), builders.answer(answer.enforced)) == (case.deed, case.said), case.why
    if answer.stage is None:
        assert answer.wake_at == (None if case.again is None else END + case.again), case.why


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.said == FAILED])
def test_a_failure_is_told_once(case: Case) -> None:
    first, again = acted(case), acted(case, condition("Enforced", "False", "ActionFailed"))
    assert [told.reason for told in first.events] == [EventReason.ACTION_FAILED]
    assert (first.fact and first.fact.result, again.events, again.fact) == ("failed", (), None)


@pytest.mark.parametrize(
    ("action", "state", "want"),
    [
        pytest.param("Stop", "stopped", Reason.ALREADY_DONE, id="it was down before"),
        pytest.param("Snapshot", "shelved_offloaded", Reason.ALREADY_DONE, id="its shelving left an image"),
        pytest.param("Stop", "paused", Reason.ALREADY_DONE, id="nothing ran"),
    ],
)
def test_what_was_so_before_was_not_done_by_us(action: str, state: str, want: Reason) -> None:
    status = claimed(action, before=Before(vm_state=state, locked=False, claimed=(action,)))
    answer = enforce({"expiry": stages(("0s", action))}, status, server={"vm_state": state})
    assert builders.answer(answer.enforced) == ("True", want)


# ---------------------------------------------------------------- while the server cannot be read


@pytest.mark.parametrize(
    ("known", "reason", "want"),
    [
        pytest.param({}, Reason.CLOUD_UNAVAILABLE, ("False", Reason.CLOUD_UNAVAILABLE), id="a stage is due"),
        pytest.param({"now": END - SECOND}, Reason.CLOUD_UNAVAILABLE, None, id="none is due"),
        pytest.param({}, Reason.FORBIDDEN, None, id="it is not ours to read"),
        pytest.param({"declared": {"suspend": True}}, Reason.CLOUD_UNAVAILABLE, None, id="suspended"),
        pytest.param({"status": begun(stage=STOPPED)}, Reason.CLOUD_UNAVAILABLE, None, id="all are done"),
    ],
)
def test_a_due_stage_says_that_the_server_cannot_be_read(
    known: dict[str, Any], reason: Reason, want: tuple[str, Reason] | None
) -> None:
    held = lease(spec(**known.get("declared", {})), known.get("status", begun()))
    facts = builders.facts(held, now=known.get("now", END))
    term = window.at(held.spec, START, None)
    answer = enforcing.unreachable(facts, held.status, term, conditions.unknown(reason, "Nova gave 503."))
    assert builders.answer(answer.enforced) == want
