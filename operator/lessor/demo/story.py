"""The story: whose servers there are, how long each may run, and what people do meanwhile.

What Lessor does of it stands nowhere here: it is seen.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

DAYS = 35
LENGTH = timedelta(days=DAYS)
TEAMS = {"alice": "team-a", "bob": "team-b", "carol": "team-c", "dave": "team-d"}


class Hands(Protocol):
    """What people can do in the pretend world."""

    def lease(self, person: str, server: str, spec: dict[str, Any]) -> None:
        """`kubectl apply` an InstanceLease for the person's server of that name."""

    def renew(self, person: str, lease: str, name: str, extend_by: str, reason: str) -> None:
        """`kubectl create` a LeaseRenewal for the person's InstanceLease or Lease of that name."""

    def reserve(self, person: str, name: str, spec: dict[str, Any]) -> None:
        """`kubectl apply` a Lease."""

    def openstack(self, person: str, server: str, action: str) -> None:
        """`openstack server ...`: start, lock or unlock the server, as the person."""

    def change_password(self, person: str) -> None:
        """Change the password of the account in the person's Secret, in Keystone only."""

    def mend_secret(self, person: str) -> None:
        """Write the new password into the Secret."""

    def nova_goes(self) -> None:
        """Nova answers nobody."""

    def nova_comes(self) -> None:
        """Nova answers again."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server and its lease.

    Attributes:
        person: whose it is.
        name: of the server and of the lease.
        spec: of the InstanceLease, but for credentials and server.
        trouble: what stands in the way of its end; empty: nothing.
    """

    person: str
    name: str
    spec: dict[str, Any]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """One Lease of hosts.

    Attributes:
        person: whose it is.
        name: of the Lease.
        at: the day on which it is asked for.
        spec: of the Lease, but for credentials.
    """

    person: str
    name: str
    at: float
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody does, so long after the story begins."""

    at: timedelta
    who: str
    line: str
    do: Callable[[Hands], None]


@dataclass(frozen=True, slots=True)
class Story:
    """Servers, Leases of hosts, and steps in the order of their times."""

    servers: tuple[Server, ...]
    bookings: tuple[Booking, ...]
    steps: tuple[Step, ...]


STOP = {"after": "0s", "action": "Stop", "lock": True}
SERVERS = (
    Server("alice", "web-1", {"duration": "10d"}),
    Server("alice", "notebook", {"duration": "28d", "renewal": {"extendBy": "14d"}}),
    Server("bob", "train-1", {"duration": "14d", "renewal": {"extendBy": "7d", "window": "3d", "maxRenewals": 2}}),
    Server("bob", "scratch", {"duration": "6d"}),
    Server(
        "carol",
        "batch-1",
        {
            "duration": "5d",
            "expiry": {"stages": [STOP, {"after": "1d", "action": "Snapshot"}, {"after": "7d", "action": "Delete"}]},
        },
    ),
    Server("carol", "gpu-1", {"duration": "18d"}, "the password in its Secret was no longer good"),
    Server("dave", "db-1", {"duration": "20d"}, "its owner had locked it himself"),
    Server(
        "dave",
        "ci-1",
        {"duration": "9d", "expiry": {"stages": [STOP, {"after": "4d", "action": "Shelve"}]}},
        "Nova did not answer",
    ),
    Server("dave", "thesis", {"duration": "7d"}, "its owner had declared it exempt until then"),
)


HOSTS = ("node-1", "node-2")  # all that there are to reserve
_BOTH = [{"name": "nodes", "host": {"minCount": len(HOSTS)}}]
BOOKINGS = (
    Booking("alice", "survey", 2, {"duration": "6d", "reservations": _BOTH}),
    Booking("bob", "sweep", 6, {"duration": "4d", "reservations": _BOTH, "renewal": {"maxTotal": "7d"}}),
)


def told(seed: int, begin: Callable[[timedelta], str]) -> Story:
    """Give the story of this seed: the same people and servers each time, at other hours.

    Args:
        seed: the same gives the same.
        begin: tells the instant (RFC 3339) of so long after the beginning; for what a manifest has to name.
    """
    draw = random.Random(seed)  # noqa: S311 (a story, no secret)

    def day(number: float) -> timedelta:
        """That day, at some minute of the office hours."""
        return timedelta(days=number, hours=8, minutes=draw.randrange(0, 8 * 60, 5))

    thesis = {"exemption": {"until": begin(timedelta(days=30)), "reason": "thesis defence"}}
    servers = tuple(replace(one, spec={**one.spec, **(thesis if one.name == "thesis" else {})}) for one in SERVERS)
    leased = {one.name: timedelta(hours=8, minutes=draw.randrange(0, 180)) for one in servers}
    declared = [
        Step(leased[one.name], one.person, f"{one.name}: it may run for {one.spec['duration']}", _lease(one))
        for one in servers
    ]
    nova_goes = leased["ci-1"] + timedelta(days=9) - timedelta(minutes=10)  # ten minutes before its end
    steps = [*declared, *_renewals(day), *_by_hand(day), *_troubles(day, nova_goes), *_of_hosts(day)]
    return Story(servers, BOOKINGS, tuple(sorted(steps, key=lambda step: step.at)))


def _lease(server: Server) -> Callable[[Hands], None]:
    return lambda hands: hands.lease(server.person, server.name, server.spec)


def _renewals(day: Callable[[float], timedelta]) -> list[Step]:
    asked = (
        ("bob", "train-1", "early", 5, "7d", "just to be sure"),
        ("bob", "train-1", "more", 12, "7d", "epoch 40 of 100"),
        ("bob", "train-1", "again", 19, "7d", "epoch 70 of 100"),
        ("bob", "train-1", "once-more", 26, "7d", "epoch 90 of 100"),
        ("alice", "web-1", "back", 12, "12d", "the customer came back"),
        ("alice", "notebook", "longer", 25, "14d", "second semester"),
    )
    return [
        Step(
            day(at),
            person,
            f'{server}: asks for {extend_by} more ("{reason}")',
            _renew(person, server, name, extend_by, reason),
        )
        for person, server, name, at, extend_by, reason in asked
    ]


def _renew(person: str, lease: str, name: str, extend_by: str, reason: str) -> Callable[[Hands], None]:
    return lambda hands: hands.renew(person, lease, f"{lease}-{name}", extend_by, reason)


def _of_hosts(day: Callable[[float], timedelta]) -> list[Step]:
    asked = [
        Step(
            day(one.at),
            one.person,
            f"{one.name}: asks for {len(HOSTS)} hosts for {one.spec['duration']}",
            _reserve(one),
        )
        for one in BOOKINGS
    ]
    extend_by, reason = "2d", "the last run takes longer"
    line = f'sweep: asks for {extend_by} more ("{reason}")'
    return [*asked, Step(day(11), "bob", line, _renew("bob", "sweep", "longer", extend_by, reason))]


def _reserve(booking: Booking) -> Callable[[Hands], None]:
    return lambda hands: hands.reserve(booking.person, booking.name, booking.spec)


def _by_hand(day: Callable[[float], timedelta]) -> list[Step]:
    unlocked = day(8)
    return [
        Step(unlocked, "bob", "scratch: unlocks the stopped server", _do("bob", "scratch", "unlock")),
        Step(unlocked + timedelta(minutes=1), "bob", "scratch: and starts it by hand", _do("bob", "scratch", "start")),
        Step(day(18), "dave", "db-1: locks it himself, a migration runs", _do("dave", "db-1", "lock")),
        Step(day(21), "dave", "db-1: takes his lock off", _do("dave", "db-1", "unlock")),
    ]


def _troubles(day: Callable[[float], timedelta], away: timedelta) -> list[Step]:
    return [
        Step(away, "nova", "answers nobody any more", lambda hands: hands.nova_goes()),
        Step(away + timedelta(hours=1), "nova", "is back, after an hour", lambda hands: hands.nova_comes()),
        Step(day(16), "carol", "changes the password of her Secret's account", lambda h: h.change_password("carol")),
        Step(day(20), "carol", "writes the new password into the Secret", lambda h: h.mend_secret("carol")),
    ]


def _do(person: str, server: str, action: str) -> Callable[[Hands], None]:
    return lambda hands: hands.openstack(person, server, action)
