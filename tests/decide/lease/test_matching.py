"""Which reservation of Blazar's is which of the spec's, and what is told of each."""

from datetime import timedelta
from typing import Any

from lessor.decide.lease import matching, telling, wanted
from lessor.decide.lease.facts import Facts
from lessor.model.lease import LeaseStatus, ReservationStatus
from lessor.model.reservations import LeaseState, ObservedReservation
from tests.decide.lease.builders import (
    END,
    HOST,
    HOST_VALUES,
    HOUR,
    ID,
    MINUTE,
    START,
    a_lease,
    active,
    facts,
    host,
    known,
    plan,
    seen,
    spec,
)


def pool(name: str, amount: int = 1) -> dict[str, Any]:
    return {"name": name, "floatingIP": {"network": "pub", "amount": amount}}


def hosts(name: str, count: int) -> dict[str, Any]:
    return {"name": name, "host": {"minCount": count}}


def ids(declared: list[dict[str, Any]], there: list[ObservedReservation], status: LeaseStatus | None = None) -> Any:
    lease = a_lease(spec(reservations=declared), status)
    found = matching.reservations(lease, seen(reservations=tuple(there)), None)
    return [(one.name, one.id) for one in found]


def test_reservations_are_matched_by_type_and_values_and_what_is_left_by_its_id() -> None:
    there = [
        host(id="c", values={**HOST_VALUES, "min": 1, "max": 1}),
        host(id="b", values={**HOST_VALUES, "min": 2, "max": 2}),
        host(id="z", resource_type="network", values={}),
        host(id="y", resource_type="device", values={}),
    ]
    assert ids([hosts("two", 2), hosts("one", 1)], there) == [("two", "b"), ("one", "c"), ("y", "y"), ("z", "z")]


def test_equals_are_matched_in_the_order_of_their_ids() -> None:
    assert ids([hosts("a", 2), hosts("b", 2)], [host(id="2"), host(id="1")]) == [("a", "1"), ("b", "2")]


def test_once_it_is_known_a_reservation_is_matched_by_its_id() -> None:
    old = known(reservations=(ReservationStatus(name="b", id="1"),))
    assert ids([hosts("a", 2), hosts("b", 2)], [host(id="1"), host(id="2")], old) == [("a", "2"), ("b", "1")]


def test_one_that_blazar_does_not_show_keeps_what_was_known() -> None:
    old = known(reservations=(ReservationStatus(name="a", id="9", state="active"),))
    assert ids([hosts("a", 2), hosts("b", 2)], [], old) == [("a", "9"), ("b", None)]


def status_of(one: dict[str, Any], there: ObservedReservation, ips: Any = None) -> ReservationStatus:
    found = matching.reservations(a_lease(spec(reservations=[one])), seen(reservations=(there,)), ips)
    return found[0]


def test_what_a_user_needs_is_told_by_type() -> None:
    instance = {"name": "v", "instance": {"vcpus": 1, "memoryMiB": 1, "diskGiB": 1}}
    vm = status_of(instance, host(id="r", resource_type="virtual:instance", values={"server_group_id": "g"}))
    assert (vm.flavor_id, vm.server_group_id) == ("r", "g"), "The reserved flavor has the reservation's id."
    named = status_of(instance, host(id="r", resource_type="virtual:instance", values={"flavor_id": "f"}))
    assert named.flavor_id == "f"
    lan = status_of(
        {"name": "l", "network": {"networkName": "train"}}, host(resource_type="network", values={"flavor_id": ""})
    )
    assert (lan.network_name, lan.flavor_id) == ("train", None)
    nodes = status_of(dict(HOST), host(missing_resources=True, resources_changed=True))
    assert (nodes.missing_resources, nodes.resources_changed, nodes.state) == (True, True, "active")


def test_addresses_are_kept_until_they_are_read_again() -> None:
    ip = host(id="r", resource_type="virtual:floatingip", values={"amount": 1})
    assert status_of(pool("p"), ip, {"r": ("203.0.113.9",)}).floating_ips == ("203.0.113.9",)
    assert status_of(pool("p"), ip, {}).floating_ips == ()
    old = known(reservations=(ReservationStatus(name="p", id="r", floating_ips=("203.0.113.9",)),))
    lease = a_lease(spec(reservations=[pool("p")]), old)
    (kept,) = matching.reservations(lease, seen(reservations=(ip,)), None)
    assert kept.floating_ips == ("203.0.113.9",)


def test_addresses_lack_until_there_are_as_many_as_are_reserved() -> None:
    two = seen(reservations=(host(id="r", resource_type="virtual:floatingip", values={"amount": "2"}),))
    for ips, lacks in (((), True), (("a",), True), (("a", "b"), False)):
        status = known(reservations=(ReservationStatus(name="p", id="r", floating_ips=ips),))
        assert matching.lacks_addresses(status, two) is lacks
    assert not matching.lacks_addresses(known(), seen())


def floating(age: timedelta, ips: Any = None, **changes: Any) -> Facts:
    """Give the facts of a lease of one address, ACTIVE for so long."""
    there = seen(reservations=(host(id="r", resource_type="virtual:floatingip", values={"amount": 1}),))
    status = known(
        reservations=(
            ReservationStatus(
                name="p", id="r", requested=wanted.digest(spec(reservations=[pool("p")]).reservations[0])
            ),
        )
    )
    return active(spec(reservations=[pool("p")]), status, there=there, now=START + age, floating_ips=ips, **changes)


def test_addresses_are_read_after_the_start_for_five_minutes() -> None:
    assert plan(floating(MINUTE, live=False)).look_closer
    assert plan(floating(MINUTE, {})).wake_at == START + MINUTE + timedelta(seconds=10)
    assert plan(floating(5 * MINUTE, {})).wake_at == END - 8 * HOUR
    got = plan(floating(MINUTE, {"r": ("203.0.113.9",)}))
    assert (got.wake_at, got.status.reservations[0].floating_ips) == (END - 8 * HOUR, ("203.0.113.9",))


def test_telling_is_the_same_of_a_record_and_of_the_status_after_it() -> None:
    for there in (seen(), seen(LeaseState.PENDING, name="x", end=END + HOUR), seen(reservations=())):
        new = a_lease(spec(**{"import": {"id": ID}, "reservations": None}), known(reservations=()))
        got = plan(facts(new, there))
        assert telling.of_status(got.status) == telling.of_record(there)
        assert telling.of_status(known(state="ERROR")) != telling.of_record(there)
