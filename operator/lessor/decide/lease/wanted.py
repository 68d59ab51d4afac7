"""What a spec asks of Blazar, under Blazar's names.

Source: blazar/plugins/oshosts/host_plugin.py, instances/instance_plugin.py, flavor/flavor_plugin.py,
floatingips/floatingip_plugin.py; for networks and devices Chameleon's blazar/plugins/networks/network_plugin.py and
devices/device_plugin.py; the filters as python-chi writes them.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lessor.decide.lease.window import Window
from lessor.model import wire
from lessor.model.lease import (
    Affinity,
    BeforeEndAction,
    DeviceReservation,
    FloatingIPReservation,
    HostReservation,
    InstanceReservation,
    Lease,
    NetworkReservation,
    Reservation,
    ResourceType,
)
from lessor.model.reservations import WantedLease, WantedReservation

NAME_MOST = 80
_BEFORE_END = {
    BeforeEndAction.DEFAULT.value: "default",
    BeforeEndAction.NOTHING.value: "",
    BeforeEndAction.SNAPSHOT.value: "snapshot",
    BeforeEndAction.EMAIL.value: "email",
}
_AFFINITY = {Affinity.ANY.value: None, Affinity.AFFINITY.value: True, Affinity.ANTI_AFFINITY.value: False}


def lease_name(lease: Lease) -> str:
    """Give the name in Blazar: as declared, else namespace, name and the uid's beginning, at most 80 characters."""
    if lease.spec.lease_name is not None:
        return lease.spec.lease_name
    short = lease.metadata.uid.partition("-")[0]
    return f"{lease.metadata.key.replace('/', '.')[: NAME_MOST - len(short) - 1]}.{short}"


def lease(declared: Lease, window: Window, lease_id: str, ids: Mapping[str, str | None]) -> WantedLease:
    """Give the lease to be made. `ids`: of the flavors and networks that are declared by name."""
    return WantedLease(
        id=lease_id,
        name=lease_name(declared),
        start=window.asked_start,
        end=window.end,
        before_end=window.before_end,
        reservations=tuple(reservation(one, ids) for one in declared.spec.reservations),
    )


def names_to_look_up(declared: Lease) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the flavors and the networks whose ids must be known before the lease is made."""
    flavors = {one.flavor.flavor for one in declared.spec.reservations if one.flavor is not None}
    networks = {one.floating_ip.network for one in declared.spec.reservations if one.floating_ip is not None}
    return tuple(sorted(flavors)), tuple(sorted(networks))


def resource_type(one: Reservation) -> ResourceType:
    """Give the type of a reservation; exactly one is set, or the first counts."""
    members: dict[ResourceType, object] = {
        ResourceType.HOST: one.host,
        ResourceType.INSTANCE: one.instance,
        ResourceType.FLAVOR: one.flavor,
        ResourceType.FLOATING_IP: one.floating_ip,
        ResourceType.NETWORK: one.network,
        ResourceType.DEVICE: one.device,
    }
    return next(kind for kind, member in members.items() if member is not None)


def reservation(one: Reservation, ids: Mapping[str, str | None]) -> WantedReservation:
    """Give one reservation as Blazar wants it; every key that it asks for is there."""
    return WantedReservation(resource_type=resource_type(one), values=_values(one, ids))


def digest(one: Reservation) -> str:
    """Give a short digest of what is declared: another one means that something is to be asked for."""
    return _short(wire.to_builtins(one))


def request_digest(value: object) -> str:
    """Give a short digest of a request, by which a refusal knows what it was about."""
    return _short(value)


def _short(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _values(one: Reservation, ids: Mapping[str, str | None]) -> dict[str, Any]:
    if one.host is not None:
        return _host(one.host)
    if one.instance is not None:
        return _instance(one.instance)
    if one.flavor is not None:
        return {"flavor_id": ids.get(one.flavor.flavor), "amount": one.flavor.amount or 1, "affinity": None}
    if one.floating_ip is not None:
        return _floating_ip(one.floating_ip, ids)
    if one.network is not None:
        return _network(one.network)
    return _device(one.device) if one.device is not None else {}


def _host(host: HostReservation) -> dict[str, Any]:
    least = host.min_count if host.min_count is not None else 1
    return {
        "min": least,
        "max": host.max_count if host.max_count is not None else least,
        "hypervisor_properties": host.hypervisor_properties or "",
        "resource_properties": _filters(
            host.resource_properties,
            {
                "$node_type": host.node_type,
                "$architecture.platform_type": host.architecture,
                "$node_name": host.node_name,
            },
        ),
        "before_end": _BEFORE_END.get(host.before_end_action or BeforeEndAction.DEFAULT, "default"),
    }


def _instance(instance: InstanceReservation) -> dict[str, Any]:
    return {
        "vcpus": instance.vcpus,
        "memory_mb": instance.memory_mib,
        "disk_gb": instance.disk_gib,
        "amount": instance.amount or 1,
        "affinity": _AFFINITY.get(instance.affinity or Affinity.ANY),
        "resource_properties": instance.resource_properties or "",
    }


def _floating_ip(pool: FloatingIPReservation, ids: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "network_id": ids.get(pool.network),
        "amount": pool.amount or max(1, len(pool.required)),
    }
    if pool.required:
        values["required_floatingips"] = list(pool.required)
    return values


def _network(network: NetworkReservation) -> dict[str, Any]:
    values: dict[str, Any] = {
        "network_name": network.network_name,
        "network_description": _description(network),
        "network_properties": "",
        "resource_properties": _filters(
            network.resource_properties,
            {
                "$physical_network": network.physical_network,
                "$stitch_provider": network.stitch_provider,
                "$usage_type": network.usage_type,
            },
        ),
    }
    return values


def _description(network: NetworkReservation) -> str:
    """Tell the OpenFlow controller and the switch as Chameleon reads them out of the description."""
    flow = network.open_flow
    parts = [network.description] if network.description else []
    if flow is not None and flow.controller:
        parts.append(f"OFController={flow.controller}")
    if flow is not None and flow.v_switch:
        parts.append(f"VSwitchName={flow.v_switch}")
    return ",".join(parts)


def _device(device: DeviceReservation) -> dict[str, Any]:
    least = device.min_count if device.min_count is not None else 1
    return {
        "min": least,
        "max": device.max_count if device.max_count is not None else least,
        "resource_properties": _filters(
            device.resource_properties,
            {"$name": device.device_name, "$machine_name": device.machine_name, "$model": device.model},
        ),
        "before_end": _BEFORE_END.get(device.before_end_action or BeforeEndAction.DEFAULT, "default"),
    }


def _filters(declared: str | None, equal: Mapping[str, str | None]) -> str:
    """Join what is asked for by `and`, as a JSON string; "" asks for nothing."""
    terms: list[Any] = [["==", key, value] for key, value in equal.items() if value is not None]
    if declared:
        terms.insert(0, json.loads(declared))
    if not terms:
        return ""
    if len(terms) == 1:
        return declared or json.dumps(terms[0])
    flat: list[Any] = []
    for term in terms:  # Blazar's grammar nests nothing: an `and` that was declared gives its parts
        flat.extend(term[1:] if term and term[0] == "and" else [term])
    return json.dumps(["and", *flat])
