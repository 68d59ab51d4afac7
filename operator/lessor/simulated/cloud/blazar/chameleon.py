"""`device` and `network`: the types that Chameleon's Blazar has beside the others.

Source: chi:blazar/plugins/devices/device_plugin.py, chi:blazar/plugins/networks/network_plugin.py; read, not tried.
"""

from lessor.simulated.cloud.blazar import refusals, states
from lessor.simulated.cloud.blazar.calendar import DEVICE, SEGMENT, Calendar
from lessor.simulated.cloud.blazar.hosts import Hosts
from lessor.simulated.cloud.blazar.lease import Lease, Reservation, Trust
from lessor.simulated.cloud.blazar.plugins import Wanted
from lessor.simulated.cloud.networks import Networks
from lessor.simulated.cloud.server import Server

DEVICES, NETWORKS = "device", "network"
_NEEDED = ("network_name", "network_properties", "resource_properties")


class Devices(Hosts):
    """`plugins.Plugin`: chosen as hosts are, with one text of properties; no server is ever on them."""

    what, kind = "devices", DEVICE
    properties = ("resource_properties",)
    before_end_options = ("", "default")

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give none."""
        del reservation
        return []

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Nothing that is seen: a mail at most."""


class NetworkSegments:
    """`plugins.Plugin`: one VLAN each, whose network is made in the project at the start. It shows nothing."""

    def __init__(self, calendar: Calendar, networks: Networks) -> None:
        self._calendar = calendar
        self._networks = networks

    def candidates(self, wanted: Wanted) -> list[str]:
        """Check the values and choose a VLAN."""
        absent = [key for key in _NEEDED if key not in wanted.values]
        if absent:
            raise refusals.missing(absent[:1])
        texts = (wanted.values[key] for key in ("network_properties", "resource_properties"))
        found = self._calendar.fitting(SEGMENT, *texts)
        chosen = self._calendar.choose(found, 1, 1, wanted.start, wanted.end)
        if not chosen:
            raise refusals.not_enough("networks")
        return chosen

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve a VLAN."""
        reservation.allocations = self.candidates(wanted)
        reservation.hidden = dict(wanted.values)

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Keep the VLAN, if it is free then too; or take another one before the start."""
        if wanted.start >= lease.start and wanted.end <= lease.end:
            return
        (held,) = reservation.allocations
        if self._calendar.is_free(held, wanted.start, wanted.end, apart_from=reservation):
            return
        if reservation.status == states.ACTIVE:
            raise refusals.not_enough("networks")
        again = Wanted(values=reservation.hidden, start=wanted.start, end=wanted.end, trust=wanted.trust)
        reservation.allocations = self.candidates(again)

    def start(self, reservation: Reservation, trust: Trust) -> None:
        """Make the network in the project."""
        made = self._networks.make(str(reservation.hidden["network_name"]), trust.project_id)
        reservation.hidden["network"] = made.id

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Nothing."""

    def end(self, reservation: Reservation, trust: Trust) -> None:
        """Delete the network."""
        del trust
        self._networks.remove(str(reservation.hidden.get("network")))
        reservation.allocations = []

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give none: its ports go before it."""
        del reservation
        return []

    def clear(self, reservation: Reservation) -> None:
        """Nothing is left."""

    def destroy(self, reservation: Reservation) -> None:
        """Free the VLAN."""
        reservation.allocations = []
