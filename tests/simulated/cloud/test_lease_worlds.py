"""What befalls leases from outside, and the worlds in which a cloud may have no Blazar, or another one."""

from datetime import datetime, timedelta

import pytest

from lessor.model.lease import ResourceType
from lessor.model.reservations import EventType, LeaseChange, LeaseState, WantedReservation
from lessor.ports import cloud as clouds
from lessor.ports import reservations as errors
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.people import ApplicationCredential
from lessor.simulated.cloud.refusals import Service
from lessor.simulated.cloud.server import ImpossibleWorld
from lessor.simulated.faults import Fault, What
from tests.simulated.cloud.leased import addresses, furnish, hosts, lease, on, seen, wanted
from tests.simulated.cloud.served import START, World

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _furnished(world: World) -> None:
    furnish(world)


# ---------------------------------------------------------------- from outside


def test_a_lease_is_changed_behind_everybodys_back(world: World) -> None:
    lease(world, "l1", hosts(), hours=5)
    port = world.cloud.as_user(world.alice, world.team).reservations
    world.cloud.outside.rename("l1", "theirs")
    world.cloud.outside.shorten("l1", START + HOUR)
    found = seen(port, "l1")
    end = found.event(EventType.END)
    assert (found.name, found.end, end.time if end else None) == ("theirs", START + HOUR, START + HOUR)
    world.pass_(3602)
    assert seen(port, "l1").state == "TERMINATED"


def test_a_lease_is_gone_behind_everybodys_back(world: World) -> None:
    lease(world, "l1", hosts(3))
    world.cloud.outside.forget("l1")
    assert world.cloud.as_user(world.alice, world.team).reservations.lease("l1") is None
    assert lease(world, "l2", hosts(3)).status == "PENDING"


def test_flags_of_failed_hosts_stay(world: World) -> None:
    found = lease(world, "l1", hosts())
    world.cloud.outside.degrade(found.reservations[0].id, missing=True)
    world.cloud.outside.degrade(found.reservations[0].id, changed=True)
    told = seen(world.cloud.as_user(world.alice, world.team).reservations, "l1")
    (reservation,) = told.reservations
    assert (told.degraded, reservation.missing_resources, reservation.resources_changed) == (True, True, True)


def test_people_meanwhile_meet_no_fault(world: World) -> None:
    world.faults.add("", Fault(what=What.HANG), times=None)
    person = world.cloud.person(world.alice, world.team).reservations
    person.create(wanted("l1", hosts(), end=START + HOUR))
    person.change("l1", LeaseChange(name="theirs"))
    assert seen(person, "l1").name == "theirs"
    person.delete("l1")
    assert person.leases() == ()


@pytest.mark.parametrize(
    ("end", "why"),
    [(START + 9 * HOUR, "later"), (START - HOUR, "before its start"), (START + timedelta(seconds=90), "no minute")],
)
def test_a_lease_is_not_shortened_to_what_cannot_be(world: World, end: datetime, why: str) -> None:
    lease(world, "l1", hosts())
    with pytest.raises(ImpossibleWorld, match="cannot be shortened"):
        world.cloud.outside.shorten("l1", end)
    assert why


def test_what_is_not_there_befalls_nothing(world: World) -> None:
    outside = world.cloud.outside
    for befall in (
        lambda: outside.forget("l9"),
        lambda: outside.degrade("r9", missing=True),
        lambda: outside.fail("l9", EventType.START),
    ):
        with pytest.raises(ImpossibleWorld):
            befall()


def test_what_has_been_does_not_fail(world: World) -> None:
    lease(world, "l1", hosts())
    world.pass_(20)
    world.cloud.settle()
    with pytest.raises(ImpossibleWorld, match="no start_lease to come"):
        world.cloud.outside.fail("l1", EventType.START)


@pytest.mark.parametrize("state", [LeaseState.TERMINATING, LeaseState.ACTIVE, LeaseState.TERMINATED])
def test_a_pending_lease_does_not_stick_where_it_cannot_be(world: World, state: LeaseState) -> None:
    found = lease(world, "l1", hosts())
    with pytest.raises(ImpossibleWorld, match="cannot come from PENDING"):
        world.cloud.outside.stick("l1", state)
    assert (found.status, {event.status for event in found.events}) == ("PENDING", {"UNDONE"})


# ---------------------------------------------------------------- what can be reserved


def test_what_others_have_is_not_free(world: World) -> None:
    inventory = world.cloud.inventory
    host = inventory.calendar.named("host", "bm-a")
    taken = inventory.occupy(host, START + 2 * HOUR, START + 3 * HOUR)
    found = lease(world, "l1", on("bm-a"))
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.NotEnoughResources, match="Not enough hosts available"):
        port.create(wanted("l2", on("bm-a"), start=START + 2 * HOUR, end=START + 3 * HOUR))
    world.pass_(20)
    with pytest.raises(errors.NotEnoughResources):
        port.change("l1", LeaseChange(end=START + 2 * HOUR + timedelta(minutes=1)))
    inventory.vacate(taken)
    port.change("l1", LeaseChange(end=START + 3 * HOUR))
    assert (found.status, found.end) == ("ACTIVE", START + 3 * HOUR)


def test_a_host_that_failed_is_not_reserved(world: World) -> None:
    world.cloud.inventory.calendar.named("host", "bm-a").is_reservable = False
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.NotEnoughResources):
        port.create(wanted("l1", hosts(3), end=START + HOUR))
    assert lease(world, "l2", hosts(2)).status == "PENDING"


def test_a_thing_is_there_once(world: World) -> None:
    inventory = world.cloud.inventory
    with pytest.raises(ImpossibleWorld, match="There is a host bm-a already"):
        inventory.add_host("bm-a")
    private = world.cloud.networks.make("private")
    with pytest.raises(ImpossibleWorld, match="is not external"):
        inventory.add_floating_ip(private, "10.0.0.1")
    with pytest.raises(ImpossibleWorld, match="no plugin for device"):
        inventory.add_device("pi-1")


def test_nobody_else_has_what_a_lease_has(world: World) -> None:
    lease(world, "l1", on("bm-a"))
    host = world.cloud.inventory.calendar.named("host", "bm-a")
    for start, end in ((START, START + HOUR), (START + 3 * HOUR, START + 3 * HOUR)):
        with pytest.raises(ImpossibleWorld, match="Nobody else can have bm-a"):
            world.cloud.inventory.occupy(host, start, end)


# ---------------------------------------------------------------- other clouds


def test_a_cloud_may_be_without_blazar(world: World) -> None:
    world.cloud.absent |= {Service.BLAZAR, Service.NEUTRON}
    port = world.cloud.as_user(world.alice, world.team).reservations
    words = r"has no Blazar \(reservation\) in region RegionOne\. Reservations need it\."
    with pytest.raises(errors.UnsupportedResourceType, match=words):
        port.leases()
    with pytest.raises(errors.UnsupportedResourceType, match=r"has no Neutron \(network\)"):
        port.network_id("public")


def test_blazar_may_be_away(world: World) -> None:
    world.cloud.away.add(Service.BLAZAR)
    port = world.cloud.as_user(world.alice, world.team)
    with pytest.raises(clouds.CloudUnavailable, match="Blazar did not answer"):
        port.reservations.leases()
    port.probe()


def test_a_type_whose_plugin_is_not_there_is_not_supported(world: World) -> None:
    port = world.cloud.as_user(world.alice, world.team).reservations
    device = WantedReservation(resource_type=ResourceType.DEVICE, values={"min": 1, "max": 1})
    with pytest.raises(errors.UnsupportedResourceType, match="The device resource type is not supported"):
        port.create(wanted("l1", device, end=START + HOUR))
    del world.cloud.inventory.plugins["virtual:instance"]
    with pytest.raises(errors.UnsupportedResourceType, match="The virtual:instance resource type is not supported"):
        port.create(wanted("l1", WantedReservation(resource_type=ResourceType.INSTANCE, values={}), end=START + HOUR))


def test_chameleons_blazar_reserves_devices(world: World) -> None:
    cloud = Cloud(world.clock.now, chameleon=True)
    user, project = cloud.add_user("carol"), cloud.add_project("chi")
    cloud.assign(user, project, "member")
    cloud.inventory.add_device("pi-1", model="raspberrypi4-64")
    port = cloud.as_user(user, project).reservations
    asked = {"min": 1, "max": 1, "resource_properties": '["==", "$model", "raspberrypi4-64"]'}
    device = WantedReservation(resource_type=ResourceType.DEVICE, values=asked)
    made = port.create(wanted("l1", device, end=START + HOUR))
    assert [each.resource_type for each in made.reservations] == ["device"]
    with pytest.raises(errors.NotEnoughResources, match="Not enough devices available"):
        port.create(wanted("l2", device, end=START + HOUR))


def test_an_application_credential_makes_no_lease_unless_keystone_lets_it(world: World) -> None:
    port = world.cloud.as_credential(world.alice, world.team)
    assert port.identity.application_credential
    with pytest.raises(errors.Unexplained, match="Internal Server Error"):
        port.reservations.create(wanted("l1", hosts(), end=START + HOUR))
    assert port.reservations.leases() == ()
    world.cloud.blazar.trusts.by_credentials = True
    made = ApplicationCredential(
        id="c1",
        name="c",
        secret="s",
        user_id=world.alice.id,
        project_id=world.team.id,
        roles=("member",),
        unrestricted=True,
    )
    world.cloud.identity.people.credentials[made.id] = made
    token = world.cloud.identity.authenticate(
        {"identity": {"methods": ["application_credential"], "application_credential": {"id": "c1", "secret": "s"}}}
    )
    body = {"name": "l1", "start_date": "now", "end_date": "2026-03-01 10:00"}
    assert world.cloud.blazar.create(token, body).status == "PENDING"


def test_every_post_leaves_a_trust(world: World) -> None:
    port = world.cloud.as_user(world.alice, world.team).reservations
    for many in (9, 1):
        with_hosts = wanted("l1", hosts(many), end=START + HOUR)
        if many == 9:
            with pytest.raises(errors.NotEnoughResources):
                port.create(with_hosts)
        else:
            port.create(with_hosts)
    port.delete("l1")
    assert len(world.cloud.blazar.trusts.every) == 2


# ---------------------------------------------------------------- what is allowed


def test_a_lease_that_lasts_too_long_is_refused(world: World) -> None:
    world.cloud.blazar.enforcement.longest = HOUR
    port = world.cloud.as_user(world.alice, world.team).reservations
    words = "Lease duration of 7200 seconds must be less than or equal to the maximum lease duration of 3600 seconds."
    with pytest.raises(errors.LeaseRefused, match=f"Blazar answered 403: {words}"):
        port.create(wanted("l1", hosts(), end=START + 2 * HOUR))
    port.create(wanted("l1", hosts(), end=START + HOUR))
    with pytest.raises(errors.LeaseRefused, match=f"Blazar answered 400: {words}"):
        port.change("l1", LeaseChange(end=START + 2 * HOUR))
    assert seen(port, "l1").state == "PENDING"


def test_a_lease_is_extended_near_its_end_alone(world: World) -> None:
    enforcement = world.cloud.blazar.enforcement
    enforcement.longest, enforcement.window = 2 * HOUR, timedelta(minutes=30)
    port = world.cloud.as_user(world.alice, world.team).reservations
    port.create(wanted("l1", hosts(), end=START + 2 * HOUR))
    with pytest.raises(errors.NotExtendableYet) as refused:
        port.change("l1", LeaseChange(end=START + 4 * HOUR))
    assert (refused.value.within, seen(port, "l1").state) == (timedelta(minutes=30), "PENDING")
    world.pass_(91 * 60)
    port.change("l1", LeaseChange(end=START + 4 * HOUR))
    assert seen(port, "l1").end == START + 4 * HOUR


def test_an_external_service_may_refuse(world: World) -> None:
    world.cloud.blazar.enforcement.denied = "Not enough SUs are left for this lease."
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.LeaseRefused, match=r"Not enough SUs are left for this lease\."):
        port.create(wanted("l1", hosts(), end=START + HOUR))


# ---------------------------------------------------------------- lost answers


def test_an_answer_is_lost_after_the_lease_was_made(world: World) -> None:
    world.faults.add("leases.create", Fault(what=What.REFUSE_AFTER, code=500, message="Internal Server Error"))
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.Unexplained, match="Internal Server Error"):
        port.create(wanted("l1", hosts(), end=START + HOUR))
    assert seen(port, "l1").state == "PENDING"
    with pytest.raises(errors.LeaseExists):
        port.create(wanted("l1", hosts(), end=START + HOUR))


def test_several_networks_of_a_name_are_told(world: World) -> None:
    world.cloud.networks.make("public", is_external=True)
    port = world.cloud.as_user(world.alice, world.team).reservations
    with pytest.raises(errors.LeaseRefused, match="Several external networks have the name 'public'"):
        port.network_id("public")


def test_floating_ips_of_others_and_without_tags_are_not_told(world: World) -> None:
    network = next(iter(world.cloud.networks.networks.values()))
    found = lease(world, "l1", addresses(network))
    world.pass_(20)
    world.cloud.settle()
    world.cloud.networks.add_floating_ip(network, "203.0.113.9", world.team.id)
    reservation_id = found.reservations[0].id
    world.cloud.networks.add_floating_ip(network, "203.0.113.8", world.other.id, (f"reservation:{reservation_id}",))
    port = world.cloud.as_user(world.alice, world.team).reservations
    assert port.floating_ips([reservation_id, "r9"]) == {reservation_id: ("203.0.113.100",), "r9": ()}
