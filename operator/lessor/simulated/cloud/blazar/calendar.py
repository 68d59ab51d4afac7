"""What can be reserved, and when each thing of it is taken, and by whom.

Source: blazar/db/sqlalchemy/utils.py, blazar/plugins/oshosts/host_plugin.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lessor.simulated.cloud.blazar import requirements
from lessor.simulated.cloud.blazar.lease import Lease, Reservation
from lessor.simulated.cloud.server import ImpossibleWorld

HOST, FLOATING_IP, SEGMENT, DEVICE = "host", "floatingip", "network", "device"


@dataclass(slots=True, kw_only=True, eq=False)
class Resource:
    """One thing that can be reserved.

    Attributes:
        columns: what Blazar itself knows of it; numbers compare as numbers.
        extra: capabilities that administrators gave it; all compare as strings.
        is_reservable: Blazar's monitor takes it for sound.
        in_freepool: a host that an administrator took out of the freepool cannot start a lease.
    """

    id: str
    kind: str
    name: str
    columns: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    is_reservable: bool = True
    in_freepool: bool = True

    def fits(self, asked: Iterable[requirements.Requirement]) -> bool:
        """Tell whether it has all of these properties."""
        have: Mapping[str, Any] = {**self.extra, **self.columns}
        return all(each.key in have and each.holds(have[each.key]) for each in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupation:
    """A time in which something is taken by somebody whom the story does not tell of."""

    resource_id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A time in which something is taken; by which reservation, if by one."""

    start: datetime
    end: datetime
    reservation: Reservation | None = None


class Calendar:
    """All of it, over the leases that there are."""

    def __init__(self, leases: Mapping[str, Lease]) -> None:
        self._leases = leases
        self.resources: dict[str, Resource] = {}
        self.occupied: list[Occupation] = []

    def add(self, resource: Resource) -> Resource:
        """Take a thing in.

        Raises:
            ImpossibleWorld: there is one of this kind and name.
        """
        if any((each.kind, each.name) == (resource.kind, resource.name) for each in self.resources.values()):
            raise ImpossibleWorld(f"There is a {resource.kind} {resource.name} already.")
        self.resources[resource.id] = resource
        return resource

    def named(self, kind: str, name: str) -> Resource:
        """Find a thing by its name.

        Raises:
            ImpossibleWorld: there is none.
        """
        for each in self.resources.values():
            if (each.kind, each.name) == (kind, name):
                return each
        raise ImpossibleWorld(f"There is no {kind} {name}.")

    def of(self, kind: str) -> Iterator[Resource]:
        """Give all of a kind, in the order in which they came."""
        return (each for each in self.resources.values() if each.kind == kind)

    def fitting(self, kind: str, *texts: str) -> list[Resource]:
        """Give those of a kind that fit what is asked, sound or not.

        Raises:
            Refused: 400 for its form; 500 for a property that none of the kind has.
        """
        asked = [each for text in texts for each in requirements.read(text)]
        requirements.known(asked, {key for each in self.of(kind) for key in (*each.columns, *each.extra)})
        return [each for each in self.of(kind) if each.fits(asked)]

    def taken(self) -> Mapping[str, list[Taken]]:
        """Give by its id all times in which a thing is taken; of instances on a host, once for each reservation."""
        found: dict[str, list[Taken]] = {}
        for occupation in self.occupied:
            found.setdefault(occupation.resource_id, []).append(Taken(occupation.start, occupation.end))
        for lease in self._leases.values():
            for reservation in lease.reservations:
                for each in dict.fromkeys(reservation.allocations):
                    found.setdefault(each, []).append(Taken(lease.start, lease.end, reservation))
        return found

    def is_free(self, resource_id: str, start: datetime, end: datetime, apart_from: Reservation | None = None) -> bool:
        """Tell whether nobody has it in this time."""
        taken = self.taken().get(resource_id, ())
        return _is_free(
            (each for each in taken if apart_from is None or each.reservation is not apart_from), start, end
        )

    def choose(self, found: Iterable[Resource], least: int, most: int, start: datetime, end: datetime) -> list[str]:
        """Choose among these for a time: things that nobody has at any time come first, and alone if they suffice.

        Gives nothing when there are too few. Source: host_plugin.py, _matching_hosts.
        """
        taken, untouched, free = self.taken(), [], []
        for each in found:
            if not each.is_reservable:
                continue
            if each.id not in taken:
                untouched.append(each.id)
            elif _is_free(taken[each.id], start, end):
                free.append(each.id)
        if len(untouched) >= least:
            return untouched[:most]
        every = free + untouched
        return every[:most] if len(every) >= least else []


def _is_free(taken: Iterable[Taken], start: datetime, end: datetime) -> bool:
    """Who begins when the other ends is in nobody's way."""
    return all(each.end <= start or end <= each.start for each in taken)
