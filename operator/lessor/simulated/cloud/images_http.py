"""Glance over HTTP: version 2.

Source: the Image API reference v2; glance/api/v2/images.py.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lessor.simulated.cloud import exchange, records
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route, shortened
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service

PREFIX = "/image"
_USUAL, _MOST = 25, 1000


class ImagesApi:
    """The requests that Glance answers."""

    def __init__(self, core: Core) -> None:
        self._images = core.images

    def routes(self) -> list[Route]:
        """Give them all."""
        table: list[exchange.Line] = [
            ("GET", "", "glance.versions", self._versions, True),
            ("GET", "/", "glance.versions", self._versions, True),
            ("GET", "/v2/images", "images.list", self._list, False),
            ("GET", "/v2/images/{id}", "images.get", self._get, False),
            ("PATCH", "/v2/images/{id}", "images.patch", self._patch, False),
            ("DELETE", "/v2/images/{id}", "images.delete", self._delete, False),
            ("GET", "/v2/images/{id}/members", "images.members.list", self._members, False),
            ("PUT", "/v2/images/{id}/members/{key}", "images.members.set", self._accept, False),
        ]
        return exchange.routes(Service.GLANCE, PREFIX, table)

    def _versions(self, asked: Asked, _: Token) -> Reply:
        links = [{"rel": "self", "href": f"{asked.root}{PREFIX}/v2/"}]
        versions = [{"id": "v2.17", "status": "CURRENT", "links": links}]
        return Reply(code=300, body={"versions": versions})

    def _list(self, asked: Asked, who: Token) -> Reply:
        """Source: glance/api/v2/images.py: `next` is there while a page is full."""
        query, found = asked.query, list(self._images.listed(who, asked.query))
        if "marker" in query:
            ids = [image.id for image in found]
            if query["marker"] not in ids:
                raise Refused(Service.GLANCE, 404, f"Invalid marker {query['marker']}")
            found = found[ids.index(query["marker"]) + 1 :]
        limit = min(int(query.get("limit", _USUAL)), _MOST)
        page = shortened(tuple(found[:limit]), asked.fault)
        body: dict[str, Any] = {
            "images": [records.image(image) for image in page],
            "first": _path(query, None),
            "schema": "/v2/schemas/images",
        }
        if len(page) == limit and limit:
            body["next"] = _path(query, page[-1].id)
        return Reply(body=body)

    def _get(self, asked: Asked, who: Token) -> Reply:
        return Reply(body=records.image(self._images.get(who, asked.id)))

    def _patch(self, asked: Asked, who: Token) -> Reply:
        return Reply(body=records.image(self._images.patch(who, asked.id, asked.body)))

    def _delete(self, asked: Asked, who: Token) -> Reply:
        self._images.delete(who, asked.id)
        return Reply(code=204)

    def _members(self, asked: Asked, who: Token) -> Reply:
        image = self._images.get(who, asked.id)
        shown = [{"image_id": image.id, "member_id": key, "status": value} for key, value in image.members.items()]
        return Reply(body={"members": shown, "schema": "/v2/schemas/members"})

    def _accept(self, asked: Asked, who: Token) -> Reply:
        """A member says of itself whether it accepts the image."""
        image, member = self._images.get(who, asked.id), asked.parts["key"]
        if member not in image.members or (who.project_id != member and not who.admin):
            raise Refused(Service.GLANCE, 404, f"Image member {member} not found")
        image.members[member] = str(asked.body["status"])
        return Reply(body={"image_id": image.id, "member_id": member, "status": image.members[member]})


def _path(query: Mapping[str, str], marker: str | None) -> str:
    left = {key: value for key, value in query.items() if key != "marker"}
    text = urlencode(left if marker is None else {**left, "marker": marker})
    return f"/v2/images?{text}" if text else "/v2/images"
