"""What can still be read of a Lease that this version cannot read whole: enough to let it go."""

import json
from typing import Any

import msgspec
import pytest

from lessor.model import reading
from lessor.model.conditions import Reason
from tests.decide.lease.builders import ID, START, UID

META = {"name": "training", "namespace": "team-a", "uid": UID, "creationTimestamp": START.isoformat()}
SPEC = {
    "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
    "reservations": [{"name": "nodes", "host": {}}],
}


def body(spec: Any, status: Any = None) -> bytes:
    return json.dumps({"metadata": META, "spec": spec, "status": status or {}}).encode()


def test_a_good_one_is_read() -> None:
    lease, problem = reading.lease(body(SPEC, {"leaseID": ID, "state": "ACTIVE"}))
    assert problem is None
    assert (lease.metadata.uid, lease.status.lease_id, lease.spec.reservations[0].name) == (UID, ID, "nodes")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({**SPEC, "colour": "blue"}, Reason.UNSUPPORTED_VALUE),
        ({**SPEC, "duration": "soon"}, Reason.INVALID_SPEC),
        ({**SPEC, "reservations": "all"}, Reason.INVALID_SPEC),
    ],
)
def test_of_one_that_cannot_be_read_what_letting_go_needs_is_saved(spec: dict[str, Any], reason: Reason) -> None:
    declared = {**spec, "onDelete": "Retain", "suspend": True, "import": {"id": ID}}
    lease, problem = reading.lease(body(declared, {"leaseID": ID}))
    assert problem is not None
    assert problem.reason is reason
    assert lease.spec.cloud_credentials_ref is not None
    assert (lease.spec.on_delete, lease.spec.suspend, lease.status.lease_id) == ("Retain", True, ID)
    assert lease.spec.import_ is not None
    assert lease.spec.import_.id == ID


def test_of_garbage_nothing_is_saved_and_nothing_is_raised() -> None:
    lease, problem = reading.lease(body({"cloudCredentialsRef": 7}, {"conditions": 7}))
    assert problem is not None
    assert lease.spec.cloud_credentials_ref is None
    assert lease.spec.import_ is None
    assert lease.status.lease_id is None


def test_the_metadata_alone_is_read_whatever_stands_beside_it() -> None:
    assert reading.metadata(body({"x": 1})).uid == UID
    with pytest.raises(msgspec.MsgspecError):
        reading.metadata(b"[]")
