"""`physical:host`: whole hosts, by count and properties.

Source: blazar/plugins/oshosts/host_plugin.py.
"""

from collections.abc import Mapping
from typing import Any

from lessor.simulated.cloud.blazar import refusals, states
from lessor.simulated.cloud.blazar.calendar import HOST, Calendar
from lessor.simulated.cloud.blazar.lease import Lease, Reservation, Trust
from lessor.simulated.cloud.blazar.plugins import Wanted, whole
from lessor.simulated.cloud.blazar.tenants import Tenants
from lessor.simulated.cloud.server import Server

KIND = "physical:host"
_OF_HOSTS = ("hypervisor_properties", "resource_properties")
_CHANGING = frozenset({"min", "max", *_OF_HOSTS})


class Hosts:
    """`plugins.Plugin`.

    Attributes:
        before_end_options: what `before_end` may be; at Chameleon `email` too.
        casts: a count may be the text of a number, as Chameleon takes it.
    """

    what, kind = "hosts", HOST
    properties: tuple[str, ...] = _OF_HOSTS
    before_end_options: tuple[str, ...] = ("", "snapshot", "default")

    def __init__(self, calendar: Calendar, tenants: Tenants, *, chameleon: bool = False) -> None:
        self._calendar = calendar
        self._tenants = tenants
        self.casts = chameleon
        if chameleon:
            self.before_end_options = (*self.before_end_options, "email")

    def candidates(self, wanted: Wanted) -> list[str]:
        """Check the values and choose hosts; an empty choice is no refusal yet."""
        least, most = self._checked(wanted.values)
        found = self._calendar.fitting(self.kind, *(wanted.values[each] for each in self.properties))
        return self._calendar.choose(found, least, most, wanted.start, wanted.end)

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve hosts."""
        chosen = self.candidates(wanted)
        if not chosen:
            raise refusals.not_enough(self.what)
        least, most = self._checked(wanted.values)
        reservation.values = {
            **{each: wanted.values[each] for each in self.properties},
            "before_end": wanted.values.get("before_end", "default"),
            "min": least,
            "max": most,
        }
        reservation.allocations = chosen

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Keep the hosts that still fit and are free, and find others for the rest; a started lease gives none up."""
        values = wanted.values
        if not _CHANGING & set(values) and wanted.start >= lease.start and wanted.end <= lease.end:
            return
        merged = {**reservation.values, **values}
        least, most = self._counts(merged)
        found = self._calendar.fitting(self.kind, *(merged[each] for each in self.properties))
        kept = [
            each
            for each in reservation.allocations
            if each in {resource.id for resource in found} and self._stays(each, reservation, lease, wanted)
        ][-most:]
        if len(kept) < len(reservation.allocations) and reservation.status == states.ACTIVE:
            raise refusals.not_enough(self.what)
        added = self._added(
            kept, found_least=max(0, least - len(kept)), most=most - len(kept), merged=merged, at=wanted
        )
        reservation.allocations = [*kept, *added]
        if reservation.status == states.ACTIVE:
            reservation.hosts += [self._calendar.resources[each].name for each in added]
        shown = {key: values[key] for key in _CHANGING & set(values)}
        reservation.values |= shown | {"min": least, "max": most}

    def _added(
        self, kept: list[str], *, found_least: int, most: int, merged: Mapping[str, Any], at: Wanted
    ) -> list[str]:
        if most <= 0:
            return []
        found = self._calendar.fitting(self.kind, *(merged[each] for each in self.properties))
        others = [each for each in found if each.id not in kept]
        added = self._calendar.choose(others, found_least, most, at.start, at.end)
        if len(added) < found_least:
            raise refusals.not_enough(self.what)
        return added

    def _stays(self, resource_id: str, reservation: Reservation, lease: Lease, wanted: Wanted) -> bool:
        """Tell whether a host is free for a longer time too. Source: _allocations_to_remove."""
        if wanted.start >= lease.start and wanted.end <= lease.end:
            return True
        return self._calendar.is_free(resource_id, wanted.start, wanted.end, apart_from=reservation)

    # ------------------------------------------------------------ its time

    def start(self, reservation: Reservation, trust: Trust) -> None:
        """Move the hosts from the freepool into the aggregate."""
        del trust
        hosts = [self._calendar.resources[each] for each in reservation.allocations]
        for host in hosts:
            if not host.in_freepool:
                raise refusals.No(404, f"Host {host.name} not in freepool 'freepool'")
        reservation.hosts = [host.name for host in hosts]

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Make images, by the rights of whoever made the lease: an ordinary user may not list all servers."""
        if reservation.values.get("before_end") == "snapshot":
            if "admin" not in trust.roles:
                raise refusals.internal()
            self._tenants.snapshot(self.servers(reservation), trust)

    def end(self, reservation: Reservation, trust: Trust) -> None:
        """Free the hosts and delete every server on them, whosever it is."""
        del trust
        reservation.allocations = []
        self._tenants.delete(self.servers(reservation))

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give every server on the hosts."""
        return self._tenants.on(reservation.hosts)

    def clear(self, reservation: Reservation) -> None:
        """Empty the aggregate."""
        reservation.hosts = []

    def destroy(self, reservation: Reservation) -> None:
        """Free the hosts."""
        reservation.allocations = []

    # ------------------------------------------------------------ values

    def _checked(self, values: Mapping[str, Any]) -> tuple[int, int]:
        counts = self._counts(values)
        for each in self.properties:
            if each not in values:
                raise refusals.missing([each])
        if values.get("before_end", "default") not in self.before_end_options:
            raise refusals.malformed("before_end")
        return counts

    def _counts(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """Give the least and the most. Upstream compares the text of a number with one, and fails."""
        for key in ("min", "max"):
            if values.get(key) is None:
                raise refusals.missing([key])
            if not whole(values, key):
                raise refusals.malformed(key)
            if isinstance(values[key], str) and not self.casts:
                raise refusals.internal()
        least, most = int(values["min"]), int(values["max"])
        if least <= 0 or most <= 0:
            raise refusals.malformed("min and max (must be greater than or equal to 1)")
        if most < least:
            raise refusals.invalid_range()
        return least, most
