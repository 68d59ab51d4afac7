"""A world with something to reserve, and leases of it."""

from datetime import datetime, timedelta
from typing import Any

from lessor.model.lease import ResourceType
from lessor.model.reservations import ObservedLease, WantedLease, WantedReservation
from lessor.ports.reservations import Reservations
from lessor.simulated.cloud.blazar.lease import Lease
from lessor.simulated.cloud.networks import Network
from tests.simulated.cloud.served import World

HOSTS = ("bm-a", "bm-b", "bm-c")
ADDRESSES = ("203.0.113.100", "203.0.113.101")


def furnish(world: World) -> Network:
    """Give the world three hosts and two addresses of an external network."""
    for name in HOSTS:
        world.cloud.inventory.add_host(name, gpu="a100" if name == "bm-c" else "none")
    network = world.cloud.networks.make("public", is_external=True)
    for address in ADDRESSES:
        world.cloud.inventory.add_floating_ip(network, address)
    return network


def hosts(least: Any = 1, most: Any = None, **more: Any) -> WantedReservation:
    """Give a reservation of hosts."""
    values = {"min": least, "max": most or least, "hypervisor_properties": "", "resource_properties": "", **more}
    return WantedReservation(resource_type=ResourceType.HOST, values=values)


def on(name: str) -> WantedReservation:
    """Give a reservation of this host."""
    return hosts(resource_properties=f'["==", "$hypervisor_hostname", "{name}"]')


def instances(amount: int = 1, **more: Any) -> WantedReservation:
    """Give a reservation of instances of a size."""
    size = {"vcpus": 1, "memory_mb": 64, "disk_gb": 1, "affinity": None, "resource_properties": ""}
    return WantedReservation(resource_type=ResourceType.INSTANCE, values={**size, "amount": amount, **more})


def flavors(amount: int = 1, flavor: str = "nano") -> WantedReservation:
    """Give a reservation of instances of a flavor."""
    values = {"flavor_id": flavor, "amount": amount, "affinity": None}
    return WantedReservation(resource_type=ResourceType.FLAVOR, values=values)


def addresses(network: Network, amount: int = 1) -> WantedReservation:
    """Give a reservation of floating IPs."""
    return WantedReservation(
        resource_type=ResourceType.FLOATING_IP, values={"network_id": network.id, "amount": amount}
    )


def wanted(
    name: str,
    *reservations: WantedReservation,
    start: datetime | None = None,
    end: datetime,
    before: datetime | None = None,
) -> WantedLease:
    """Give a lease to be asked for; its id is its name."""
    return WantedLease(id=name, name=name, start=start, end=end, before_end=before, reservations=reservations)


def lease(world: World, name: str, *reservations: WantedReservation, hours: float = 2) -> Lease:
    """Let alice have a lease from now on; it has not begun yet."""
    port = world.cloud.as_user(world.alice, world.team).reservations
    port.create(wanted(name, *reservations, end=world.clock.now() + timedelta(hours=hours)))
    return world.cloud.outside.lease(name)


def seen(port: Reservations, lease_id: str) -> ObservedLease:
    """Read a lease that is there."""
    found = port.lease(lease_id)
    assert found is not None
    return found
