"""What holds a stage, and what comes when it does so no longer."""

from datetime import timedelta

import pytest

from lessor.model.conditions import ConditionType as C
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import NextAction
from tests.passes.world import SERVER, START, World, adopted

END = START + timedelta(days=90)


def blocked_by(world: World) -> str | None:
    action = world.status.next_action
    return action.blocked_by if isinstance(action, NextAction) else None


def test_a_lock_of_another_holds_the_stage_until_it_is_gone() -> None:
    world = adopted()
    world.nova.locked_by("alice", "mine")
    world.at(END)
    assert (world.state, world.said(C.ENFORCED)) == (("active", True), ("False", "ServerLocked"))
    assert blocked_by(world) == "ServerLocked"
    world.nova.turned("active", action="unlock")
    world.wait(minutes=2)
    assert world.state == ("stopped", True)


def test_a_lock_in_our_words_by_another_user_is_foreign() -> None:
    world = adopted()
    world.nova.locked_by("alice", "Expired yesterday")
    world.at(END)
    assert (world.state, world.said(C.ENFORCED)) == (("active", True), ("False", "ServerLocked"))


def test_a_lock_that_came_after_the_claim_still_holds_the_stage() -> None:
    world = adopted()
    world.nova.refuse("stop", 409, f"Instance {SERVER} is locked")
    world.jump(END)
    assert world.said(C.ENFORCED) == ("False", "ServerLocked")
    world.wait(minutes=2)
    assert world.state == ("stopped", True)


BUSY = f"Cannot 'stop' instance {SERVER} while it is in task_state rebooting"
GONE = f"Instance {SERVER} could not be found."


@pytest.mark.parametrize(("code", "words"), [(409, BUSY), (503, "503"), (404, GONE)])
def test_a_passing_refusal_is_tried_again(code: int, words: str) -> None:
    world = adopted()
    world.nova.refuse("stop", code, words)
    world.jump(END)
    assert (world.said(C.ENFORCED) or ("",))[0] == "False"
    world.wait(minutes=2)
    assert world.state == ("stopped", True)
    assert "ActionFailed" not in world.told()


def test_a_freeze_holds_the_stage_and_its_end_lets_it_run() -> None:
    world = adopted()
    world.frozen = True
    world.at(END)
    assert (
        world.state,
        world.said(C.ENFORCED),
        blocked_by(world),
    ) == (("active", False), ("False", "Frozen"), "Frozen")
    world.frozen = False
    world.restart().wait(minutes=1)
    assert world.state == ("stopped", True)


def test_an_uncertain_clock_holds_the_stage_and_is_asked_again_in_a_minute() -> None:
    world = adopted()
    world.clock_certain = False
    world.at(END)
    assert (world.state, world.said(C.ENFORCED)) == (("active", False), ("False", "ClockUncertain"))
    world.clock_certain = True
    world.wait(minutes=1)
    assert world.state == ("stopped", True)


def test_a_minimum_notice_holds_the_stage_in_a_version_that_sends_none() -> None:
    world = adopted(notifications={"minNotice": "1d"})
    world.at(END + timedelta(days=30))
    assert (world.state, world.said(C.ENFORCED)) == (("active", False), ("False", "NoticeRequired"))
    world.edit(notifications={"minNotice": "0s"})
    world.turn()
    assert world.state == ("stopped", True)


def test_an_exemption_holds_the_stage_until_its_time() -> None:
    until = END + timedelta(days=5)
    world = adopted(exemption={"until": until.isoformat(), "reason": "thesis"})
    world.at(until - timedelta(seconds=1))
    assert (world.state, world.said(C.READY), blocked_by(world)) == (("active", False), ("True", "Exempt"), "Exempt")
    assert world.said(C.EXEMPT) == ("True", "UntilTime")
    world.at(until)
    assert (world.state, world.said(C.EXEMPT)) == (("stopped", True), ("False", "Ended"))


def test_a_suspended_lease_does_nothing_and_its_time_runs_on() -> None:
    world = adopted()
    world.edit(suspend=True)
    world.turn()
    assert world.said(C.SUSPENDED) == ("True", "Requested")
    world.at(END)
    assert (world.state, world.said(C.EXPIRED)) == (("active", False), ("True", "EndReached"))
    world.edit(suspend=None)
    world.turn()
    assert (world.state, world.said(C.SUSPENDED)) == (("stopped", True), None)


def test_a_lease_that_is_suspended_after_the_stop_does_not_bring_the_server_back() -> None:
    world = adopted().at(END)
    world.edit(suspend=True)
    world.ask()
    world.wait(hours=1)
    assert world.state == ("stopped", True)
    world.edit(suspend=None)
    world.wait(hours=1)
    assert world.state == ("active", False)


def test_a_cloud_that_does_not_answer_holds_the_stage_and_says_so() -> None:
    world = adopted()
    world.fault = Fault(Reason.CLOUD_UNAVAILABLE, "no route")
    world.jump(END)
    assert world.said(C.ENFORCED) == ("False", "CloudUnavailable")
    assert world.said(C.ACCEPTED) == ("True", "Accepted")
    world.fault = None
    world.wait(minutes=20)
    assert world.state == ("stopped", True)


def test_missing_credentials_are_said_once_and_heal() -> None:
    world = adopted()
    world.fault = Fault(Reason.CREDENTIALS_MISSING, "There is no Secret clouds.")
    world.jump(START + timedelta(days=1)).wait(hours=1)
    assert world.said(C.READY) == ("False", "CredentialsMissing")
    assert world.told().count("CredentialsRefused") == 1
    world.fault = None
    world.wait(hours=3)
    assert world.said(C.READY) == ("True", "InTerm")


def test_a_hold_in_the_middle_of_a_claimed_stage_keeps_the_claim() -> None:
    world = adopted()
    world.nova.refuse("stop", 503, "503")
    world.jump(END)
    claimed = world.status.next_action
    assert claimed is not None
    assert claimed.claimed_time == END
    world.frozen = True
    world.wait(minutes=1)
    held = world.status.next_action
    assert held is not None
    assert (held.claimed_time, held.blocked_by) == (END, "Frozen")


def test_the_holds_are_said_in_their_order() -> None:
    world = adopted(notifications={"minNotice": "1d"}, exemption={"until": (END + timedelta(days=9)).isoformat()})
    world.frozen, world.clock_certain = True, False
    world.nova.locked_by("alice")
    world.jump(END)
    order = [blocked_by(world)]
    world.edit(exemption=None)
    order.append(blocked_by(world.turn()))
    world.edit(notifications=None)
    order.append(blocked_by(world.turn()))
    world.frozen = False
    order.append(blocked_by(world.turn()))
    world.clock_certain = True
    order.append(blocked_by(world.turn()))
    assert order == ["Exempt", "NoticeRequired", "Frozen", "ClockUncertain", "ServerLocked"]
