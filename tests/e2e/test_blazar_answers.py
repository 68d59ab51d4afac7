"""Each row of the table of Blazar's answers on the real Blazar, through the adapter, as a member of a project.

Rows that nobody can provoke there are named in `UNPROVOKED` with the reason; together they are the whole table.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from lessor.live import blazar_answers
from lessor.live.nova import Nova
from lessor.live.services import BLAZAR
from lessor.model.lease import ResourceType
from lessor.model.reservations import LeaseChange, LeaseState, ObservedLease, WantedLease, WantedReservation
from lessor.ports import cloud
from lessor.ports.blazar_answers import TABLE, Row
from lessor.ports.reservations import (
    LeaseBusy,
    LeaseExists,
    LeaseRefused,
    NotEnoughResources,
    Unexplained,
    UnsupportedResourceType,
)
from tests.e2e import adapters
from tests.e2e.conftest import Users
from tests.e2e.openstack_users import User

UNPROVOKED = {
    "too large": "nothing stands before this Blazar that limits a body",
    "too many requests": "nothing stands before this Blazar that limits a rate",
    "proxy": "nothing stands before this Blazar, and without Keystone, as it would answer 503, no other test could run",
    "too early": "Chameleon's Blazar alone has the window in which a lease can be extended",
    "too long": "no enforcement filter is set up, for it would hold for all other tests",
    "site says no": "no enforcement filter is set up, for it would hold for all other tests",
    "something of its own is gone": "it needs an administrator who takes an aggregate or host away meanwhile",
    "its own conflict": "it needs an administrator who changes Placement or an aggregate meanwhile",
}
DAY = timedelta(days=1)
NONE = "00000000-0000-4000-8000-000000000000"


def later(days: float) -> datetime:
    """Give an instant that many days from now, of a whole minute; nobody else's leases are that far off."""
    return (datetime.now(UTC) + timedelta(days=200 + days)).replace(second=0, microsecond=0)


def hosts(count: int = 1, **changes: Any) -> WantedReservation:
    values = {"min": count, "max": count, "hypervisor_properties": "", "resource_properties": ""}
    return WantedReservation(resource_type=ResourceType.HOST, values={**values, **changes})


class Site:
    """The leases of three users, and what was made of them."""

    def __init__(self, users: Users) -> None:
        self.alice, self.bob = users["alice"], users["bob"]
        self.nova: Nova = adapters.connect(self.alice)
        self.blazar = self.nova.reservations
        self.theirs = adapters.connect(self.bob).reservations
        self.public = str(self.blazar.network_id("public"))
        self.made: list[str] = []

    def wanted(self, *reservations: WantedReservation, **changes: Any) -> WantedLease:
        fields = {"id": str(uuid.uuid4()), "name": "answers", "start": later(0), "end": later(1), **changes}
        self.made.append(fields["id"])
        return WantedLease(reservations=reservations, **fields)

    def make(self, *reservations: WantedReservation, **changes: Any) -> ObservedLease:
        return self.blazar.create(self.wanted(*reservations, **changes))

    def clear(self) -> None:
        for lease_id in self.made:
            for blazar in (self.blazar, self.theirs):
                with suppress(cloud.CloudError):
                    blazar.delete(lease_id)
        self.made.clear()


@pytest.fixture(scope="module")
def site(users: Users) -> Site:
    return Site(users)


@pytest.fixture(autouse=True)
def _cleared(site: Site) -> Iterator[None]:
    yield
    site.clear()


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the rows that answers fitted, in order."""
    found: list[str] = []
    of = blazar_answers.row

    def row(method: str, code: int, body: bytes) -> Row:
        found.append(of(method, code, body).name)
        return of(method, code, body)

    monkeypatch.setattr(blazar_answers, "row", row)
    return found


# ------------------------------------------------------------ how each is provoked


def extended_into_another(site: Site) -> None:
    mine = site.make(hosts(3), start=later(10), end=later(11))
    site.make(hosts(3), start=later(11), end=later(12))
    site.blazar.change(mine.id, LeaseChange(end=later(11.5)))


def changed_of_another_project(site: Site) -> None:
    other = site.theirs.create(site.wanted(hosts()))
    site.blazar.change(other.id, LeaseChange(name="mine"))


def read_of_another_project(site: Site) -> None:
    other = site.theirs.create(site.wanted(hosts()))
    site.blazar.lease(other.id)


def deleted_of_another_project(site: Site) -> None:
    other = site.theirs.create(site.wanted(hosts()))
    site.blazar.delete(other.id)


def made_twice(site: Site) -> None:
    asked = site.wanted(hosts())
    site.blazar.create(asked)
    site.blazar.create(asked)


def changed_reservation(site: Site, values: dict[str, Any], *, reservation: str | None = None) -> None:
    made = site.make(hosts())
    site.blazar.change(made.id, LeaseChange(reservations={reservation or made.reservations[0].id: values}))


def changed_flavor(site: Site) -> None:
    flavor = WantedReservation(
        resource_type=ResourceType.FLAVOR, values={"flavor_id": "nano", "amount": 1, "affinity": None}
    )
    made = site.make(flavor)
    site.blazar.change(made.id, LeaseChange(reservations={made.reservations[0].id: {"amount": 2}}))


def changed_while_it_is_deleted(site: Site) -> None:
    """A DELETE waits for the servers to go, in steps of five seconds: till then every change is refused."""
    values = {"vcpus": 1, "memory_mb": 64, "disk_gb": 1, "amount": 1, "affinity": None, "resource_properties": ""}
    room = WantedReservation(resource_type=ResourceType.INSTANCE, values=values)
    made = site.make(room, start=None, end=later(-199))
    until(lambda: site.blazar.lease(made.id).state == LeaseState.ACTIVE)  # type: ignore[union-attr]
    booted(site.alice, flavor=made.reservations[0].id)
    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(site.blazar.delete, made.id)
        until(lambda: site.blazar.lease(made.id).state == LeaseState.DELETING)  # type: ignore[union-attr]
        try:
            site.blazar.change(made.id, LeaseChange(name="busy"))
        finally:
            deleting.result()


def booted(user: User, flavor: str) -> None:
    """Boot a server of this flavor, and wait until it is ACTIVE; it goes with its lease."""
    image = user.request("GET", "image", "/v2/images?name=tiny").json()["images"][0]["id"]
    server = {"name": "reserved", "imageRef": image, "flavorRef": flavor, "networks": "none"}
    answer = user.request("POST", "compute", "/servers", {"server": server})
    assert answer.status_code == 202, answer.text
    user.until(answer.json()["server"]["id"], lambda one: one is not None and one["status"] == "ACTIVE", "ACTIVE")


def until(holds: Callable[[], bool], timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.3)


def made_with_an_application_credential(site: Site) -> None:
    with adapters.application_credential(site.alice) as restricted:
        assert restricted.reservations.identity.application_credential
        assert restricted.reservations.leases() == site.blazar.leases()
        restricted.reservations.create(site.wanted(hosts()))


def asked_raw(user: User, method: str, path: str, token: str | None = None, data: bytes | None = None) -> None:
    """Ask around the adapter, which sends nothing of the kind, and give the answer to its table."""
    headers = {"X-Auth-Token": token or user.token, "Content-Type": "application/json"}
    answer = requests.request(
        method, user.root("reservation") + path, headers=headers, data=data, timeout=60, allow_redirects=False
    )
    raise blazar_answers.error(method, answer.status_code, answer.headers, answer.content)


# ------------------------------------------------------------ the rows


@dataclass(frozen=True)
class Case:
    """One way to one row."""

    id: str
    row: str
    want: type[cloud.CloudError]
    provoke: Callable[[Site], object]
    words: str


FLOATING_IP = ResourceType.FLOATING_IP
PROPERTY = '["==", "$nonesuch", "1"]'
CASES = [
    Case(
        "too many hosts",
        "no room",
        NotEnoughResources,
        lambda site: site.make(hosts(4)),
        "Blazar answered 500: Not enough hosts available",
    ),
    Case(
        "too many floating IPs",
        "no room",
        NotEnoughResources,
        lambda site: site.make(
            WantedReservation(resource_type=FLOATING_IP, values={"network_id": site.public, "amount": 9})
        ),
        "Blazar answered 400: Not enough floating IPs available",
    ),
    Case("into another lease", "no room", NotEnoughResources, extended_into_another, "500: Not enough hosts available"),
    Case(
        "no such hosts",
        "no room",
        NotEnoughResources,
        lambda site: site.make(hosts(resource_properties='["==", "$gpu", "h200"]')),
        "500: Not enough hosts available",
    ),
    Case(
        "start in the past",
        "spec",
        LeaseRefused,
        lambda site: site.make(hosts(), start=later(-201), end=later(1)),
        "400: Start date must be later than current date",
    ),
    Case(
        "end before start",
        "spec",
        LeaseRefused,
        lambda site: site.make(hosts(), start=later(2), end=later(1)),
        "400: End date must be later than start date.",
    ),
    Case(
        "end over",
        "spec",
        LeaseRefused,
        lambda site: site.blazar.change(site.make(hosts()).id, LeaseChange(end=later(-201))),
        "400: End date must be later than current and start date",
    ),
    Case(
        "min over max",
        "spec",
        LeaseRefused,
        lambda site: site.make(hosts(min=2, max=1)),
        "400: Invalid values for min/max of hosts. Max must be equal to or larger than min.",
    ),
    Case(
        "no requirements",
        "spec",
        LeaseRefused,
        lambda site: site.make(hosts(resource_properties="garbage")),
        "400: Malformed requirements garbage",
    ),
    Case(
        "no address",
        "spec",
        LeaseRefused,
        lambda site: site.make(
            WantedReservation(
                resource_type=FLOATING_IP,
                values={"network_id": site.public, "amount": 1, "required_floatingips": ["zzz"]},
            )
        ),
        "400: IP address zzz is invalid form.",
    ),
    Case(
        "no such reservation",
        "spec",
        LeaseRefused,
        lambda site: changed_reservation(site, {"min": 1, "max": 1}, reservation=NONE),
        f"400: Please enter valid reservation IDs. Invalid reservation IDs are: {NONE}",
    ),
    Case(
        "before the end of another time",
        "before end outside",
        LeaseRefused,
        lambda site: site.make(hosts(), before_end=later(-1)),
        "403: Datetime is out of lease limits",
    ),
    Case(
        "another project's, read",
        "policy",
        cloud.PermissionRefused,
        read_of_another_project,
        "403: Policy doesn't allow blazar:leases:get to be performed",
    ),
    Case(
        "another project's, changed",
        "policy",
        cloud.PermissionRefused,
        changed_of_another_project,
        "403: Policy doesn't allow blazar:leases:",
    ),
    Case(
        "another project's, deleted",
        "policy",
        cloud.PermissionRefused,
        deleted_of_another_project,
        "403: Policy doesn't allow blazar:leases:",
    ),
    Case(
        "changed what is not there",
        "no such lease",
        cloud.NotFound,
        lambda site: site.blazar.change(NONE, LeaseChange(name="x")),
        f"404: Object with {{'lease_id': '{NONE}'}} not found",
    ),
    Case(
        "no such path",
        "not Blazar's 404",
        cloud.CloudUnavailable,
        lambda site: site.nova._session.send(BLAZAR, "none.get", "GET", "/nonesuch"),
        "404: The requested URL was not found",
    ),
    Case(
        "a flavor that is not there",
        "no such flavor",
        LeaseRefused,
        lambda site: site.make(
            WantedReservation(
                resource_type=ResourceType.FLAVOR, values={"flavor_id": "nonesuch", "amount": 1, "affinity": None}
            )
        ),
        "404: Flavor nonesuch could not be found",
    ),
    Case("made twice", "same id", LeaseExists, made_twice, "409: The lease with name: answers already exists"),
    Case(
        "affinity of a flavor",
        "conflict",
        LeaseRefused,
        lambda site: site.make(
            WantedReservation(
                resource_type=ResourceType.FLAVOR, values={"flavor_id": "nano", "amount": 1, "affinity": True}
            )
        ),
        "409: Affinity not supported yet",
    ),
    Case(
        "a changed flavor",
        "conflict",
        LeaseRefused,
        changed_flavor,
        "409: Updating parameters for 'flavor:instance' type reservations is not yet supported.",
    ),
    Case("in passage", "busy", LeaseBusy, changed_while_it_is_deleted, "500: Invalid lease status."),
    Case(
        "no plugin for devices",
        "no such type",
        UnsupportedResourceType,
        lambda site: site.make(
            WantedReservation(resource_type=ResourceType.DEVICE, values={"min": 1, "max": 1, "resource_properties": ""})
        ),
        "500: The device resource type is not supported",
    ),
    Case(
        "no plugin for networks",
        "no such type",
        UnsupportedResourceType,
        lambda site: site.make(
            WantedReservation(
                resource_type=ResourceType.NETWORK,
                values={"network_name": "n", "network_properties": "", "resource_properties": ""},
            )
        ),
        "500: The network resource type is not supported",
    ),
    Case(
        "no such capability",
        "no such property",
        LeaseRefused,
        lambda site: site.make(hosts(resource_properties=PROPERTY)),
        "500: BlazarDBNotFound: A database error occurred. Blazar says this of a property",
    ),
    Case(
        "no such capability, changed",
        "no such property",
        LeaseRefused,
        lambda site: changed_reservation(site, {"min": 1, "max": 1, "resource_properties": PROPERTY}),
        "500: BlazarDBNotFound: A database error occurred. Blazar says this of a property",
    ),
    Case(
        "an application credential",
        "fault",
        Unexplained,
        made_with_an_application_credential,
        "500: Internal Server Error. Its log tells more.",
    ),
    Case("a wrong type", "fault", Unexplained, lambda site: site.make(hosts(min="1")), "500: Internal Server Error"),
    Case(
        "no JSON",
        "fault",
        Unexplained,
        lambda site: asked_raw(site.alice, "POST", "/v1/leases", data=b"{"),
        "Blazar answered 500",
    ),
    Case(
        "no such method",
        "anything else",
        cloud.RequestRefused,
        lambda site: site.nova._session.send(BLAZAR, "none.patch", "PATCH", f"/leases/{NONE}", {}),
        "405: The method is not allowed",
    ),
    Case(
        "its versions",
        "redirect",
        cloud.CloudUnavailable,
        lambda site: asked_raw(site.alice, "GET", "/"),
        "Blazar answered 300. A redirect is not followed.",
    ),
    Case(
        "no token",
        "no token",
        cloud.CredentialsRefused,
        lambda site: asked_raw(site.alice, "GET", "/v1/leases", token="none"),
        "401: The request you have made requires authentication.",
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_blazar_answers_as_the_table_says(site: Site, met: list[str], case: Case) -> None:
    with pytest.raises(case.want) as said:
        case.provoke(site)
    assert type(said.value) is case.want
    assert met[-1] == case.row
    assert case.words in str(said.value)


def test_each_row_is_provoked_or_it_is_said_why_not() -> None:
    provoked, table = {case.row for case in CASES}, [row.name for row in TABLE]
    assert provoked | UNPROVOKED.keys() == set(table)
    assert not provoked & UNPROVOKED.keys()
    assert (len(table), len(provoked), len(UNPROVOKED)) == (24, 16, 8)


# ------------------------------------------------------------ what a refusal leaves behind


def test_a_lease_that_a_refused_change_broke_is_healed_by_its_own_name(site: Site) -> None:
    made = site.make(hosts())
    with pytest.raises(LeaseRefused):
        site.blazar.change(made.id, LeaseChange(before_end=later(-1)))
    assert site.blazar.lease(made.id).state == LeaseState.ERROR  # type: ignore[union-attr]
    site.blazar.change(made.id, LeaseChange(name=made.name))
    assert site.blazar.lease(made.id).state == LeaseState.PENDING  # type: ignore[union-attr]


def test_a_lease_whose_extension_had_no_room_stays_as_it_was(site: Site) -> None:
    mine = site.make(hosts(3), start=later(20), end=later(21))
    site.make(hosts(3), start=later(21), end=later(22))
    with pytest.raises(NotEnoughResources):
        site.blazar.change(mine.id, LeaseChange(end=later(21) + DAY / 2))
    seen = site.blazar.lease(mine.id)
    assert seen is not None
    assert replace(seen, updated=mine.updated) == mine
