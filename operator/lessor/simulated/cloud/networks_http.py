"""Neutron over HTTP: version 2.0, lists of networks and of floating IPs.

Source: the Network API reference v2.
"""

from lessor.simulated.cloud import exchange
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route, shortened
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.networks import FloatingIp, Network
from lessor.simulated.cloud.records import Record, zulu
from lessor.simulated.cloud.refusals import Service

PREFIX = "/network"


class NetworksApi:
    """The requests that Neutron answers."""

    def __init__(self, core: Core) -> None:
        self._networks = core.networks

    def routes(self) -> list[Route]:
        """Give them all."""
        table: list[exchange.Line] = [
            ("GET", "", "neutron.versions", self._versions, True),
            ("GET", "/", "neutron.versions", self._versions, True),
            ("GET", "/v2.0/networks", "networks.list", self._list, False),
            ("GET", "/v2.0/floatingips", "floatingips.list", self._floating_ips, False),
        ]
        return exchange.routes(Service.NEUTRON, PREFIX, table)

    def _versions(self, asked: Asked, _: Token) -> Reply:
        links = [{"href": f"{asked.root}{PREFIX}/v2.0/", "rel": "self"}]
        return Reply(body={"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})

    def _list(self, asked: Asked, who: Token) -> Reply:
        found = shortened(tuple(self._networks.listed(who, asked.query)), asked.fault)
        return Reply(body={"networks": [_network(each) for each in found]})

    def _floating_ips(self, asked: Asked, who: Token) -> Reply:
        found = shortened(tuple(self._networks.listed_floating_ips(who, asked.query)), asked.fault)
        return Reply(body={"floatingips": [_floating_ip(each) for each in found]})


def _network(found: Network) -> Record:
    return {
        "id": found.id,
        "name": found.name,
        "project_id": found.project_id,
        "tenant_id": found.project_id,
        "status": "ACTIVE",
        "admin_state_up": True,
        "shared": found.is_shared,
        "router:external": found.is_external,
        "subnets": [],
        "tags": [],
    }


def _floating_ip(found: FloatingIp) -> Record:
    return {
        "id": found.id,
        "floating_ip_address": found.address,
        "floating_network_id": found.network_id,
        "project_id": found.project_id,
        "tenant_id": found.project_id,
        "status": "DOWN",
        "fixed_ip_address": None,
        "port_id": None,
        "router_id": None,
        "description": "",
        "tags": list(found.tags),
        "created_at": zulu(found.created),
        "updated_at": zulu(found.created),
    }
