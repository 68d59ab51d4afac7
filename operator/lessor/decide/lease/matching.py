"""Which reservation of Blazar's is which of the spec's: by the id once it is known, before that by type and values.

Blazar gives reservations no name and no order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lessor.decide.lease import wanted
from lessor.model.lease import Lease, LeaseStatus, Reservation, ReservationStatus, ResourceType
from lessor.model.reservations import ObservedLease, ObservedReservation

_COMPARED = ("min", "max", "vcpus", "memory_mb", "disk_gb", "amount", "resource_properties", "hypervisor_properties")


def reservations(
    lease: Lease, seen: ObservedLease, floating_ips: Mapping[str, tuple[str, ...]] | None
) -> tuple[ReservationStatus, ...]:
    """Give the status of every reservation: the spec's in their order, then what the spec does not name.

    `floating_ips`: the addresses by reservation id; None: what is known of them stands.
    """
    known = {one.name: one for one in lease.status.reservations}
    free = list(seen.reservations)
    found = _by_id(lease.spec.reservations, known, free)
    for one in lease.spec.reservations:
        if one.name not in found and (best := _best(one, free)) is not None:
            found[one.name] = best
            free.remove(best)
    named = [
        _status(one.name, known.get(one.name), found.get(one.name), floating_ips, _network_name(one))
        for one in lease.spec.reservations
    ]
    unnamed = [_status(other.id, known.get(other.id), other, floating_ips, None) for other in free]
    requested = {one.name: wanted.digest(one) for one in lease.spec.reservations}
    return tuple(
        msgspec.structs.replace(status, requested=_kept(known.get(status.name), requested.get(status.name)))
        for status in (*named, *sorted(unnamed, key=lambda status: status.name))
    )


def lacks_addresses(status: LeaseStatus, seen: ObservedLease) -> bool:
    """Tell whether floating IPs are reserved whose addresses are not known: they come with the start."""
    known = {one.id: len(one.floating_ips) for one in status.reservations}
    pools = (one for one in seen.reservations if one.resource_type == ResourceType.FLOATING_IP)
    return any(known.get(one.id, 0) < int(one.values.get("amount") or 1) for one in pools)


def _kept(known: ReservationStatus | None, digest: str | None) -> str | None:
    """What was asked for stands until a change was made; a reservation that is first seen is as it was asked for."""
    return known.requested if known is not None and known.requested is not None else digest


def _by_id(
    declared: Sequence[Reservation], known: Mapping[str, ReservationStatus], free: list[ObservedReservation]
) -> dict[str, ObservedReservation]:
    found = {}
    for one in declared:
        status = known.get(one.name)
        match = next((other for other in free if status is not None and other.id == status.id), None)
        if match is not None:
            found[one.name] = match
            free.remove(match)
    return found


def _best(one: Reservation, free: Sequence[ObservedReservation]) -> ObservedReservation | None:
    """The reservation of its type that agrees in most values; of equals, the one with the least id."""
    want = wanted.reservation(one, {})
    same = [other for other in free if other.resource_type == want.resource_type]
    return min(same, key=lambda other: (-_agreement(want.values, other.values), other.id), default=None)


def _agreement(want: Mapping[str, Any], has: Mapping[str, Any]) -> int:
    return sum(1 for key in _COMPARED if key in want and key in has and same(want[key], has[key]))


def same(want: object, has: object) -> bool:
    """Tell whether a value of Blazar's is what is asked for: Chameleon's Blazar gives numbers as texts."""
    return want == has or str(want) == str(has)


def _network_name(one: Reservation) -> str | None:
    return one.network.network_name if one.network is not None else None


def _status(
    name: str,
    known: ReservationStatus | None,
    seen: ObservedReservation | None,
    floating_ips: Mapping[str, tuple[str, ...]] | None,
    network_name: str | None,
) -> ReservationStatus:
    if seen is None:
        return known if known is not None else ReservationStatus(name=name)
    addresses = known.floating_ips if known is not None else ()
    if floating_ips is not None:
        addresses = floating_ips.get(seen.id, ())
    return ReservationStatus(
        name=name,
        id=seen.id,
        resource_type=seen.resource_type,
        state=seen.state,
        missing_resources=seen.missing_resources,
        resources_changed=seen.resources_changed,
        flavor_id=_text(seen.values.get("flavor_id")) or _reserved_flavor(seen),
        server_group_id=_text(seen.values.get("server_group_id")),
        floating_ips=addresses,
        network_name=network_name,
    )


def _reserved_flavor(seen: ObservedReservation) -> str | None:
    """The private flavor of a reservation has the reservation's id. Source: instance_plugin.py, _create_flavor."""
    of_servers = seen.resource_type in {ResourceType.INSTANCE, ResourceType.FLAVOR}
    return seen.id if of_servers else None


def _text(value: object) -> str | None:
    return str(value) if value not in {None, ""} else None
