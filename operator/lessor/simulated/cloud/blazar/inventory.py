"""What can be reserved, by which types; and how a test or a demonstration puts it there, or takes it."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from lessor.simulated.cloud.blazar import chameleon as chi
from lessor.simulated.cloud.blazar import floatingips, hosts, instances, refusals
from lessor.simulated.cloud.blazar.calendar import DEVICE, FLOATING_IP, HOST, SEGMENT, Calendar, Occupation, Resource
from lessor.simulated.cloud.blazar.floatingips import FloatingIps
from lessor.simulated.cloud.blazar.hosts import Hosts
from lessor.simulated.cloud.blazar.instances import FlavorInstances, VirtualInstances
from lessor.simulated.cloud.blazar.lease import Lease, Reservation
from lessor.simulated.cloud.blazar.plugins import Plugin
from lessor.simulated.cloud.blazar.tenants import Tenants
from lessor.simulated.cloud.networks import Network, Networks
from lessor.simulated.cloud.server import ImpossibleWorld

_USUAL: Mapping[str, Any] = {
    "vcpus": 10,
    "memory_mb": 8192,
    "local_gb": 1028,
    "cpu_info": "{}",
    "hypervisor_type": "fake",
    "hypervisor_version": 1000,
    "availability_zone": "",
    "status": None,
}


class Inventory:
    """The calendar, and the plugins over it.

    Attributes:
        leases: all, by id.
        chameleon: this is Chameleon's fork: it knows devices and networks too, and differs in some answers.
        plugins: by type; one that is taken away is not supported.
    """

    def __init__(
        self, fresh: Callable[[], str], tenants: Tenants, networks: Networks, *, chameleon: bool = False
    ) -> None:
        self.leases: dict[str, Lease] = {}
        self.chameleon = chameleon
        self.calendar = Calendar(self.leases)
        self._fresh = fresh
        self._tenants = tenants
        self.plugins: dict[str, Plugin] = {
            hosts.KIND: Hosts(self.calendar, tenants, chameleon=chameleon),
            instances.VIRTUAL: VirtualInstances(self.calendar, tenants, fresh),
            instances.BY_FLAVOR: FlavorInstances(self.calendar, tenants, fresh),
            floatingips.KIND: FloatingIps(self.calendar, networks, chameleon=chameleon),
        }
        if chameleon:
            self.plugins |= {
                chi.DEVICES: chi.Devices(self.calendar, tenants, chameleon=True),
                chi.NETWORKS: chi.NetworkSegments(self.calendar, networks),
            }

    def has(self, kind: object) -> bool:
        """Tell whether there is a plugin for this type."""
        return kind in self.plugins

    def plugin(self, kind: str) -> Plugin:
        """Give the plugin of a type.

        Raises:
            Refused: 500: there is none.
        """
        if kind not in self.plugins:
            raise refusals.unsupported(kind)
        return self.plugins[kind]

    def reservation(self, reservation_id: str) -> tuple[Lease | None, Reservation | None]:
        """Find a reservation and its lease."""
        for lease in self.leases.values():
            for reservation in lease.reservations:
                if reservation.id == reservation_id:
                    return lease, reservation
        return None, None

    # ------------------------------------------------------------ what there is

    def add_host(self, name: str, **properties: Any) -> Resource:  # noqa: ANN401 (columns and capabilities)
        """Let there be a host that can be reserved; what is no column of Blazar's own is a capability, and a text.

        Raises:
            ImpossibleWorld: there is one already.
        """
        own = {key: properties.pop(key) for key in list(properties) if key in _USUAL}
        columns = {**_USUAL, **own, "hypervisor_hostname": name, "service_name": name, "reservable": 1}
        extra = {key: str(value) for key, value in properties.items()}
        return self._add(HOST, name, columns, extra)

    def add_floating_ip(self, network: Network, address: str) -> Resource:
        """Let there be a floating IP that can be reserved.

        Raises:
            ImpossibleWorld: there is one already, or the network is not external.
        """
        if not network.is_external:
            raise ImpossibleWorld(f"The network {network.name} is not external: it has no floating IPs.")
        return self._add(FLOATING_IP, address, {"floating_network_id": network.id}, {})

    def add_device(self, name: str, **properties: str) -> Resource:
        """Let there be a device. Chameleon's alone."""
        self._only_chameleon(chi.DEVICES)
        columns = {"name": name, "device_type": "container", "device_driver": "zun", "reservable": 1}
        return self._add(DEVICE, name, columns, dict(properties))

    def add_segment(self, physical_network: str, segment_id: int, **properties: str) -> Resource:
        """Let there be a VLAN. Chameleon's alone."""
        self._only_chameleon(chi.NETWORKS)
        columns = {"physical_network": physical_network, "segment_id": segment_id, "network_type": "vlan"}
        return self._add(SEGMENT, f"{physical_network}/{segment_id}", columns, dict(properties))

    def _only_chameleon(self, kind: str) -> None:
        if kind not in self.plugins:
            raise ImpossibleWorld(f"This Blazar has no plugin for {kind}: begin with one of Chameleon's.")

    def _add(self, kind: str, name: str, columns: dict[str, Any], extra: dict[str, str]) -> Resource:
        return self.calendar.add(Resource(id=self._fresh(), kind=kind, name=name, columns=columns, extra=extra))

    # ------------------------------------------------------------ others

    def occupy(self, resource: Resource, start: datetime, end: datetime) -> Occupation:
        """Let somebody else have it in this time.

        Raises:
            ImpossibleWorld: a lease has it then, or it never ends.
        """
        if end <= start or not self.calendar.is_free(resource.id, start, end):
            raise ImpossibleWorld(f"Nobody else can have {resource.name} from {start} to {end}.")
        made = Occupation(resource_id=resource.id, start=start, end=end)
        self.calendar.occupied.append(made)
        return made

    def vacate(self, occupation: Occupation) -> None:
        """Let them give it back."""
        self.calendar.occupied.remove(occupation)

    # ------------------------------------------------------------ servers in the way

    def are_gone(self, reservations: Collection[Reservation]) -> bool:
        """Tell whether no server is left on them."""
        return not any(self.plugin(each.kind).servers(each) for each in reservations)

    def hasten(self, reservations: Collection[Reservation], until: datetime) -> bool:
        """Let the servers that are gone by then be gone now, for whoever waits for an answer; tells whether all are."""
        for each in reservations:
            self._tenants.hasten(self.plugin(each.kind).servers(each), until)
        return self.are_gone(reservations)
