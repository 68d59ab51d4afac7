"""Leases go on by themselves: every ten seconds, one event after the other, and only by the injected clock."""

from datetime import timedelta

import pytest

from lessor.model.reservations import EventState, EventType, LeaseChange, LeaseState
from lessor.ports import reservations as errors
from lessor.simulated.cloud.blazar import agenda, states
from lessor.simulated.cloud.blazar.lease import Event, Lease
from tests.simulated.cloud.leased import addresses, flavors, furnish, hosts, instances, lease, on, seen, wanted
from tests.simulated.cloud.served import START, World


@pytest.fixture(autouse=True)
def _furnished(world: World) -> None:
    furnish(world)


def _events(found: Lease) -> dict[str, str]:
    return {str(event.kind): str(event.status) for event in found.events}


def test_a_lease_starts_at_the_next_look_of_the_manager_and_takes_its_time(world: World) -> None:
    world.pass_(3)
    found = lease(world, "l1", hosts())
    told = []
    for seconds in (6.9, 0.1, 0.9, 0.1):
        world.pass_(seconds)
        world.cloud.settle()
        told.append(found.status)
    assert told == ["PENDING", "STARTING", "STARTING", "ACTIVE"]


def test_a_lease_ends_at_the_look_when_it_is_due(world: World) -> None:
    found = lease(world, "l1", hosts(), hours=1)
    world.pass_(3599)
    world.cloud.settle()
    assert found.status == "ACTIVE"
    world.pass_(1)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status) == ("TERMINATING", "active")
    world.pass_(1)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status) == ("TERMINATED", "deleted")
    assert world.cloud.next_transition() is None


def test_events_happen_at_their_own_time_however_late_one_looks(world: World) -> None:
    found = lease(world, "l1", hosts(), hours=1)
    world.pass_(7 * 86400)
    world.cloud.settle()
    assert found.status == "TERMINATED"
    times = [(event.kind, event.updated) for event in found.events]
    assert dict(times)[EventType.END] == START + timedelta(hours=1, seconds=1)


def test_of_two_leases_of_a_host_the_first_ends_before_the_second_starts(world: World) -> None:
    first = lease(world, "l1", on("bm-a"), hours=1)
    port = world.cloud.as_user(world.anna, world.team).reservations
    middle = START + timedelta(hours=1)
    port.create(wanted("l2", on("bm-a"), start=middle, end=middle + timedelta(hours=1)))
    second = world.cloud.outside.lease("l2")
    world.pass_(3601)
    world.cloud.settle()
    assert (first.status, second.status) == ("TERMINATED", "STARTING")
    world.pass_(1)
    world.cloud.settle()
    assert second.status == "ACTIVE"


def test_what_is_done_together_has_its_order() -> None:
    def make(name: str, *kinds: EventType) -> Lease:
        events = [Event(id=f"{name}-{kind}", kind=kind, time=START, created=START) for kind in kinds]
        return Lease(
            id=name,
            name=name,
            user_id="",
            project_id="",
            start=START,
            end=START,
            trust_id="",
            created=START,
            updated=START,
            events=events,
        )

    new, old = make("new", *EventType), make("old", EventType.BEFORE_END, EventType.END)
    batches = agenda.ordered([(each, event) for each in (new, old) for event in each.events])
    assert [[event.id for _, event in batch] for batch in batches] == [
        ["old-before_end_lease"],
        ["old-end_lease"],
        ["new-start_lease"],
        ["new-before_end_lease"],
        ["new-end_lease"],
    ]


def test_while_an_event_never_ends_no_other_begins(world: World) -> None:
    world.cloud.blazar.agenda.durations[EventType.START] = None
    stuck, waits = lease(world, "l1", on("bm-a")), lease(world, "l2", on("bm-b"))
    world.pass_(86400)
    world.cloud.settle()
    assert (stuck.status, waits.status, _events(waits)["start_lease"]) == ("STARTING", "PENDING", "IN_PROGRESS")
    assert world.cloud.next_transition() is None


@pytest.mark.parametrize("state", [LeaseState.STARTING, LeaseState.TERMINATING, LeaseState.DELETING])
def test_a_lease_in_a_state_of_passage_takes_nothing(world: World, state: LeaseState) -> None:
    found = lease(world, "l1", hosts())
    if state is LeaseState.TERMINATING:
        world.pass_(20)
        world.cloud.settle()
    world.cloud.outside.stick("l1", state)
    port = world.cloud.as_user(world.alice, world.team).reservations
    for ask in (lambda: port.change("l1", LeaseChange(name="n")), lambda: port.delete("l1")):
        with pytest.raises(errors.LeaseBusy, match=r"Blazar answered 500: Invalid lease status\."):
            ask()
    world.pass_(86400)
    world.cloud.settle()
    assert found.status == state


def test_a_lease_that_is_stuck_in_its_making_has_no_events_and_stays(world: World) -> None:
    lease(world, "l1", hosts())
    world.cloud.outside.stick("l1", LeaseState.CREATING)
    port = world.cloud.as_user(world.alice, world.team).reservations
    assert seen(port, "l1").events == ()
    with pytest.raises(errors.Unexplained, match="Internal Server Error"):
        port.delete("l1")


def test_in_the_minute_of_its_start_an_active_lease_takes_another_start(world: World) -> None:
    found = lease(world, "l1", hosts())
    world.pass_(20)
    port = world.cloud.as_user(world.alice, world.team).reservations
    port.change("l1", LeaseChange(start=START + timedelta(minutes=30)))
    assert (found.status, found.start) == ("ACTIVE", START + timedelta(minutes=30))
    world.pass_(60)
    with pytest.raises(errors.LeaseRefused, match="Start date must be later than current date"):
        port.change("l1", LeaseChange(start=START))


def test_in_the_minute_of_its_end_a_lease_takes_another_end_and_stays_over(world: World) -> None:
    found = lease(world, "l1", hosts())
    world.pass_(20)
    port = world.cloud.as_user(world.alice, world.team).reservations
    port.change("l1", LeaseChange(end=START))
    world.pass_(15)
    assert seen(port, "l1").state == "TERMINATED"
    port.change("l1", LeaseChange(end=START + timedelta(hours=4)))
    assert (found.status, found.end) == ("TERMINATED", START + timedelta(hours=4))
    world.pass_(5 * 3600)
    with pytest.raises(errors.LeaseRefused, match="Terminated leases can only be renamed"):
        port.change("l1", LeaseChange(end=START + timedelta(hours=9)))
    port.change("l1", LeaseChange(name="over"))
    assert (seen(port, "l1").name, found.status) == ("over", "TERMINATED")


# ---------------------------------------------------------------- servers


def test_an_end_waits_for_the_servers_to_go(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=1)
    world.pass_(20)
    mine = world.cloud.boot(world.team, world.alice, "mine", host="bm-a", locked_by="owner")
    others = world.cloud.boot(world.other, world.bob, "others", host="bm-a")
    away = world.cloud.boot(world.team, world.alice, "away")
    world.cloud.compute.tasks.durations["deleting"] = timedelta(seconds=12)
    world.pass_(3580 + 12)
    world.cloud.settle()
    assert (found.status, mine.vm_state, others.vm_state) == ("TERMINATING", "deleted", "deleted")
    world.pass_(3)
    world.cloud.settle()
    assert (found.status, away.vm_state) == ("TERMINATED", "active")


def test_an_end_gives_up_after_ten_minutes(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=1)
    world.pass_(20)
    world.cloud.boot(world.team, world.alice, "stays", host="bm-a", undeletable=True)
    world.pass_(3580 + 599)
    world.cloud.settle()
    assert found.status == "TERMINATING"
    world.pass_(2)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status, _events(found)["end_lease"]) == ("ERROR", "error", "ERROR")


def test_a_delete_takes_the_servers_with_it_at_once(world: World) -> None:
    lease(world, "l1", on("bm-a"), flavors(), hours=1)
    world.pass_(20)
    server = world.cloud.boot(world.team, world.alice, "mine", host="bm-a")
    world.cloud.as_user(world.alice, world.team).reservations.delete("l1")
    assert (server.vm_state, world.cloud.blazar.leases) == ("deleted", {})


def test_a_delete_that_takes_longer_than_a_minute_has_no_answer_and_goes_on(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=5)
    world.pass_(20)
    world.cloud.boot(world.team, world.alice, "slow", host="bm-a")
    world.cloud.compute.tasks.durations["deleting"] = timedelta(seconds=90)
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.Unexplained, match="Internal Server Error"):
        port.delete("l1")
    assert found.status == "DELETING"
    with pytest.raises(errors.LeaseBusy):
        port.delete("l1")
    world.pass_(89)
    assert seen(port, "l1").state == "DELETING"
    world.pass_(6)
    assert port.lease("l1") is None


def test_a_delete_whose_servers_never_go_breaks_the_lease(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=5)
    world.pass_(20)
    server = world.cloud.boot(world.team, world.alice, "stays", host="bm-a", undeletable=True)
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.Unexplained):
        port.delete("l1")
    world.pass_(600)
    world.cloud.settle()
    assert found.status == "ERROR"
    server.undeletable = False


# ---------------------------------------------------------------- what fails


def test_a_start_that_fails_is_an_error_for_good(world: World) -> None:
    found = lease(world, "l1", hosts())
    world.cloud.outside.fail("l1", EventType.START)
    world.pass_(20)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status, _events(found)["start_lease"]) == ("ERROR", "error", "ERROR")
    port = world.cloud.as_user(world.alice, world.team).reservations
    port.change("l1", LeaseChange(name="l1"))
    assert seen(port, "l1").state == "ERROR"
    port.delete("l1")
    assert port.lease("l1") is None


def test_the_end_of_a_lease_that_never_started_still_frees_its_hosts(world: World) -> None:
    found = lease(world, "l1", hosts(3), hours=1)
    world.cloud.outside.fail("l1", EventType.START)
    world.pass_(3700)
    world.cloud.settle()
    assert (found.status, found.reservations[0].allocations) == ("ERROR", [])
    assert lease(world, "l2", hosts(3)).status == "PENDING"


def test_an_end_that_fails_keeps_the_servers(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=1)
    world.pass_(20)
    server = world.cloud.boot(world.team, world.alice, "mine", host="bm-a")
    world.cloud.outside.fail("l1", EventType.END)
    world.pass_(3700)
    world.cloud.settle()
    assert (found.status, _events(found)["end_lease"], server.vm_state) == ("ERROR", "ERROR", "active")
    world.cloud.as_user(world.alice, world.team).reservations.delete("l1")
    assert server.vm_state == "deleted"


def test_a_lease_whose_maker_is_disabled_keeps_its_hosts_and_servers(world: World) -> None:
    found = lease(world, "l1", on("bm-a"), hours=1)
    world.pass_(20)
    world.cloud.settle()
    server = world.cloud.boot(world.team, world.alice, "mine", host="bm-a")
    world.alice.enabled = False
    world.pass_(3700)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status) == ("ERROR", "active")
    assert (_events(found)["end_lease"], server.vm_state) == ("ERROR", "active")


@pytest.mark.parametrize("how", ["disabled", "without the role"])
def test_a_lease_whose_maker_is_gone_does_not_start(world: World, how: str) -> None:
    found = lease(world, "l1", hosts())
    if how == "disabled":
        world.alice.enabled = False
    else:
        world.cloud.take(world.alice, world.team, "member")
    world.pass_(20)
    world.cloud.settle()
    assert (found.status, found.reservations[0].status, _events(found)["start_lease"]) == ("ERROR", "pending", "ERROR")


def test_a_lease_that_could_not_start_takes_no_change_and_is_deleted(world: World) -> None:
    found = lease(world, "l1", hosts())
    world.alice.enabled = False
    world.pass_(20)
    world.cloud.settle()
    world.alice.enabled = True
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.LeaseBusy, match="Invalid lease status"):
        port.change("l1", LeaseChange(name="l1"))
    assert found.status == "ERROR"
    port.delete("l1")
    assert port.lease("l1") is None


def test_an_update_that_broke_a_lease_keeps_it_from_starting(world: World) -> None:
    port = world.cloud.as_user(world.alice, world.team).reservations
    start = START + timedelta(hours=1)
    port.create(wanted("l1", hosts(), start=start, end=start + timedelta(hours=2)))
    with pytest.raises(errors.LeaseRefused):
        port.change("l1", LeaseChange(before_end=START))
    world.pass_(3700)
    world.cloud.settle()
    found = world.cloud.outside.lease("l1")
    assert (found.status, _events(found)["start_lease"]) == ("ERROR", "ERROR")


def test_an_administrators_snapshot_before_the_end_is_made(world: World) -> None:
    root = world.cloud.as_user(world.root, world.admins).reservations
    root.create(wanted("l1", hosts(before_end="snapshot"), end=START + timedelta(hours=2)))
    world.pass_(20)
    world.cloud.settle()
    (host,) = world.cloud.outside.lease("l1").reservations[0].hosts
    server = world.cloud.boot(world.team, world.alice, "mine", host=host)
    world.pass_(3600)
    world.cloud.settle()
    assert _events(world.cloud.outside.lease("l1"))["before_end_lease"] == EventState.DONE
    assert [image.name for image in world.cloud.images.images.values()] == ["tiny", f"reserved_{server.name}"]


def test_a_lease_hands_over_all_that_it_holds(world: World) -> None:
    network = next(iter(world.cloud.networks.networks.values()))
    found = lease(world, "l1", on("bm-a"), flavors(2), addresses(network), hours=1)
    by_kind = {each.kind: each for each in found.reservations}
    port = world.cloud.as_user(world.alice, world.team).reservations
    flavor_id, address = by_kind["flavor:instance"].id, by_kind["virtual:floatingip"].id
    assert (port.flavor_id(flavor_id), port.floating_ips([address])) == (None, {address: ()})
    world.pass_(20)
    assert (port.flavor_id(flavor_id), port.floating_ips([address])) == (flavor_id, {address: ("203.0.113.100",)})
    world.pass_(3600)
    assert (port.flavor_id(flavor_id), port.floating_ips([address])) == (None, {address: ()})
    assert found.status == "TERMINATED"


def test_instances_find_the_room_that_is_reserved_for_them_and_no_more(world: World) -> None:
    found = lease(world, "l1", instances(2))
    world.pass_(20)
    world.cloud.settle()
    flavor_id = found.reservations[0].id
    who = world.cloud.identity.give(world.alice, world.team)
    made = [world.cloud.start_boot(who, {"name": f"s{number}", "flavorRef": flavor_id}) for number in range(3)]
    world.pass_(5)
    world.cloud.settle()
    assert [(server.status, server.host) for server in made] == [
        ("ACTIVE", "bm-a"),
        ("ACTIVE", "bm-a"),
        ("ERROR", None),
    ]


# ---------------------------------------------------------------- tables


def test_the_tables_are_total() -> None:
    assert set(states.NEXT) == set(states.COMBINATIONS) == set(LeaseState)
    assert set(states.DURATIONS) == {EventType.START, EventType.END}


@pytest.mark.parametrize("start", EventState)
@pytest.mark.parametrize("end", EventState)
def test_a_stable_state_follows_from_the_events(start: EventState, end: EventState) -> None:
    want = {
        (EventState.UNDONE, EventState.UNDONE): {"pending": LeaseState.PENDING},
        (EventState.DONE, EventState.UNDONE): {"active": LeaseState.ACTIVE},
        (EventState.DONE, EventState.DONE): {"deleted": LeaseState.TERMINATED},
    }.get((start, end), {})
    for state in states.NEXT_OF_RESERVATION:
        assert states.derived([state], start, end) == want.get(state, LeaseState.ERROR)
