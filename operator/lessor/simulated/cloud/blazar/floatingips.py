"""`virtual:floatingip`: addresses of an external network, which come into the project at the start.

Source: blazar/plugins/floatingips/floatingip_plugin.py, blazar/utils/openstack/neutron.py.
"""

import ipaddress
from datetime import datetime

from lessor.simulated.cloud.blazar import refusals, states
from lessor.simulated.cloud.blazar.calendar import FLOATING_IP, Calendar
from lessor.simulated.cloud.blazar.lease import Lease, Reservation, Trust
from lessor.simulated.cloud.blazar.plugins import Wanted, whole
from lessor.simulated.cloud.networks import Networks
from lessor.simulated.cloud.server import Server

KIND = "virtual:floatingip"
_WHAT = "floating IPs"
_TOO_LONG = (
    "Invalid values for required_floatingips and amount. The amount must be equal to or longer than length of "
    "required_floatingips."
)
_NOT_THESE = "Floating IP reservation cannot be updated with requested parameters. "


class FloatingIps:
    """`plugins.Plugin`. Chameleon answers 500 where there are too few."""

    def __init__(self, calendar: Calendar, networks: Networks, *, chameleon: bool = False) -> None:
        self._calendar = calendar
        self._networks = networks
        self._code = 500 if chameleon else 400

    def candidates(self, wanted: Wanted) -> list[str]:
        """Check the values and choose addresses."""
        values = wanted.values
        for key in ("network_id", "amount"):
            if key not in values:
                raise refusals.missing([key])
        if not whole(values, "amount"):
            raise refusals.malformed("amount")
        required = values.get("required_floatingips", [])
        for address in required:
            if not _is_address(address):
                raise refusals.No(400, f"IP address {address} is invalid form.")
        if len(required) > int(values["amount"]):
            raise refusals.No(400, _TOO_LONG)
        return self._matching(str(values["network_id"]), required, int(values["amount"]), wanted.start, wanted.end)

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve addresses."""
        reservation.allocations = self.candidates(wanted)
        reservation.values = {"network_id": wanted.values["network_id"], "amount": int(wanted.values["amount"])}
        reservation.hidden = {"required": list(wanted.values.get("required_floatingips", []))}

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Keep the addresses that are free then too, and find others for the rest."""
        values, required = wanted.values, reservation.hidden["required"]
        if values.get("network_id", reservation.values["network_id"]) != reservation.values["network_id"]:
            raise refusals.No(400, f"{_NOT_THESE}Updating network_id is not supported")
        if values.get("required_floatingips", []) not in ([], required):
            words = "Updating required_floatingips is not supported except with an empty list"
            raise refusals.No(400, f"{_NOT_THESE}{words}")
        amount = int(values.get("amount", reservation.values["amount"]))
        kept = self._kept(reservation, lease, wanted, amount)
        if len(kept) < len(reservation.allocations) and reservation.status == states.ACTIVE:
            raise refusals.No(400, f"{_NOT_THESE}Cannot remove allocations from an active reservation")
        added = self._added(reservation, kept, wanted, amount)
        if reservation.status == states.ACTIVE:
            self._bring(added, wanted.trust.project_id, reservation.id)
        reservation.allocations = [*kept, *added]
        reservation.values |= {"amount": values["amount"]} if "amount" in values else {}
        reservation.hidden["required"] = values.get("required_floatingips", required)

    def _kept(self, reservation: Reservation, lease: Lease, wanted: Wanted, amount: int) -> list[str]:
        extends = wanted.start < lease.start or wanted.end > lease.end
        kept = [
            each
            for each in reservation.allocations
            if not extends or self._calendar.is_free(each, wanted.start, wanted.end, apart_from=reservation)
        ]
        return kept[max(0, len(kept) - amount) :]

    def _added(self, reservation: Reservation, kept: list[str], wanted: Wanted, amount: int) -> list[str]:
        if len(kept) >= amount:
            return []
        required = wanted.values.get("required_floatingips", reservation.hidden["required"])
        network_id = str(reservation.values["network_id"])
        return self._matching(network_id, required, amount - len(kept), wanted.start, wanted.end)

    def _matching(self, network_id: str, required: list[str], amount: int, start: datetime, end: datetime) -> list[str]:
        """Choose addresses: those that are required first. Source: _matching_fips."""
        there = [
            each
            for each in self._calendar.of(FLOATING_IP)
            if each.is_reservable and each.columns["floating_network_id"] == network_id
        ]
        free = [each for each in there if self._calendar.is_free(each.id, start, end)]
        first = [each for each in free if each.name in required]
        if len(first) != len(required):
            raise refusals.not_enough(_WHAT, code=self._code)
        taken = self._calendar.taken()
        rest = sorted((each for each in free if each not in first), key=lambda each: each.id in taken)
        chosen = [each.id for each in (*first, *rest)][:amount]
        if len(chosen) < amount:
            raise refusals.not_enough(_WHAT, code=self._code)
        return chosen

    # ------------------------------------------------------------ its time

    def start(self, reservation: Reservation, trust: Trust) -> None:
        """Bring the addresses into the project."""
        self._bring(reservation.allocations, trust.project_id, reservation.id)

    def _bring(self, resource_ids: list[str], project_id: str, reservation_id: str) -> None:
        for each in resource_ids:
            address = self._calendar.resources[each]
            self._networks.bring(str(address.columns["floating_network_id"]), address.name, project_id, reservation_id)

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Nothing."""

    def end(self, reservation: Reservation, trust: Trust) -> None:
        """Take the addresses away; one that the user deleted is passed over."""
        del trust
        for each in reservation.allocations:
            self._networks.take_away(self._calendar.resources[each].name)

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give none."""
        del reservation
        return []

    def clear(self, reservation: Reservation) -> None:
        """Nothing is left."""

    def destroy(self, reservation: Reservation) -> None:
        """Free the addresses."""
        reservation.allocations = []


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True
