"""Blazar in the process, as the port that passes are written against: `ports.reservations.Reservations`."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from lessor.model.observed import CloudIdentity
from lessor.model.reservations import LeaseChange, LeaseEvent, ObservedLease, ObservedReservation, WantedLease
from lessor.ports import cloud, reservations
from lessor.simulated.cloud.blazar import classified as answers
from lessor.simulated.cloud.blazar import refusals
from lessor.simulated.cloud.blazar.lease import Event, Lease
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import line, shortened
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.networks import Network
from lessor.simulated.cloud.refusals import Refused, Service
from lessor.simulated.cloud.server import Flavor
from lessor.simulated.faults import Fault

_MINUTE = timedelta(minutes=1)
_FLAVOR_ID = re.compile(r"(?!\.)[a-zA-Z0-9. _-]{1,255}")
_TYPES = {Service.BLAZAR: "reservation", Service.NEUTRON: "network"}
_AMISS = (KeyError, TypeError, AttributeError, ValueError, IndexError)
T = TypeVar("T")


class Send(Protocol):
    """Sends a request with a token; `Port._send`."""

    def __call__(
        self,
        service: Service,
        what: str,
        ask: Callable[[Token, Fault | None], T],
        classify: Callable[[Refused], cloud.CloudError] = ...,
    ) -> T:
        """Give what the request comes to."""


class BlazarPort:
    """The leases of one project."""

    def __init__(self, core: Core, identity: CloudIdentity, send: Send) -> None:
        self._core = core
        self._blazar = core.blazar
        self._identity = identity
        self._send = send
        self._absent = frozenset(core.absent)  # a catalogue is read once

    @property
    def identity(self) -> CloudIdentity:
        """Who we are there."""
        return self._identity

    # ------------------------------------------------------------ looking

    def leases(self) -> tuple[ObservedLease, ...]:
        """List the leases of the token's project."""

        def ask(who: Token, fault: Fault | None) -> tuple[ObservedLease, ...]:
            return tuple(observed(each) for each in shortened(tuple(self._blazar.listed(who)), fault))

        found = self._ask("GET", "leases.list", "", ask)
        return tuple(each for each in found if each.project_id == self._identity.project_id)

    def lease(self, lease_id: str) -> ObservedLease | None:
        """Read one lease."""
        try:
            found = self._ask("GET", "leases.get", lease_id, lambda who, _: observed(self._blazar.get(who, lease_id)))
        except cloud.NotFound:
            return None
        if found.project_id != self._identity.project_id:
            raise cloud.PermissionRefused(f"The lease {lease_id} belongs to another project than the credentials.")
        return found

    # ------------------------------------------------------------ acting

    def create(self, wanted: WantedLease) -> ObservedLease:
        """POST."""
        body = _body(wanted)
        return self._ask("POST", "leases.create", "", lambda who, _: observed(self._blazar.create(who, body)))

    def change(self, lease_id: str, change: LeaseChange) -> None:
        """PUT."""
        body = _changes(change)
        self._ask("PUT", "leases.update", lease_id, lambda who, _: self._blazar.update(who, lease_id, body))

    def delete(self, lease_id: str) -> None:
        """DELETE."""
        with suppress(cloud.NotFound):
            self._ask("DELETE", "leases.delete", lease_id, lambda who, _: self._blazar.delete(who, lease_id))

    # ------------------------------------------------------------ what a lease leans on

    def flavor_id(self, flavor: str) -> str | None:
        """Give the id of the flavor of this id, else of this name."""
        if _FLAVOR_ID.fullmatch(flavor):
            with suppress(cloud.NotFound):
                return self._send(Service.NOVA, line("flavors.get", flavor), partial(self._flavor, flavor)).id

        def listed(who: Token, fault: Fault | None) -> tuple[Flavor, ...]:
            del fault
            return tuple(self._core.compute.listed_flavors(who))

        found = self._send(Service.NOVA, "flavors.list", listed)
        return next((each.id for each in found if each.name == flavor), None)

    def _flavor(self, flavor: str, who: Token, fault: Fault | None) -> Flavor:
        del fault
        return self._core.compute.flavor(flavor, who.project_id, admin=who.admin)

    def network_id(self, network: str) -> str | None:
        """Give the id of the external network of this id, else of this name."""
        for key in ("id", "name"):
            found = sorted(each.id for each in self._networks({key: network, "router:external": "true"}))
            if len(found) > 1:
                words = f"Several external networks have the name {network!r}: {', '.join(found)}. Name one id."
                raise reservations.LeaseRefused(words)
            if found:
                return found[0]
        return None

    def _networks(self, query: Mapping[str, str]) -> tuple[Network, ...]:
        def ask(who: Token, fault: Fault | None) -> tuple[Network, ...]:
            return shortened(tuple(self._core.networks.listed(who, query)), fault)

        self._is_there(Service.NEUTRON)
        return self._send(Service.NEUTRON, "networks.list", ask)

    def floating_ips(self, reservation_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give the addresses of each reservation."""
        wanted = list(dict.fromkeys(reservation_ids))
        if not wanted:
            return {}
        tags = ",".join(f"reservation:{each}" for each in wanted)
        query = {"tags-any": tags, "project_id": self._identity.project_id}

        def ask(who: Token, fault: Fault | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
            found = shortened(tuple(self._core.networks.listed_floating_ips(who, query)), fault)
            return tuple((each.address, each.tags) for each in found)

        self._is_there(Service.NEUTRON)
        found = self._send(Service.NEUTRON, "floatingips.list", ask)
        return {
            each: tuple(sorted({address for address, tags in found if f"reservation:{each}" in tags}, key=_order))
            for each in wanted
        }

    # ------------------------------------------------------------ requests

    def _ask(self, method: str, operation: str, lease_id: str, ask: Callable[[Token, Fault | None], T]) -> T:
        def asked(who: Token, fault: Fault | None) -> T:
            try:
                return ask(who, fault)
            except _AMISS:
                raise refusals.internal() from None

        self._is_there(Service.BLAZAR)
        what = line(operation, lease_id)
        return self._send(Service.BLAZAR, what, asked, lambda refused: answers.error(method, refused))

    def _is_there(self, service: Service) -> None:
        """Refuse what needs a service that the cloud has not."""
        if service in self._absent:
            where = f"({_TYPES[service]}) in region {self._core.region}"
            raise reservations.UnsupportedResourceType(
                f"The catalogue of Keystone has no {service.label} {where}. Reservations need it."
            )


def observed(lease: Lease) -> ObservedLease:
    """Give a lease as passes see it; its record shows when it was made to the second."""
    return ObservedLease(
        id=lease.id,
        name=lease.name,
        state=lease.status.value,
        start=lease.start,
        end=lease.end,
        user_id=lease.user_id,
        project_id=lease.project_id,
        trust_id=lease.trust_id,
        degraded=lease.degraded,
        created=lease.created.replace(microsecond=0),
        updated=lease.updated.replace(microsecond=0),
        reservations=tuple(
            ObservedReservation(
                id=each.id,
                resource_type=each.kind,
                state=each.status,
                missing_resources=each.missing_resources,
                resources_changed=each.resources_changed,
                values=dict(each.values),
            )
            for each in sorted(lease.reservations, key=lambda one: one.id)
        ),
        events=tuple(
            seen for each in sorted(lease.events, key=lambda one: one.id) if (seen := _event(each)) is not None
        ),
    )


def _event(event: Event) -> LeaseEvent | None:
    if event.kind is None or event.time is None:
        return None
    return LeaseEvent(type=str(event.kind), state=str(event.status or ""), time=event.time)


def _body(wanted: WantedLease) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": wanted.id,
        "name": wanted.name,
        "start_date": _date(wanted.start),
        "end_date": _date(wanted.end),
        "reservations": [{**each.values, "resource_type": each.resource_type.value} for each in wanted.reservations],
        "events": [],
    }
    return body if wanted.before_end is None else {**body, "before_end_date": _date(wanted.before_end)}


def _changes(change: LeaseChange) -> dict[str, Any]:
    body: dict[str, Any] = {} if change.name is None else {"name": change.name}
    dates = (("start_date", change.start), ("end_date", change.end), ("before_end_date", change.before_end))
    body.update({key: _date(value) for key, value in dates if value is not None})
    if change.reservations:
        body["reservations"] = [{**values, "id": each} for each, values in change.reservations.items()]
    return body


def _date(instant: datetime | None) -> str:
    """Write a date as Blazar takes it; a part of a minute is rounded up. None: now."""
    if instant is None:
        return "now"
    whole = instant.astimezone(UTC).replace(second=0, microsecond=0)
    return f"{whole if whole >= instant else whole + _MINUTE:%Y-%m-%d %H:%M}"


def _order(address: str) -> tuple[int, int, str]:
    parsed = ipaddress.ip_address(address)
    return (parsed.version, int(parsed), address)
