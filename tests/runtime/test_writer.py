"""What is sent to the API server: the difference only, with the resourceVersion, others' parts kept."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lessor.model import reading
from lessor.model.conditions import Condition
from lessor.model.instancelease import InstanceLease, NextAction
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import OwnerReference
from lessor.model.names import FINALIZER, Kind
from lessor.model.plans import FinalizerChange, RenewalDecision
from lessor.runtime.cache import small
from lessor.runtime.cluster import Conflict, NotThere
from lessor.runtime.gate import Gate, Urgency
from lessor.runtime.writer import Writer
from tests.runtime.apiserver import APIServer, lease_path, renewal_path
from tests.runtime.clock import START

SPEC = {"duration": "1d", "server": {"id": "s1"}}
STATUS = {
    "observedGeneration": 1,
    "serverID": "s1",
    "serverStatus": "ACTIVE",
    "nextAction": {"action": "Stop", "time": "2026-03-02T08:00:00Z", "claimedTime": "2026-03-02T08:00:00Z"},
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "InTerm",
            "message": "m",
            "lastTransitionTime": "2026-03-01T08:00:00Z",
        }
    ],
}


@pytest.fixture
def api() -> APIServer:
    return APIServer()


@pytest.fixture
def writer(api: APIServer) -> Writer:
    return Writer(api.cluster(), Gate(1))


def leased(api: APIServer, **meta: Any) -> InstanceLease:
    raw = api.lease(spec=SPEC, status=STATUS, metadata=meta)
    lease, problem = reading.instance_lease(small(raw))
    assert problem is None
    return lease


def owning(lease: InstanceLease) -> OwnerReference:
    meta = lease.metadata
    return OwnerReference(api_version="lessor.dev/v1alpha1", kind="InstanceLease", name=meta.name, uid=meta.uid)


def asked(api: APIServer, **meta: Any) -> LeaseRenewal:
    spec = {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "extendBy": "1d"}
    raw = api.put(renewal_path(), spec=spec, metadata=meta)
    request = reading.lease_renewal(small(raw))
    assert request is not None
    return request


def bodies(api: APIServer) -> list[Any]:
    return [request.body for request in api.requests]


# ------------------------------------------------------------ the status


async def test_only_what_differs_is_sent_with_the_version_it_differs_from(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    changed = msgspec.structs.replace(lease.status, server_status="SHUTOFF", server_name="db-1")
    answer = await writer.status(Kind.INSTANCE_LEASE, lease, changed, Urgency.REPORT)
    assert api.lines() == [f"PATCH {lease_path()}/status"]
    assert bodies(api) == [
        {"metadata": {"resourceVersion": "101"}, "status": {"serverStatus": "SHUTOFF", "serverName": "db-1"}}
    ]
    assert api.requests[0].headers["Content-Type"] == "application/merge-patch+json"
    assert answer is not None
    assert answer["metadata"]["resourceVersion"] == "102"


async def test_what_went_is_sent_as_null(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    await writer.status(
        Kind.INSTANCE_LEASE, lease, msgspec.structs.replace(lease.status, next_action=None), Urgency.REPORT
    )
    assert bodies(api)[0]["status"] == {"nextAction": None}
    assert "nextAction" not in api.objects[lease_path()]["status"]


async def test_what_went_inside_of_a_part_is_sent_as_null_there(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    claim = NextAction(action="Stop", time=START + timedelta(days=1), blocked_by="Frozen")
    await writer.status(
        Kind.INSTANCE_LEASE, lease, msgspec.structs.replace(lease.status, next_action=claim), Urgency.REPORT
    )
    assert bodies(api)[0]["status"] == {"nextAction": {"claimedTime": None, "blockedBy": "Frozen"}}


async def test_a_list_is_sent_whole(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    more = Condition(type="Active", status="True", reason="InWindow", message="m", last_transition_time=START)
    changed = msgspec.structs.replace(lease.status, conditions=(*lease.status.conditions, more))
    await writer.status(Kind.INSTANCE_LEASE, lease, changed, Urgency.REPORT)
    assert [condition["type"] for condition in bodies(api)[0]["status"]["conditions"]] == ["Ready", "Active"]


async def test_nothing_is_sent_when_nothing_differs(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    assert await writer.status(Kind.INSTANCE_LEASE, lease, lease.status, Urgency.CLAIM) is None
    assert api.requests == []


async def test_a_status_over_a_newer_object_is_refused_and_not_sent_again(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    api.lease(metadata={"labels": {"somebody": "else"}})
    with pytest.raises(Conflict):
        await writer.status(
            Kind.INSTANCE_LEASE, lease, msgspec.structs.replace(lease.status, server_name="x"), Urgency.CLAIM
        )
    assert len(api.requests) == 1
    assert api.objects[lease_path()]["status"] == STATUS


async def test_a_refused_write_gives_its_place_back(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    changed = msgspec.structs.replace(lease.status, server_name="x")
    api.breaks(f"PATCH {lease_path()}/status", 409, 500)
    for _ in range(2):
        with pytest.raises(Exception, match="broken"):
            await writer.status(Kind.INSTANCE_LEASE, lease, changed, Urgency.CLAIM)
    assert await writer.status(Kind.INSTANCE_LEASE, lease, changed, Urgency.CLAIM) is not None


# ------------------------------------------------------------ the finalizer


@pytest.mark.parametrize(
    ("there", "change", "wanted"),
    [
        ([], FinalizerChange.PUT_ON, [FINALIZER]),
        (["a.example/x", "b.example/y"], FinalizerChange.PUT_ON, ["a.example/x", "b.example/y", FINALIZER]),
        (["a.example/x", FINALIZER], FinalizerChange.PUT_ON, ["a.example/x", FINALIZER]),
        ([FINALIZER], FinalizerChange.TAKE_OFF, []),
        (["a.example/x", FINALIZER, "b.example/y"], FinalizerChange.TAKE_OFF, ["a.example/x", "b.example/y"]),
        (["a.example/x"], FinalizerChange.TAKE_OFF, ["a.example/x"]),
    ],
)
async def test_the_list_of_finalizers_is_sent_whole_and_keeps_those_of_others(
    api: APIServer, writer: Writer, there: list[str], change: FinalizerChange, wanted: list[str]
) -> None:
    lease = leased(api, finalizers=there)
    await writer.metadata(Kind.INSTANCE_LEASE, lease.metadata, change, {})
    assert api.lines() == [f"PATCH {lease_path()}"]
    assert bodies(api) == [{"metadata": {"resourceVersion": "101", "finalizers": wanted}}]


async def test_a_finalizer_that_somebody_added_meanwhile_is_not_overwritten(api: APIServer, writer: Writer) -> None:
    lease = leased(api)
    api.lease(metadata={"finalizers": ["a.example/x"]})
    with pytest.raises(Conflict):
        await writer.metadata(Kind.INSTANCE_LEASE, lease.metadata, FinalizerChange.PUT_ON, {})
    assert api.objects[lease_path()]["metadata"]["finalizers"] == ["a.example/x"]


async def test_the_last_finalizer_taken_off_lets_the_object_go(api: APIServer, writer: Writer) -> None:
    lease = leased(api, finalizers=[FINALIZER], deletionTimestamp="2026-03-01T09:00:00Z")
    await writer.metadata(Kind.INSTANCE_LEASE, lease.metadata, FinalizerChange.TAKE_OFF, {})
    assert lease_path() not in api.objects


# ------------------------------------------------------------ the answer to a LeaseRenewal


async def test_an_answer_is_written_first_and_then_bound_to_the_lease(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    api.requests.clear()
    decided = msgspec.structs.replace(request.status, message="granted")
    await writer.decision(RenewalDecision(renewal=request, status=decided, adopt=True), owning(lease))
    assert api.lines() == [f"PATCH {renewal_path()}/status", f"PATCH {renewal_path()}"]
    assert bodies(api)[0] == {"metadata": {"resourceVersion": "102"}, "status": {"message": "granted"}}
    owner = {"apiVersion": "lessor.dev/v1alpha1", "kind": "InstanceLease", "name": "vm1", "uid": lease.metadata.uid}
    assert bodies(api)[1] == {"metadata": {"resourceVersion": "103", "ownerReferences": [owner]}}


async def test_one_that_was_answered_and_not_yet_bound_is_only_bound(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    await writer.decision(RenewalDecision(renewal=request, status=request.status, adopt=True), owning(lease))
    assert api.lines() == [f"PATCH {renewal_path()}"]
    assert bodies(api)[0]["metadata"]["resourceVersion"] == "102"


async def test_owners_of_others_are_kept_and_ours_is_not_added_twice(api: APIServer, writer: Writer) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "uid-x"}
    lease, request = leased(api), asked(api, ownerReferences=[other])
    answer = await writer.decision(RenewalDecision(renewal=request, status=request.status, adopt=True), owning(lease))
    assert answer is not None
    assert [owner["uid"] for owner in answer["metadata"]["ownerReferences"]] == ["uid-x", lease.metadata.uid]
    bound = reading.lease_renewal(small(answer))
    assert bound is not None
    api.requests.clear()
    assert await writer.decision(RenewalDecision(renewal=bound, status=bound.status, adopt=True), owning(lease)) is None
    assert api.requests == []


async def test_a_request_without_its_lease_is_answered_and_bound_to_nobody(api: APIServer, writer: Writer) -> None:
    request = asked(api)
    waits = msgspec.structs.replace(request.status, message="waits")
    await writer.decision(RenewalDecision(renewal=request, status=waits, adopt=True), None)
    assert api.lines() == [f"PATCH {renewal_path()}/status"]


async def test_an_answer_over_a_newer_request_is_refused(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    api.put(renewal_path(), metadata={"labels": {"a": "b"}})
    decided = msgspec.structs.replace(request.status, message="granted")
    with pytest.raises(Conflict):
        await writer.decision(RenewalDecision(renewal=request, status=decided, adopt=True), owning(lease))


async def test_an_old_request_is_deleted_by_its_uid_and_no_other_of_its_name(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    gone = RenewalDecision(renewal=request, status=request.status, delete=True)
    api.put(renewal_path(), metadata={"uid": "another"})
    with pytest.raises(Conflict):
        await writer.decision(gone, owning(lease))
    assert renewal_path() in api.objects
    assert bodies(api)[-1] == {"preconditions": {"uid": request.metadata.uid}}


async def test_deleting_one_that_is_gone_is_no_error(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    del api.objects[renewal_path()]
    assert (
        await writer.decision(RenewalDecision(renewal=request, status=request.status, delete=True), owning(lease))
        is None
    )


async def test_answering_one_that_is_gone_says_so(api: APIServer, writer: Writer) -> None:
    lease, request = leased(api), asked(api)
    del api.objects[renewal_path()]
    decided = msgspec.structs.replace(request.status, message="granted")
    with pytest.raises(NotThere):
        await writer.decision(RenewalDecision(renewal=request, status=decided), owning(lease))


async def test_the_references_of_others_are_kept_whole(api: APIServer, writer: Writer) -> None:
    theirs = {"apiVersion": "v1", "kind": "Set", "name": "s", "uid": "u"}
    theirs |= {"controller": True, "blockOwnerDeletion": True}
    request = asked(api, ownerReferences=[theirs])
    decision = RenewalDecision(renewal=request, status=request.status, adopt=True)
    await writer.decision(decision, owning(leased(api)))
    (body,) = bodies(api)
    assert body["metadata"]["ownerReferences"][0] == theirs
    assert body["metadata"]["ownerReferences"][1].keys() == {"apiVersion", "kind", "name", "uid"}
