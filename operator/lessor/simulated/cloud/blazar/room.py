"""How many instances of a size still fit on each host in a time, beside what others reserved there.

Source: blazar/plugins/instances/instance_plugin.py (filter_hosts_by_reservation, max_usages, query_available_hosts).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from lessor.simulated.cloud.blazar.calendar import Calendar, Resource, Taken
from lessor.simulated.cloud.blazar.lease import Reservation
from lessor.simulated.cloud.blazar.plugins import Wanted


class Size(NamedTuple):
    """What an instance takes, or a host has: memory in MiB, disk in GB."""

    vcpus: int
    memory: int
    disk: int

    def __add__(self, other: "Size") -> "Size":  # type: ignore[override]
        return Size(self.vcpus + other.vcpus, self.memory + other.memory, self.disk + other.disk)

    def within(self, other: "Size") -> bool:
        """Tell whether no part of it is more than the other's."""
        return all(mine <= its for mine, its in zip(self, other, strict=True))


Usage = Callable[[Reservation], Size]


class Room:
    """The room on hosts; `usage` gives what a reservation takes there."""

    def __init__(self, calendar: Calendar, usage: Usage) -> None:
        self._calendar = calendar
        self._usage = usage

    def slots(self, hosts: list[Resource], size: Size, wanted: Wanted, apart: Reservation | None) -> list[str]:
        """Give a host once for each instance that fits on it: hosts with reservations first, then those without."""
        begun: list[str] = []
        fresh: list[str] = []
        every = self._calendar.taken()
        for host in hosts:
            taken = list(_in(every.get(host.id, ()), wanted, apart))
            if any(each.reservation is None or not _is_instance(each.reservation) for each in taken):
                continue
            used = _most(taken, self._usage)
            many = _fitting(used, size, Size(*(int(host.columns[key]) for key in ("vcpus", "memory_mb", "local_gb"))))
            (begun if taken else fresh).extend([host.id] * many)
        return begun + fresh


def _in(taken: Iterable[Taken], wanted: Wanted, apart: Reservation | None) -> Iterator[Taken]:
    """Give what takes the host in this time; here who ends when the other begins is in its way.

    Source: blazar/db/sqlalchemy/utils.py, get_reservations_by_host_id.
    """
    for each in taken:
        others = apart is None or each.reservation is not apart
        if others and wanted.start <= each.end and each.start <= wanted.end:
            yield each


def _is_instance(reservation: Reservation) -> bool:
    return "vcpus" in reservation.values


def _most(taken: list[Taken], usage: Usage) -> Size:
    """Give the most that is in use at any time, each part by itself."""
    changes: list[tuple[datetime, int, Size]] = []
    for each in taken:
        if each.reservation is not None:
            changes += [(each.start, 1, usage(each.reservation)), (each.end, -1, usage(each.reservation))]
    now = most = Size(0, 0, 0)
    for _, sign, size in sorted(changes, key=lambda change: change[0]):
        now += Size(*(sign * part for part in size))
        most = Size(*map(max, most, now))
    return most


def _fitting(used: Size, size: Size, capacity: Size) -> int:
    if not any(size):
        return 0
    many = 0
    while (used := used + size).within(capacity):
        many += 1
    return many
