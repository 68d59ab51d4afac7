"""Nova and Glance as raw JSON, microversion 2.73, by the token of the server's own project.

Source: the Compute API reference; facts of behaviour stand at the methods.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from lessor.live.blazar import Blazar
from lessor.live.sending import Sender, decoded
from lessor.live.services import GLANCE, NOVA
from lessor.model import names
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from lessor.ports import cloud
from lessor.ports.reservations import Reservations

_PAGE = 500
_MOST_PAGES = 1000
_NAME_MOST = 255


class _One(msgspec.Struct):
    server: ObservedServer


class _Link(msgspec.Struct):
    rel: str
    href: str = ""


class _Page(msgspec.Struct):
    servers: list[ObservedServer]
    servers_links: list[_Link] = []


class _Actions(msgspec.Struct):
    events: list[ServerEvent] = msgspec.field(name="instanceActions")


class _Image(msgspec.Struct):
    id: str
    status: str
    name: str | None = None
    instance_uuid: str | None = None


class _Images(msgspec.Struct):
    images: list[_Image]


class Nova:
    """One project of one cloud: `ports.cloud.ListedCloud`."""

    def __init__(self, session: Sender) -> None:
        self._session = session
        self._reservations = Blazar(session)

    @property
    def reservations(self) -> Reservations:
        """Blazar, as the same credentials see it."""
        return self._reservations

    @property
    def identity(self) -> CloudIdentity:
        """Who we are there."""
        return self._session.identity

    # ------------------------------------------------------------ looking

    def probe(self) -> None:
        """Ask for one server's name."""
        self._session.send(NOVA, "servers.probe", "GET", "/servers?limit=1")

    def server(self, server_id: str) -> ObservedServer | None:
        """Read one server. None: 404, which a foreign project's server gives as well."""
        try:
            data = self._session.send(NOVA, "servers.get", "GET", f"/servers/{quote(server_id, safe='')}")
        except cloud.NotFound:
            return None
        return decoded(data, _One).server

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        """Give the servers of exactly this name. Nova's filter is a regular expression of its database."""
        query = {"name": f"^{re.escape(name)}$"}
        found = {server.id: server for page in self._pages(query) for server in page if server.name == name}
        return tuple(found.values())

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        """List the project's servers page by page; with `changes_since` those that changed, deleted ones among them."""
        query = {}
        if changes_since is not None:
            query["changes-since"] = changes_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._pages(query)

    def _pages(self, query: dict[str, str]) -> Iterator[tuple[ObservedServer, ...]]:
        """Follow the markers: `servers_links` is there while a page is full, even when it is the last.

        Source: nova/api/openstack/common.py, get_links. A marker that was archived meanwhile is a 400: the list is
        begun anew at the next try.
        """
        asked: dict[str, str] = {**query, "limit": str(_PAGE)}
        markers: set[str] = set()
        for _ in range(_MOST_PAGES):
            try:
                data = self._session.send(NOVA, "servers.list", "GET", f"/servers/detail?{urlencode(asked)}")
            except cloud.RequestRefused as error:
                if "marker" not in asked:
                    raise
                raise cloud.CloudUnavailable(f"The list changed while it was read: {error}") from error
            page = decoded(data, _Page)
            yield tuple(page.servers)
            if not page.servers or not any(link.rel == "next" for link in page.servers_links):
                return
            marker = page.servers[-1].id
            if marker in markers:
                break
            markers.add(marker)
            asked["marker"] = marker
        raise cloud.CloudUnavailable("The list of servers has no end.")

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        """Give the os-instance-actions, newest first."""
        path = f"/servers/{quote(server_id, safe='')}/os-instance-actions"
        try:
            data = self._session.send(NOVA, "servers.actions.list", "GET", path)
        except cloud.NotFound:
            return ()
        return tuple(sorted(decoded(data, _Actions).events, key=lambda event: event.start_time, reverse=True))

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        """Find the image of a stage: `lessor_stage` is one of its properties, which Glance filters by."""
        query = urlencode({names.STAGE_KEY: stage, "limit": "10"})
        data = self._session.send(GLANCE, "images.list", "GET", f"/images?{query}")
        images = [image for image in decoded(data, _Images).images if image.instance_uuid in {None, server_id}]
        best = next((image for image in images if image.status == "active"), images[0] if images else None)
        return None if best is None else ObservedImage(id=best.id, status=best.status, name=best.name)

    # ------------------------------------------------------------ acting

    def stop(self, server_id: str) -> None:
        """os-stop: 202, `powering-off` from then on; 409 in any vm_state but active, shutdown and error."""
        self._act(server_id, "os-stop", None)

    def start(self, server_id: str) -> None:
        """os-start."""
        self._act(server_id, "os-start", None)

    def lock(self, server_id: str, reason: str) -> None:
        """Lock; allowed in every vm_state."""
        self._act(server_id, "lock", {"locked_reason": reason})

    def unlock(self, server_id: str) -> None:
        """Unlock; an administrator's lock only by an administrator (403)."""
        self._act(server_id, "unlock", None)

    def shelve(self, server_id: str) -> None:
        """Shelve: makes the image `<name>-shelved`, then offloads."""
        self._act(server_id, "shelve", None)

    def unshelve(self, server_id: str) -> None:
        """Unshelve: 202 also when no host has room."""
        self._act(server_id, "unshelve", None)

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        """createImage: metadata becomes properties of the image, which Glance has before the answer."""
        body = {"name": name[:_NAME_MOST], "metadata": {names.STAGE_KEY: stage}}
        self._act(server_id, "createImage", body)

    def delete(self, server_id: str) -> None:
        """DELETE: 204, `deleting` from then on; a second one is 204 as well, and 404 once it is gone."""
        try:
            self._session.send(NOVA, "servers.delete", "DELETE", f"/servers/{quote(server_id, safe='')}")
        except cloud.NotFound:
            return

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        """Merge items into the metadata."""
        path = f"/servers/{quote(server_id, safe='')}/metadata"
        self._session.send(NOVA, "servers.metadata.update", "POST", path, {"metadata": items})

    def remove_metadata(self, server_id: str, key: str) -> None:
        """Take one item off the metadata."""
        path = f"/servers/{quote(server_id, safe='')}/metadata/{quote(key, safe='')}"
        try:
            self._session.send(NOVA, "servers.metadata.delete", "DELETE", path)
        except cloud.NotFound:
            return

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        """Delete the image that shelving made, where Nova left it behind: the one of this name that names this server.

        Source: nova/compute/utils.py, create_image: `instance_uuid` is a property of every snapshot.
        """
        shelved = f"{name}-shelved"
        query = urlencode({"name": shelved, "instance_uuid": server_id, "limit": "10"})
        data = self._session.send(GLANCE, "images.list", "GET", f"/images?{query}")
        for image in decoded(data, _Images).images:
            if image.instance_uuid == server_id and image.name == shelved:
                with suppress(cloud.NotFound):
                    self._session.send(GLANCE, "images.delete", "DELETE", f"/images/{quote(image.id, safe='')}")

    def _act(self, server_id: str, action: str, value: dict[str, Any] | None) -> None:
        self._session.send(NOVA, action, "POST", f"/servers/{quote(server_id, safe='')}/action", {action: value})
