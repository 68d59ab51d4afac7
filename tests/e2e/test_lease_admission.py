"""Leases on the real API server beyond the examples: the largest one, several hands, patches, kubectl's words."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lessor.model import names, wire
from lessor.model.conditions import Condition
from lessor.model.instancelease import CloudStatus, Grant, RenewalsStatus
from lessor.model.lease import LeaseStatus, Requested, ReservationStatus
from lessor.model.times import Duration
from tests.contract import examples, schemas
from tests.e2e.conftest import Answer, Kubectl

pytestmark = pytest.mark.e2e

LEASE = "blz/training"
LONG = "x" * 255
FILTER = json.dumps(["and", *[["==", f"$key-{number}", "y" * 40] for number in range(32)]])[:2047] + "]"
AT = datetime(2026, 12, 1, 8, tzinfo=UTC)
ID = "06a3f0de-4a1b-4a6c-8e0e-5d0b8f3a9c11"
FIRST = "/spec/reservations/0"
FIXED = "reservations cannot be added or removed, nor get another name: delete the Lease and create another"
TYPED = "the type of a reservation cannot change: delete the Lease and create another"
IMPORTED = "import cannot be added, changed or removed"
ELSEWHERE = "cloudName cannot change: make a new Lease for another cloud"


@pytest.fixture(scope="module", autouse=True)
def crds(kubectl: Kubectl) -> None:
    said(kubectl("apply", "-k", str(schemas.CRDS)))
    said(kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"))


def said(answer: Answer) -> str:
    """Give what kubectl printed; fail when it was refused."""
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def example(name: str) -> dict[str, Any]:
    """Give the object of a valid example."""
    (found,) = schemas.documents((examples.EXAMPLES / "valid" / f"{name}.yaml").read_text())
    return found


def largest() -> dict[str, Any]:
    """Give a Lease that fills the bounds of its schema: 32 reservations of all types, every rule of CEL at work."""
    kinds: list[dict[str, Any]] = [
        {
            "host": {
                "minCount": 1000,
                "maxCount": 1000,
                "nodeType": LONG,
                "architecture": LONG,
                "resourceProperties": FILTER,
            }
        },
        {"instance": {"vcpus": 65536, "memoryMiB": 67108864, "diskGiB": 1048576, "resourceProperties": FILTER}},
        {"flavor": {"flavor": LONG, "amount": 1000}},
        {
            "floatingIP": {
                "network": LONG,
                "required": [f"2001:db8:ffff:ffff:ffff:ffff:255.255.255.{n}" for n in range(64)],
            }
        },
        {"network": {"networkName": LONG, "description": "x" * 100, "resourceProperties": FILTER}},
        {"device": {"deviceName": LONG, "machineName": LONG, "model": LONG, "resourceProperties": FILTER}},
    ]
    lease = example("lease-with-notices")
    lease["spec"]["notifications"]["offsets"] = [f"{number}/999" for number in range(991, 999)]
    lease["spec"]["reservations"] = [{"name": f"{number:063d}", **kinds[number % 6]} for number in range(32)]
    return lease


def send(kubectl: Kubectl, namespace: str, lease: dict[str, Any]) -> Answer:
    """Create the object, or replace it."""
    there = kubectl("get", "-n", namespace, LEASE).returncode == 0
    return kubectl("replace" if there else "create", "-n", namespace, "-f", "-", input=json.dumps(lease))


def test_the_largest_lease_costs_no_more_than_the_api_server_allows(kubectl: Kubectl, namespace: str) -> None:
    lease = largest()
    said(send(kubectl, namespace, lease))
    changed = copy.deepcopy(lease)
    changed["spec"]["reservations"].reverse()
    said(send(kubectl, namespace, changed))
    changed["spec"]["reservations"][0]["name"] = "another"
    assert FIXED in send(kubectl, namespace, changed).stderr


@pytest.mark.parametrize(
    ("name", "patch", "refusal"),
    [
        ("lease-of-hosts", [{"op": "add", "path": "/spec/reservations/-", "value": {"name": "b", "host": {}}}], FIXED),
        ("lease-of-several-things", [{"op": "remove", "path": FIRST}], FIXED),
        ("lease-of-hosts", [{"op": "replace", "path": f"{FIRST}/name", "value": "b"}], FIXED),
        ("lease-renewed-by-itself", [{"op": "move", "from": f"{FIRST}/host", "path": f"{FIRST}/device"}], TYPED),
        ("lease-imported", [{"op": "replace", "path": "/spec/import", "value": {"name": "training"}}], IMPORTED),
        ("lease-imported-by-name", [{"op": "remove", "path": "/spec/import"}], IMPORTED),
        ("lease-of-hosts", [{"op": "add", "path": "/spec/import", "value": {"id": ID}}], IMPORTED),
        ("lease-of-hosts", [{"op": "replace", "path": "/spec/cloudCredentialsRef/cloudName", "value": "b"}], ELSEWHERE),
        ("lease-of-hosts", [{"op": "remove", "path": "/spec/cloudCredentialsRef"}], "Required value"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0]["path"] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_patch_cannot_change_what_blazar_cannot(
    kubectl: Kubectl, namespace: str, name: str, patch: list[dict[str, Any]], refusal: str
) -> None:
    said(kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(example(name))))
    answer = kubectl("patch", "-n", namespace, LEASE, "--type=json", "-p", json.dumps(patch))
    assert answer.returncode != 0
    assert refusal in answer.stderr


@pytest.mark.parametrize(
    "patch",
    [
        {"duration": "3d", "leaseName": "other", "beforeEnd": "2h"},
        {"duration": None, "endTime": "2027-03-01T18:00:00Z"},
        {"startTime": "2026-12-01T08:00:00Z"},
        {"reservations": [{"name": "nodes", "host": {"minCount": 3}}]},
        {"cloudCredentialsRef": {"secretName": "renewed"}},
        {"renewal": {"mode": "Auto", "maxTotal": "14d"}, "onDelete": "Retain", "suspend": True},
    ],
    ids=",".join,
)
def test_a_patch_changes_the_rest(kubectl: Kubectl, namespace: str, patch: dict[str, Any]) -> None:
    said(send(kubectl, namespace, example("lease-of-hosts")))
    said(kubectl("patch", "-n", namespace, LEASE, "--type=merge", "-p", json.dumps({"spec": patch})))


def test_two_hands_hold_a_reservation_each(kubectl: Kubectl, namespace: str) -> None:
    lease = example("lease-of-several-things")
    apply = ("apply", "-n", namespace, "--server-side", "-f", "-")
    said(kubectl(*apply, "--field-manager=one", input=json.dumps(lease)))
    part = {**lease, "spec": {"reservations": [{"name": "public", "floatingIP": {"network": "public", "amount": 2}}]}}
    said(kubectl(*apply, "--field-manager=two", input=json.dumps(part)))
    found = json.loads(said(kubectl("get", "-n", namespace, LEASE, "-o", "json")))
    assert [one["name"] for one in found["spec"]["reservations"]] == ["nodes", "public"]
    assert found["spec"]["reservations"][1]["floatingIP"] == {"network": "public", "amount": 2}


def full_status() -> LeaseStatus:
    """Give a status with all that it may hold at once: 32 reservations, 16 grants."""
    return LeaseStatus(
        observed_generation=1,
        lease_id=ID,
        lease_name="training",
        attempt=1,
        create_requested_time=AT,
        cloud=CloudStatus(auth_url="https://keystone.example.org:5000/v3", region="RegionOne", project_id="a" * 32),
        state="ACTIVE",
        start_time=AT,
        end_time=AT,
        requested=Requested(lease_name="training", end_time=AT),
        last_handled_reconcile_at="now",
        reservations=tuple(
            ReservationStatus(name=f"nodes-{number}", id=ID, resource_type="physical:host", state="active")
            for number in range(32)
        ),
        renewals=RenewalsStatus(
            count=16,
            extended=Duration("16d"),
            history=tuple(
                Grant(
                    name=f"more-{number}",
                    uid=ID,
                    time=AT,
                    granted=Duration("1d"),
                    granted_until=AT,
                    requested_by="alice",
                )
                for number in range(16)
            ),
        ),
        conditions=(
            Condition(type="Ready", status="True", reason="InWindow", message="All is well.", last_transition_time=AT),
        ),
    )


def test_a_full_status_is_taken_and_the_object_stays_small(kubectl: Kubectl, namespace: str) -> None:
    said(send(kubectl, namespace, example("lease-of-hosts")))
    patch = json.dumps({"status": wire.to_builtins(full_status())})
    said(kubectl("patch", "-n", namespace, LEASE, "--subresource=status", "--type=merge", "-p", patch))
    path = f"/apis/{names.API_VERSION}/namespaces/{namespace}/leases/training"
    stored = said(kubectl("get", "--raw", path))
    print(f"\na Lease with 32 reservations and 16 grants in its status: {len(stored)} bytes as the API server gives it")
    assert len(stored) < 20_000


def test_kubectl_prints_the_lease_in_columns(kubectl: Kubectl, namespace: str) -> None:
    said(send(kubectl, namespace, example("lease-of-hosts")))
    patch = json.dumps({"status": wire.to_builtins(full_status())})
    said(kubectl("patch", "-n", namespace, LEASE, "--subresource=status", "--type=merge", "-p", patch))
    header, row = said(kubectl("get", "-n", namespace, "blz")).splitlines()
    assert header.split() == ["NAME", "STATE", "START", "END", "READY", "REASON", "AGE"]
    assert row.split()[:6] == ["training", "ACTIVE", "2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z", "True", "InWindow"]
    wide = said(kubectl("get", "-n", namespace, "blz", "-o", "wide")).splitlines()[0].split()
    assert wide == ["NAME", "STATE", "START", "END", "READY", "REASON", "LEASE-ID", "MESSAGE", "AGE"]
    hint = said(
        kubectl("get", "-n", namespace, LEASE, "-o", 'jsonpath={.status.reservations[?(@.name=="nodes-7")].id}')
    )
    assert hint == ID


def explained(kubectl: Kubectl, *question: str) -> str:
    """Give what kubectl explains, without its line breaks."""
    return " ".join(said(kubectl("explain", *question)).split())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("spec", ["cloudCredentialsRef", "-required-", "Blazar counts in whole minutes"]),
        ("spec.duration", ["at most one of duration and endTime", "Default: 24h"]),
        ("spec.reservations", ["exactly one of host, instance, flavor", "physical:host", "virtual:instance"]),
        ("spec.reservations.host.resourceProperties", ['["op", "$key", "value"]']),
        ("spec.import", ["openstack reservation lease list"]),
        ("spec.onServerError.extendBy", ["Default: 6d"]),
        ("spec.onDelete", ["Default: Delete", "for an imported lease Retain"]),
        ("status.reservations.id", ["scheduler hint"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kubectl_explains_a_field_with_its_default_and_rules(kubectl: Kubectl, path: str, words: list[str]) -> None:
    printed = explained(kubectl, f"leases.{path}", f"--api-version={names.API_VERSION}")
    assert [word for word in words if word not in printed] == []


def test_kubectl_explains_by_the_short_name(kubectl: Kubectl) -> None:
    assert explained(kubectl, "blz.spec").startswith("GROUP: lessor.dev KIND: Lease")
