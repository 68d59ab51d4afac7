"""What a spec of a Lease is refused for before anybody is asked, and what it asks of Blazar otherwise."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from lessor.decide.lease import acceptance, wanted, window
from lessor.model.conditions import Reason
from lessor.model.lease import LeaseSpec, Reservation, ResourceType
from lessor.model.times import Duration
from tests.decide.lease.builders import DAY, HOUR, ID, NOW, START, UID, a_lease, seen, spec, told

TRIPLE = '[">", "$vcpus", "32"]'


def one(name: str = "r", **kind: Any) -> dict[str, Any]:
    return {"name": name, **kind}


def reservation(**kind: Any) -> Reservation:
    return spec(reservations=[one(**kind)]).reservations[0]


@dataclass(frozen=True)
class Refused:
    id: str
    spec: LeaseSpec
    reason: Reason
    words: str


def _size(**more: Any) -> dict[str, Any]:
    return {"vcpus": 1, "memoryMiB": 64, "diskGiB": 1, **more}


REFUSED = (
    Refused("notices", spec(notifications={"offsets": ["1/3"]}), Reason.NOT_IMPLEMENTED_YET, "spec.notifications yet"),
    Refused(
        "two later parts",
        spec(notifications={}, onServerError={"action": "Sequester"}),
        Reason.NOT_IMPLEMENTED_YET,
        "Remove them",
    ),
    Refused("on delete", spec(onDelete="Maybe"), Reason.UNSUPPORTED_VALUE, "spec.onDelete is 'Maybe'"),
    Refused("mode", spec(renewal={"mode": "Never"}), Reason.UNSUPPORTED_VALUE, "spec.renewal.mode"),
    Refused(
        "before the end of hosts",
        spec(reservations=[one(host={"beforeEndAction": "Sing"})]),
        Reason.UNSUPPORTED_VALUE,
        "spec.reservations[r].host.beforeEndAction",
    ),
    Refused(
        "before the end of devices",
        spec(reservations=[one(device={"beforeEndAction": "Sing"})]),
        Reason.UNSUPPORTED_VALUE,
        "spec.reservations[r].device.beforeEndAction",
    ),
    Refused(
        "affinity",
        spec(reservations=[one(instance=_size(affinity="Some"))]),
        Reason.UNSUPPORTED_VALUE,
        "it knows Any, Affinity, AntiAffinity",
    ),
    Refused("no credentials", spec(cloudCredentialsRef=None), Reason.INVALID_SPEC, "spec.cloudCredentialsRef"),
    Refused("nothing", spec(reservations=[]), Reason.INVALID_SPEC, "at least one of spec.reservations"),
    Refused("no type", spec(reservations=[one()]), Reason.INVALID_SPEC, "exactly one type each"),
    Refused("two of a name", spec(reservations=[one(host={}), one(host={})]), Reason.INVALID_SPEC, "different names"),
    Refused("import of nothing", spec(**{"import": {}}), Reason.INVALID_SPEC, "spec.import.id and spec.import.name"),
    Refused(
        "two ends",
        spec(duration="1d", endTime="2026-03-02T00:00:00Z"),
        Reason.INVALID_SPEC,
        "at most one of spec.duration",
    ),
    Refused(
        "an end before its start",
        spec(startTime="2026-03-02T00:00:00Z", endTime="2026-03-01T00:00:00Z"),
        Reason.INVALID_SPEC,
        "spec.endTime after spec.startTime",
    ),
    Refused(
        "no JSON",
        spec(reservations=[one(host={"resourceProperties": "vcpus > 32"})]),
        Reason.INVALID_SPEC,
        "spec.reservations[r].host.resourceProperties is not JSON",
    ),
    Refused(
        "no expression",
        spec(reservations=[one(host={"hypervisorProperties": '["or", ["==", "$a", "b"]]'})]),
        Reason.INVALID_SPEC,
        "is no expression that Blazar knows",
    ),
    Refused(
        "of instances",
        spec(reservations=[one(instance=_size(resourceProperties="[1]"))]),
        Reason.INVALID_SPEC,
        "spec.reservations[r].instance.resourceProperties",
    ),
    Refused(
        "of a network",
        spec(reservations=[one(network={"networkName": "n", "resourceProperties": "[]"})]),
        Reason.INVALID_SPEC,
        "spec.reservations[r].network.resourceProperties",
    ),
    Refused(
        "of a device",
        spec(reservations=[one(device={"resourceProperties": "[" * 100_000})]),
        Reason.INVALID_SPEC,
        "nested too deeply",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_spec_is_refused_in_a_sentence(case: Refused) -> None:
    verdict = acceptance.fault(case.spec)
    assert verdict is not None
    assert verdict.reason is case.reason
    assert case.words in verdict.message


@pytest.mark.parametrize(
    "good",
    [
        spec(),
        spec(duration="1d", renewal={"mode": "Auto", "maxTotal": "3d"}),
        spec(reservations=None, **{"import": {"id": ID}}),
        spec(startTime="2026-03-02T00:00:00Z", endTime="2026-03-03T00:00:00Z"),
        spec(reservations=[one(host={"resourceProperties": f'["and", {TRIPLE}, {TRIPLE}]'})]),
        spec(reservations=[one(flavor={"flavor": "m1"}), one("b", floatingIP={"network": "public"})]),
    ],
)
def test_a_good_spec_is_not_refused(good: LeaseSpec) -> None:
    assert acceptance.fault(good) is None


@pytest.mark.parametrize(
    "text", ['["==", "$a"]', '["==", "a", "b"]', '["in", "$a", "b"]', '["==", "$a", 1]', '["and"]', "{}", '"x"']
)
def test_what_is_no_triple_is_no_expression(text: str) -> None:
    assert acceptance.expression_fault(text) == "is no expression that Blazar knows"


# ---------------------------------------------------------------- under Blazar's names


@dataclass(frozen=True)
class Asked:
    id: str
    kind: dict[str, Any]
    resource_type: ResourceType
    values: dict[str, Any]


def _of_hosts(**changes: Any) -> dict[str, Any]:
    return {
        "min": 1,
        "max": 1,
        "hypervisor_properties": "",
        "resource_properties": "",
        "before_end": "default",
        **changes,
    }


ASKED = (
    Asked("one host", {"host": {}}, ResourceType.HOST, _of_hosts()),
    Asked("as many as the least", {"host": {"minCount": 3}}, ResourceType.HOST, _of_hosts(min=3, max=3)),
    Asked(
        "by type and filter",
        {"host": {"nodeType": "gpu", "resourceProperties": TRIPLE, "beforeEndAction": "Snapshot", "maxCount": 2}},
        ResourceType.HOST,
        _of_hosts(max=2, resource_properties=f'["and", {TRIPLE}, ["==", "$node_type", "gpu"]]', before_end="snapshot"),
    ),
    Asked(
        "an and takes more",
        {"host": {"architecture": "x86_64", "resourceProperties": f'["and", {TRIPLE}, {TRIPLE}]'}},
        ResourceType.HOST,
        _of_hosts(resource_properties=f'["and", {TRIPLE}, {TRIPLE}, ["==", "$architecture.platform_type", "x86_64"]]'),
    ),
    Asked(
        "by name",
        {"host": {"nodeName": "P3", "beforeEndAction": "Nothing"}},
        ResourceType.HOST,
        _of_hosts(resource_properties='["==", "$node_name", "P3"]', before_end=""),
    ),
    Asked(
        "a filter as it was written",
        {"host": {"resourceProperties": '[ ">","$vcpus","32" ]'}},
        ResourceType.HOST,
        _of_hosts(resource_properties='[ ">","$vcpus","32" ]'),
    ),
    Asked(
        "instances",
        {"instance": _size(affinity="AntiAffinity", amount=3)},
        ResourceType.INSTANCE,
        {"vcpus": 1, "memory_mb": 64, "disk_gb": 1, "amount": 3, "affinity": False, "resource_properties": ""},
    ),
    Asked(
        "a flavor",
        {"flavor": {"flavor": "m1"}},
        ResourceType.FLAVOR,
        {"flavor_id": "f1", "amount": 1, "affinity": None},
    ),
    Asked(
        "an address", {"floatingIP": {"network": "public"}}, ResourceType.FLOATING_IP, {"network_id": "n1", "amount": 1}
    ),
    Asked(
        "these addresses",
        {"floatingIP": {"network": "public", "required": ["192.0.2.1", "192.0.2.2"]}},
        ResourceType.FLOATING_IP,
        {"network_id": "n1", "amount": 2, "required_floatingips": ["192.0.2.1", "192.0.2.2"]},
    ),
    Asked(
        "a network",
        {
            "network": {
                "networkName": "lan",
                "description": "for the course",
                "physicalNetwork": "physnet1",
                "openFlow": {"controller": "192.0.2.10:6653", "vSwitch": "s"},
            }
        },
        ResourceType.NETWORK,
        {
            "network_name": "lan",
            "network_description": "for the course,OFController=192.0.2.10:6653,VSwitchName=s",
            "network_properties": "",
            "resource_properties": '["==", "$physical_network", "physnet1"]',
        },
    ),
    Asked(
        "a network without anything",
        {"network": {"networkName": "lan", "openFlow": {}}},
        ResourceType.NETWORK,
        {"network_name": "lan", "network_description": "", "network_properties": "", "resource_properties": ""},
    ),
    Asked(
        "devices",
        {"device": {"minCount": 2, "machineName": "rpi", "model": "4", "beforeEndAction": "Email"}},
        ResourceType.DEVICE,
        {
            "min": 2,
            "max": 2,
            "resource_properties": '["and", ["==", "$machine_name", "rpi"], ["==", "$model", "4"]]',
            "before_end": "email",
        },
    ),
    Asked(
        "a device by name",
        {"device": {"deviceName": "rpi-4", "maxCount": 1}},
        ResourceType.DEVICE,
        {"min": 1, "max": 1, "resource_properties": '["==", "$name", "rpi-4"]', "before_end": "default"},
    ),
)


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.id)
def test_every_key_that_blazar_wants_is_there(case: Asked) -> None:
    asked = wanted.reservation(reservation(**case.kind), {"m1": "f1", "public": "n1"})
    assert (asked.resource_type, dict(asked.values)) == (case.resource_type, case.values)


def test_two_filters_of_one_kind_are_joined_as_json() -> None:
    asked = wanted.reservation(reservation(host={"nodeType": "a", "architecture": "b"}), {})
    assert json.loads(asked.values["resource_properties"])[0] == "and"


def test_only_flavors_and_external_networks_are_looked_up() -> None:
    lease = a_lease(
        spec(
            reservations=[
                one("a", flavor={"flavor": "m1"}),
                one("b", flavor={"flavor": "m0"}),
                one("c", floatingIP={"network": "public"}),
                one("d", network={"networkName": "lan"}),
            ]
        )
    )
    assert wanted.names_to_look_up(lease) == (("m0", "m1"), ("public",))


def test_a_name_is_made_of_the_objects_and_fits() -> None:
    assert wanted.lease_name(a_lease()) == "team-a.training.0f8fad5b"
    long = wanted.lease_name(a_lease(name="x" * 200))
    assert len(long) == 80
    assert long.endswith(f".{UID[:8]}")
    assert wanted.lease_name(a_lease(spec(leaseName="by hand"))) == "by hand"


def test_another_spec_has_another_digest() -> None:
    assert wanted.digest(reservation(host={"minCount": 2})) != wanted.digest(reservation(host={"minCount": 3}))
    assert wanted.digest(reservation(host={})) == wanted.digest(reservation(host={}))


# ---------------------------------------------------------------- the window


def test_an_end_is_moved_up_to_the_minute_and_a_start_cut_to_it() -> None:
    declared = spec(startTime="2026-03-05T08:00:30Z", duration="1h")
    time = window.at(a_lease(declared), None, NOW)
    assert time.asked_start is not None
    assert f"{time.asked_start:%d %H:%M:%S} {time.end:%H:%M:%S}" == "05 08:00:00 09:01:00"


@pytest.mark.parametrize("seconds", [-3600, 0, 59])
def test_a_start_that_is_past_or_about_to_be_is_now(seconds: int) -> None:
    at = NOW.timestamp() + seconds
    declared = spec(startTime=NOW.fromtimestamp(at, NOW.tzinfo).isoformat(), duration="3h")
    assert window.at(a_lease(declared), None, NOW).asked_start is None


def test_without_an_end_a_lease_lasts_a_day() -> None:
    assert window.length(a_lease()) == Duration("24h")
    assert window.at(a_lease(), None, NOW).end == NOW + DAY


def test_what_comes_before_the_end_lies_within_the_lease() -> None:
    declared = spec(startTime="2026-03-05T08:00:00Z", duration="1h", beforeEnd="5h")
    time = window.at(a_lease(declared), None, NOW)
    assert time.before_end is not None
    assert time.asked_start is not None
    assert time.asked_start < time.before_end < time.end


def test_an_imported_lease_ends_as_blazar_has_it_until_its_end_is_declared() -> None:
    taken = spec(reservations=None, **{"import": {"id": ID}})
    there = seen(end=START + 5 * HOUR)
    assert window.at(a_lease(taken), there, NOW).end == START + 5 * HOUR
    assert window.at(a_lease(taken), None, NOW).end == NOW + DAY
    told_once = a_lease(taken)

    lease = replace(told_once, status=replace(told_once.status, requested=told(START + 7 * HOUR)))
    assert window.at(lease, there, NOW).end == START + 7 * HOUR
    declared = spec(reservations=None, endTime="2026-03-04T00:00:00Z", **{"import": {"id": ID}})
    assert f"{window.at(a_lease(declared), there, NOW).end:%d}" == "04"
