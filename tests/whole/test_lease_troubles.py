"""Leases where something is in the way: credentials, types that the cloud lacks, a Blazar that is away, a freeze.

Each is what other operators of Blazar were seen to fail at.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from lessor.model.lease import ResourceType
from lessor.model.names import Kind
from lessor.model.reservations import WantedLease, WantedReservation
from lessor.simulated.cloud.refusals import Service
from tests.whole.operator import BOOKING, OTHER_TEAM, START, TEAM, Whole

SECRET = f"/api/v1/namespaces/{TEAM}/secrets/clouds"


@asynccontextmanager
async def running(**given: Any) -> AsyncIterator[Whole]:
    whole = Whole(**given)
    await whole.start()
    try:
        yield whole
    finally:
        await whole.kill()


def message(whole: Whole, kind: str) -> str:
    body = whole.booking()
    assert body is not None
    return next(str(one["message"]) for one in body["status"]["conditions"] if one["type"] == kind)


async def test_two_leases_of_one_name_in_two_namespaces_are_two_leases() -> None:
    async with running() as whole:
        whole.book(duration="1h")
        whole.book(namespace=OTHER_TEAM, duration="2h")
        await whole.after(minutes=1)
        lengths = sorted(lease.end - lease.start for lease in whole.cloud.blazar.leases.values())
        assert lengths == [timedelta(hours=1), timedelta(hours=2)]
        whole.remove(Kind.LEASE)
        await whole.after(minutes=5)
        (left,) = whole.cloud.blazar.leases.values()
        assert left.end - left.start == timedelta(hours=2)


async def test_an_application_credential_that_cannot_make_a_trust_is_told_the_way_out() -> None:
    async with running(credential=True) as whole:
        whole.book(duration="1h")
        await whole.after(minutes=1)
        assert whole.said("Accepted", BOOKING) == ("False", "CredentialsUnsuitable")
        assert "password of a service user" in message(whole, "Accepted")
        tries = len([line for line in whole.guard.requests if line.startswith("create")])
        await whole.after(minutes=31)
        assert len([line for line in whole.guard.requests if line.startswith("create")]) - tries <= 4
        assert not whole.cloud.blazar.leases


async def test_a_cloud_without_blazar_says_so() -> None:
    async with running() as whole:
        whole.cloud.absent.add(Service.BLAZAR)
        await whole.kill()
        await whole.start()
        whole.book(duration="1h")
        await whole.after(minutes=1)
        assert whole.said("Accepted", BOOKING) == ("False", "UnsupportedResourceType")


@pytest.mark.parametrize("kind", ["network", "device"])
async def test_types_of_chameleons_are_reserved_there_and_refused_elsewhere(kind: str) -> None:
    asked = {"network": {"networkName": "lan"}, "device": {"machineName": "rpi"}}[kind]
    async with running(chameleon=True) as whole:
        whole.cloud.inventory.add_segment("physnet1", 3456)
        whole.cloud.inventory.add_device("iot-1", machine_name="rpi")
        whole.book(duration="1h", reservations=[{"name": "it", kind: asked}])
        await whole.after(minutes=1)
        assert whole.said("Active", BOOKING) == ("True", "InWindow")
    async with running() as whole:
        whole.book(duration="1h", reservations=[{"name": "it", kind: asked}])
        await whole.after(minutes=1)
        assert whole.said("Accepted", BOOKING) == ("False", "UnsupportedResourceType")


async def test_after_ten_minutes_without_blazar_all_is_right_without_a_hand() -> None:
    async with running() as whole:
        whole.book("before", startTime="2026-03-03T08:00:00Z", duration="1h")
        await whole.after(minutes=1)
        whole.cloud.away.add(Service.BLAZAR)
        whole.book(duration="1h")
        await whole.after(minutes=11)
        assert len(whole.cloud.blazar.leases) == 1
        whole.cloud.away.clear()
        await whole.after(minutes=23)
        assert whole.said("Active", BOOKING) == ("True", "InWindow")
        assert whole.said("Ready", "before") == ("True", "Reserved")
        assert len(whole.cloud.blazar.leases) == 2


async def test_a_lease_whose_secret_is_gone_is_not_left_without_an_owner() -> None:
    async with running() as whole:
        whole.book(duration="10h")
        await whole.after(minutes=1)
        await whole.kill()
        whole.asked("DELETE", SECRET)
        whole.remove(Kind.LEASE)
        await whole.start()
        await whole.after(minutes=10)
        assert whole.said("Ready", BOOKING) == ("False", "ReleaseBlocked")
        assert "lessor.dev/force-forget" in message(whole, "Ready")
        assert len(whole.cloud.blazar.leases) == 1
        whole.edit({"metadata": {"annotations": {"lessor.dev/force-forget": "true"}}})
        await whole.after(minutes=12)
        assert whole.booking() is None
        assert len(whole.cloud.blazar.leases) == 1


async def test_with_the_secret_back_the_deletion_goes_on() -> None:
    async with running() as whole:
        whole.book(duration="10h")
        await whole.after(minutes=1)
        await whole.kill()
        secret = {"metadata": {"name": "clouds"}, "data": {"clouds.yaml": "e30="}}
        whole.asked("DELETE", SECRET)
        whole.remove(Kind.LEASE)
        await whole.start()
        await whole.after(minutes=5)
        whole.api.create(f"/api/v1/namespaces/{TEAM}/secrets", secret)
        await whole.after(minutes=9)
        assert whole.booking() is None
        assert not whole.cloud.blazar.leases


async def test_a_retained_lease_hangs_on_nothing() -> None:
    async with running() as whole:
        whole.book(duration="10h", onDelete="Retain")
        await whole.after(minutes=1)
        await whole.kill()
        whole.asked("DELETE", SECRET)
        whole.remove(Kind.LEASE)
        await whole.start()
        await whole.after(minutes=2)
        assert whole.booking() is None
        assert len(whole.cloud.blazar.leases) == 1


async def test_a_freeze_holds_the_deletion_of_what_is_in_use_and_nothing_else() -> None:
    async with running(freeze=True) as whole:
        whole.book(duration="10h")
        whole.book("ahead", startTime="2026-03-03T08:00:00Z", duration="1h")
        await whole.after(minutes=1)
        whole.remove(Kind.LEASE)
        whole.asked("DELETE", f"/apis/lessor.dev/v1alpha1/namespaces/{TEAM}/leases/ahead")
        await whole.after(minutes=5)
        assert whole.said("Ready", BOOKING) == ("False", "DeletionHeld")
        assert whole.booking("ahead") is None
        assert len(whole.cloud.blazar.leases) == 1


async def test_a_foreign_lease_is_not_taken_over() -> None:
    async with running() as whole:
        other = whole.cloud.add_project("others")
        whole.cloud.assign(whole.alice, other, "member")
        values = {"min": 1, "max": 1, "hypervisor_properties": "", "resource_properties": "", "before_end": "default"}
        theirs = whole.cloud.as_user(whole.alice, other).reservations.create(
            WantedLease(
                id="06a3f0de-4a1b-4a6c-8e0e-5d0b8f3a9c11",
                name="theirs",
                start=None,
                end=START + timedelta(days=1),
                reservations=(WantedReservation(resource_type=ResourceType.HOST, values=values),),
            )
        )
        whole.book(**{"import": {"id": theirs.id}})
        await whole.after(minutes=1)
        assert whole.said("Accepted", BOOKING) in {("False", "PermissionDenied"), ("False", "ImportNotFound")}
        assert whole.said("Ready", BOOKING) == whole.said("Accepted", BOOKING)
