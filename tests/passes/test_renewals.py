"""Renewals in every stage of a life, and the bringing back of the server."""

from datetime import timedelta
from typing import Any

import pytest

from lessor.model.conditions import ConditionType as C
from lessor.model.conditions import Fault, Reason
from tests.passes.world import SERVER, START, World, adopted

END = START + timedelta(days=90)
SHELVE = {"stages": [{"after": "0s", "action": "Shelve", "lock": True}]}
SHELVE_THEN_SNAPSHOT = {"stages": [{"after": "0s", "action": "Shelve"}, {"after": "1d", "action": "Snapshot"}]}
SNAPSHOT = {"stages": [{"after": "0s", "action": "Snapshot", "lock": True}]}
DELETE = {"stages": [{"after": "0s", "action": "Delete"}]}
LATER = {"stages": [{"after": "3d", "action": "Stop"}]}


def renewed(world: World, extend_by: str = "7d") -> World:
    world.ask("more", extend_by)
    return world.wait(hours=1)


def test_a_renewal_before_the_end_moves_it_and_the_mark() -> None:
    world = renewed(adopted().after(days=70), "30d")
    assert world.status.expire_time == END + timedelta(days=30)
    assert world.granted() == ("True", "Full")
    assert world.mark is not None
    assert (world.mark.count, world.mark.extended) == (1, timedelta(days=30))
    assert world.server.metadata is not None
    assert world.server.metadata["lessor_expires"] == "2026-06-29T08:00:00Z"
    assert world.said(C.EXPIRING) == ("False", "Renewed")


def test_a_renewal_is_bound_to_its_lease() -> None:
    world = renewed(adopted())
    assert [owner.uid for owner in world.request().metadata.owner_references] == ["uid-1"]


def test_a_request_for_a_lease_that_is_not_accepted_waits() -> None:
    world = adopted()
    world.fault = Fault(Reason.CREDENTIALS_MISSING, "no Secret")
    world.ask()
    world.turn()
    assert world.granted() is None
    assert (world.request().status.message or "").endswith("no Secret")
    world.fault = None
    world.wait(hours=1)
    assert world.granted() == ("True", "Full")


def test_a_renewal_in_the_gap_between_claim_and_list_saves_the_server() -> None:
    world = adopted()
    world.clock.jump(END - timedelta(seconds=1))
    world.ask("more", "7d", hidden=True)
    world.jump(END)
    assert "stop" not in world.nova.deeds()
    assert (world.granted(), world.status.before) == (("True", "Full"), None)
    assert world.status.next_action is not None
    assert world.status.next_action.claimed_time is None


def test_a_server_that_is_shelved_comes_back_and_its_image_is_swept() -> None:
    world = renewed(adopted(expiry=SHELVE).at(END))
    assert (world.state, world.nova.shelved_images) == (("active", False), [])
    assert world.told()[-1] == "Restored"


def test_a_shelved_server_that_was_stopped_before_is_stopped_again() -> None:
    world = adopted(expiry=SHELVE)
    world.nova.turned("stopped", action="stop")
    renewed(world.at(END))
    assert world.state == ("stopped", False)


def test_a_shelved_server_comes_back_as_it_was_also_after_a_later_stage() -> None:
    world = adopted(expiry=SHELVE_THEN_SNAPSHOT)
    world.nova.turned("stopped", action="stop")
    renewed(world.at(END + timedelta(days=2)))
    assert (world.state, world.nova.shelved_images) == (("stopped", False), [])


def test_a_shelve_that_was_not_reported_yet_is_undone_in_full() -> None:
    world = adopted(expiry=SHELVE)
    world.nova.turned("stopped", action="stop")
    world.nova.instant = False
    world.jump(END)
    assert world.status.stage is None
    world.nova.instant = True
    renewed(world)
    assert (world.state, world.nova.shelved_images) == (("stopped", False), [])


def test_a_stop_that_was_stopped_before_stays_so() -> None:
    world = adopted()
    world.nova.turned("stopped", action="stop")
    renewed(world.at(END))
    assert world.state == ("stopped", False)


def test_a_server_that_its_owner_stopped_right_before_the_end_is_not_started() -> None:
    world = adopted()
    world.remembered = world.server
    world.nova.turned("stopped", action="stop")
    world.jump(END)
    world.remembered = None
    assert world.said(C.ENFORCED) == ("True", "AlreadyDone")
    renewed(world)
    assert world.state == ("stopped", False)


def test_a_server_that_its_owner_stopped_after_our_snapshot_is_not_started() -> None:
    world = adopted(expiry=SNAPSHOT).at(END)
    world.nova.person("alice").unlock(SERVER)
    world.nova.person("alice").stop(SERVER)
    renewed(world)
    assert world.state == ("stopped", False)


@pytest.mark.parametrize("edit", [{"exemption": {"until": "2030-01-01T00:00:00Z"}}, {"expiry": LATER}])
def test_a_stop_that_was_under_way_when_the_manifest_changed_is_undone_all_the_same(edit: dict[str, Any]) -> None:
    world = adopted()
    world.nova.instant = False
    world.jump(END)
    world.edit(**edit)
    world.nova.instant = True
    world.wait(minutes=5)
    assert world.server.vm_state == "stopped"
    renewed(world)
    assert world.state == ("active", False)


def test_a_server_that_comes_back_in_error_keeps_its_image_and_is_not_said_to_be_restored() -> None:
    world = adopted(expiry=SHELVE).at(END)
    world.nova.instant = False
    world.nova.tasks.broken["spawning"] = "The hypervisor refused it."
    world.ask("more", "7d")
    world.turn()
    assert world.server.task_state == "unshelving"
    world.wait(hours=1)
    assert world.nova.shelved_images == ["db-1-shelved"]
    assert (world.said(C.READY), "Restored" in world.told()) == (("False", "RestoreFailed"), False)


def test_a_paused_server_stays_paused_and_is_unlocked() -> None:
    world = adopted()
    world.nova.turned("paused", action="pause")
    renewed(world.at(END))
    assert world.state == ("paused", False)


def test_a_renewal_after_a_snapshot_takes_the_lock_off() -> None:
    world = renewed(adopted(expiry=SNAPSHOT).at(END))
    assert world.state == ("active", False)


def test_after_delete_a_renewal_is_too_late() -> None:
    world = renewed(adopted(expiry=DELETE).at(END))
    assert world.granted() == ("False", "TooLate")


def test_a_renewal_while_nova_deletes_for_us_is_too_late() -> None:
    world = adopted(expiry=DELETE)
    world.nova.instant = False
    world.jump(END)
    assert world.server.task_state == "deleting"
    world.ask("more", "7d")
    world.turn()
    assert world.granted() == ("False", "TooLate")


def test_no_renewal_is_granted_while_nobody_knows_whether_the_server_is_deleted() -> None:
    world = adopted(expiry=DELETE)
    world.nova.refuse("delete", 503, "cut")
    world.jump(END)
    world.nova.lost()
    world.fault = Fault(Reason.CLOUD_UNAVAILABLE, "down")
    world.ask("more", "7d")
    world.turn()
    world.fault = None
    world.wait(hours=1)
    assert world.granted() == ("False", "TooLate")


def test_a_longer_manifest_brings_the_server_back() -> None:
    world = adopted().at(END)
    world.edit(duration="120d")
    world.wait(minutes=5)
    assert world.state == ("active", False)
    assert world.status.expire_time == START + timedelta(days=120)


def test_a_shorter_manifest_ends_the_lease_now_and_keeps_the_grants() -> None:
    world = renewed(adopted().after(days=60), "10d")
    world.edit(duration="30d")
    world.turn()
    assert (world.status.expire_time, world.state) == (START + timedelta(days=40), ("stopped", True))


def test_a_server_without_host_says_that_it_did_not_come_back() -> None:
    world = adopted(expiry=SHELVE).at(END)
    world.nova.deaf = {"unshelve"}
    world.ask("more", "7d")
    world.wait(minutes=5)
    assert world.said(C.READY) == ("False", "RestoreFailed")
    world.nova.deaf = set()
    world.wait(hours=1)
    assert (world.state, world.said(C.READY)) == (("active", False), ("True", "InTerm"))


def test_a_server_without_host_is_not_unshelved_again_within_two_minutes() -> None:
    world = adopted(expiry=SHELVE).at(END)
    world.nova.deaf = {"unshelve"}
    world.ask("more", "7d")
    world.wait(minutes=1, seconds=59)
    assert world.nova.deeds().count("unshelve") == 1


def test_a_start_that_nova_refuses_is_said_and_tried_again() -> None:
    world = adopted().at(END)
    world.nova.refuse("start", 403, "Quota exceeded")
    world.ask("more", "7d")
    world.turn()
    assert world.said(C.READY) == ("False", "RestoreFailed")
    assert "Quota exceeded" in world.condition(C.READY).message
    world.wait(minutes=1)
    assert world.state == ("active", False)


def test_a_restore_that_fails_holds_every_stage_of_the_next_end() -> None:
    world = adopted(expiry=SHELVE).at(END)
    world.nova.refuse("unshelve", 403, "Quota exceeded", times=99)
    renewed(world, "2h")
    world.at(END + timedelta(hours=3))
    assert world.server.vm_state == "shelved_offloaded"


def test_a_restore_is_held_by_no_freeze_and_no_uncertain_clock() -> None:
    world = adopted().at(END)
    world.frozen, world.clock_certain = True, False
    assert renewed(world).state == ("active", False)


def test_a_busy_server_is_brought_back_when_it_is_free() -> None:
    world = adopted().at(END)
    world.nova.change(task_state="rebooting_hard")
    world.ask("more", "7d")
    world.turn()
    assert world.said(C.READY) == ("False", "Renewed")
    world.nova.change(task_state=None)
    world.wait(minutes=1)
    assert world.state == ("active", False)


def test_a_server_that_another_locked_after_our_stop_keeps_his_lock() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Stop"}]}).at(END)
    world.nova.locked_by("alice", "mine")
    renewed(world)
    assert world.state == ("stopped", True)
    assert world.said(C.READY) == ("False", "RestoreFailed")


def test_a_server_started_by_hand_while_our_lock_is_on_loses_the_lock_at_a_renewal() -> None:
    world = adopted().at(END)
    world.frozen = True
    world.nova.person("admin").start(SERVER)  # to all others Nova says that it is locked
    world.wait(minutes=5)
    assert "ManualStart" in world.told()
    renewed(world)
    assert world.state == ("active", False)


def test_a_restore_whose_answer_is_lost_is_not_done_twice() -> None:
    world = adopted().at(END)
    world.nova.lose = {"unlock", "start"}
    renewed(world)
    assert (world.state, world.nova.deeds().count("start")) == (("active", False), 1)


def test_a_denied_request_changes_nothing() -> None:
    world = adopted(renewal={"window": "10d"})
    before = world.status
    renewed(world, "30d")
    assert (world.granted(), world.status) == (("False", "TooEarly"), before)
    assert world.told()[-1] == "RenewalDenied"


def test_a_very_long_request_does_not_stop_the_lease_from_working() -> None:
    world = adopted()
    world.ask("more", "99999w")
    world.turn()
    assert world.granted() is not None


def test_a_name_is_granted_once() -> None:
    world = renewed(adopted())
    world.requests.clear()
    renewed(world)
    assert world.granted() == ("False", "AlreadyGranted")
    assert world.status.expire_time == END + timedelta(days=7)


def test_a_server_that_is_gone_at_a_renewal_after_our_stop_is_not_an_error() -> None:
    world = adopted().at(END)
    world.nova.lost()
    renewed(world)
    assert world.said(C.READY) == ("False", "Missing")
