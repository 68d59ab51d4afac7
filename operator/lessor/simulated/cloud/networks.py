"""Neutron: the little of it that a lease leans on: networks, and floating IPs with their tags.

Source: the Network API reference v2; neutron/db/l3_db.py; blazar/utils/openstack/neutron.py.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.server import ImpossibleWorld

_TRUE = frozenset({"true", "1", "yes", "on", "y", "t"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network; an external one, and one that is shared, is seen by all."""

    id: str
    name: str
    project_id: str
    is_external: bool = False
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIp:
    """A floating IP in a project."""

    id: str
    address: str
    network_id: str
    project_id: str
    tags: tuple[str, ...]
    created: datetime


class Networks:
    """Neutron's core."""

    def __init__(self, now: Callable[[], datetime], fresh: Callable[[], str]) -> None:
        self.networks: dict[str, Network] = {}
        self.floating_ips: dict[str, FloatingIp] = {}
        self._now = now
        self._fresh = fresh

    def make(self, name: str, project_id: str = "", *, is_external: bool = False, is_shared: bool = False) -> Network:
        """Make a network."""
        made = Network(id=self._fresh(), name=name, project_id=project_id, is_external=is_external, is_shared=is_shared)
        self.networks[made.id] = made
        return made

    def remove(self, network_id: str) -> None:
        """Take a network away."""
        self.networks.pop(network_id, None)

    def bring(self, network_id: str, address: str, project_id: str, reservation_id: str) -> FloatingIp:
        """Make a floating IP of a reservation. Source: create_reserved_floatingip."""
        made = FloatingIp(
            id=self._fresh(),
            address=address,
            network_id=network_id,
            project_id=project_id,
            tags=("blazar", f"reservation:{reservation_id}"),
            created=self._now(),
        )
        self.floating_ips[made.id] = made
        return made

    def add_floating_ip(
        self, network: Network, address: str, project_id: str, tags: tuple[str, ...] = ()
    ) -> FloatingIp:
        """Let a project have a floating IP of its own.

        Raises:
            ImpossibleWorld: somebody has it, or the network is not external.
        """
        if not network.is_external or any(each.address == address for each in self.floating_ips.values()):
            raise ImpossibleWorld(f"The floating IP {address} cannot be: it is taken, or {network.name} not external.")
        made = FloatingIp(
            id=self._fresh(),
            address=address,
            network_id=network.id,
            project_id=project_id,
            tags=tags,
            created=self._now(),
        )
        self.floating_ips[made.id] = made
        return made

    def take_away(self, address: str) -> None:
        """Delete a floating IP; one that is gone is no error."""
        self.floating_ips = {key: each for key, each in self.floating_ips.items() if each.address != address}

    def tag(self, floating_ip: FloatingIp, *tags: str) -> None:
        """Give a floating IP these tags in the place of all."""
        self.floating_ips[floating_ip.id] = dataclasses.replace(floating_ip, tags=tags)

    # ------------------------------------------------------------ looking

    def listed(self, who: Token, query: Mapping[str, str]) -> Iterator[Network]:
        """Give the networks that somebody sees, of those that are asked for."""
        for each in self.networks.values():
            if not (who.admin or each.is_external or each.is_shared or each.project_id == who.project_id):
                continue
            wanted = query.get("router:external")
            if (
                query.get("id", each.id) == each.id
                and query.get("name", each.name) == each.name
                and (wanted is None or (wanted.lower() in _TRUE) == each.is_external)
            ):
                yield each

    def listed_floating_ips(self, who: Token, query: Mapping[str, str]) -> Iterator[FloatingIp]:
        """Give the floating IPs of the project, an administrator's all; `tags` asks for all, `tags-any` for one."""
        for each in self.floating_ips.values():
            if not (who.admin or each.project_id == who.project_id):
                continue
            if query.get("project_id", each.project_id) != each.project_id:
                continue
            every, some = query.get("tags"), query.get("tags-any")
            if every is not None and not set(every.split(",")) <= set(each.tags):
                continue
            if some is not None and not set(some.split(",")) & set(each.tags):
                continue
            if query.get("floating_ip_address", each.address) == each.address:
                yield each
