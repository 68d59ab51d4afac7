"""Whole lives of an InstanceLease: every write counted, every deed in the cloud counted."""

from datetime import timedelta

from lessor.model.conditions import ConditionType as C
from tests.passes.world import OTHER, SERVER, START, World, adopted


def test_a_hand_made_life_takes_six_writes_and_five_deeds() -> None:
    world = adopted()
    assert world.writes == ["finalizer on", "status"]
    assert world.nova.deeds() == ["write-metadata"]
    assert world.said(C.READY) == ("True", "InTerm")

    world.after(days=60)
    assert world.said(C.EXPIRING) == ("True", "EndsSoon")
    world.after(days=90)
    assert world.writes == ["finalizer on", "status", "status", "claim", "status"]
    assert world.nova.deeds() == ["write-metadata", "stop", "lock"]
    assert world.said(C.ENFORCED) == ("True", "Stopped")
    assert world.said(C.READY) == ("True", "Expired")
    assert world.said(C.EXPIRED) == ("True", "EndReached")
    assert world.wake_at is None

    world.remove()
    world.turn()
    assert world.writes[-1] == "finalizer off"
    assert len(world.writes) == 6
    assert world.nova.deeds()[3:] == ["unlock", "remove-metadata", "remove-metadata"]
    assert world.nova.servers[SERVER].vm_state == "stopped"
    assert world.nova.servers[SERVER].metadata == {}


def test_a_name_costs_one_write_more_and_is_resolved_once() -> None:
    world = World()
    world.nova.boot()
    world.declare(server={"name": "db-1"})
    world.turn()
    assert world.writes == ["finalizer on", "status", "status"]
    assert world.lease is not None
    assert world.lease.status.server_id == SERVER
    world.nova.boot(OTHER, created=START)
    world.after(days=90)
    assert world.nova.servers[OTHER].vm_state == "active"
    assert world.nova.servers[SERVER].vm_state == "stopped"


def test_a_renewal_after_the_stop_brings_the_server_back_as_it_was() -> None:
    world = adopted()
    world.after(days=90)
    world.ask("more", "7d")
    world.after(days=91)
    server = world.nova.servers[SERVER]
    assert (server.vm_state, server.locked) == ("active", False)
    assert world.granted() == ("True", "Full")
    assert world.said(C.READY) == ("True", "InTerm")
    assert world.said(C.EXPIRED) == ("False", "Renewed")
    assert world.nova.deeds() == ["write-metadata", "stop", "lock", "unlock", "start", "write-metadata"]
    assert world.lease is not None
    assert world.lease.status.before is None
    world.after(days=99)
    assert world.nova.servers[SERVER].vm_state == "stopped"


def test_all_four_stages_run_one_after_the_other() -> None:
    stages = [
        {"after": "0s", "action": "Stop", "lock": True},
        {"after": "1d", "action": "Snapshot"},
        {"after": "2d", "action": "Shelve"},
        {"after": "9d", "action": "Delete"},
    ]
    world = adopted(expiry={"stages": stages}, duration="30d")
    world.nova.instant = False
    world.nova.tasks.durations["image_uploading"] = None
    world.after(days=30, minutes=5)
    assert world.said(C.ENFORCED) == ("True", "Stopped")
    world.after(days=31, minutes=1)
    assert world.said(C.ENFORCED) == ("False", "Due")
    world.nova.imaged()
    world.after(days=31, minutes=30)
    assert world.said(C.ENFORCED) == ("True", "Snapshotted")
    world.after(days=32, minutes=30)
    assert world.said(C.ENFORCED) == ("True", "Shelved")
    assert world.nova.servers[SERVER].locked
    world.after(days=39, minutes=30)
    assert world.said(C.ENFORCED) == ("True", "Deleted")
    assert SERVER not in world.nova.servers
    deeds = ["stop", "lock", "snapshot", "unlock", "shelve", "lock", "unlock", "delete"]
    assert world.nova.deeds() == ["write-metadata", *deeds]
    world.ask("late", "7d")
    world.turn()
    assert world.granted("late") == ("False", "TooLate")


def test_no_stage_runs_early() -> None:
    world = adopted(duration="1d")
    world.at(START + timedelta(days=1) - timedelta(microseconds=1))
    assert world.nova.servers[SERVER].vm_state == "active"
    world.after(days=1)
    assert world.nova.servers[SERVER].vm_state == "stopped"


def test_a_stop_that_takes_its_time_is_not_said_to_be_over_and_costs_no_write() -> None:
    world = adopted()
    world.nova.tasks.durations["powering-off"] = None
    world.at(START + timedelta(days=89)).jump(START + timedelta(days=90))
    for _ in range(5):
        world.wait(seconds=10)
        assert (world.server.task_state, world.said(C.READY)) == ("powering-off", ("False", "Due"))
    world.nova.change(vm_state="stopped")
    world.wait(minutes=1)
    assert world.said(C.READY) == ("True", "Expired")
    assert world.writes == ["finalizer on", "status", "status", "claim", "status"]
