"""The adapter on the real Blazar, Nova and Neutron: what is asked for is there, and reads as it was asked for."""

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lessor.model.lease import ResourceType
from lessor.model.reservations import (
    EventState,
    EventType,
    LeaseChange,
    LeaseState,
    ObservedLease,
    WantedLease,
    WantedReservation,
)
from lessor.ports import cloud
from lessor.ports.reservations import Reservations
from tests.e2e import adapters
from tests.e2e.conftest import Users

HOUR = timedelta(hours=1)


def minute(**span: float) -> datetime:
    return (datetime.now(UTC) + timedelta(**span)).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def blazar(users: Users) -> Reservations:
    return adapters.connect(users["alice"]).reservations


@pytest.fixture
def wanted(blazar: Reservations) -> Iterator[WantedLease]:
    """A lease of one host, far from now; it is deleted afterwards."""
    values = {"min": 1, "max": 1, "hypervisor_properties": "", "resource_properties": "", "before_end": "default"}
    asked = WantedLease(
        id=str(uuid.uuid4()),
        name="adapter",
        start=minute(days=300),
        end=minute(days=301),
        before_end=minute(days=300, hours=20),
        reservations=(WantedReservation(resource_type=ResourceType.HOST, values=values),),
    )
    yield asked
    with suppress(cloud.CloudError):
        blazar.delete(asked.id)


def seen(blazar: Reservations, lease_id: str) -> ObservedLease:
    found = blazar.lease(lease_id)
    assert found is not None
    return found


def until(blazar: Reservations, lease_id: str, state: LeaseState) -> ObservedLease:
    end = time.monotonic() + 60
    while (found := seen(blazar, lease_id)).state != state:
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found


def test_a_lease_is_made_under_our_id_and_reads_as_it_was_asked_for(blazar: Reservations, wanted: WantedLease) -> None:
    made = blazar.create(wanted)
    found = seen(blazar, wanted.id)
    assert made == found
    assert (found.id, found.name, found.state) == (wanted.id, "adapter", "PENDING")
    assert (found.start, found.end) == (wanted.start, wanted.end)
    assert found.project_id == blazar.identity.project_id
    assert found.user_id == blazar.identity.user_id
    before = found.event(EventType.BEFORE_END)
    assert before is not None
    assert (before.time, before.state) == (wanted.before_end, EventState.UNDONE)
    (reservation,) = found.reservations
    assert (reservation.resource_type, reservation.state) == ("physical:host", "pending")
    assert reservation.values == wanted.reservations[0].values
    assert found in blazar.leases()


def test_what_changes_changes_and_nothing_else(blazar: Reservations, wanted: WantedLease) -> None:
    made = blazar.create(wanted)
    blazar.change(wanted.id, LeaseChange(name="renamed", end=wanted.end + HOUR))
    found = seen(blazar, wanted.id)
    assert (found.name, found.start, found.end, found.state) == (
        "renamed",
        wanted.start,
        wanted.end + HOUR,
        LeaseState.PENDING,
    )
    assert [one.id for one in found.reservations] == [one.id for one in made.reservations]
    (reservation,) = found.reservations
    blazar.change(wanted.id, LeaseChange(reservations={reservation.id: {"min": 2, "max": 2}}))
    assert seen(blazar, wanted.id).reservations[0].values == {**reservation.values, "min": 2, "max": 2}
    blazar.change(wanted.id, LeaseChange(before_end=wanted.end))
    before = seen(blazar, wanted.id).event(EventType.BEFORE_END)
    assert before is not None
    assert before.time == wanted.end


def test_what_is_deleted_is_gone_and_may_be_deleted_again(blazar: Reservations, wanted: WantedLease) -> None:
    blazar.create(wanted)
    blazar.delete(wanted.id)
    assert blazar.lease(wanted.id) is None
    assert wanted.id not in {lease.id for lease in blazar.leases()}
    blazar.delete(wanted.id)


def test_an_administrator_sees_no_lease_of_another_project(
    users: Users, blazar: Reservations, wanted: WantedLease
) -> None:
    blazar.create(wanted)
    root = adapters.connect(users["admin"]).reservations
    answer = users["admin"].request("GET", "reservation", "/leases")
    assert wanted.id in {lease["id"] for lease in answer.json()["leases"]}  # Blazar shows it
    assert wanted.id not in {lease.id for lease in root.leases()}
    with pytest.raises(cloud.PermissionRefused):
        root.lease(wanted.id)


def test_a_flavor_is_found_by_id_and_by_name(users: Users, blazar: Reservations) -> None:
    listed: list[dict[str, Any]] = users["alice"].request("GET", "compute", "/flavors").json()["flavors"]
    assert listed
    for flavor in listed:
        assert blazar.flavor_id(flavor["id"]) == flavor["id"]
        assert blazar.flavor_id(flavor["name"]) == flavor["id"]
    assert blazar.flavor_id("nonesuch") is None
    assert blazar.flavor_id("none/such") is None


def test_a_network_is_found_by_id_and_by_name_where_it_is_external(blazar: Reservations) -> None:
    public = blazar.network_id("public")
    assert public is not None
    assert blazar.network_id(public) == public
    assert blazar.network_id("private") is None
    assert blazar.network_id("nonesuch") is None


def test_the_addresses_of_a_lease_come_with_its_start(blazar: Reservations) -> None:
    values = {"network_id": blazar.network_id("public"), "amount": 2}
    pool = WantedReservation(resource_type=ResourceType.FLOATING_IP, values=values)
    made = blazar.create(
        WantedLease(id=str(uuid.uuid4()), name="addresses", start=None, end=minute(hours=1), reservations=(pool,))
    )
    try:
        (reservation,) = made.reservations
        active = until(blazar, made.id, LeaseState.ACTIVE)
        assert timedelta() <= datetime.now(UTC) - active.start < timedelta(minutes=3)
        found = blazar.floating_ips([reservation.id, "none"])
        assert found["none"] == ()
        assert len(found[reservation.id]) == 2
        assert all(address.startswith("203.0.113.") for address in found[reservation.id])
    finally:
        blazar.delete(made.id)
    assert blazar.floating_ips([reservation.id]) == {reservation.id: ()}
