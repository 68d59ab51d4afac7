"""Glance: images, to whom they show, and who may change them.

Source: Glance's API reference v2; glance/policies/image.py; nova/compute/utils.py (create_image).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service

_VISIBILITIES = frozenset({"public", "private", "shared", "community"})
_OWN = frozenset({"name", "visibility", "owner", "protected", "tags", "min_disk", "min_ram"})


@dataclass(slots=True, kw_only=True, eq=False)
class Image:
    """One image; `members` are projects that it is shared with, and whether each accepted."""

    id: str
    name: str
    owner: str
    created: datetime
    updated: datetime
    number: int
    status: str = "queued"
    visibility: str = "shared"
    protected: bool = False
    size: int | None = None
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)


class Images:
    """Glance's core."""

    def __init__(self, now: Callable[[], datetime], fresh: Callable[[], str]) -> None:
        self.images: dict[str, Image] = {}
        self._now = now
        self._fresh = fresh
        self._number = 0

    def make(self, owner: str, name: str, properties: Mapping[str, str], **more: Any) -> Image:  # noqa: ANN401 (fields)
        """Make an image."""
        self._number += 1
        now = self._now()
        made = Image(
            id=self._fresh(),
            name=name,
            owner=owner,
            created=now,
            updated=now,
            number=self._number,
            properties=dict(properties),
            **more,
        )
        self.images[made.id] = made
        return made

    def comes_to(self, image_id: str | None, status: str, at: datetime) -> None:
        """Let an image that is still there have this status."""
        image = self.images.get(image_id or "")
        if image is not None:
            image.status = status
            image.updated = at
            image.size = 8 if status == "active" else image.size

    def remove(self, image_id: str | None) -> None:
        """Delete an image, if it is there."""
        self.images.pop(image_id or "", None)

    # ------------------------------------------------------------ asked for by a token

    def get(self, who: Token, image_id: str) -> Image:
        """Give an image that shows to this token."""
        image = self.images.get(image_id)
        if image is None or not self._shows(who, image):
            raise missing(image_id)
        return image

    def listed(self, who: Token, query: Mapping[str, str]) -> Iterator[Image]:
        """Give the images that show in this token's list, newest first; any other key of the query is a property."""
        wanted = {key: value for key, value in query.items() if key not in {"limit", "marker", "sort", "member_status"}}
        for image in sorted(self.images.values(), key=lambda each: (each.created, each.number), reverse=True):
            if self._in_list(who, image, wanted) and all(_field(image, key) == value for key, value in wanted.items()):
                yield image

    def delete(self, who: Token, image_id: str) -> None:
        """Delete an image."""
        image = self.get(who, image_id)
        self._owned(who, image, "delete")
        if image.protected:
            words = f"Image {image_id} is protected and cannot be deleted."
            raise Refused(Service.GLANCE, 403, words)
        del self.images[image_id]

    def patch(self, who: Token, image_id: str, changes: list[Mapping[str, Any]]) -> Image:
        """Do `add`, `replace` and `remove` of an openstack-images-v2.1-json-patch."""
        image = self.get(who, image_id)
        self._owned(who, image, "modify")
        for change in changes:
            key = str(change["path"]).removeprefix("/")
            if change["op"] == "remove":
                image.properties.pop(key, None)
            elif key in _OWN:
                self._set(who, image, key, change["value"])
            else:
                image.properties[key] = str(change["value"])
        image.updated = self._now()
        return image

    def _set(self, who: Token, image: Image, key: str, value: Any) -> None:  # noqa: ANN401 (JSON)
        if not who.admin and (key == "owner" or (key == "visibility" and value == "public")):
            raise _forbidden()
        if key == "visibility" and value not in _VISIBILITIES:
            raise Refused(Service.GLANCE, 400, f"Invalid image visibility value: {value}")
        setattr(image, key, tuple(value) if key == "tags" else value)

    def _owned(self, who: Token, image: Image, verb: str) -> None:
        del verb
        if not who.admin and image.owner != who.project_id:
            raise _forbidden()

    def _shows(self, who: Token, image: Image) -> bool:
        if who.admin or image.owner == who.project_id or image.visibility in {"public", "community"}:
            return True
        return image.visibility == "shared" and who.project_id in image.members

    def _in_list(self, who: Token, image: Image, wanted: Mapping[str, str]) -> bool:
        if who.admin or image.owner == who.project_id or image.visibility == "public":
            return True
        if image.visibility == "community":
            return wanted.get("visibility") == "community"
        return image.visibility == "shared" and image.members.get(who.project_id or "") == "accepted"


def _field(image: Image, key: str) -> str | None:
    own = {
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "owner": image.owner,
        "visibility": image.visibility,
    }
    return own.get(key, image.properties.get(key))


def missing(image_id: str) -> Refused:
    """Give Glance's 404."""
    return Refused(Service.GLANCE, 404, f"Failed to find image {image_id}")


def _forbidden() -> Refused:
    return Refused(Service.GLANCE, 403, "You are not authorized to complete this action.")
