"""Time: tasks end when theirs has come, in their order, and only by the injected clock."""

from datetime import timedelta

import pytest

from lessor.ports import cloud as errors
from lessor.simulated.cloud import states
from tests.simulated.cloud.served import START, World


def test_a_task_ends_when_its_time_has_come_and_not_before(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.stop(server.id)
    due = world.cloud.next_transition()
    assert due == START + (states.DURATIONS["powering-off"] or timedelta())
    seen = []
    for instant in (START, due - timedelta(microseconds=1), due):
        world.clock.jump(instant)
        observed = port.server(server.id)
        assert observed is not None
        seen.append((observed.vm_state, observed.task_state))
    assert seen == [("active", "powering-off"), ("active", "powering-off"), ("stopped", None)]
    assert world.cloud.next_transition() is None


def test_steps_follow_each_other_from_their_own_ends_however_late_one_looks(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.shelve(server.id)
    world.pass_(3600)
    observed = port.server(server.id)
    assert observed is not None
    assert observed.vm_state == "shelved_offloaded"
    assert server.updated < START + timedelta(seconds=5)


def test_a_task_without_a_duration_never_ends(world: World) -> None:
    world.cloud.compute.tasks.durations["powering-off"] = None
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.stop(server.id)
    world.pass_(1e9)
    assert world.cloud.next_transition() is None
    with pytest.raises(errors.ServerBusy, match="task_state powering-off"):
        port.stop(server.id)


def test_a_deletion_drops_the_task_before_it(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.stop(server.id)
    port.delete(server.id)
    world.rest()
    assert (server.vm_state, server.task_state) == ("deleted", None)


def test_a_broken_task_ends_in_error(world: World) -> None:
    world.cloud.compute.tasks.broken["deleting"] = "The host is on fire."
    server = world.cloud.boot(world.team, world.alice, "db-1")
    world.cloud.as_user(world.alice, world.team).delete(server.id)
    world.rest()
    assert (server.vm_state, server.fault) == ("error", "The host is on fire.")


def test_a_shelved_server_waits_for_its_offload(world: World) -> None:
    world.cloud.compute.tasks.offload_after = timedelta(hours=1)
    server = world.cloud.boot(world.team, world.alice, "db-1")
    world.cloud.as_user(world.alice, world.team).shelve(server.id)
    world.pass_(60)
    world.cloud.settle()
    assert (server.vm_state, server.task_state) == ("shelved", None)
    world.pass_(3600)
    world.cloud.settle()
    assert server.vm_state == "shelved_offloaded"


def test_a_shelved_server_is_started_again_before_its_offload(world: World) -> None:
    world.cloud.compute.tasks.offload_after = None
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.shelve(server.id)
    world.rest()
    assert (server.status, server.host) == ("SHELVED", "host-1")
    port.unshelve(server.id)
    world.rest()
    assert (server.status, server.shelved_image_id) == ("ACTIVE", None)


def test_an_administrator_offloads_a_shelved_server(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1", vm_state="shelved")
    world.cloud.as_user(world.root, world.admins).act(server.id, "shelveOffload")
    world.rest()
    assert (server.status, server.host) == ("SHELVED_OFFLOADED", None)


def test_without_room_an_unshelve_is_accepted_and_comes_to_nothing(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.shelve(server.id)
    world.rest()
    world.cloud.compute.tasks.full = True
    port.unshelve(server.id)
    world.rest()
    assert (server.vm_state, server.task_state) == ("shelved_offloaded", None)
    assert server.shelved_image_id is not None


def test_without_room_a_boot_ends_in_error(world: World) -> None:
    world.cloud.compute.tasks.full = True
    server = world.cloud.boot(world.team, world.alice, "db-1", vm_state="building", task_state="scheduling")
    world.rest()
    assert (server.vm_state, server.fault) == (
        "error",
        "No valid host was found. There are not enough hosts available.",
    )


def test_a_soft_deleted_server_is_restored_or_goes_for_good(world: World) -> None:
    world.cloud.compute.soft_delete = True
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.delete(server.id)
    world.rest()
    observed = port.server(server.id)
    assert observed is not None
    assert (observed.status, observed.over) == ("SOFT_DELETED", True)
    assert [*port.pages(None)] == [()]
    port.act(server.id, "restore")
    world.rest()
    assert server.status == "ACTIVE"
    port.act(server.id, "forceDelete")
    world.rest()
    assert port.server(server.id) is None


def test_an_undeletable_server_takes_the_request_and_stays(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1", undeletable=True)
    world.cloud.as_user(world.alice, world.team).delete(server.id)
    assert (server.vm_state, server.task_state) == ("active", None)


def test_a_token_ends_and_a_new_one_is_taken() -> None:
    short = World(life=timedelta(hours=1))
    port = short.cloud.as_user(short.alice, short.team)
    for _ in range(3):
        short.pass_(3500)
        port.probe()
    assert short.lines() == ["token", *("token", "servers.probe") * 3]


def test_the_same_seed_gives_the_same_world() -> None:
    def story(seed: int) -> list[str]:
        world = World(seed)
        port = world.cloud.as_user(world.alice, world.team)
        ids = [world.cloud.boot(world.team, world.alice, name).id for name in ("a", "b")]
        port.snapshot(ids[0], "kept", "stage")
        return [*ids, *world.cloud.images.images, *(call.line for call in world.cloud.calls)]

    assert story(7) == story(7)
    assert story(7) != story(8)
