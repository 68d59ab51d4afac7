"""The mark on the server in the whole world: who may act, what is written, what comes back from it."""

from datetime import timedelta

import msgspec

from lessor.decide import instanceleases
from lessor.model import names
from lessor.model.conditions import ConditionType as C
from lessor.model.instancelease import InstanceLeaseStatus
from lessor.model.marks import Mark, Seal
from lessor.simulated.clock import SimClock
from tests.passes.world import OTHER, SEAL, SERVER, START, World, adopted, facts

END = START + timedelta(days=90)


def sealed(seal: Seal = SEAL, **changes: object) -> dict[str, str]:
    mark = Mark(
        **{"installation": seal.installation, "object": "uid-1", "server": SERVER, "start": START, **changes}  # type: ignore[arg-type]
    )
    return {names.MARK_KEY: seal.write(mark)}


def unmarked(world: World) -> World:
    world.nova.change(metadata={})
    return world


def test_a_lost_mark_holds_the_stage() -> None:
    world = unmarked(adopted()).at(END)
    assert (world.state, world.said(C.ENFORCED)) == (("active", False), ("False", "MarkMissing"))
    assert "MarkMissing" in world.told()


def test_a_lost_mark_is_not_written_again_by_itself() -> None:
    world = unmarked(adopted()).after(days=80)
    assert world.server.metadata == {}


def test_a_lost_mark_is_written_again_when_a_person_asks() -> None:
    world = unmarked(adopted()).at(END)
    world.annotate(reconcile_requested_at="2026-05-30T09:00:00Z")
    world.turn()
    assert world.mark is not None
    assert (world.state, world.said(C.MARKED)) == (("stopped", True), ("True", "Marked"))
    assert world.status.last_handled_reconcile_at == "2026-05-30T09:00:00Z"


def test_a_forged_mark_is_no_mark() -> None:
    world = adopted()
    world.nova.change(metadata={names.MARK_KEY: "1;installation-1;uid-1;x;2026-03-01T08:00:00Z;0;0;AAAA"})
    world.at(END)
    assert world.said(C.ENFORCED) == ("False", "MarkMissing")


def test_the_mark_of_another_installation_is_respected() -> None:
    world = World()
    world.nova.boot(metadata=sealed(Seal("other", b"x" * 32)))
    world.declare()
    world.turn()
    assert (world.nova.deeds(), world.said(C.MARKED)) == ([], ("False", "OtherInstallation"))
    world.jump(END)
    assert world.state == ("active", False)


def test_the_mark_of_a_dead_object_of_ours_is_written_over() -> None:
    world = World()
    world.nova.boot(metadata=sealed(object="dead"))
    world.declare()
    world.turn()
    assert world.mark is not None
    assert world.mark.object == "uid-1"


def test_the_mark_of_an_object_that_lives_is_respected() -> None:
    world = adopted()
    another = world.beside()
    another.clock.jump(START + timedelta(hours=1))
    world.nova.boot(OTHER, metadata=world.server.metadata or {})
    another.declare("uid-2", "vm2", server={"id": OTHER})
    another.turn()
    assert another.said(C.READY) == ("False", "NotWritable")


def test_a_start_that_only_the_mark_knows_holds() -> None:
    world = World(SimClock(START + timedelta(days=5)))
    world.nova.boot(metadata=sealed())
    world.declare()
    world.turn()
    assert (world.status.start_time, world.status.expire_time) == (START, END)


def test_the_larger_grants_of_the_mark_hold() -> None:
    world = adopted()
    world.nova.change(metadata=sealed(count=2, extended=timedelta(days=20)))
    world.after(days=89)
    assert world.status.expire_time == END + timedelta(days=20)
    assert world.status.renewals is not None
    assert world.status.renewals.count == 2


def test_the_grants_of_a_mark_count_against_the_limit() -> None:
    world = adopted(renewal={"maxRenewals": 3})
    world.nova.change(metadata=sealed(count=2, extended=timedelta(days=20)))
    world.after(days=89)
    assert world.status.renewals is not None
    assert world.status.renewals.remaining == 1


def test_smaller_grants_of_an_old_mark_do_not_count() -> None:
    world = adopted()
    world.ask("more", "30d")
    world.turn()
    world.nova.change(metadata=sealed())
    world.wait(days=1)
    assert world.status.expire_time == END + timedelta(days=30)
    world.at(END + timedelta(days=10))
    assert world.mark is not None
    assert world.mark.extended == timedelta(days=30)


def test_a_mark_that_the_state_forbids_is_written_when_it_may_be() -> None:
    world = World()
    world.nova.boot(vm_state="rescued")
    world.declare()
    world.turn()
    assert world.said(C.MARKED) == ("False", "NotWritable")
    world.nova.change(vm_state="active")
    world.wait(hours=1)
    assert world.said(C.MARKED) == ("True", "Marked")


def test_an_unmarked_server_in_rescue_is_not_locked_at_its_end() -> None:
    world = World()
    world.nova.boot(vm_state="rescued")
    world.declare(duration="1d")
    world.turn()
    world.jump(START + timedelta(days=1))
    assert (world.state, world.said(C.ENFORCED)) == (("rescued", False), ("False", "MarkMissing"))


def test_an_old_mark_in_rescue_still_counts_as_ours() -> None:
    world = adopted()
    world.nova.change(vm_state="rescued")
    world.ask("more", "1d")
    world.after(days=91)
    assert (world.state, world.said(C.ENFORCED)) == (("rescued", True), ("True", "LockedOnly"))


def test_an_old_mark_on_a_shelved_server_is_renewed_right_after_the_unshelve() -> None:
    world = adopted(expiry={"stages": [{"after": "0s", "action": "Shelve", "lock": True}]}).at(END)
    world.ask("more", "7d")
    world.wait(minutes=1)
    assert world.mark is not None
    assert (world.state, world.mark.extended) == (("active", False), timedelta(days=7))
    assert world.said(C.MARKED) == ("True", "Marked")


def test_a_mark_that_is_refused_once_by_a_cut_answer_is_written_soon() -> None:
    world = World()
    world.nova.boot()
    world.nova.refuse("write-metadata", 503, "503")
    world.declare(duration="30m")
    world.turn()
    world.after(minutes=30)
    assert world.state == ("stopped", True)


def test_a_mark_for_which_there_is_no_room_is_said_and_holds_the_lease() -> None:
    world = World()
    world.nova.boot()
    world.nova.refuse("write-metadata", 403, "Maximum number of metadata items exceeds 128", times=999)
    world.declare(duration="1d")
    world.turn()
    assert world.said(C.READY) == ("False", "NotWritable")
    assert "128" in world.condition(C.MARKED).message
    world.after(days=1)
    assert world.state == ("active", False)


def test_a_lease_restored_from_a_backup_stops_nothing() -> None:
    world = unmarked(adopted())
    world.held  # noqa: B018 (it is there)
    world.restart().jump(END)
    assert world.state == ("active", False)


def test_a_lease_without_status_and_with_its_mark_gets_start_and_grants_back() -> None:
    world = adopted().after(days=10)
    world.ask("more", "30d")
    world.turn()
    world.lease = msgspec.structs.replace(world.held, status=InstanceLeaseStatus())
    world.requests.clear()
    world.wait(days=1)
    world.turn()
    assert (world.status.start_time, world.status.expire_time) == (START, END + timedelta(days=30))


def test_an_old_record_without_the_mark_is_not_believed_before_the_server_was_read() -> None:
    world = adopted()
    old = msgspec.structs.replace(world.server, metadata={})
    plan = instanceleases.plan(facts(world, live=False, server=old))
    assert (plan.look_closer, plan.effect) == (True, None)
    assert plan.status.conditions == world.status.conditions


def test_a_mark_that_was_asked_for_while_the_server_was_busy_is_written_when_it_is_free() -> None:
    world = unmarked(adopted()).after(days=1)
    world.nova.change(task_state="rebooting")
    world.annotate(reconcile_requested_at="now")
    world.turn()
    assert world.status.last_handled_reconcile_at is None
    world.nova.change(task_state=None)
    world.wait(minutes=1)
    assert (world.said(C.MARKED), world.status.last_handled_reconcile_at) == (("True", "Marked"), "now")
