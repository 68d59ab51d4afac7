"""What each stage does to a server in each state, seen in the whole world; and what holds it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from lessor.model.conditions import ConditionType as C
from lessor.simulated.clock import SimClock
from tests.passes.world import SERVER, START, World, adopted

END = START + timedelta(days=90)
GONE = None


def ended(action: str, vm_state: str, *, lock: bool = True) -> World:
    world = adopted(expiry={"stages": [{"after": "0s", "action": action, "lock": lock}]})
    if vm_state == "odd":
        world.nova.unheard_of(vm_state)
    else:
        world.nova.turned(vm_state, action="x")
    return world.jump(END)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    action: str
    state: str
    want: tuple[str, bool] | None
    said: tuple[str, str]


STOPPED, SHELVED = ("stopped", True), ("shelved_offloaded", True)
CASES = (
    Case("stop-active", "A running server is stopped.", "Stop", "active", STOPPED, ("True", "Stopped")),
    Case("stop-stopped", "It is down already.", "Stop", "stopped", STOPPED, ("True", "AlreadyDone")),
    Case("stop-paused", "os-stop is 409 there.", "Stop", "paused", ("paused", True), ("True", "AlreadyDone")),
    Case("stop-suspended", "Nothing runs there.", "Stop", "suspended", ("suspended", True), ("True", "AlreadyDone")),
    Case("stop-shelved", "os-stop is 409 there.", "Stop", "shelved", ("shelved", True), ("True", "AlreadyDone")),
    Case("stop-offloaded", "It has no host.", "Stop", "shelved_offloaded", SHELVED, ("True", "AlreadyDone")),
    Case("stop-rescued", "Its rescue is the owner's.", "Stop", "rescued", ("rescued", True), ("True", "LockedOnly")),
    Case("stop-resized", "To confirm is the owner's.", "Stop", "resized", ("resized", True), ("True", "LockedOnly")),
    Case("stop-error", "Nova lets ERROR be stopped.", "Stop", "error", STOPPED, ("True", "Stopped")),
    Case("stop-building", "It is not there yet.", "Stop", "building", ("building", False), ("False", "ServerBusy")),
    Case("stop-odd", "Nova shows UNKNOWN for it.", "Stop", "odd", ("odd", False), ("False", "CloudUnavailable")),
    Case("shelve-active", "It is shelved.", "Shelve", "active", SHELVED, ("True", "Shelved")),
    Case("shelve-stopped", "It is shelved.", "Shelve", "stopped", SHELVED, ("True", "Shelved")),
    Case("shelve-paused", "It is shelved.", "Shelve", "paused", SHELVED, ("True", "Shelved")),
    Case("shelve-suspended", "It is shelved.", "Shelve", "suspended", SHELVED, ("True", "Shelved")),
    Case("shelve-shelved", "The offload is waited for.", "Shelve", "shelved", ("shelved", False), ("False", "Due")),
    Case("shelve-off", "It is done.", "Shelve", "shelved_offloaded", SHELVED, ("True", "AlreadyDone")),
    Case("shelve-rescued", "It is only locked.", "Shelve", "rescued", ("rescued", True), ("True", "LockedOnly")),
    Case("shelve-resized", "It is only locked.", "Shelve", "resized", ("resized", True), ("True", "LockedOnly")),
    Case("shelve-error", "It is only locked.", "Shelve", "error", ("error", True), ("True", "LockedOnly")),
    Case("shelve-building", "It waits.", "Shelve", "building", ("building", False), ("False", "ServerBusy")),
    Case("snapshot-active", "It has an image.", "Snapshot", "active", ("active", True), ("True", "Snapshotted")),
    Case("snapshot-stopped", "It has an image.", "Snapshot", "stopped", STOPPED, ("True", "Snapshotted")),
    Case("snapshot-paused", "It has an image.", "Snapshot", "paused", ("paused", True), ("True", "Snapshotted")),
    Case(
        "snapshot-off", "Its -shelved image is one.", "Snapshot", "shelved_offloaded", SHELVED, ("True", "AlreadyDone")
    ),
    Case("snapshot-rescued", "It is only locked.", "Snapshot", "rescued", ("rescued", True), ("True", "LockedOnly")),
    Case("snapshot-error", "It is only locked.", "Snapshot", "error", ("error", True), ("True", "LockedOnly")),
    Case("snapshot-building", "It waits.", "Snapshot", "building", ("building", False), ("False", "ServerBusy")),
    Case("delete-active", "It is deleted.", "Delete", "active", GONE, ("True", "Deleted")),
    Case("delete-shelved", "It is deleted.", "Delete", "shelved", GONE, ("True", "Deleted")),
    Case("delete-rescued", "It is deleted.", "Delete", "rescued", GONE, ("True", "Deleted")),
    Case("delete-resized", "It is deleted.", "Delete", "resized", GONE, ("True", "Deleted")),
    Case("delete-error", "It is deleted.", "Delete", "error", GONE, ("True", "Deleted")),
    Case("delete-building", "It waits.", "Delete", "building", ("building", False), ("False", "ServerBusy")),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_stage_does_what_the_table_says(case: Case) -> None:
    world = ended(case.action, case.state)
    assert (case.want, case.said) == (
        world.state if SERVER in world.nova.servers else GONE,
        world.said(C.ENFORCED),
    ), case.why


def test_an_error_server_that_nova_does_not_stop_is_only_locked() -> None:
    world = adopted()
    world.nova.turned("error")
    world.nova.refuse("stop", 409, f"Instance {SERVER} is not ready", times=3)
    world.jump(END)
    assert (world.state, world.said(C.ENFORCED)) == (("error", True), ("True", "LockedOnly"))


def test_a_server_whose_cell_is_down_decides_nothing() -> None:
    world = adopted()
    world.nova.cut_off()
    world.jump(END)
    assert world.nova.deeds() == ["write-metadata"]
    assert world.said(C.SERVER_FOUND) == ("Unknown", "CloudUnavailable")
    assert world.said(C.ENFORCED) == ("False", "CloudUnavailable")


def test_a_busy_server_is_read_again_in_15_to_60_seconds() -> None:
    world = adopted()
    world.nova.change(task_state="rebooting")
    world.jump(END)
    assert world.said(C.ENFORCED) == ("False", "ServerBusy")
    assert world.wake_at is not None
    assert timedelta(seconds=15) <= world.wake_at - world.now <= timedelta(seconds=60)
    world.nova.change(task_state=None)
    world.wait(minutes=1)
    assert world.state == ("stopped", True)


def test_our_own_lock_is_taken_off_for_a_later_stage_and_put_on_again() -> None:
    stages = [{"after": "0s", "action": "Stop", "lock": True}, {"after": "1d", "action": "Shelve"}]
    world = adopted(expiry={"stages": stages})
    world.after(days=92)
    assert world.nova.deeds()[1:] == ["stop", "lock", "unlock", "shelve", "lock"]
    assert world.state == ("shelved_offloaded", True)


def test_a_later_stage_waits_its_whole_distance_from_when_the_one_before_was_done() -> None:
    stages = [{"after": "0s", "action": "Stop"}, {"after": "7d", "action": "Delete"}]
    world = adopted(expiry={"stages": stages})
    world.jump(END + timedelta(days=30))
    assert world.state == ("stopped", False)
    world.at(END + timedelta(days=37) - timedelta(seconds=1))
    assert SERVER in world.nova.servers
    world.at(END + timedelta(days=37))
    assert SERVER not in world.nova.servers


def test_a_stop_that_nova_refuses_is_said_once_and_tried_again() -> None:
    world = adopted()
    world.nova.refuse("stop", 403, "Policy does not allow it", times=3)
    world.at(END)
    assert world.said(C.ENFORCED) == ("False", "ActionFailed")
    assert "Policy does not allow it" in world.condition(C.ENFORCED).message
    world.wait(hours=1)
    assert world.state == ("stopped", True)
    assert world.told().count("ActionFailed") == 1


def test_a_stage_that_fails_holds_the_later_ones() -> None:
    stages = [{"after": "0s", "action": "Snapshot"}, {"after": "7d", "action": "Delete"}]
    world = adopted(expiry={"stages": stages})
    world.nova.refuse("snapshot", 403, "Quota exceeded", times=1000)
    world.at(END + timedelta(days=20))
    assert SERVER in world.nova.servers
    assert world.said(C.ENFORCED) == ("False", "ActionFailed")


def test_a_snapshot_that_is_lost_is_made_again() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Snapshot"}]})
    world.nova.tasks.durations["image_uploading"] = None
    world.at(END)
    world.nova.imaged("killed")
    world.wait(minutes=1)
    assert world.nova.deeds()[1:] == ["snapshot", "snapshot"]
    world.nova.imaged()
    world.wait(minutes=1)
    assert world.said(C.ENFORCED) == ("True", "Snapshotted")


def test_a_snapshot_that_takes_more_than_two_hours_has_failed_and_is_never_followed_by_a_delete() -> None:
    stages = [{"after": "0s", "action": "Snapshot"}, {"after": "7d", "action": "Delete"}]
    world = adopted(expiry={"stages": stages})
    world.nova.tasks.durations["image_uploading"] = None
    world.at(END + timedelta(hours=2, minutes=1))
    assert world.said(C.ENFORCED) == ("False", "ActionFailed")
    world.jump(END + timedelta(days=20))
    assert SERVER in world.nova.servers
    world.nova.imaged()
    world.wait(hours=1)
    assert world.said(C.ENFORCED) == ("True", "Snapshotted")


def test_a_delete_that_is_not_done_after_ten_minutes_has_failed() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Delete"}]})
    world.nova.tasks.durations["deleting"] = None
    world.jump(END)
    world.jump(END + timedelta(minutes=11))
    assert world.said(C.ENFORCED) == ("False", "ActionFailed")
    assert [told for told in world.told() if told == "ActionFailed"] == ["ActionFailed"]


def test_a_stop_that_is_accepted_and_never_comes_about_is_said() -> None:
    world = adopted()
    world.nova.deaf = {"stop"}
    world.at(END + timedelta(minutes=5))
    assert world.said(C.ENFORCED) == ("False", "ActionFailed")


def test_a_stop_that_never_comes_about_is_not_asked_for_again_and_again() -> None:
    world = adopted()
    world.nova.deaf = {"stop"}
    world.at(END + timedelta(hours=1))
    assert world.nova.deeds().count("stop") <= 15


def test_a_soft_deleted_server_is_deleted_for_a_delete_stage() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Delete"}]})
    world.nova.softly()
    world.at(END)
    assert world.said(C.ENFORCED) == ("True", "Deleted")


def test_a_server_that_another_deleted_softly_has_no_stage_and_gets_it_back_with_its_anchor() -> None:
    world = adopted()
    start = world.status.start_time
    world.nova.turned("soft-delete")
    world.after(days=5)
    assert world.said(C.SERVER_FOUND) == ("False", "Missing")
    assert world.told()[1:] == ["ServerMissing"]
    world.nova.turned("active")
    world.after(days=6)
    assert (start, ("True", "Found")) == (world.status.start_time, world.said(C.SERVER_FOUND))
    world.at(END)
    assert world.state == ("stopped", True)


def test_a_server_that_is_gone_has_no_stage_at_its_end() -> None:
    world = adopted()
    world.nova.lost()
    world.after(days=1)
    assert world.said(C.READY) == ("False", "Missing")
    world.at(END)
    assert world.nova.deeds() == ["write-metadata"]
    assert (world.said(C.READY), world.said(C.ENFORCED)) == (("True", "Expired"), None)
    assert world.status.next_action is None


def test_a_server_of_another_project_is_not_touched() -> None:
    world = World()
    world.nova.boot(project="another")
    world.nova.promote()  # to all others Nova says that there is no such server
    world.declare()
    world.turn()
    assert (world.nova.deeds(), world.said(C.SERVER_FOUND)) == ([], ("Unknown", "Forbidden"))
    assert world.held.metadata.finalizers == ()


def test_a_server_of_another_project_is_not_there_for_a_member() -> None:
    world = World()
    world.nova.boot(project="another")
    world.declare()
    world.turn()
    assert (world.nova.deeds(), world.said(C.SERVER_FOUND)) == ([], ("False", "NotFoundYet"))
    assert world.held.metadata.finalizers == ()


def test_credentials_that_lead_elsewhere_do_nothing() -> None:
    world = adopted()
    identity = world.nova.identity
    world.nova.identity = type(identity)(auth_url="http://else/v3", region="R", project_id="p1", user_id="lessor")
    world.jump(END)
    assert (world.state, world.said(C.ACCEPTED)) == (("active", False), ("False", "CloudChanged"))


def test_a_server_that_is_started_after_our_stop_meets_the_stages_anew() -> None:
    stages = [{"after": "0s", "action": "Stop"}, {"after": "7d", "action": "Delete"}]
    world = adopted(expiry={"stages": stages})
    world.at(END)
    world.nova.turned("active")
    world.at(END + timedelta(days=6))
    assert world.state == ("stopped", False)
    assert world.told()[-3:] == ["Stopped", "ManualStart", "Stopped"]
    world.at(END + timedelta(days=12))
    assert SERVER in world.nova.servers
    world.at(END + timedelta(days=13, seconds=1))
    assert SERVER not in world.nova.servers


def test_two_leases_of_one_server_the_older_one_acts_and_the_other_waits() -> None:
    world = adopted(duration="10d")
    other = world.beside()
    other.clock.jump(START + timedelta(hours=1))
    other.declare("uid-2", "vm2", duration="1d")
    other.turn()
    assert other.said(C.ACCEPTED) == ("False", "AlreadyLeased")
    assert "vm1" in other.condition(C.ACCEPTED).message
    other.jump(START + timedelta(days=2))
    assert world.state == ("active", False)


def test_the_other_lease_acts_when_the_older_one_is_gone() -> None:
    world = adopted(duration="10d")
    other = world.beside()
    other.clock.jump(START + timedelta(hours=1))
    other.declare("uid-2", "vm2", namespace="team-b", duration="1d")
    other.turn()
    assert "vm1" not in other.condition(C.ACCEPTED).message
    world.remove()
    world.sleep()
    world.registry.release("uid-1")
    other.jump(START + timedelta(days=1))
    assert other.said(C.ACCEPTED) == ("True", "Accepted")
    other.after(days=2, hours=2)
    assert other.server.vm_state == "stopped"


@pytest.mark.parametrize("state", ["shelved_offloaded", "shelved", "error", "rescued", "resized"])
def test_no_delete_follows_a_snapshot_that_could_not_be_made(state: str) -> None:
    stages = [{"after": "0s", "action": "Snapshot", "lock": True}, {"after": "7d", "action": "Delete"}]
    world = adopted(expiry={"stages": stages})
    world.nova.turned(state, action="x")
    world.at(END + timedelta(days=20))
    assert (SERVER in world.nova.servers, world.said(C.ENFORCED)) == (True, ("False", "ActionFailed"))
    assert "Delete waits" in world.condition(C.ENFORCED).message
    world.nova.turned("active")
    world.turn().wait(days=8)
    assert (SERVER in world.nova.servers, len(world.nova.images)) == (False, 1)


def test_a_cloud_that_never_offloads_keeps_a_shelved_server_on_its_host_and_the_stage_ends() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Shelve", "lock": True}]})
    world.nova.tasks.offload_after = None
    world.jump(END)
    assert world.server.vm_state == "shelved"
    calls = len(world.nova.calls)
    world.wait(hours=1)
    assert world.said(C.ENFORCED) == ("False", "Due")
    assert len(world.nova.calls) - calls < 100
    world.wait(hours=2)
    assert (world.state, world.said(C.ENFORCED)) == (("shelved", True), ("True", "Shelved"))


def test_a_lease_does_not_begin_before_its_object_was_there() -> None:
    world = World(SimClock(START - timedelta(days=1)))
    world.nova.boot()
    world.declare(duration="12h", created=START)
    world.clock_certain = False
    world.turn()
    assert world.status.start_time == START
    world.clock_certain = True
    world.after(hours=11)
    assert world.state == ("active", False)


def test_an_older_lease_that_is_not_accepted_does_not_take_the_server_from_its_holder() -> None:
    older = adopted()
    younger = older.beside()
    younger.clock.jump(START + timedelta(hours=1))
    younger.declare("uid-2", "vm2", duration="1d")
    younger.turn()
    older.edit(owner={"name": "x"})
    older.turn()
    older.registry.release("uid-1")  # as the runtime does when it is told that a lease is not accepted
    older.nova.change(metadata={})
    younger.turn()
    assert younger.said(C.ACCEPTED) == ("True", "Accepted")
    older.turn()
    younger.jump(younger.now + timedelta(days=1, hours=1))
    assert (younger.said(C.ACCEPTED), younger.server.vm_state) == (("True", "Accepted"), "stopped")
