"""Recorded lives for the kill tests, and what of a world must be the same whatever was cut."""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lessor.model import names, wire
from lessor.model.times import Duration
from tests.passes.knife import Knife
from tests.passes.world import SERVER, START, World

Life = Callable[[Knife], World]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d{8}T\d{6}Z")
_DURATION = re.compile(r"\b(\d+[wdhms])+\b")
HARM = ("stop", "shelve", "snapshot", "delete", "lock")
STAGES = {
    "stop": [{"after": "0s", "action": "Stop", "lock": True}],
    "snapshot": [{"after": "0s", "action": "Stop", "lock": True}, {"after": "1d", "action": "Snapshot"}],
    "shelve": [{"after": "0s", "action": "Shelve", "lock": True}, {"after": "2d", "action": "Delete"}],
    "all": [
        {"after": "0s", "action": "Stop", "lock": True},
        {"after": "1d", "action": "Snapshot"},
        {"after": "2d", "action": "Shelve"},
        {"after": "9d", "action": "Delete"},
    ],
}


def born(knife: Knife, stages: str = "stop", server: dict[str, Any] | None = None, **spec: Any) -> World:
    world = World()
    world.nova.knife = knife
    world.nova.boot(**(server or {}))
    world.declare(duration="10d", expiry={"stages": STAGES[stages]}, **spec)
    return world.turn()


def stop(knife: Knife) -> World:
    return born(knife).after(days=11)


def stop_by_name(knife: Knife) -> World:
    return born(knife, server={"name": "db-1"}).after(days=11)


def snapshot(knife: Knife) -> World:
    return born(knife, "snapshot").after(days=12)


def slow_snapshot(knife: Knife) -> World:
    world = born(knife, "snapshot")
    world.nova.instant = False
    world.nova.tasks.durations["image_uploading"] = None
    world.after(days=11, minutes=1)
    if world.nova.images:
        world.nova.imaged()
    world.after(days=11, hours=1)
    if world.nova.images:
        world.nova.imaged()
    return world.after(days=12)


def shelve_and_delete(knife: Knife) -> World:
    return born(knife, "shelve").after(days=13)


def slow_shelve_and_delete(knife: Knife) -> World:
    world = born(knife, "shelve")
    world.nova.instant = False
    return world.after(days=13)


def all_stages(knife: Knife) -> World:
    return born(knife, "all").after(days=20)


def renewed_before_the_end(knife: Knife) -> World:
    world = born(knife).after(days=8)
    world.ask("more", "5d")
    return world.after(days=16)


def renewed_after_stop(knife: Knife) -> World:
    world = born(knife).after(days=10, hours=1)
    world.ask("more", "5d")
    return world.after(days=12)


def slowly_renewed_after_stop(knife: Knife) -> World:
    world = born(knife)
    world.nova.instant = False
    world.after(days=10, hours=1)
    world.ask("more", "5d")
    return world.after(days=12)


def renewed_after_shelve_of_a_stopped_server(knife: Knife) -> World:
    world = born(knife, "shelve", {"vm_state": "stopped"}).after(days=10, hours=1)
    world.ask("more", "5d")
    return world.after(days=12)


def renewed_between_claim_and_list(knife: Knife) -> World:
    world = born(knife).after(days=9, hours=23)
    world.ask("more", "5d", hidden=True)
    return world.after(days=11)


def released(knife: Knife) -> World:
    world = born(knife).after(days=10, hours=1)
    world.remove()
    return world.after(days=11)


def released_young(knife: Knife) -> World:
    world = born(knife)
    world.remove()
    return world.after(days=1)


def deleted_with_its_server(knife: Knife) -> World:
    world = born(knife, onDelete="Delete").after(days=10, hours=1)
    world.remove()
    return world.after(days=11)


def slowly_deleted_with_its_server(knife: Knife) -> World:
    world = born(knife, onDelete="Delete").after(days=10, hours=1)
    world.nova.instant = False
    world.remove()
    return world.after(days=11)


LIVES: tuple[Life, ...] = (
    stop,
    stop_by_name,
    snapshot,
    slow_snapshot,
    shelve_and_delete,
    slow_shelve_and_delete,
    all_stages,
    renewed_before_the_end,
    renewed_after_stop,
    slowly_renewed_after_stop,
    renewed_after_shelve_of_a_stopped_server,
    released,
    released_young,
    deleted_with_its_server,
    slowly_deleted_with_its_server,
)


# ---------------------------------------------------------------- what must be the same


def outcome(world: World) -> dict[str, Any]:
    """The world but for its times: servers, images, the lease, the requests, and how often each harm was done."""
    server = world.nova.servers.get(SERVER)
    lease = world.lease
    return {
        "server": None if server is None else _server(world),
        "images": _timeless([(stage, image.name, image.status) for stage, image in world.nova.images]),
        "shelved images": list(world.nova.shelved_images),
        "finalizers": None if lease is None else lease.metadata.finalizers,
        "harms": Counter(call for _, call in world.nova.done if call in HARM),
        "status": None if lease is None else _timeless(wire.to_builtins(lease.status)),
        "requests": [
            _timeless([wire.to_builtins(r.status), wire.to_builtins(r.metadata.owner_references)])
            for r in world.requests.values()
        ],
    }


def first_harms(world: World) -> dict[str, datetime]:
    """When each harm was done first."""
    return {call: at for at, call in reversed(world.nova.done) if call in HARM}


def _server(world: World) -> dict[str, Any]:
    server, mark = world.server, world.mark
    sealed = None
    if mark is not None:
        sealed = (mark.object, mark.server, mark.count, _timeless(Duration.of(mark.extended).text))
    known = msgspec.to_builtins(server)
    known["metadata"] = {key: sealed if key == names.MARK_KEY else "..." for key in server.metadata or {}}
    return _timeless(known)  # type: ignore[no-any-return]


def _timeless(value: Any) -> Any:
    """Take the instants out, and round the durations to hours: a restart takes its time."""
    text = _INSTANT.sub("T", json.dumps(value, sort_keys=True))
    return json.loads(_DURATION.sub(lambda match: _rounded(match.group()), text))


def _rounded(text: str) -> str:
    hours = round(Duration(text).delta / timedelta(hours=1))
    return f"{hours} hours"


__all__ = ["LIVES", "START", "Life", "first_harms", "outcome"]
