"""Both faces are one cloud: the live adapters over HTTP see and are told what the port in the process is.

Two worlds of the same seed live through the same story, one asked by each face; every answer, every error with its
sentence, and the list of requests at the end must be the same.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lessor.live.nova import Nova
from lessor.ports import cloud as errors
from lessor.simulated.cloud.port import Port
from lessor.simulated.faults import Fault, What
from tests.simulated.cloud.served import START, World, connect, serving

Face = Port | Nova
NAMES = ("db-1", "db-2", "db.3")
STATES = ("active", "stopped", "paused", "suspended", "shelved_offloaded", "rescued", "resized", "error", "building")
ASKS: dict[str, Callable[[Face, str], Any]] = {
    "server": lambda face, server_id: face.server(server_id),
    "named": lambda face, _: [face.servers_named(name) for name in (*NAMES, "db.")],
    "pages": lambda face, _: list(face.pages(None)),
    "changes": lambda face, _: list(face.pages(START + timedelta(seconds=2))),
    "events": lambda face, server_id: face.events(server_id),
    "image": lambda face, server_id: face.stage_image(server_id, "stage-1"),
    "stop": lambda face, server_id: face.stop(server_id),
    "start": lambda face, server_id: face.start(server_id),
    "lock": lambda face, server_id: face.lock(server_id, "because"),
    "unlock": lambda face, server_id: face.unlock(server_id),
    "shelve": lambda face, server_id: face.shelve(server_id),
    "unshelve": lambda face, server_id: face.unshelve(server_id),
    "snapshot": lambda face, server_id: face.snapshot(server_id, "kept", "stage-1"),
    "delete": lambda face, server_id: face.delete(server_id),
    "write": lambda face, server_id: face.write_metadata(server_id, {"lessor_mark": "m", "ü": "bad"}),
    "mark": lambda face, server_id: face.write_metadata(server_id, {"lessor_mark": "m"}),
    "unmark": lambda face, server_id: face.remove_metadata(server_id, "lessor_mark"),
    "sweep": lambda face, server_id: [face.sweep_shelved_image(server_id, name) for name in NAMES],
    "probe": lambda face, _: face.probe(),
}
FAULTS = {
    "401": Fault(what=What.REFUSE, code=401, message="Who are you?"),
    "403": Fault(what=What.REFUSE, code=403, message="Quota exceeded for cores"),
    "409": Fault(what=What.REFUSE, code=409, message="A conflict of another kind"),
    "500": Fault(what=What.REFUSE, code=500, message="Unexpected <b>API</b> Error"),
    "503": Fault(what=What.REFUSE, code=503, message="Service\nUnavailable"),
    "before": Fault(what=What.CUT_BEFORE),
    "after": Fault(what=What.CUT_AFTER),
    "less": Fault(what=What.TRUNCATE),
    "none": Fault(what=What.EMPTY),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a story: what happens before, and what is asked of which server."""

    before: str
    ask: str
    server: int


TURNS = st.lists(
    st.builds(
        Turn,
        st.sampled_from(["", "", "", "step", "minute", "admin lock", "owner lock", "disable", "cell", "full", *FAULTS]),
        st.sampled_from(sorted(ASKS)),
        st.integers(0, 4),
    ),
    min_size=4,
    max_size=14,
)


def _founded(states: tuple[str, ...]) -> tuple[World, list[str]]:
    world = World(seed=3)
    ids = [
        world.cloud.boot(world.team, world.alice, name, vm_state=vm_state, cell=f"cell{place}").id
        for place, (name, vm_state) in enumerate(zip(NAMES, states, strict=True))
    ]
    ids.append(world.cloud.boot(world.other, world.bob, "foreign").id)
    return world, [*ids, "none"]


def _happens(world: World, before: str, server_id: str) -> None:
    root, alice = world.cloud.as_user(world.root, world.admins), world.alice
    match before:
        case "step":
            soonest = world.cloud.next_transition()
            world.clock.jump(soonest if soonest is not None else world.clock.now())
        case "minute":
            world.pass_(60)
        case "admin lock":
            with contextlib.suppress(errors.CloudError):
                root.lock(server_id, "held")
        case "owner lock":
            with contextlib.suppress(errors.CloudError):
                world.cloud.as_user(world.anna, world.team).lock(server_id, "ours")
        case "disable":
            alice.enabled = not alice.enabled
        case "cell":
            world.cloud.compute.cells_down ^= {"cell1"}
        case "full":
            world.cloud.compute.tasks.full = not world.cloud.compute.tasks.full
    if before in FAULTS:
        world.faults.add("", FAULTS[before])


def _told(world: World, face: Face, turn: Turn, ids: list[str]) -> tuple[object, ...]:
    """Give what the face answers, or its error, its sentence and its pause."""
    _happens(world, turn.before, ids[turn.server])
    try:
        return ("answered", ASKS[turn.ask](face, ids[turn.server]))
    except errors.CloudError as error:
        return type(error), str(error), getattr(error, "retry_after", None)


@given(states=st.tuples(*[st.sampled_from(STATES)] * 3), story=TURNS, admin=st.booleans())
@settings(max_examples=60)
def test_both_faces_tell_the_same(states: tuple[str, ...], story: list[Turn], admin: bool) -> None:
    inside, ids = _founded(states)
    outside, _ = _founded(states)
    user, project = ("root", "admins") if admin else ("alice", "team")
    port = inside.cloud.as_user(getattr(inside, user), getattr(inside, project))
    with serving(outside.cloud) as url:
        adapters = connect(outside, url, getattr(outside, user), getattr(outside, project))
        for turn in story:
            assert _told(inside, port, turn, ids) == _told(outside, adapters, turn, ids)
    assert inside.lines() == outside.lines()
    assert port.identity.project_id == adapters.identity.project_id
    assert (port.identity.user_id, port.identity.region) == (adapters.identity.user_id, adapters.identity.region)
