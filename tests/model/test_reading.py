"""Objects as the API server gives them: what cannot be read is said, and what a deletion needs is saved."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from lessor.model import reading
from lessor.model.conditions import Reason
from lessor.model.instancelease import CloudCredentialsRef, InstanceLeaseSpec, InstanceLeaseStatus, ServerRef
from lessor.model.lease import ImportRef, LeaseSpec, LeaseStatus

META = {"name": "vm1", "namespace": "team-a", "uid": "uid-1", "creationTimestamp": "2026-03-01T08:00:00Z"}
SPEC = {
    "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
    "server": {"id": "server-1"},
    "duration": "90d",
}
STATUS = {"serverID": "server-1", "markedTime": "2026-03-01T08:00:00Z"}
CREDENTIALS = CloudCredentialsRef(secret_name="clouds", cloud_name="openstack")


def body(spec: Any = None, status: Any = None, **fields: Any) -> bytes:
    said = {"metadata": META, "spec": SPEC if spec is None else spec, "status": STATUS if status is None else status}
    return json.dumps({"apiVersion": "lessor.dev/v1alpha1", "kind": "InstanceLease", **said, **fields}).encode()


def test_a_lease_is_read_with_its_status() -> None:
    lease, fault = reading.instance_lease(body())
    assert fault is None
    assert (lease.metadata.key, lease.status.server_id) == ("team-a/vm1", "server-1")
    assert lease.spec.duration is not None
    assert lease.spec.duration.text == "90d"


def test_an_unknown_field_of_metadata_and_status_is_passed_over() -> None:
    managed = {**META, "managedFields": [{"manager": "kubectl"}]}
    lease, fault = reading.instance_lease(body(status={**STATUS, "newer": 1}, metadata=managed))
    assert (fault, lease.status.server_id) == (None, "server-1")


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    spec: Any
    reason: Reason
    words: str


FAULTS = (
    Case("newer-field", "A newer CRD knows it; to pass it over would promise it.", {**SPEC, "color": "red"},
         Reason.UNSUPPORTED_VALUE, "unknown field `color`"),
    Case("newer-inside", "The same, deeper down.", {**SPEC, "renewal": {"soon": True}},
         Reason.UNSUPPORTED_VALUE, "unknown field `soon` - at `$.spec.renewal`"),
    Case("bad-duration", "The schema of the CRD was not ours.", {**SPEC, "duration": "soon"},
         Reason.INVALID_SPEC, "'soon' is not a duration"),
    Case("bad-type", "The path of the fault is named.", {**SPEC, "suspend": "yes"},
         Reason.INVALID_SPEC, "Expected `bool`, got `str` - at `$.spec.suspend`"),
    Case("no-zone", "An instant without a zone is none.", {**SPEC, "expireTime": "2026-03-01T08:00:00"},
         Reason.INVALID_SPEC, "$.spec.expireTime"),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in FAULTS])
def test_a_spec_that_cannot_be_read_is_said_and_keeps_what_a_deletion_needs(case: Case) -> None:
    lease, fault = reading.instance_lease(body(case.spec))
    assert fault is not None
    assert (fault.reason, case.words in fault.message) == (case.reason, True), (case.why, fault.message)
    assert lease.spec == InstanceLeaseSpec(cloud_credentials_ref=CREDENTIALS, server=ServerRef(id="server-1"))
    assert lease.metadata.uid == "uid-1"
    assert lease.status.marked_time is not None


def test_a_spec_of_which_nothing_can_be_saved_is_empty() -> None:
    lease, fault = reading.instance_lease(body({"server": "db-1"}))
    assert fault is not None
    assert (lease.spec, lease.status.server_id) == (InstanceLeaseSpec(), "server-1")


def test_a_status_that_cannot_be_read_reads_as_none() -> None:
    lease, fault = reading.instance_lease(body(status={"startTime": "soon"}))
    assert fault is not None
    assert (fault.reason, lease.status) == (Reason.INVALID_SPEC, InstanceLeaseStatus())
    assert lease.spec.cloud_credentials_ref == CREDENTIALS


def test_a_lease_without_spec_and_status_can_still_be_held_and_deleted() -> None:
    lease, fault = reading.instance_lease(json.dumps({"metadata": META}).encode())
    assert fault is not None
    assert (fault.reason, lease.spec, lease.status) == (
        Reason.INVALID_SPEC,
        InstanceLeaseSpec(),
        InstanceLeaseStatus(),
    )


@pytest.mark.parametrize("data", [b"", b"[]", b'{"spec": {}}', b"not json"], ids=repr)
def test_what_is_no_object_at_all_is_an_error(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        reading.instance_lease(data)


def renewal(spec: Any) -> bytes:
    return json.dumps({"metadata": META, "spec": spec}).encode()


def test_a_renewal_is_read() -> None:
    read = reading.lease_renewal(renewal({"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "extendBy": "7d"}))
    assert read is not None
    assert (read.spec.lease_ref.name, read.decided) == ("vm1", False)


@pytest.mark.parametrize(
    "spec", [{}, {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "soon": True}], ids=["incomplete", "newer"]
)
def test_a_renewal_that_this_version_cannot_read_is_left_alone(spec: Any) -> None:
    assert reading.lease_renewal(renewal(spec)) is None


def test_a_field_of_a_newer_version_beside_the_credentials_does_not_lose_them() -> None:
    spec = {
        "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack", "newer": True},
        "server": {"id": "s1", "newer": 1},
        "newest": {},
    }
    meta = {"name": "vm1", "uid": "u1", "creationTimestamp": "2026-03-01T08:00:00Z"}
    lease, problem = reading.instance_lease(msgspec.json.encode({"metadata": meta, "spec": spec}))
    assert problem is not None
    assert lease.spec == InstanceLeaseSpec(
        cloud_credentials_ref=CloudCredentialsRef(secret_name="clouds", cloud_name="openstack"),
        server=ServerRef(id="s1"),
    )


# ---------------------------------------------------------------- Lease

LEASE_SPEC = {
    "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
    "import": {"id": "l1"},
    "onDelete": "Delete",
    "suspend": True,
}
LEASE_STATUS = {"leaseID": "l1", "createRequestedTime": "2026-03-01T08:00:00Z"}


def test_a_blazar_lease_is_read_with_its_status() -> None:
    lease, fault = reading.lease(body(LEASE_SPEC, {**LEASE_STATUS, "newer": 1}))
    assert fault is None
    assert (lease.metadata.key, lease.status.lease_id, lease.spec.import_) == ("team-a/vm1", "l1", ImportRef(id="l1"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"color": "red"}, Reason.UNSUPPORTED_VALUE, id="newer field"),
        pytest.param({"duration": "soon"}, Reason.INVALID_SPEC, id="bad duration"),
    ],
)
def test_a_blazar_lease_that_cannot_be_read_keeps_what_its_deletion_needs(more: Any, reason: Reason) -> None:
    lease, fault = reading.lease(body({**LEASE_SPEC, **more}, LEASE_STATUS))
    assert fault is not None
    assert fault.reason is reason
    assert lease.spec == LeaseSpec(
        cloud_credentials_ref=CREDENTIALS, import_=ImportRef(id="l1"), on_delete="Delete", suspend=True
    )
    assert lease.status.lease_id == "l1"


def test_a_blazar_lease_of_which_nothing_can_be_saved_is_empty() -> None:
    lease, fault = reading.lease(body({"suspend": "yes"}, {"startTime": "soon"}))
    assert fault is not None
    assert (lease.spec, lease.status) == (LeaseSpec(), LeaseStatus())


def test_a_newer_field_beside_what_is_saved_does_not_lose_it() -> None:
    newer = {"cloudCredentialsRef": {**LEASE_SPEC["cloudCredentialsRef"], "newer": 1}}  # type: ignore[dict-item]
    lease, fault = reading.lease(body({**newer, "import": {"name": "theirs", "newer": 1}}, LEASE_STATUS))
    assert fault is not None
    assert lease.spec == LeaseSpec(cloud_credentials_ref=CREDENTIALS, import_=ImportRef(name="theirs"))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"spec": {}}'], ids=repr)
def test_what_is_no_object_is_no_blazar_lease(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        reading.lease(data)


def test_the_metadata_is_read_of_any_object() -> None:
    assert reading.metadata(body({"anything": 1})).uid == "uid-1"
