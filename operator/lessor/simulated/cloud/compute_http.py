"""Nova over HTTP: version 2.1 with microversions up to 2.104; records as 2.73 has them.

Source: the Compute API reference; nova/api/openstack.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from lessor.simulated.cloud import exchange, records
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route, lying
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service, bad

PREFIX = "/compute"
_OLDEST, _NEWEST = 1, 104
_VERSION = re.compile(r"2\.([0-9]{1,4})")
_DOWN_CELLS = 69  # the microversion from which unreachable servers are shown
_IMAGE_ID = 45
_PAGING = frozenset({"limit", "marker"})


class ComputeApi:
    """The requests that Nova answers."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._nova = core.compute

    def routes(self) -> list[Route]:
        """Give them all."""
        table: list[exchange.Line] = [
            ("GET", "", "nova.versions", self._versions, True),
            ("GET", "/", "nova.versions", self._versions, True),
            ("GET", "/v2.1", "nova.version", self._version, True),
            ("GET", "/v2.1/", "nova.version", self._version, True),
            ("POST", "/v2.1/servers", "servers.create", self._boot, False),
            ("GET", "/v2.1/servers", "servers.probe", self._index, False),
            ("GET", "/v2.1/servers/detail", "servers.list", self._detail, False),
            ("GET", "/v2.1/servers/{id}", "servers.get", self._get, False),
            ("PUT", "/v2.1/servers/{id}", "servers.update", self._update, False),
            ("DELETE", "/v2.1/servers/{id}", "servers.delete", self._delete, False),
            ("POST", "/v2.1/servers/{id}/action", "", self._act, False),
            ("GET", "/v2.1/servers/{id}/metadata", "servers.metadata.list", self._metadata, False),
            ("POST", "/v2.1/servers/{id}/metadata", "servers.metadata.update", self._merge, False),
            ("PUT", "/v2.1/servers/{id}/metadata", "servers.metadata.replace", self._replace, False),
            ("GET", "/v2.1/servers/{id}/metadata/{key}", "servers.metadata.get", self._item, False),
            ("PUT", "/v2.1/servers/{id}/metadata/{key}", "servers.metadata.set", self._set, False),
            ("DELETE", "/v2.1/servers/{id}/metadata/{key}", "servers.metadata.delete", self._remove, False),
            ("GET", "/v2.1/servers/{id}/tags", "servers.tags.list", self._tags, False),
            ("PUT", "/v2.1/servers/{id}/tags", "servers.tags.replace", self._replace_tags, False),
            ("DELETE", "/v2.1/servers/{id}/tags", "servers.tags.clear", self._clear_tags, False),
            ("PUT", "/v2.1/servers/{id}/tags/{key}", "servers.tags.add", self._add_tag, False),
            ("DELETE", "/v2.1/servers/{id}/tags/{key}", "servers.tags.delete", self._remove_tag, False),
            ("GET", "/v2.1/servers/{id}/os-instance-actions", "servers.actions.list", self._entries, False),
            ("GET", "/v2.1/servers/{id}/os-instance-actions/{key}", "servers.actions.get", self._entry, False),
            ("GET", "/v2.1/flavors", "flavors.list", self._flavors, False),
            ("GET", "/v2.1/flavors/detail", "flavors.list", self._flavors, False),
            ("GET", "/v2.1/flavors/{id}", "flavors.get", self._flavor, False),
        ]
        return exchange.routes(
            Service.NOVA,
            PREFIX,
            (
                (method, path, operation, handle if is_open else self._versioned(handle), is_open)
                for method, path, operation, handle, is_open in table
            ),
        )

    def _versioned(self, handle: Callable[[Asked, Token], Reply]) -> Callable[[Asked, Token], Reply]:
        """Say in each answer which microversion it is of; in that to one which is not served, none."""

        def handled(asked: Asked, who: Token) -> Reply:
            said = _said(_minor(asked))
            try:
                reply = handle(asked, who)
            except Refused as refused:
                raise Refused(refused.service, refused.code, refused.words, {**said, **refused.headers}) from None
            return Reply(code=reply.code, body=reply.body, headers={**said, **reply.headers})

        return handled

    # ------------------------------------------------------------ versions

    def _versions(self, asked: Asked, _: Token) -> Reply:
        return Reply(body={"versions": [_v21(asked)]})

    def _version(self, asked: Asked, _: Token) -> Reply:
        return Reply(body={"version": _v21(asked)})

    # ------------------------------------------------------------ servers

    def _boot(self, asked: Asked, who: Token) -> Reply:
        wanted = asked.body["server"]
        made = self._core.start_boot(who, wanted, asked.body.get("os:scheduler_hints") or {})
        shown = {
            "id": made.id,
            "links": records.links(made.id),
            "OS-DCF:diskConfig": "MANUAL",
            "security_groups": [{"name": "default"}],
            "adminPass": "not-a-secret",
        }
        return Reply(code=202, body={"server": shown}, headers={"Location": f"{asked.url}/{made.id}"})

    def _index(self, asked: Asked, who: Token) -> Reply:
        page = lying(self._nova.page(who, asked.query, "index"), asked.fault)
        body: dict[str, Any] = {"servers": [records.brief(server) for server in page.servers]}
        if page.full:
            body["servers_links"] = [_next(asked, page.servers[-1].id)]
        return Reply(body=body)

    def _detail(self, asked: Asked, who: Token) -> Reply:
        """A page; members' records at 2.73 and above are joined as they were encoded."""
        page, minor = lying(self._nova.page(who, asked.query, "detail"), asked.fault), _minor(asked)
        if who.admin or minor < records.LATEST or self._nova.cells_down:
            body: dict[str, Any] = {
                "servers": [records.server(server, admin=who.admin, minor=minor) for server in page.servers]
                + self._unreachable(asked, who, minor)
            }
            if page.full:
                body["servers_links"] = [_next(asked, page.servers[-1].id)]
            return Reply(body=body)
        parts = [b'{"servers":[', b",".join([records.encoded(server) for server in page.servers]), b"]"]
        if page.full:
            parts += [b',"servers_links":[', Reply(body=_next(asked, page.servers[-1].id)).content, b"]"]
        return Reply(body=b"".join((*parts, b"}")))

    def _unreachable(self, asked: Asked, who: Token, minor: int) -> list[records.Record]:
        """Servers of cells that are down show in a list without paging and filters only."""
        if minor < _DOWN_CELLS or set(asked.query) - {"all_tenants"} or asked.fault is not None:
            return []
        everywhere = who.admin and "all_tenants" in asked.query
        servers = self._nova.fleet.living(None if everywhere else who.project_id)
        return [records.unreachable(each, listed=True) for each in servers if each.cell in self._nova.cells_down]

    def _get(self, asked: Asked, who: Token) -> Reply:
        minor = _minor(asked)
        server = self._nova.get(who, asked.id) if minor >= _DOWN_CELLS else self._nova.reachable(who, asked.id)
        if server.cell in self._nova.cells_down:
            return Reply(body={"server": records.unreachable(server, listed=False)})
        return Reply(body={"server": records.one(server, admin=who.admin, minor=minor)})

    def _update(self, asked: Asked, who: Token) -> Reply:
        server = self._nova.rename(who, asked.id, asked.body["server"])
        return Reply(body={"server": records.one(server, admin=who.admin, minor=_minor(asked))})

    def _delete(self, asked: Asked, who: Token) -> Reply:
        self._nova.delete(who, asked.id)
        return Reply(code=204)

    def _act(self, asked: Asked, who: Token) -> Reply:
        name, value = next(iter(asked.body.items()))
        server = self._nova.act(who, asked.id, name, value)
        if name == "createImage":
            image_id = server.task_image_id
            if _minor(asked) >= _IMAGE_ID:
                return Reply(code=202, body={"image_id": image_id})
            return Reply(code=202, headers={"Location": f"{asked.root}/image/v2/images/{image_id}"})
        if name == "rescue":
            return Reply(body={"adminPass": "not-a-secret"})
        return Reply(code=204 if name == "confirmResize" else 202)

    # ------------------------------------------------------------ metadata and tags

    def _metadata(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"metadata": self._nova.reachable(who, asked.id).metadata})

    def _merge(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"metadata": self._nova.write_metadata(who, asked.id, asked.body["metadata"]).metadata})

    def _replace(self, asked: Asked, who: Token) -> Reply:
        server = self._nova.write_metadata(who, asked.id, asked.body["metadata"], anew=True)
        return Reply(body={"metadata": server.metadata})

    def _item(self, asked: Asked, who: Token) -> Reply:
        key, metadata = asked.parts["key"], self._nova.reachable(who, asked.id).metadata
        if key not in metadata:
            raise Refused(Service.NOVA, 404, "Metadata item was not found")
        return Reply(body={"meta": {key: metadata[key]}})

    def _set(self, asked: Asked, who: Token) -> Reply:
        key, item = asked.parts["key"], asked.body["meta"]
        if key not in item:
            raise bad("Request body and URI mismatch")
        self._nova.write_metadata(who, asked.id, item)
        return Reply(body={"meta": item})

    def _remove(self, asked: Asked, who: Token) -> Reply:
        self._nova.remove_metadata(who, asked.id, asked.parts["key"])
        return Reply(code=204)

    def _tags(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"tags": list(self._nova.reachable(who, asked.id).tags)})

    def _replace_tags(self, asked: Asked, who: Token) -> Reply:
        server = self._nova.write_tags(who, asked.id, tuple(asked.body["tags"]), "update tags")
        return Reply(body={"tags": list(server.tags)})

    def _clear_tags(self, asked: Asked, who: Token) -> Reply:
        self._nova.write_tags(who, asked.id, (), "delete tags")
        return Reply(code=204)

    def _add_tag(self, asked: Asked, who: Token) -> Reply:
        tag, have = asked.parts["key"], self._nova.reachable(who, asked.id).tags
        self._nova.write_tags(who, asked.id, (*have, tag), "update tag")
        return Reply(code=204 if tag in have else 201)

    def _remove_tag(self, asked: Asked, who: Token) -> Reply:
        tag, have = asked.parts["key"], self._nova.reachable(who, asked.id).tags
        if tag not in have:
            raise Refused(Service.NOVA, 404, f"Server {asked.id} has no tag '{tag}'")
        self._nova.write_tags(who, asked.id, tuple(each for each in have if each != tag), "delete tag")
        return Reply(code=204)

    # ------------------------------------------------------------ who did what; flavors

    def _entries(self, asked: Asked, who: Token) -> Reply:
        server, entries = self._nova.entries(who, asked.id)
        return Reply(body={"instanceActions": [records.entry(entry, server.id) for entry in entries]})

    def _entry(self, asked: Asked, who: Token) -> Reply:
        server, entries = self._nova.entries(who, asked.id)
        for entry in entries:
            if entry.request_id == asked.parts["key"]:
                return Reply(body={"instanceAction": records.entry(entry, server.id) | {"events": []}})
        raise Refused(Service.NOVA, 404, f"Action {asked.parts['key']} not found")

    def _flavors(self, _: Asked, who: Token) -> Reply:
        return Reply(body={"flavors": [records.flavor(flavor) for flavor in self._nova.listed_flavors(who)]})

    def _flavor(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"flavor": records.flavor(self._nova.flavor(asked.id, who.project_id, admin=who.admin))})


def _v21(asked: Asked) -> Mapping[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": f"2.{_NEWEST}",
        "min_version": f"2.{_OLDEST}",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{asked.root}{PREFIX}/v2.1/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}],
    }


def _next(asked: Asked, marker: str) -> records.Record:
    query = urlencode({**asked.query, "marker": marker})
    return {"rel": "next", "href": f"{asked.url}?{query}"}


def _minor(asked: Asked) -> int:
    """Give the microversion that was asked for; none asked for is the oldest.

    Raises:
        Refused: it is not served.
    """
    text = _asked_version(asked.headers)
    if text is None:
        return _OLDEST
    if text == "latest":
        return _NEWEST
    match = _VERSION.fullmatch(text)
    if match is None:
        raise bad(f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.")
    minor = int(match[1])
    if not _OLDEST <= minor <= _NEWEST:
        raise Refused(
            Service.NOVA,
            406,
            f"Version {text} is not supported by the API. Minimum is 2.{_OLDEST} and maximum is 2.{_NEWEST}.",
        )
    return minor


def _asked_version(headers: Mapping[str, str]) -> str | None:
    for part in headers.get("openstack-api-version", "").split(","):
        service, _, version = part.strip().partition(" ")
        if service == "compute":
            return version.strip()
    return headers.get("x-openstack-nova-api-version")


def _said(minor: int) -> Mapping[str, str]:
    return {
        "OpenStack-API-Version": f"compute 2.{minor}",
        "X-OpenStack-Nova-API-Version": f"2.{minor}",
        "Vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
    }
