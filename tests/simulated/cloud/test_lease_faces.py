"""Both faces of Blazar are one: the live adapter over HTTP sees and is told what the port in the process is.

Two worlds of the same seed live through the same story of leases, one asked by each face; every answer, every error
with its sentence, and the list of requests at the end must be the same.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessor.model.reservations import EventType, LeaseChange, LeaseState, WantedReservation
from lessor.ports import cloud as clouds
from lessor.ports.reservations import Reservations
from lessor.simulated.cloud.networks import Network
from lessor.simulated.cloud.server import ImpossibleWorld
from lessor.simulated.faults import Fault, What
from tests.simulated.cloud.leased import addresses, flavors, furnish, hosts, instances, on, wanted
from tests.simulated.cloud.served import START, World, connect, serving

HOUR = timedelta(hours=1)
IDS = ("l1", "l2", "foreign", "none")
ASKED: dict[str, Callable[[Network], tuple[WantedReservation, ...]]] = {
    "a host": lambda _: (hosts(),),
    "this host": lambda _: (on("bm-a"),),
    "all hosts": lambda _: (hosts(3),),
    "too many": lambda _: (hosts(4),),
    "a range": lambda _: (hosts(2, 1),),
    "garbage": lambda _: (hosts(resource_properties="garbage"),),
    "unknown property": lambda _: (hosts(resource_properties='["==", "$nosuch", "1"]'),),
    "text": lambda _: (hosts("1"),),
    "instances": lambda _: (instances(3),),
    "half": lambda _: (WantedReservation(resource_type=instances().resource_type, values={"vcpus": 1}),),
    "flavors": lambda _: (flavors(2),),
    "no flavor": lambda _: (flavors(flavor="nosuch"),),
    "addresses": lambda network: (addresses(network, 1),),
    "addresses too many": lambda network: (addresses(network, 3),),
    "several": lambda network: (hosts(), instances(), addresses(network)),
    "nothing": lambda _: (),
}
CHANGES = {
    "rename": LeaseChange(name="renamed"),
    "long": LeaseChange(name="n" * 81),
    "extend": LeaseChange(end=START + 3 * HOUR),
    "far": LeaseChange(end=START + 30 * HOUR),
    "end": LeaseChange(end=START + timedelta(minutes=1)),
    "past": LeaseChange(end=START - HOUR),
    "move": LeaseChange(start=START + HOUR / 2),
    "break": LeaseChange(before_end=START - HOUR),
    "nothing": LeaseChange(),
    "other": LeaseChange(reservations={"nosuch": {"min": 1}}),
}
FAULTS = {
    "401": Fault(what=What.REFUSE, code=401, message="Who are you?"),
    "403": Fault(what=What.REFUSE, code=403, message="Policy doesn't allow it"),
    "404": Fault(what=What.REFUSE, code=404, message="Aggregate 'x' not found!"),
    "409": Fault(what=What.REFUSE, code=409, message="Can't add host(s) x to Aggregate y"),
    "500": Fault(what=What.REFUSE, code=500, message="Internal Server Error"),
    "503": Fault(what=What.REFUSE, code=503, message="Service\nUnavailable"),
    "enforced": Fault(what=What.REFUSE, code=400, message="External Service Filter returned a 502 http response."),
    "lost": Fault(what=What.REFUSE_AFTER, code=500, message="Internal Server Error"),
    "before": Fault(what=What.CUT_BEFORE),
    "after": Fault(what=What.CUT_AFTER),
    "less": Fault(what=What.TRUNCATE),
    "none": Fault(what=What.EMPTY),
}
LOOKS = ("lease", "leases", "delete", "own", "flavor", "network", "ips")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a story: what happens before, and what is asked of which lease."""

    before: str
    ask: str
    what: str
    lease: int


def _founded(*, chameleon: bool) -> tuple[World, Network]:
    world = World(seed=3, chameleon=chameleon)
    network = furnish(world)
    world.cloud.as_user(world.bob, world.other).reservations.create(wanted("foreign", on("bm-c"), end=START + 2 * HOUR))
    return world, network


def _disable(world: World, _: str) -> None:
    world.alice.enabled = not world.alice.enabled


def _deny(world: World, _: str) -> None:
    world.cloud.blazar.enforcement.denied = "No SUs left."


def _boot(world: World, lease_id: str) -> None:
    world.cloud.boot(world.other, world.bob, "s", host="bm-a", undeletable=lease_id == "l2")


def _flag(world: World, lease_id: str) -> None:
    for reservation in world.cloud.outside.lease(lease_id).reservations:
        world.cloud.outside.degrade(reservation.id, missing=True)


HAPPENS: dict[str, Callable[[World, str], None]] = {
    "": lambda _, __: None,
    "look": lambda world, _: world.clock.jump(world.cloud.next_transition() or world.clock.now()),
    "minute": lambda world, _: world.pass_(60),
    "hour": lambda world, _: world.pass_(3600),
    "server": _boot,
    "disable": _disable,
    "deny": _deny,
    "fail": lambda world, lease_id: world.cloud.outside.fail(lease_id, EventType.START),
    "stick": lambda world, lease_id: world.cloud.outside.stick(lease_id, LeaseState.STARTING),
    "flag": _flag,
}
BEFORE = st.sampled_from(["", "", *HAPPENS, *FAULTS])
TURNS = st.lists(
    st.one_of(
        st.builds(Turn, BEFORE, st.just("create"), st.sampled_from(sorted(ASKED)), st.integers(0, 1)),
        st.builds(Turn, BEFORE, st.just("change"), st.sampled_from(sorted(CHANGES)), st.integers(0, 3)),
        st.builds(Turn, BEFORE, st.sampled_from(LOOKS), st.just(""), st.integers(0, 3)),
    ),
    min_size=4,
    max_size=14,
)


def _happens(world: World, before: str, lease_id: str) -> None:
    if before in FAULTS:
        world.faults.add("", FAULTS[before])
        return
    world.cloud.settle()
    with contextlib.suppress(ImpossibleWorld):
        HAPPENS[before](world, lease_id)


def _asked(port: Reservations, turn: Turn, network: Network) -> Any:
    lease_id = IDS[turn.lease]
    match turn.ask:
        case "create":
            return port.create(wanted(lease_id, *ASKED[turn.what](network), end=START + 2 * HOUR))
        case "change":
            return port.change(lease_id, CHANGES[turn.what])
        case "own":
            found = port.lease(lease_id)
            if found is not None and found.reservations:
                port.change(lease_id, LeaseChange(reservations={found.reservations[0].id: {"min": 2, "max": 2}}))
            return found
        case "lease":
            return port.lease(lease_id)
        case "leases":
            return sorted(port.leases(), key=lambda each: each.id)
        case "delete":
            return port.delete(lease_id)
        case "flavor":
            return [port.flavor_id(name) for name in ("nano", "m1.small", "no/such", "nosuch")]
        case "network":
            return [port.network_id(name) for name in ("public", network.id, "nosuch")]
    return port.floating_ips([each.id for lease in port.leases() for each in lease.reservations])


def _told(world: World, port: Reservations, turn: Turn, network: Network) -> tuple[object, ...]:
    """Give what the face answers, or its error, its sentence and what it knows besides."""
    _happens(world, turn.before, IDS[turn.lease])
    try:
        return ("answered", _asked(port, turn, network))
    except clouds.CloudError as error:
        return type(error), str(error), getattr(error, "retry_after", None), getattr(error, "within", None)


@given(story=TURNS, chameleon=st.booleans(), admin=st.booleans())
@settings(max_examples=60)
def test_both_faces_tell_the_same(story: list[Turn], chameleon: bool, admin: bool) -> None:
    inside, network = _founded(chameleon=chameleon)
    outside, again = _founded(chameleon=chameleon)
    assert again == network
    user, project = ("root", "admins") if admin else ("alice", "team")
    port = inside.cloud.as_user(getattr(inside, user), getattr(inside, project)).reservations
    with serving(outside.cloud) as url:
        adapter = connect(outside, url, getattr(outside, user), getattr(outside, project)).reservations
        for turn in story:
            assert _told(inside, port, turn, network) == _told(outside, adapter, turn, network)
    assert inside.lines() == outside.lines()


@pytest.mark.parametrize("what", sorted(ASKED))
@pytest.mark.parametrize("chameleon", [False, True])
def test_both_faces_make_the_same_lease(what: str, chameleon: bool) -> None:
    inside, network = _founded(chameleon=chameleon)
    outside, _ = _founded(chameleon=chameleon)
    port = inside.cloud.as_user(inside.alice, inside.team).reservations
    with serving(outside.cloud) as url:
        adapter = connect(outside, url, outside.alice, outside.team).reservations
        for turn in (
            Turn("", "create", what, 0),
            Turn("minute", "lease", "", 0),
            *(Turn("", "change", change, 0) for change in CHANGES),
            Turn("", "own", "", 0),
            Turn("hour", "leases", "", 0),
            Turn("hour", "leases", "", 0),
            Turn("", "delete", "", 0),
            Turn("", "lease", "", 0),
        ):
            assert _told(inside, port, turn, network) == _told(outside, adapter, turn, network)
