"""Servers that a test or a demonstration puts into the world: what follows from what is said, and what cannot be.

What Nova itself makes goes another way, from BUILD on.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from lessor.simulated.cloud import states
from lessor.simulated.cloud.server import Flavor, ImpossibleWorld, Server, check


class Given(TypedDict, total=False):
    """What may be said of a server; all else follows from its vm_state."""

    server_id: str
    flavor: str
    image: str | None
    created: datetime
    launched: datetime | None
    vm_state: str
    task_state: str | None
    power_state: int
    status: str
    locked_by: str | None
    locked_reason: str | None
    metadata: Mapping[str, str]
    tags: tuple[str, ...]
    description: str | None
    cell: str
    fault: str | None
    undeletable: bool
    host: str
    reservation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is in the cloud, by id; `usual_image` is that of a server of which no other is named."""

    flavors: Mapping[str, Flavor]
    images: Collection[str]
    usual_image: str
    projects: Collection[str]
    users: Collection[str]


def born(base: Server, given: Given, known: Known, now: datetime) -> Server:
    """Give the server of these ids and this name as it is said to be.

    Raises:
        ImpossibleWorld: no real cloud can have it.
    """
    created = given.get("created", now).replace(microsecond=0)
    told: Given = {"image": known.usual_image, "created": created, "vm_state": "active", **given}
    if created > now:
        raise _impossible(base, "it was created after now")
    return changed(dataclasses.replace(base, created=created, updated=created), told, known, created)


def changed(server: Server, given: Given, known: Known, now: datetime) -> Server:
    """Give a copy of the server with what is said of it, and what follows from that.

    Raises:
        ImpossibleWorld: no real cloud can have it.
    """
    follows = _of_vm_state(server, given, now) if "vm_state" in given else {}
    copy = dataclasses.replace(server, **{**follows, **_plain(server, given, known)}, updated=now, encoded=None)
    task = given.get("task_state")
    copy.steps = states.under_way(copy.vm_state, task) if task is not None else copy.steps
    if "status" in given and given["status"] != copy.status:
        raise _impossible(
            server,
            f"with the vm_state {copy.vm_state} and the task_state {task} Nova shows {copy.status}, "
            f"not {given['status']}",
        )
    check(copy, known.projects, known.users)
    return copy


def _of_vm_state(server: Server, given: Given, now: datetime) -> dict[str, Any]:
    """Give what a vm_state brings with it: where nothing else is said, its usual power_state, a host, no task.

    A server that is shelved no more has no image of that time.
    """
    vm_state = given["vm_state"]
    if vm_state not in states.STATUS:
        raise _impossible(server, f"Nova has no vm_state {vm_state}")
    over = vm_state == "deleted"
    return {
        "power_state": states.POWER[vm_state][0],
        "launched": None if vm_state == "building" else server.launched or server.created,
        "terminated": now if over else None,
        "host": None if over or vm_state in states.HOSTLESS else "host-1",
        "task_state": None,
        "steps": (),
        "shelved_image_id": server.shelved_image_id if vm_state in {"shelved", "shelved_offloaded"} else None,
    }


def _plain(server: Server, given: Given, known: Known) -> dict[str, Any]:
    """Give the fields that are said by their own names; flavors and images are there."""
    fields: dict[str, Any] = {
        key: value for key, value in given.items() if key not in {"server_id", "flavor", "image", "status"}
    }
    if "metadata" in given:
        fields["metadata"] = dict(given["metadata"])
    if "flavor" in given:
        if given["flavor"] not in known.flavors:
            raise _impossible(server, f"there is no flavor {given['flavor']}")
        fields["flavor"] = known.flavors[given["flavor"]]
    if "image" in given:
        if given["image"] is not None and given["image"] not in known.images:
            raise _impossible(server, f"there is no image {given['image']}")
        fields["image_id"] = given["image"]
    if "created" in given:
        fields["created"] = given["created"].replace(microsecond=0)
    return fields


def _impossible(server: Server, sentence: str) -> ImpossibleWorld:
    return ImpossibleWorld(f"The server {server.name} ({server.id}) cannot be: {sentence}.")
