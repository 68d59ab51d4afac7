from typing import Any

from lessor.model import reading
from lessor.model.names import Kind
from lessor.runtime.cache import Cache


def raw(uid: str = "u1", version: str = "5", **changes: Any) -> dict[str, Any]:
    meta = {
        "name": "vm1",
        "namespace": "team-a",
        "uid": uid,
        "resourceVersion": version,
        "creationTimestamp": "2026-03-01T08:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"},
    }
    return {"metadata": {**meta, **changes}, "spec": {"duration": "1d", "server": {"id": "s"}}}


def test_what_is_older_than_our_own_write_is_no_news() -> None:
    cache = Cache()
    assert cache.put(Kind.INSTANCE_LEASE, raw(version="7")) is not None
    assert cache.put(Kind.INSTANCE_LEASE, raw(version="6")) is None
    assert cache.put(Kind.INSTANCE_LEASE, raw(version="7")) is None
    assert cache.put(Kind.INSTANCE_LEASE, raw(version="10")) is not None


def test_managed_fields_and_the_copy_of_the_manifest_are_left_out() -> None:
    cache = Cache()
    entry = cache.put(Kind.INSTANCE_LEASE, raw())
    assert entry is not None
    lease, problem = reading.instance_lease(entry.body)
    assert problem is None
    assert lease.metadata.annotations == {"mine": "1"}
    assert b"managedFields" not in entry.body


def test_an_object_made_again_under_its_name_is_another_one() -> None:
    cache = Cache()
    cache.put(Kind.INSTANCE_LEASE, raw("u1", "5"))
    cache.put(Kind.INSTANCE_LEASE, raw("u2", "6"))
    cache.gone("u1")
    named = cache.named(Kind.INSTANCE_LEASE, "team-a", "vm1")
    assert named is not None
    assert named.uid == "u2"


def test_requests_are_found_by_the_lease_they_name() -> None:
    cache = Cache()
    request = raw("r1", name="more")
    request["spec"] = {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}}
    cache.put(Kind.LEASE_RENEWAL, request)
    assert [entry.uid for entry in cache.renewals("team-a", "vm1")] == ["r1"]
    assert list(cache.renewals("team-b", "vm1")) == []
    cache.gone("r1")
    assert list(cache.renewals("team-a", "vm1")) == []
