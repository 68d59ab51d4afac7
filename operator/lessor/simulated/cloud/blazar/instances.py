"""`virtual:instance` and `flavor:instance`: room for instances, used by way of a private flavor.

Source: blazar/plugins/instances/instance_plugin.py, blazar/plugins/flavor/flavor_plugin.py.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lessor.simulated.cloud.blazar import refusals, states
from lessor.simulated.cloud.blazar.calendar import HOST, Calendar
from lessor.simulated.cloud.blazar.lease import Lease, Reservation, Trust
from lessor.simulated.cloud.blazar.plugins import Wanted, whole
from lessor.simulated.cloud.blazar.room import Room, Size
from lessor.simulated.cloud.blazar.tenants import Tenants
from lessor.simulated.cloud.server import Flavor, Server

VIRTUAL, BY_FLAVOR = "virtual:instance", "flavor:instance"
_FIELDS = ("vcpus", "memory_mb", "disk_gb", "amount", "affinity", "resource_properties")
_NONE = frozenset({"None", "none", None})
_YES, _NO = frozenset({"1", "t", "true", "on", "y", "yes"}), frozenset({"0", "f", "false", "off", "n", "no"})


class _Instances:
    """What both types share."""

    def __init__(self, calendar: Calendar, tenants: Tenants, fresh: Callable[[], str]) -> None:
        self._calendar = calendar
        self._tenants = tenants
        self._fresh = fresh
        self._aggregates = 0

    def _made(self, affinity: bool | None) -> dict[str, Any]:  # noqa: FBT001 (Blazar's own value)
        self._aggregates += 1
        group = None if affinity is None else self._fresh()
        return {"affinity": affinity, "aggregate_id": self._aggregates, "server_group_id": group}

    def start(self, reservation: Reservation, trust: Trust) -> None:
        """Share the flavor with the project, and put the hosts into the aggregate."""
        self._tenants.share_flavor(reservation.id, (trust.project_id,))
        reservation.hosts = [self._calendar.resources[each].name for each in reservation.allocations]

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Nothing."""

    def end(self, reservation: Reservation, trust: Trust) -> None:
        """Free the room, take the flavor from the project and delete its servers."""
        del trust
        self._tenants.share_flavor(reservation.id, ())
        reservation.allocations = []
        self._tenants.delete(self.servers(reservation))

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give the servers of its flavor."""
        return self._tenants.of(reservation.id)

    def clear(self, reservation: Reservation) -> None:
        """Take away the flavor and the aggregate."""
        self._tenants.remove_flavor(reservation.id)
        reservation.hosts = []

    def destroy(self, reservation: Reservation) -> None:
        """Free the room."""
        reservation.allocations = []


class VirtualInstances(_Instances):
    """`plugins.Plugin` for a size of one's own."""

    def candidates(self, wanted: Wanted) -> list[str]:
        """Choose a host for each instance. A value that is not there is no error of Blazar's own."""
        return self._chosen(wanted, None)

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve room and make the flavor; nobody sees it before the start."""
        values = wanted.values
        chosen, affinity = self._chosen(wanted, None), _affinity(values["affinity"])
        reservation.values = {
            **{key: values[key] for key in _FIELDS},
            "amount": _amount(values),
            "flavor_id": reservation.id,
            **self._made(affinity),
        }
        reservation.allocations = chosen
        self._make_flavor(reservation)

    def _make_flavor(self, reservation: Reservation) -> None:
        values = reservation.values
        like = Flavor(id="", name="", vcpus=values["vcpus"], ram=values["memory_mb"], disk=values["disk_gb"])
        group = values["server_group_id"]
        self._tenants.make_flavor(reservation.id, like, {} if group is None else {"affinity_id": group})

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Find the room anew, its own apart; a started one takes more instances and gives none up."""
        asked = {key: value for key, value in wanted.values.items() if key in _FIELDS}
        if "amount" in asked:
            asked["amount"] = _amount(asked)
        if "affinity" in asked:
            _affinity(asked["affinity"])
        if not asked and wanted.start >= lease.start and wanted.end <= lease.end:
            return
        if reservation.status == states.ACTIVE and set(asked) - {"amount"}:
            raise refusals.not_implemented("An active reservation only accepts to update amount.")
        if reservation.status == states.ERROR:
            raise refusals.not_implemented("An error reservation doesn't accept an updating request.")
        merged = {**{key: reservation.values[key] for key in _FIELDS}, **asked}
        merged["affinity"] = _affinity(merged["affinity"])
        again = Wanted(values=merged, start=wanted.start, end=wanted.end, trust=wanted.trust)
        chosen = self._chosen(again, reservation)
        if reservation.status == states.ACTIVE and Counter(reservation.allocations) - Counter(chosen):
            raise refusals.cannot_update_slots()
        reservation.values |= merged
        self._replace(reservation, chosen)
        if reservation.status == states.ACTIVE:
            reservation.hosts = [self._calendar.resources[each].name for each in chosen]
        else:
            self._make_flavor(reservation)

    def _replace(self, reservation: Reservation, chosen: list[str]) -> None:
        """Give up and take hosts. Of two slots on one host it gives up the same one twice, and fails.

        Source: instance_plugin.py, update_host_allocations; seen on Blazar 18.
        """
        removed = Counter(reservation.allocations) - Counter(chosen)
        if any(many > 1 for many in removed.values()):
            reservation.allocations.remove(next(iter(removed)))
            raise refusals.database("BlazarDBNotFound")
        reservation.allocations = chosen

    def _chosen(self, wanted: Wanted, reservation: Reservation | None) -> list[str]:
        """Choose a host for each instance, those that it has first. Source: pickup_hosts."""
        size, amount, affinity, properties = _asked(wanted.values)
        least = [
            "and",
            *([">=", key, str(part)] for key, part in zip(("$vcpus", "$memory_mb", "$local_gb"), size, strict=True)),
        ]
        hosts = [
            each for each in self._calendar.fitting(HOST, json.dumps(least), properties or "") if each.is_reservable
        ]
        free = Room(self._calendar, _virtual).slots(hosts, size, wanted, reservation)
        have = list(reservation.allocations) if reservation is not None else []
        if affinity:
            able = [host for host, many in Counter(free).items() if many >= amount]
            if not able:
                raise refusals.not_enough("hosts")
            return [next((host for host in have if host in able), able[0])] * amount
        chosen = list((Counter(free) & Counter(have)).elements())
        chosen += list((Counter(free) - Counter(have)).elements())
        if affinity is False:
            chosen = list(dict.fromkeys(chosen))
        if len(chosen) < amount:
            raise refusals.not_enough("hosts")
        return chosen[:amount]


class FlavorInstances(_Instances):
    """`plugins.Plugin` for the size of a flavor that the user sees."""

    def candidates(self, wanted: Wanted) -> list[str]:
        """Choose a host for each instance."""
        return self._chosen(wanted)[0]

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve room and make a private copy of the flavor."""
        chosen, source = self._chosen(wanted)
        reservation.values = {
            "vcpus": source.vcpus,
            "memory_mb": source.ram,
            "disk_gb": source.disk,
            "amount": _amount(wanted.values),
            "resource_properties": json.dumps(_details(source)),
            "flavor_id": reservation.id,
            **self._made(None),
        }
        reservation.allocations = chosen
        self._tenants.make_flavor(reservation.id, source, source.extra_specs)

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Take other dates, where each of its hosts has room for it then too.

        It looks the reservation's own flavor up as the user, who does not see it before the start.
        Source: flavor_plugin.py, update_reservation (from 18.0.0 on).
        """
        del lease
        flavor = self._tenants.flavor(str(reservation.values["flavor_id"]), wanted.trust.project_id)
        free = self._free(flavor, wanted, reservation)
        if Counter(reservation.allocations) - Counter(free):
            raise refusals.not_enough("hosts")

    def _chosen(self, wanted: Wanted) -> tuple[list[str], Flavor]:
        values = wanted.values
        absent = [key for key in ("amount", "flavor_id", "affinity") if key not in values]
        if absent:
            raise refusals.missing(absent, ",")
        amount = _amount(values)
        source = self._tenants.flavor(str(values["flavor_id"]), wanted.trust.project_id)
        free = self._free(source, wanted, None)
        if len(free) < amount:
            raise refusals.not_enough("hosts")
        if _affinity(values["affinity"]) is not None:
            raise refusals.not_implemented("Affinity not supported yet")
        return free[:amount], source

    def _free(self, flavor: Flavor, wanted: Wanted, apart: Reservation | None) -> list[str]:
        size = Size(flavor.vcpus, flavor.ram, flavor.disk)
        hosts = [each for each in self._calendar.of(HOST) if each.is_reservable]
        return Room(self._calendar, _by_flavor).slots(hosts, size, wanted, apart)


def _virtual(reservation: Reservation) -> Size:
    """Give what one instance of a reservation takes: on a host with several, Blazar counts one. Source: max_usages."""
    values = reservation.values
    return Size(values["vcpus"], values["memory_mb"], values["disk_gb"])


def _by_flavor(reservation: Reservation) -> Size:
    """Give what all instances of a reservation take, wherever they are; of a size of its own this plugin knows not."""
    if not str(reservation.values["resource_properties"]).startswith('{"OS-FLV-EXT-DATA:ephemeral"'):
        raise refusals.No(409, "Conflicting reservation types found")
    return Size(*(reservation.values["amount"] * part for part in _virtual(reservation)))


def _asked(values: Mapping[str, Any]) -> tuple[Size, int, bool | None, Any]:
    """Give size, amount, affinity and properties, as the plugin reads them before it checks them."""
    try:
        size = Size(values["vcpus"], values["memory_mb"], values["disk_gb"])
        amount, affinity, properties = values["amount"], values["affinity"], values["resource_properties"]
    except KeyError:
        raise refusals.internal() from None
    if not all(isinstance(each, int) for each in (*size, amount)) or min(size) < 0:
        raise refusals.internal()
    return size, _amount(values), _affinity(affinity), properties


def _amount(values: Mapping[str, Any]) -> int:
    """Give the number of instances. Source: oslo_utils/strutils.py, validate_integer."""
    if not whole(values, "amount"):
        raise refusals.invalid_input("amount must be an integer")
    amount = int(values["amount"])
    if amount < 1:
        raise refusals.invalid_input("amount must be >= 1")
    return amount


def _affinity(value: object) -> bool | None:
    """Read true, false or none."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if value in _NONE:
        return None
    if word not in _YES | _NO:
        raise refusals.malformed("affinity (must be a bool value or None)")
    return word in _YES


def _details(flavor: Flavor) -> dict[str, Any]:
    """Give a flavor as Blazar keeps it."""
    return {
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": flavor.is_public,
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": "",
        "vcpus": flavor.vcpus,
        "rxtx_factor": 1.0,
        "extra_specs": dict(flavor.extra_specs),
    }
