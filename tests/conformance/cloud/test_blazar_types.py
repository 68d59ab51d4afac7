"""The types of reservations: their values, how they are refused, and what is free when.

Source: blazar/plugins, blazar/utils/plugins.py.
"""

import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, flavors, hosts, instances, on, text
from tests.conformance.cloud.stack import Stack

COMMON = {
    "id",
    "lease_id",
    "resource_id",
    "resource_type",
    "status",
    "missing_resources",
    "resources_changed",
    "created_at",
    "updated_at",
}
NO_ROOM = (500, "Not enough hosts available")
INTERNAL = (500, "Internal Server Error")
UNKNOWN = (500, "BlazarDBNotFound: A database error occurred")


def _without(reservation: Body, key: str) -> Body:
    return {name: value for name, value in reservation.items() if name != key}


def _refused(leasing: Leasing, reservation: Body) -> tuple[int, str]:
    answer = leasing.later(reservation)
    return answer.code, answer.said


def _only(lease: Body) -> Body:
    (reservation,) = lease["reservations"]
    return dict(reservation)


# ---------------------------------------------------------------- any


@pytest.mark.parametrize("kind", ["nosuch", "network", "device"])
def test_a_type_without_a_plugin_is_not_supported(leasing: Leasing, kind: str) -> None:
    answer = leasing.later({"resource_type": kind})
    assert (answer.code, answer.said) == (500, f"The {kind} resource type is not supported")
    assert answer.body["error_name"] == 500


def test_a_lease_may_hold_several_types(own: Leasing) -> None:
    lease = own.made(own.later(on("bm-a"), instances(), own.addresses()))
    kinds = {each["resource_type"] for each in lease["reservations"]}
    assert kinds == {"physical:host", "virtual:instance", "virtual:floatingip"}


def test_a_lease_is_made_whole_or_not_at_all(stack: Stack, leasing: Leasing) -> None:
    name = f"{stack.prefix}-half"
    answer = leasing.later(hosts(), hosts(9), name=name)
    assert (answer.code, answer.said) == NO_ROOM
    assert name not in {lease["name"] for lease in stack.alice.blazar("GET", "/leases").body["leases"]}


def test_a_lease_may_hold_two_reservations_of_a_type(own: Leasing) -> None:
    lease = own.made(own.later(hosts(1), hosts(2)))
    assert sorted(each["min"] for each in lease["reservations"]) == [1, 2]


def test_flags_of_failed_hosts_are_not_set(pending: Body) -> None:
    reservation = _only(pending)
    assert (reservation["missing_resources"], reservation["resources_changed"]) == (False, False)


# ---------------------------------------------------------------- physical:host


def test_a_reservation_of_hosts_shows_these_fields(pending: Body) -> None:
    reservation = _only(pending)
    own = {"hypervisor_properties": "", "resource_properties": "", "before_end": "default", "min": 1, "max": 1}
    assert set(reservation) == COMMON | set(own)
    assert {key: reservation[key] for key in own} == own


def test_a_count_of_hosts_may_be_a_range(own: Leasing) -> None:
    reservation = _only(own.made(own.later(hosts(1, 5))))
    assert (reservation["min"], reservation["max"]) == (1, 5)


MALFORMED = "Malformed parameter min and max (must be greater than or equal to 1)"
RANGE = "Invalid values for min/max of hosts. Max must be equal to or larger than min."


@pytest.mark.parametrize(
    ("reservation", "want"),
    [
        pytest.param(_without(hosts(), "min"), (400, "Missing parameter min"), id="no min"),
        pytest.param(_without(hosts(), "max"), (400, "Missing parameter max"), id="no max"),
        pytest.param(hosts(0), (400, MALFORMED), id="none"),
        pytest.param(hosts(2, 1), (400, RANGE), id="fewer at most than at least"),
        pytest.param(hosts("many"), (400, "Malformed parameter min"), id="a word"),
        pytest.param(hosts("1"), INTERNAL, id="a number as a text"),
        pytest.param(
            _without(hosts(), "hypervisor_properties"),
            (400, "Missing parameter hypervisor_properties"),
            id="no hypervisor_properties",
        ),
        pytest.param(
            _without(hosts(), "resource_properties"),
            (400, "Missing parameter resource_properties"),
            id="no resource_properties",
        ),
        pytest.param(hosts(before_end="cake"), (400, "Malformed parameter before_end"), id="before_end"),
        pytest.param(hosts(4), NO_ROOM, id="more than there are"),
        pytest.param(
            hosts(resource_properties="garbage"), (400, "Malformed requirements garbage"), id="properties of no form"
        ),
        pytest.param(
            hosts(resource_properties='["or", ["==", "$gpu", "a100"], ["==", "$gpu", "none"]]'),
            (400, "Malformed requirements ['or', ['==', '$gpu', 'a100'], ['==', '$gpu', 'none']]"),
            id="an or",
        ),
        pytest.param(
            hosts(resource_properties='[">=", "$vcpus", 4]'),
            (400, "Malformed requirements ['>=', '$vcpus', 4]"),
            id="a number in properties",
        ),
        pytest.param(hosts(resource_properties='["==", "$nosuch", "1"]'), UNKNOWN, id="an unknown property"),
        pytest.param(hosts(resource_properties='["==", "$gpu", "h100"]'), NO_ROOM, id="no such value"),
        pytest.param(hosts(2, resource_properties='["=", "$gpu", "a100"]'), NO_ROOM, id="too few of the value"),
        pytest.param(hosts(hypervisor_properties='[">", "$vcpus", "10"]'), NO_ROOM, id="too small"),
    ],
)
def test_hosts_are_refused(leasing: Leasing, reservation: Body, want: tuple[int, str]) -> None:
    assert _refused(leasing, reservation) == want


@pytest.mark.parametrize(
    "asked",
    [
        '["==", "$gpu", "a100"]',
        '["and", ["==", "$gpu", "none"], [">=", "$vcpus", "9"]]',
        '["!=", "$hypervisor_hostname", "bm-a"]',
        '["<=", "$memory_mb", "8192"]',
        "[]",
    ],
)
def test_hosts_are_chosen_by_their_properties(own: Leasing, asked: str) -> None:
    assert _only(own.made(own.later(hosts(resource_properties=asked))))["resource_properties"] == asked


def test_a_host_is_reserved_once_at_a_time(own: Leasing) -> None:
    day = own.day()
    first = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    over = {"start_date": text(day + timedelta(hours=1)), "end_date": text(day + timedelta(hours=3))}
    after = {"start_date": text(day + timedelta(hours=2)), "end_date": text(day + timedelta(hours=3))}
    own.made(own.later(on("bm-a"), **first))
    answer = own.later(on("bm-a"), **over)
    assert (answer.code, answer.said) == NO_ROOM
    assert own.made(own.later(on("bm-a"), **after))["status"] == "PENDING"


def test_a_range_takes_what_is_free(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    own.made(own.later(on("bm-a"), **times))
    answer = own.later(hosts(3, 3), **times)
    assert (answer.code, answer.said) == NO_ROOM
    assert own.made(own.later(hosts(1, 3), **times))["status"] == "PENDING"


# ---------------------------------------------------------------- virtual:instance


def test_a_reservation_of_instances_shows_these_fields(own: Leasing) -> None:
    reservation = _only(own.made(own.later(instances(2))))
    want = {
        "vcpus": 1,
        "memory_mb": 64,
        "disk_gb": 1,
        "amount": 2,
        "affinity": None,
        "resource_properties": "",
        "flavor_id": reservation["id"],
        "server_group_id": None,
    }
    assert set(reservation) == COMMON | set(want) | {"aggregate_id"}
    assert {key: reservation[key] for key in want} == want
    assert isinstance(reservation["aggregate_id"], int)


@pytest.mark.parametrize("affinity", [True, False])
def test_an_affinity_has_a_server_group(own: Leasing, affinity: bool) -> None:
    reservation = _only(own.made(own.later(instances(2, affinity=affinity))))
    assert reservation["affinity"] is affinity
    assert reservation["server_group_id"] is not None


@pytest.mark.parametrize(
    ("reservation", "want"),
    [
        *(
            pytest.param(_without(instances(), key), INTERNAL, id=f"no {key}")
            for key in ("vcpus", "memory_mb", "disk_gb", "amount", "affinity", "resource_properties")
        ),
        pytest.param(instances("1"), INTERNAL, id="a number as a text"),
        pytest.param(instances(0), (400, "amount must be >= 1"), id="none"),
        pytest.param(
            instances(affinity="perhaps"),
            (400, "Malformed parameter affinity (must be a bool value or None)"),
            id="an unknown affinity",
        ),
        pytest.param(instances(vcpus=11), NO_ROOM, id="too large"),
        pytest.param(instances(4, affinity=False), NO_ROOM, id="more hosts apart than there are"),
        pytest.param(instances(6, vcpus=2, affinity=True), NO_ROOM, id="more on one host than it takes"),
        pytest.param(instances(4, vcpus=10), NO_ROOM, id="more than there is room for"),
        pytest.param(instances(resource_properties="garbage"), (400, "Malformed requirements garbage"), id="no form"),
        pytest.param(instances(resource_properties='["==", "$nosuch", "1"]'), UNKNOWN, id="an unknown property"),
    ],
)
def test_instances_are_refused(leasing: Leasing, reservation: Body, want: tuple[int, str]) -> None:
    assert _refused(leasing, reservation) == want


def test_instances_and_hosts_do_not_share(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    own.made(own.later(on("bm-a"), **times))
    answer = own.later(instances(3, affinity=False), **times)
    assert (answer.code, answer.said) == NO_ROOM
    own.made(own.later(instances(2, affinity=False), **times))
    assert own.later(hosts(), **times).said == NO_ROOM[1]


def test_instances_of_two_leases_share_a_host(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    here = '["==", "$hypervisor_hostname", "bm-b"]'
    own.made(own.later(instances(vcpus=6, resource_properties=here), **times))
    assert own.later(instances(vcpus=5, resource_properties=here), **times).said == NO_ROOM[1]
    own.made(own.later(instances(vcpus=4, resource_properties=here), **times))


def test_of_several_instances_on_a_host_one_is_counted(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    here = '["==", "$hypervisor_hostname", "bm-b"]'
    own.made(own.later(instances(2, vcpus=5, resource_properties=here), **times))
    own.made(own.later(instances(vcpus=5, resource_properties=here), **times))


# ---------------------------------------------------------------- flavor:instance


def test_a_reservation_by_flavor_shows_its_source(own: Leasing) -> None:
    reservation = _only(own.made(own.later(flavors(2))))
    want = {"vcpus": 1, "memory_mb": 64, "disk_gb": 1, "amount": 2, "affinity": None, "server_group_id": None}
    assert set(reservation) == COMMON | set(want) | {"aggregate_id", "resource_properties", "flavor_id"}
    assert {key: reservation[key] for key in want} == want
    assert reservation["flavor_id"] == reservation["id"]
    source = json.loads(reservation["resource_properties"])
    assert (source["name"], source["vcpus"], source["ram"], source["disk"]) == ("nano", 1, 64, 1)
    assert source["extra_specs"] == {}


@pytest.mark.parametrize(
    ("reservation", "want"),
    [
        pytest.param(flavors(affinity=True), (409, "Affinity not supported yet"), id="an affinity"),
        pytest.param(_without(flavors(), "affinity"), (400, "Missing parameter affinity"), id="no affinity"),
        pytest.param(_without(flavors(), "amount"), (400, "Missing parameter amount"), id="no amount"),
        pytest.param(_without(flavors(), "flavor_id"), (400, "Missing parameter flavor_id"), id="no flavor"),
        pytest.param(flavors(0), (400, "amount must be >= 1"), id="none"),
        pytest.param(flavors("few"), (400, "amount must be an integer"), id="a word"),
        pytest.param(flavors(5000), NO_ROOM, id="more than there is room for"),
    ],
)
def test_instances_of_a_flavor_are_refused(leasing: Leasing, reservation: Body, want: tuple[int, str]) -> None:
    assert _refused(leasing, reservation) == want


def test_a_number_of_instances_of_a_flavor_may_be_a_text(own: Leasing) -> None:
    assert _only(own.made(own.later(flavors("1"))))["amount"] == 1


def test_an_unknown_flavor_is_404_in_novas_words(leasing: Leasing) -> None:
    code, words = _refused(leasing, flavors(flavor_id="nosuch"))
    assert code == 404
    assert re.fullmatch(r"Flavor nosuch could not be found\. \(HTTP 404\) \(Request-ID: req-[0-9a-f-]{36}\)", words)


def test_the_flavor_of_a_reservation_is_not_seen_before_its_start(stack: Stack, own: Leasing) -> None:
    for reservation in (instances(), flavors()):
        flavor_id = _only(own.made(own.later(reservation)))["flavor_id"]
        answer = stack.alice.nova("GET", f"/flavors/{flavor_id}")
        assert (answer.code, answer.words) == (404, f"Flavor {flavor_id} could not be found.")
        found = stack.admin.nova("GET", f"/flavors/{flavor_id}").body["flavor"]
        assert (found["name"], found["os-flavor-access:is_public"]) == (f"reservation:{flavor_id}", False)


def test_the_flavor_of_a_reservation_goes_with_its_lease(stack: Stack, own: Leasing) -> None:
    lease = own.made(own.later(instances()))
    assert own.delete(lease["id"]).code == 204
    assert stack.admin.nova("GET", f"/flavors/{_only(lease)['id']}").code == 404


# ---------------------------------------------------------------- virtual:floatingip


def test_a_reservation_of_floating_ips_shows_these_fields(own: Leasing) -> None:
    lease = own.made(own.later(own.addresses(1, required_floatingips=["203.0.113.101"])))
    reservation = _only(lease)
    assert set(reservation) >= COMMON | {"network_id", "amount"}
    assert (reservation["network_id"], reservation["amount"]) == (own.network, 1)


IP_ROOM = (400, "Not enough floating IPs available")
LONGER = (
    "Invalid values for required_floatingips and amount. The amount must be equal to or longer than length of "
    "required_floatingips."
)


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({"amount": 3}, IP_ROOM, id="more than there are"),
        pytest.param({"network_id": str(uuid.uuid4())}, IP_ROOM, id="another network"),
        pytest.param({"required_floatingips": ["203.0.113.7"]}, IP_ROOM, id="one that is not Blazar's"),
        pytest.param({"required_floatingips": ["zzz"]}, (400, "IP address zzz is invalid form."), id="no address"),
        pytest.param(
            {"required_floatingips": ["203.0.113.100", "203.0.113.101"]}, (400, LONGER), id="more than the amount"
        ),
        pytest.param({"amount": "few"}, (400, "Malformed parameter amount"), id="a word"),
    ],
)
def test_floating_ips_are_refused(leasing: Leasing, values: dict[str, Any], want: tuple[int, str]) -> None:
    assert _refused(leasing, {**leasing.addresses(), **values}) == want


@pytest.mark.parametrize("key", ["network_id", "amount"])
def test_floating_ips_need_a_network_and_an_amount(leasing: Leasing, key: str) -> None:
    assert _refused(leasing, _without(leasing.addresses(), key)) == (400, f"Missing parameter {key}")


def test_a_number_of_floating_ips_may_be_a_text(own: Leasing) -> None:
    assert _only(own.made(own.later(own.addresses("1"))))["amount"] == 1


def test_a_floating_ip_is_reserved_once_at_a_time(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    own.made(own.later(own.addresses(1, required_floatingips=["203.0.113.100"]), **times))
    answer = own.later(own.addresses(1, required_floatingips=["203.0.113.100"]), **times)
    assert (answer.code, answer.said) == IP_ROOM
    own.made(own.later(own.addresses(1), **times))
