"""What a spec asks of Blazar, under Blazar's names."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lessor.decide.lease import (
    acceptance,
    wanted,
)
from lessor.model.lease import Reservation
from tests.decide.lease.builders import (
    DAY,
    END,
    HOST_VALUES,
    HOUR,
    ID,
    NAME,
    NOW,
    a_lease,
    spec,
    window_of,
)


@dataclass(frozen=True)
class Case:
    id: str
    declared: dict[str, Any]
    type: str
    values: dict[str, Any]


CHI = {"min": 1, "max": 1, "before_end": "default"}
CASES = (
    Case("host", {"host": {}}, "physical:host", {**HOST_VALUES, "min": 1, "max": 1}),
    Case("hosts", {"host": {"minCount": 2, "maxCount": 4, "hypervisorProperties": '[">", "$vcpus", "8"]',
         "beforeEndAction": "Snapshot"}}, "physical:host",
         {"min": 2, "max": 4, "hypervisor_properties": '[">", "$vcpus", "8"]', "resource_properties": "",
          "before_end": "snapshot"}),
    Case("node-type", {"host": {"nodeType": "gpu", "beforeEndAction": "Nothing"}}, "physical:host",
         {"min": 1, "max": 1, "hypervisor_properties": "", "resource_properties": '["==", "$node_type", "gpu"]',
          "before_end": ""}),
    Case("instance", {"instance": {"vcpus": 4, "memoryMiB": 8, "diskGiB": 2}}, "virtual:instance",
         {"vcpus": 4, "memory_mb": 8, "disk_gb": 2, "amount": 1, "affinity": None, "resource_properties": ""}),
    Case("together", {"instance": {"vcpus": 4, "memoryMiB": 8, "diskGiB": 2, "amount": 3, "affinity": "Affinity",
         "resourceProperties": '["==", "$a", "b"]'}}, "virtual:instance",
         {"vcpus": 4, "memory_mb": 8, "disk_gb": 2, "amount": 3, "affinity": True,
          "resource_properties": '["==", "$a", "b"]'}),
    Case("apart", {"instance": {"vcpus": 4, "memoryMiB": 8, "diskGiB": 2, "affinity": "AntiAffinity"}},
         "virtual:instance",
         {"vcpus": 4, "memory_mb": 8, "disk_gb": 2, "amount": 1, "affinity": False, "resource_properties": ""}),
    Case("flavor", {"flavor": {"flavor": "m1"}}, "flavor:instance", {"flavor_id": "f", "amount": 1, "affinity": None}),
    Case("address", {"floatingIP": {"network": "pub"}}, "virtual:floatingip", {"network_id": "n", "amount": 1}),
    Case("addresses", {"floatingIP": {"network": "pub", "required": ["203.0.113.9", "203.0.113.8"]}},
         "virtual:floatingip",
         {"network_id": "n", "amount": 2, "required_floatingips": ["203.0.113.9", "203.0.113.8"]}),
    Case("network", {"network": {"networkName": "lan", "physicalNetwork": "physnet1"}}, "network",
         {"network_name": "lan", "network_description": "", "network_properties": "",
          "resource_properties": '["==", "$physical_network", "physnet1"]'}),
    Case("openflow", {"network": {"networkName": "lan", "description": "ours",
         "openFlow": {"controller": "192.0.2.1:6653", "vSwitch": "s1"}}}, "network",
         {"network_name": "lan", "network_description": "ours,OFController=192.0.2.1:6653,VSwitchName=s1",
          "network_properties": "", "resource_properties": ""}),
    Case("openflow-alone", {"network": {"networkName": "lan", "openFlow": {}}}, "network",
         {"network_name": "lan", "network_description": "", "network_properties": "", "resource_properties": ""}),
    Case("device", {"device": {"machineName": "pi4", "beforeEndAction": "Email"}}, "device",
         {"min": 1, "max": 1, "before_end": "email", "resource_properties": '["==", "$machine_name", "pi4"]'}),
    Case("devices", {"device": {"minCount": 2, "maxCount": 3}}, "device",
         {"min": 2, "max": 3, "before_end": "default", "resource_properties": ""}),
)  # fmt: skip


def reservation(declared: dict[str, Any]) -> Reservation:
    return spec(reservations=[{"name": "x", **declared}]).reservations[0]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_reservation_is_asked_for_under_blazars_names(case: Case) -> None:
    found = wanted.reservation(reservation(case.declared), {"m1": "f", "pub": "n"})
    assert (found.resource_type, found.values) == (case.type, case.values)


def filters(**host_: Any) -> Any:
    text = wanted.reservation(reservation({"host": host_}), {}).values["resource_properties"]
    return json.loads(text)


def test_filters_are_joined_by_and_without_nesting() -> None:
    assert filters(nodeType="gpu", architecture="x86_64") == [
        "and",
        ["==", "$node_type", "gpu"],
        ["==", "$architecture.platform_type", "x86_64"],
    ]
    assert filters(nodeType="gpu", resourceProperties='["and", ["==", "$a", "b"], [">", "$c", "1"]]') == [
        "and",
        ["==", "$a", "b"],
        [">", "$c", "1"],
        ["==", "$node_type", "gpu"],
    ]
    assert filters(resourceProperties='["==",  "$a", "b"]') == ["==", "$a", "b"]
    for joined in (filters(nodeName="n1"), filters(nodeType="a", resourceProperties='["==", "$a", "b"]')):
        assert acceptance.expression_fault(json.dumps(joined)) is None


def test_a_lease_is_named_by_its_object_in_at_most_80_characters() -> None:
    assert wanted.lease_name(a_lease()) == NAME
    assert wanted.lease_name(a_lease(spec(leaseName="ours"))) == "ours"
    long = wanted.lease_name(a_lease(name="n" * 200))
    assert (len(long), long[-9:]) == (80, ".0f8fad5b")


def test_the_whole_lease_is_asked_for_with_our_id() -> None:
    lease = a_lease(spec(beforeEnd="1h"))
    found = wanted.lease(lease, window_of(lease), ID, {})
    assert (found.id, found.name, found.start, found.end) == (ID, NAME, None, NOW + DAY)
    assert found.before_end == NOW + DAY - HOUR
    assert [one.resource_type for one in found.reservations] == ["physical:host"]


def test_flavors_and_networks_are_looked_up_once_each() -> None:
    flavors = [{"name": name, "flavor": {"flavor": flavor}} for name, flavor in (("a", "m2"), ("b", "m1"), ("c", "m2"))]
    pools = [{"name": "p", "floatingIP": {"network": "pub"}}]
    assert wanted.names_to_look_up(a_lease(spec(reservations=flavors + pools))) == (("m1", "m2"), ("pub",))


def test_a_digest_is_of_what_is_declared() -> None:
    digests = {wanted.digest(reservation(case.declared)) for case in CASES}
    assert len(digests) == len(CASES)
    assert wanted.request_digest({"b": NOW, "a": 1}) == wanted.request_digest({"a": 1, "b": NOW})
    assert wanted.request_digest([NOW]) != wanted.request_digest([END])
