"""Blazar over HTTP: version 1.

Source: the Reservation API reference; blazar/api/v1.
"""

from collections.abc import Callable

from lessor.simulated.cloud import exchange
from lessor.simulated.cloud.blazar import records, refusals
from lessor.simulated.cloud.blazar.calendar import FLOATING_IP, HOST
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route, shortened
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service

PREFIX = "/reservation"
_SAID = {"OpenStack-API-Version": "reservation 1.0", "Vary": "OpenStack-API-Version"}
Handle = Callable[[Asked, Token], Reply]


class BlazarApi:
    """The requests that Blazar answers."""

    def __init__(self, core: Core) -> None:
        self._blazar = core.blazar

    def routes(self) -> list[Route]:
        """Give them all."""
        table: list[exchange.Line] = [
            ("GET", "", "blazar.versions", self._versions, False),
            ("GET", "/", "blazar.versions", self._versions, False),
            ("GET", "/v1/leases", "leases.list", self._list, False),
            ("POST", "/v1/leases", "leases.create", self._create, False),
            ("GET", "/v1/leases/{id}", "leases.get", self._get, False),
            ("PUT", "/v1/leases/{id}", "leases.update", self._update, False),
            ("DELETE", "/v1/leases/{id}", "leases.delete", self._delete, False),
            ("GET", "/v1/os-hosts", "hosts.list", self._hosts, False),
            ("GET", "/v1/floatingips", "blazar.floatingips.list", self._floating_ips, False),
        ]
        return exchange.routes(
            Service.BLAZAR,
            PREFIX,
            (
                (method, path, operation, _versioned(handle) if path.startswith("/v1/") else handle, is_open)
                for method, path, operation, handle, is_open in table
            ),
        )

    def _versions(self, asked: Asked, _: Token) -> Reply:
        one, two = ([{"href": f"{asked.root}{PREFIX}/v{number}", "rel": "self"}] for number in (1, 2))
        first = {"id": "v1.0", "status": "CURRENT", "links": one, "min_version": "1.0", "max_version": "1.0"}
        return Reply(code=300, body={"versions": [first, {"id": "v2.0", "status": "DEPRECATED", "links": two}]})

    def _list(self, asked: Asked, who: Token) -> Reply:
        """Pages and filters there are none."""
        found = shortened(tuple(self._blazar.listed(who)), asked.fault)
        return Reply(body={"leases": [records.lease(each) for each in found]})

    def _create(self, asked: Asked, who: Token) -> Reply:
        return Reply(code=201, body={"lease": records.lease(self._blazar.create(who, asked.body))})

    def _get(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"lease": records.lease(self._blazar.get(who, asked.id))})

    def _update(self, asked: Asked, who: Token) -> Reply:
        shown = self._blazar.update(who, asked.id, asked.body or {}, records.lease)
        return Reply(body={"lease": shown})

    def _delete(self, asked: Asked, who: Token) -> Reply:
        self._blazar.delete(who, asked.id)
        return Reply(code=200, body={}) if self._blazar.inventory.chameleon else Reply(code=204)

    def _hosts(self, _: Asked, who: Token) -> Reply:
        if not who.admin:
            raise refusals.policy("oshosts:get")
        return Reply(body={"hosts": [records.host(each) for each in self._blazar.inventory.calendar.of(HOST)]})

    def _floating_ips(self, _: Asked, who: Token) -> Reply:
        if "reader" not in who.roles:
            raise refusals.policy("floatingips:get")
        found = self._blazar.inventory.calendar.of(FLOATING_IP)
        return Reply(body={"floatingips": [records.floating_ip(each) for each in found]})


def _versioned(handle: Handle) -> Handle:
    """Say in each answer which version it is of. Source: blazar/api/v1/utils.py, add_vary_header."""

    def handled(asked: Asked, who: Token) -> Reply:
        try:
            reply = handle(asked, who)
        except Refused as refused:
            refused.headers = {**_SAID, **refused.headers}
            raise
        return Reply(code=reply.code, body=reply.body, headers={**_SAID, **reply.headers})

    return handled
