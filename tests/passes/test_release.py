"""Deleting the object, with Retain and Delete, in every state of its life."""

from datetime import timedelta

import pytest

from lessor.model.conditions import ConditionType as C
from lessor.model.conditions import Fault, Reason
from tests.passes.world import SERVER, START, World, adopted

END = START + timedelta(days=90)
STATES = ["active", "stopped", "paused", "suspended", "rescued", "resized", "error", "building", "shelved_offloaded"]


def removed(world: World) -> World:
    world.remove()
    return world.turn()


@pytest.mark.parametrize("state", STATES)
def test_retain_lets_go_in_every_state_and_leaves_it(state: str) -> None:
    world = adopted()
    world.nova.change(vm_state=state)
    removed(world).wait(minutes=5)
    assert (world.lease, world.server.vm_state) == (None, state)


@pytest.mark.parametrize("state", STATES)
def test_delete_deletes_the_server_in_every_state(state: str) -> None:
    world = adopted(onDelete="Delete")
    world.nova.change(vm_state=state)
    removed(world).wait(minutes=5)
    assert (world.lease, world.nova.servers) == (None, {})


def test_retain_takes_our_lock_and_mark_off() -> None:
    world = removed(adopted().at(END))
    assert (world.lease, world.state, world.server.metadata) == (None, ("stopped", False), {})
    assert world.told()[-1] == "Released"


def test_retain_leaves_the_lock_of_another() -> None:
    world = adopted()
    world.nova.locked_by("alice")
    removed(world).wait(minutes=5)
    assert (world.lease, world.state) == (None, ("active", True))


def test_retain_does_not_hang_on_a_missing_secret() -> None:
    world = adopted()
    world.fault = Fault(Reason.CREDENTIALS_MISSING, "no Secret")
    assert removed(world).lease is None


def test_retain_tries_a_minute_while_the_cloud_is_away() -> None:
    world = adopted()
    world.fault = Fault(Reason.CLOUD_UNAVAILABLE, "down")
    removed(world).wait(seconds=50)
    assert world.lease is not None
    assert world.wait(seconds=20).lease is None


def test_retain_takes_off_what_it_can_when_the_cloud_comes_back_in_time() -> None:
    world = adopted()
    world.nova.refuse("remove-metadata", 503, "503")
    removed(world).wait(seconds=30)
    assert (world.lease, world.server.metadata) == (None, {})


def test_retain_of_a_server_that_is_gone_lets_go() -> None:
    world = adopted()
    world.nova.lost()
    assert removed(world).lease is None


def test_retain_does_not_let_go_of_what_nova_cannot_tell_before_it_was_patient() -> None:
    world = adopted().at(END)
    world.nova.cut_off()
    removed(world).wait(seconds=30)
    assert world.lease is not None
    world.nova.joined()
    world.wait(seconds=30)
    assert (world.lease, world.state, world.server.metadata) == (None, ("stopped", False), {})


def test_a_lease_whose_spec_cannot_be_read_still_takes_its_lock_off() -> None:
    world = adopted().at(END)
    world.problem = Fault(Reason.UNSUPPORTED_VALUE, "unknown field")
    removed(world).wait(minutes=5)
    assert (world.lease, world.state) == (None, ("stopped", False))


def test_credentials_that_lead_elsewhere_are_let_go_without_a_touch() -> None:
    world = adopted()
    identity = world.nova.identity
    world.nova.identity = type(identity)(auth_url="http://else/v3", region="R", project_id="p1", user_id="lessor")
    removed(world)
    assert (world.lease, world.nova.deeds()) == (None, ["write-metadata"])


def test_a_suspended_lease_is_let_go_as_with_retain() -> None:
    world = adopted(onDelete="Delete")
    world.edit(suspend=True)
    world.turn()
    removed(world)
    assert (world.lease, SERVER in world.nova.servers) == (None, True)


def test_a_lease_that_was_never_accepted_goes_at_once() -> None:
    world = World()
    world.declare(policyRef={"name": "p"})
    world.turn()
    assert removed(world).lease is None


def test_a_lease_that_lost_to_another_leaves_its_server_alone() -> None:
    world = adopted()
    other = world.beside()
    other.clock.jump(START + timedelta(hours=1))
    other.declare("uid-2", "vm2", onDelete="Delete")
    other.turn()
    removed(other)
    assert (other.lease, SERVER in world.nova.servers) == (None, True)


# ---------------------------------------------------------------- Delete


def test_delete_takes_our_own_lock_off_first() -> None:
    world = removed(adopted(onDelete="Delete").at(END))
    assert world.nova.deeds()[-2:] == ["unlock", "delete"]
    assert world.lease is None


def test_delete_respects_the_lock_of_another() -> None:
    world = adopted(onDelete="Delete")
    world.nova.locked_by("alice")
    removed(world)
    assert world.said(C.READY) == ("False", "ServerLocked")
    world.nova.turned("active", action="unlock")
    assert world.wait(minutes=2).lease is None


def test_delete_needs_the_mark() -> None:
    world = adopted(onDelete="Delete")
    world.nova.change(metadata={})
    removed(world)
    assert (world.said(C.READY), SERVER in world.nova.servers) == (("False", "ReleaseBlocked"), True)


def test_delete_says_which_credentials_are_missing_and_force_forget_lets_go() -> None:
    world = adopted(onDelete="Delete")
    world.fault = Fault(Reason.CREDENTIALS_MISSING, "There is no Secret clouds.")
    removed(world)
    assert world.said(C.READY) == ("False", "ReleaseBlocked")
    assert "There is no Secret clouds." in world.condition(C.READY).message
    world.annotate(force_forget="true")
    world.turn()
    assert (world.lease, SERVER in world.nova.servers) == (None, True)


@pytest.mark.parametrize("hold", ["frozen", "clock", "pace"])
def test_delete_is_held_by_freeze_clock_and_pace(hold: str) -> None:
    world = adopted(onDelete="Delete")
    world.frozen, world.clock_certain = hold == "frozen", hold != "clock"
    world.deletions = 0 if hold == "pace" else 100
    removed(world)
    assert (world.said(C.READY), SERVER in world.nova.servers) == (("False", "DeletionHeld"), True)
    world.frozen, world.clock_certain, world.deletions = False, True, 100
    assert world.wait(minutes=2).lease is None


def test_the_pace_that_runs_out_at_the_effect_holds_it() -> None:
    world = adopted(onDelete="Delete")
    world.take = lambda: False  # type: ignore[method-assign]
    removed(world)
    assert (world.said(C.READY), SERVER in world.nova.servers) == (("False", "DeletionHeld"), True)


def test_a_delete_under_way_is_not_said_to_be_held() -> None:
    world = adopted(onDelete="Delete")
    world.nova.instant, world.deletions = False, 1
    removed(world)
    world.turn()
    assert world.said(C.READY) == ("True", "InTerm")


def test_a_delete_that_nova_refuses_is_said_and_tried_again() -> None:
    world = adopted(onDelete="Delete")
    world.nova.refuse("delete", 403, "termination is disabled")
    removed(world)
    assert world.said(C.READY) == ("False", "ActionFailed")
    assert world.wait(minutes=2).lease is None


def test_a_slow_delete_is_waited_for() -> None:
    world = adopted(onDelete="Delete")
    world.nova.instant = False
    removed(world)
    assert world.lease is not None
    assert world.wait(minutes=2).lease is None
    assert world.nova.deeds().count("delete") == 1


def test_an_object_that_comes_back_under_another_uid_does_not_lose_its_server_to_the_old_one() -> None:
    world = adopted(onDelete="Delete")
    old = world.held
    world.declare("uid-2")
    world.view = old
    world.turn()
    assert SERVER in world.nova.servers


def test_a_delete_before_the_mark_was_ever_written_lets_go() -> None:
    world = World()
    world.nova.boot()
    world.declare(onDelete="Delete")
    world.nova.refuse("write-metadata", 503, "503")
    world.turn()
    removed(world)
    assert (world.lease, SERVER in world.nova.servers) == (None, True)
