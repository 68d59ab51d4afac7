"""Lives of Leases through the whole operator but for Kopf: asked for, extended, refused, healed, let go."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from lessor.model.names import Kind
from lessor.model.reservations import EventType, LeaseState
from tests.whole.operator import BOOKING, START, TEAM, Whole

ALL_HOSTS = [{"name": "nodes", "host": {"minCount": 3}}]
LATER, MUCH_LATER = "2026-03-03T08:00:00Z", "2026-03-04T08:00:00Z"


@pytest.fixture
async def whole() -> AsyncIterator[Whole]:
    made = Whole()
    await made.start()
    yield made
    await made.kill()


def status(whole: Whole, name: str = BOOKING) -> dict[str, Any]:
    body = whole.booking(name)
    assert body is not None
    found: dict[str, Any] = body["status"]
    return found


def lines(whole: Whole, verb: str) -> list[str]:
    """Give what was asked of Blazar by this method."""
    return [call.line for call in whole.cloud.calls if call.line.startswith(verb)]


def lease_id(whole: Whole) -> str:
    return str(status(whole)["leaseID"])


async def test_a_lease_that_starts_now_is_active_within_seconds_and_over_in_time(whole: Whole) -> None:
    whole.book(duration="1h")
    await whole.after(seconds=15)
    assert whole.said("Active", BOOKING) == ("True", "InWindow")
    assert whole.said("Ready", BOOKING) == ("True", "InWindow")
    await whole.after(hours=1, minutes=2)
    assert whole.said("Expired", BOOKING) == ("True", "EndReached")
    assert (status(whole)["state"], whole.said("Ready", BOOKING)) == ("TERMINATED", ("True", "Expired"))
    whole.remove(Kind.LEASE)
    await whole.after(hours=1, minutes=3)
    assert whole.booking() is None
    assert not whole.cloud.blazar.leases


async def test_one_that_starts_later_is_ready_when_blazar_holds_it(whole: Whole) -> None:
    whole.book(startTime=LATER, endTime=MUCH_LATER)
    await whole.after(seconds=5)
    assert whole.said("Ready", BOOKING) == ("True", "Reserved")
    assert whole.said("Active", BOOKING) == ("False", "NotStarted")
    await whole.after(days=2, seconds=20)
    assert whole.said("Active", BOOKING) == ("True", "InWindow")


async def test_four_writes_lead_to_an_active_lease(whole: Whole) -> None:
    whole.book(duration="1h")
    await whole.after(seconds=30)
    writes = [line for line in whole.guard.requests if line.startswith("PATCH") and BOOKING in line]
    assert [line.endswith("/status") for line in writes] == [False, True, True, True, True]
    assert len([line for line in whole.guard.requests if line.startswith("create")]) == 1


async def test_a_lease_at_rest_costs_a_list_a_minute_and_no_write(whole: Whole) -> None:
    whole.book(duration="10h")
    await whole.after(minutes=2)
    whole.guard.requests.clear()
    await whole.after(minutes=32)
    asked = whole.guard.requests
    assert not [line for line in asked if line.startswith(("PATCH", "POST"))]
    assert len([line for line in asked if line.startswith("leases")]) <= 31
    assert not [line for line in asked if line.startswith("lease ")]


async def test_without_room_it_waits_at_growing_pauses_and_gets_it(whole: Whole) -> None:
    taken = [whole.cloud.inventory.occupy(host, START, START + timedelta(days=9)) for host in whole.hosts]
    whole.book(duration="1h")
    await whole.after(hours=2)
    assert whole.said("Reserved", BOOKING) == ("False", "NotEnoughResources")
    tries = len([line for line in whole.guard.requests if line.startswith("create")])
    assert 6 <= tries <= 9
    assert status(whole)["refusal"]["since"] == "2026-03-01T08:00:00Z"
    whole.cloud.inventory.vacate(taken[0])
    await whole.after(hours=2, minutes=40)
    assert whole.said("Active", BOOKING) == ("True", "InWindow")
    assert "refusal" not in status(whole)


async def test_waiting_for_room_is_told_once_however_often_it_is_asked_for(whole: Whole) -> None:
    for host in whole.hosts:
        whole.cloud.inventory.occupy(host, START, START + timedelta(days=9))
    whole.book(duration="1h")
    await whole.after(seconds=10)
    (told,) = (one for one in status(whole)["conditions"] if one["type"] == "Reserved")
    await whole.after(hours=2)
    assert status(whole)["refusal"]["count"] >= 6
    assert next(one for one in status(whole)["conditions"] if one["type"] == "Reserved") == told
    events = json.loads(whole.asked("GET", "/apis/events.k8s.io/v1/events").body)["items"]
    said = [one for one in events if one["reason"] == "NotEnoughResources"]
    assert [one.get("series") for one in said] == [None]


async def test_a_renewal_moves_the_end_in_blazar_and_is_answered(whole: Whole) -> None:
    whole.book(duration="2h", renewal={"maxTotal": "4h"})
    await whole.after(minutes=1)
    whole.renew("more", "90m", Kind.LEASE)
    await whole.after(minutes=2)
    assert status(whole)["endTime"] == "2026-03-01T11:30:00Z"
    assert whole.renewal("more")["grantedUntil"] == "2026-03-01T11:30:00Z"
    whole.renew("again", "90m", Kind.LEASE)
    await whole.after(minutes=3)
    assert status(whole)["endTime"] == "2026-03-01T12:00:00Z"
    whole.renew("beyond", "90m", Kind.LEASE)
    await whole.after(minutes=4)
    assert whole.renewal("beyond")["conditions"][-1]["reason"] == "LimitReached"
    assert status(whole)["renewals"]["count"] == 2


async def test_a_refused_renewal_leaves_the_end_and_tells_how_far_it_could_have_gone(whole: Whole) -> None:
    whole.book(duration="2h", reservations=ALL_HOSTS)
    await whole.after(minutes=1)
    whole.cloud.inventory.occupy(whole.hosts[0], START + timedelta(hours=5), START + timedelta(hours=9))
    whole.renew("more", "6h", Kind.LEASE)
    await whole.after(minutes=2)
    said = whole.renewal("more")
    assert [(one["type"], one["reason"]) for one in said["conditions"]] == [
        ("Completed", "Decided"),
        ("Granted", "NotEnoughResources"),
    ]
    assert "would have taken an end up to about 2026-03-01T1" in said["message"]
    assert whole.cloud.outside.lease(lease_id(whole)).end == START + timedelta(hours=2)
    assert whole.said("Degraded", BOOKING) is None


async def test_auto_extends_until_its_total(whole: Whole) -> None:
    whole.book(duration="1h", renewal={"mode": "Auto", "extendBy": "1h", "maxTotal": "3h"})
    await whole.after(hours=2, minutes=50)
    assert status(whole)["endTime"] == "2026-03-01T11:00:00Z"
    assert status(whole)["renewals"]["count"] == 2
    await whole.after(hours=3, minutes=5)
    assert whole.said("Expired", BOOKING) == ("True", "EndReached")


async def test_an_edited_end_is_asked_for_and_a_refused_one_is_said(whole: Whole) -> None:
    whole.book(startTime=LATER, endTime=MUCH_LATER, reservations=ALL_HOSTS)
    await whole.after(minutes=1)
    whole.edit({"spec": {"endTime": "2026-03-05T08:00:00Z"}})
    await whole.after(minutes=2)
    assert status(whole)["endTime"] == "2026-03-05T08:00:00Z"
    begin, end = START + timedelta(days=5), START + timedelta(days=6)
    whole.cloud.inventory.occupy(whole.hosts[0], begin, end)
    whole.edit({"spec": {"endTime": "2026-03-08T08:00:00Z"}})
    await whole.after(minutes=3)
    assert whole.said("Ready", BOOKING) == ("False", "NotEnoughResources")
    assert whole.said("Reserved", BOOKING) == ("True", "Reserved")
    assert status(whole)["endTime"] == "2026-03-05T08:00:00Z"
    whole.edit({"spec": {"endTime": "2026-03-05T08:00:00Z"}})
    await whole.after(minutes=4)
    assert whole.said("Ready", BOOKING) == ("True", "Reserved")


async def test_a_lease_that_a_refused_update_broke_is_healed(whole: Whole) -> None:
    pool = [{"name": "pub", "floatingIP": {"network": "public", "amount": 1}}]
    whole.book(startTime=LATER, endTime=MUCH_LATER, reservations=pool)
    await whole.after(minutes=1)
    more = [{"name": "pub", "floatingIP": {"network": "public", "amount": 9}}]
    whole.edit({"spec": {"reservations": more}})
    await whole.after(minutes=2)
    assert whole.cloud.outside.lease(lease_id(whole)).status == LeaseState.PENDING
    assert whole.said("Ready", BOOKING) == ("False", "NotEnoughResources")


async def test_a_failed_start_is_said_and_deleted_with_its_object(whole: Whole) -> None:
    whole.book(startTime=LATER, endTime=MUCH_LATER)
    await whole.after(minutes=1)
    whole.cloud.outside.fail(lease_id(whole), EventType.START)
    await whole.after(days=2, minutes=2)
    assert whole.said("Reserved", BOOKING) == ("False", "Refused")
    assert whole.said("Degraded", BOOKING) == ("True", "BlazarError")
    whole.remove(Kind.LEASE)
    await whole.after(days=2, minutes=4)
    assert whole.booking() is None
    assert not whole.cloud.blazar.leases


@pytest.mark.parametrize(
    ("what", "condition", "want"),
    [
        (lambda whole, one: whole.cloud.outside.rename(one, "x"), "Degraded", ("True", "Renamed")),
        (lambda whole, one: whole.cloud.outside.forget(one), "Reserved", ("False", "Lost")),
        (
            lambda whole, one: whole.cloud.outside.shorten(one, START + timedelta(days=2, hours=3)),
            "Degraded",
            ("True", "EndChanged"),
        ),
        (
            lambda whole, one: whole.cloud.outside.degrade(
                whole.cloud.outside.lease(one).reservations[0].id, missing=True
            ),
            "Degraded",
            ("True", "MissingResources"),
        ),
    ],
    ids=["renamed", "deleted", "shortened", "missing"],
)
async def test_what_is_done_outside_is_told_and_not_fought(
    whole: Whole, what: Any, condition: str, want: tuple[str, str]
) -> None:
    whole.book(startTime=LATER, endTime=MUCH_LATER)
    await whole.after(minutes=1)
    what(whole, lease_id(whole))
    whole.guard.requests.clear()
    await whole.after(minutes=10)
    assert whole.said(condition, BOOKING) == want
    assert not [line for line in whole.guard.requests if line.startswith(("create", "change", "delete"))]


async def test_a_copy_under_another_uid_adopts_its_own_lease(whole: Whole) -> None:
    whole.book(startTime=LATER, endTime=MUCH_LATER)
    await whole.after(minutes=1)
    first = whole.booking()
    assert first is not None
    await whole.kill()
    whole.edit({"metadata": {"finalizers": None}})
    whole.remove(Kind.LEASE)
    copy = {"name": BOOKING, "annotations": first["metadata"]["annotations"]}
    body = {"apiVersion": first["apiVersion"], "kind": "Lease", "metadata": copy, "spec": first["spec"]}
    whole.api.create(f"/apis/lessor.dev/v1alpha1/namespaces/{TEAM}/leases", body)
    await whole.start()
    await whole.after(minutes=2)
    assert status(whole)["leaseID"] == first["status"]["leaseID"]
    assert whole.said("Ready", BOOKING) == ("True", "Reserved")
    assert len(whole.cloud.blazar.leases) == 1


async def test_a_copy_of_a_lease_that_is_over_makes_no_other(whole: Whole) -> None:
    whole.book(duration="1h")
    await whole.after(minutes=1)
    first = whole.booking()
    assert first is not None
    await whole.kill()
    whole.edit({"metadata": {"finalizers": None}})
    whole.remove(Kind.LEASE)
    whole.cloud.outside.forget(first["status"]["leaseID"])
    copy = {"name": BOOKING, "annotations": first["metadata"]["annotations"]}
    body = {"apiVersion": first["apiVersion"], "kind": "Lease", "metadata": copy, "spec": first["spec"]}
    whole.clock.jump(START + timedelta(hours=3))
    whole.api.create(f"/apis/lessor.dev/v1alpha1/namespaces/{TEAM}/leases", body)
    await whole.start()
    await whole.after(hours=3, minutes=5)
    assert whole.said("Ready", BOOKING) == ("True", "Expired")
    assert not whole.cloud.blazar.leases


async def test_a_configmap_tells_programs_what_they_need(whole: Whole) -> None:
    whole.book(duration="1h", output={"configMapName": "training"})
    await whole.after(seconds=30)
    path = f"/api/v1/namespaces/{TEAM}/configmaps/training"
    held = json.loads(whole.asked("GET", path).body)
    assert held["data"]["leaseID"] == lease_id(whole)
    assert held["data"]["state"] == "ACTIVE"
    assert held["data"]["nodes.reservationID"] == status(whole)["reservations"][0]["id"]
    assert [owner["kind"] for owner in held["metadata"]["ownerReferences"]] == ["Lease"]
    assert "message" not in status(whole)["output"]


async def test_a_configmap_of_somebody_else_is_left_alone(whole: Whole) -> None:
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "training"}, "data": {"a": "b"}}
    whole.api.create(f"/api/v1/namespaces/{TEAM}/configmaps", theirs)
    whole.book(duration="1h", output={"configMapName": "training"})
    await whole.after(seconds=30)
    assert json.loads(whole.asked("GET", f"/api/v1/namespaces/{TEAM}/configmaps/training").body)["data"] == {"a": "b"}
    assert whole.said("Ready", BOOKING) == ("False", "InvalidSpec")
    assert whole.said("Active", BOOKING) == ("True", "InWindow")
