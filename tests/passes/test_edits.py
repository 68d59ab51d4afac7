"""A manifest that changes in the middle of a life."""

from datetime import timedelta
from typing import Any

from lessor.model.conditions import ConditionType as C
from tests.passes.world import OTHER, SERVER, START, World, adopted

END = START + timedelta(days=90)
STOP = {"after": "0s", "action": "Stop", "lock": True}


def stages(*declared: dict[str, Any]) -> dict[str, Any]:
    return {"stages": list(declared)}


def test_a_stage_that_is_added_later_runs_after_the_one_done() -> None:
    world = adopted().at(END)
    world.edit(expiry=stages(STOP, {"after": "7d", "action": "Delete"}))
    world.wait(days=6)
    assert SERVER in world.nova.servers
    world.wait(days=2)
    assert SERVER not in world.nova.servers


def test_a_stage_that_is_added_long_after_the_one_done_still_waits_for_no_less_than_its_distance() -> None:
    world = adopted().at(END)
    world.at(END + timedelta(days=6))
    world.edit(expiry=stages(STOP, {"after": "7d", "action": "Delete"}))
    world.turn()
    assert SERVER in world.nova.servers
    world.at(END + timedelta(days=7, minutes=1))
    assert SERVER not in world.nova.servers


def test_a_done_stage_that_is_no_longer_declared_begins_the_list_anew_and_harms_nothing_twice() -> None:
    world = adopted().at(END)
    world.edit(expiry=stages({"after": "1d", "action": "Shelve"}))
    world.wait(hours=23)
    assert world.server.vm_state == "stopped"
    world.wait(hours=2)
    assert world.server.vm_state == "shelved_offloaded"


def test_a_snapshot_that_is_declared_before_the_stage_done_still_comes_before_a_delete() -> None:
    world = adopted(expiry=stages({"after": "1d", "action": "Stop"}, {"after": "9d", "action": "Delete"}))
    world.at(END + timedelta(days=2))
    world.edit(
        expiry=stages(
            {"after": "0s", "action": "Snapshot"},
            {"after": "1d", "action": "Stop"},
            {"after": "9d", "action": "Delete"},
        )
    )
    world.wait(days=20)
    assert SERVER not in world.nova.servers
    assert len(world.nova.images) == 1


def test_a_stage_that_is_moved_after_its_claim_waits_for_its_new_time() -> None:
    world = adopted()
    world.nova.change(task_state="rebooting")
    world.at(END)
    world.edit(expiry=stages({"after": "2d", "action": "Stop"}))
    world.nova.change(task_state=None)
    world.wait(days=1)
    assert world.state == ("active", False)
    world.wait(days=2)
    assert world.state == ("stopped", False)


def test_a_spec_that_is_no_longer_accepted_holds_everything() -> None:
    world = adopted()
    world.edit(serverTemplate={"name": "x"})
    world.at(END)
    assert (world.state, world.said(C.READY)) == (("active", False), ("False", "NotImplementedYet"))
    assert world.said(C.STALLED) == ("True", "NotImplementedYet")


def test_an_end_that_is_past_at_first_sight_is_one_hour_from_now() -> None:
    world = World()
    world.nova.boot(created=START - timedelta(days=99))
    world.declare(expireTime="2026-01-01T00:00:00Z")
    world.turn()
    assert world.status.expire_time == START + timedelta(hours=1)
    assert "one hour" in world.condition(C.ACTIVE).message
    assert world.state == ("active", False)


def test_a_server_made_after_the_declared_end_is_never_adopted() -> None:
    world = World()
    world.nova.boot()
    world.declare(expireTime="2026-01-01T00:00:00Z")
    world.turn()
    assert (world.nova.deeds(), world.said(C.SERVER_FOUND)) == ([], ("False", "NewerServer"))


def test_an_end_of_time_is_no_error() -> None:
    world = World()
    world.nova.boot()
    world.declare(expireTime="9999-12-31T23:59:59.5Z", exemption={"until": "9999-12-31T23:59:59-05:00"})
    world.turn()
    assert world.said(C.READY) == ("True", "InTerm")


def test_a_window_before_all_time_is_no_error() -> None:
    world = adopted(renewal={"window": "99999w99999d"})
    world.ask("more", "1d")
    world.turn()
    assert world.granted() == ("True", "Full")


def test_a_name_of_two_servers_is_refused_with_their_ids() -> None:
    world = World()
    world.nova.boot()
    world.nova.boot(OTHER)
    world.declare(server={"name": "db-1"})
    world.turn()
    assert world.said(C.ACCEPTED) == ("False", "AmbiguousServer")
    assert SERVER in world.condition(C.ACCEPTED).message


def test_a_name_that_comes_later_is_found_then() -> None:
    world = World()
    world.declare(server={"name": "db-1"})
    world.turn()
    assert world.said(C.SERVER_FOUND) == ("False", "NotFoundYet")
    world.nova.boot()
    world.wait(hours=1)
    assert world.said(C.READY) == ("True", "InTerm")


def test_look_now_is_echoed_and_asks_the_cloud() -> None:
    world = adopted()
    calls = len(world.nova.calls)
    world.annotate(reconcile_requested_at="now")
    world.turn()
    assert world.status.last_handled_reconcile_at == "now"
    assert world.nova.calls[calls:] == ["get-server"]


def test_an_idle_lease_asks_nothing_and_writes_nothing() -> None:
    world = adopted()
    calls, writes = len(world.nova.calls), len(world.writes)
    world.jump(START + timedelta(days=5))
    assert (len(world.nova.calls), len(world.writes)) == (calls, writes)
