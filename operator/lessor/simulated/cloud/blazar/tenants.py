"""Nova as Blazar uses it: the servers on what is reserved, and the private flavors of reservations.

Source: blazar/plugins/oshosts/host_plugin.py, blazar/plugins/instances/instance_plugin.py.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from lessor.simulated.cloud.blazar import refusals
from lessor.simulated.cloud.blazar.lease import Trust
from lessor.simulated.cloud.compute import Compute
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused
from lessor.simulated.cloud.server import Flavor, Server


class Tenants:
    """Who lives on what is reserved."""

    def __init__(self, now: Callable[[], datetime], fresh: Callable[[], str], compute: Compute, user_id: str) -> None:
        self._now = now
        self._compute = compute
        self._user_id = user_id
        self._fresh = fresh

    # ------------------------------------------------------------ servers

    def on(self, hosts: Collection[str]) -> list[Server]:
        """Give the servers on these hosts, of every project."""
        return self._living(lambda server: server.host in hosts) if hosts else []

    def of(self, flavor_id: str) -> list[Server]:
        """Give the servers of this flavor."""
        return self._living(lambda server: server.flavor.id == flavor_id)

    def _living(self, wanted: Callable[[Server], bool]) -> list[Server]:
        fleet = self._compute.fleet
        return [each for each in fleet.living(None) if wanted(each)]

    def delete(self, servers: Iterable[Server]) -> None:
        """Ask Nova to delete them, as an administrator: a lock is in nobody's way. What Nova refuses is passed over."""
        for server in servers:
            with suppress(Refused):
                self._compute.delete(self._token(self._user_id, "", ("admin", "service")), server.id)

    def hasten(self, servers: Iterable[Server], until: datetime) -> None:
        """Let those that are gone by then be gone now."""
        for server in servers:
            self._compute.tasks.hasten(server, until, self._now())

    def snapshot(self, servers: Iterable[Server], trust: Trust) -> None:
        """Ask Nova for an image of each."""
        who = self._token(trust.user_id, trust.project_id, trust.roles)
        for server in servers:
            self._compute.act(who, server.id, "createImage", {"name": f"reserved_{server.name}"})

    def _token(self, user_id: str, project_id: str, roles: tuple[str, ...]) -> Token:
        now = self._now()
        return Token(
            id="",
            user_id=user_id,
            project_id=project_id,
            roles=roles,
            methods=("password",),
            issued=now,
            expires=now + timedelta(hours=1),
        )

    # ------------------------------------------------------------ flavors

    def flavor(self, flavor_id: str, project_id: str) -> Flavor:
        """Give a flavor, if people of this project see it.

        Raises:
            Refused: 404, in Nova's words: the exception of its client has the name of one of Blazar's.
        """
        try:
            return self._compute.flavor(flavor_id, project_id)
        except Refused as refused:
            words = f"{refused.words} (HTTP 404) (Request-ID: req-{self._fresh()})"
            raise refusals.No(404, words, own=False) from None

    def make_flavor(self, reservation_id: str, like: Flavor, extra_specs: Mapping[str, str]) -> None:
        """Make the private flavor of a reservation. Source: instance_plugin.py, _create_flavor."""
        name = reservation_id.upper().replace("-", "_")
        self._compute.flavors[reservation_id] = Flavor(
            id=reservation_id,
            name=f"reservation:{reservation_id}",
            vcpus=like.vcpus,
            ram=like.ram,
            disk=like.disk,
            is_public=False,
            extra_specs={
                **extra_specs,
                "aggregate_instance_extra_specs:reservation": reservation_id,
                f"resources:CUSTOM_RESERVATION_{name}": "1",
            },
        )

    def share_flavor(self, reservation_id: str, projects: tuple[str, ...]) -> None:
        """Let these projects alone use it, if it is still there."""
        found = self._compute.flavors.get(reservation_id)
        if found is not None:
            self._compute.flavors[reservation_id] = dataclasses.replace(found, projects=projects)

    def remove_flavor(self, reservation_id: str) -> None:
        """Take it away."""
        self._compute.flavors.pop(reservation_id, None)
