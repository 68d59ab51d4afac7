"""Worlds that cannot be are refused, with a sentence that says why."""

from datetime import timedelta
from typing import Any

import pytest

from lessor.simulated.cloud import states
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.cloud.server import ImpossibleWorld
from tests.simulated.cloud.served import START, World

IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    ("no such vm_state", {"vm_state": "sleeping"}, "Nova has no vm_state sleeping"),
    ("status and vm_state", {"vm_state": "stopped", "status": "ACTIVE"}, "Nova shows SHUTOFF, not ACTIVE"),
    (
        "status and task",
        {"task_state": "resize_prep", "status": "ACTIVE"},
        "the task_state resize_prep Nova shows RESIZE, not ACTIVE",
    ),
    ("power", {"vm_state": "stopped", "power_state": states.RUNNING}, "the power_state 1 does not fit"),
    ("a reason without a lock", {"locked_reason": "why"}, "it has a locked_reason and no lock"),
    ("a lock by nobody", {"locked_by": "somebody"}, "a lock is by owner or admin, not by somebody"),
    ("a long reason", {"locked_by": "owner", "locked_reason": "r" * 256}, "locked_reason is longer than 255"),
    ("a task without an end", {"task_state": "dreaming"}, "the task dreaming has no end"),
    ("a task of another state", {"vm_state": "stopped", "task_state": "pausing"}, "the task pausing has no end"),
    ("129 items", {"metadata": {str(number): "v" for number in range(129)}}, "more than 128 items of metadata"),
    ("a long value", {"metadata": {"key": "v" * 256}}, "its metadata are too long"),
    ("no such flavor", {"flavor": "huge"}, "there is no flavor huge"),
    ("a building one was launched", {"vm_state": "building", "launched": START}, "was launched while it is building"),
    ("an active one never was", {"launched": None}, "with the vm_state active it was never launched"),
    ("from the future", {"created": START + timedelta(days=1)}, "it was created after now"),
    ("metadata of a deleted one", {"vm_state": "deleted", "metadata": {"a": "b"}}, "has no metadata"),
    ("no uuid", {"server_id": "s1"}, "s1 is no UUID"),
    ("no such image", {"image": "none"}, "there is no image none"),
]


@pytest.mark.parametrize(("given", "sentence"), [pytest.param(*row[1:], id=row[0]) for row in IMPOSSIBLE])
def test_an_impossible_server_is_refused(world: World, given: Any, sentence: str) -> None:
    with pytest.raises(ImpossibleWorld, match=sentence):
        world.cloud.boot(world.team, world.alice, "db-1", **given)
    assert not world.cloud.compute.fleet.servers


def test_a_server_of_an_unknown_project_or_user_is_refused(world: World) -> None:
    with pytest.raises(ImpossibleWorld, match="there is no project p9"):
        world.cloud.boot(Project(id="p9", name="nowhere"), world.alice, "db-1")
    with pytest.raises(ImpossibleWorld, match="there is no user u9"):
        world.cloud.boot(world.team, User(id="u9", name="nobody", password=""), "db-1")


def test_an_id_is_given_once(world: World) -> None:
    first = world.cloud.boot(world.team, world.alice, "db-1")
    with pytest.raises(ImpossibleWorld, match="already"):
        world.cloud.boot(world.team, world.alice, "db-2", server_id=first.id)


def test_a_server_is_changed_from_outside(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    world.cloud.as_user(world.alice, world.team).shelve(server.id)
    world.cloud.change(server, vm_state="paused", locked_by="admin", locked_reason="held")
    world.rest()
    assert (server.status, server.power_state, server.task_state) == ("PAUSED", states.PAUSED, None)
    assert (server.locked_by, server.locked_reason) == ("admin", "held")


def test_a_change_into_an_impossible_world_changes_nothing(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    with pytest.raises(ImpossibleWorld, match="locked_reason and no lock"):
        world.cloud.change(server, vm_state="paused", locked_reason="why")
    assert (server.vm_state, server.locked_reason) == ("active", None)


def test_a_role_is_given_to_those_who_are_there(world: World) -> None:
    with pytest.raises(ImpossibleWorld, match="The role owner cannot be given"):
        world.cloud.assign(world.alice, world.team, "owner")


@pytest.mark.parametrize("vm_state", states.STATUS)
def test_every_vm_state_can_be(world: World, vm_state: str) -> None:
    made = world.cloud.boot(world.team, world.alice, "db-1", vm_state=vm_state)
    assert (made.vm_state, made.status) == (vm_state, states.STATUS[vm_state])


@pytest.mark.parametrize(
    ("vm_state", "task", "then"),
    [
        ("active", "powering-off", "stopped"),
        ("active", "image_uploading", "active"),
        ("active", "shelving", "shelved_offloaded"),
        ("stopped", "powering-on", "active"),
        ("building", "spawning", "active"),
        ("shelved", "shelving_offloading", "shelved_offloaded"),
        ("active", "deleting", "deleted"),
    ],
)
def test_a_task_that_is_put_in_ends_by_itself(world: World, vm_state: str, task: str, then: str) -> None:
    made = world.cloud.boot(world.team, world.alice, "db-1", vm_state=vm_state, task_state=task)
    assert made.task_state == task
    world.rest()
    assert (made.vm_state, made.task_state) == (then, None)


def test_tables_are_total() -> None:
    assert set(states.POWER) == set(states.STATUS)
    tasks = {step.task or "" for action in states.ACTIONS.values() for plan in action.plans.values() for step in plan}
    every = tasks | {step.task or "" for plan in (states.BOOT, states.OFFLOAD, states.SOFT_DELETE) for step in plan}
    assert every <= set(states.DURATIONS)
    for action in states.ACTIONS.values():
        for vm_state in action.states or states.STATUS:
            assert action.plan(vm_state)
