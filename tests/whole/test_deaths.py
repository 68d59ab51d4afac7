"""The operator dies at every request of a life, or the answer of one is lost: in the end all is as if nothing had been.

The same lives are killed on the real parts by tests/e2e/test_killed.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.whole.guard import Guard, How
from tests.whole.operator import START, Whole

TERM = timedelta(days=10)


@dataclass(frozen=True)
class Life:
    """What is declared, what a person does, what is done to the server, and how all must end."""

    name: str
    spec: dict[str, Any]
    person: Callable[[Whole], Awaitable[None]]
    done: tuple[str, ...]
    ends: Callable[[Whole], object]


async def _stopped(whole: Whole) -> None:
    await whole.after(days=11)
    assert whole.said("Enforced") == ("True", "Stopped")
    whole.remove()
    await whole.after(days=12)


async def _renewed(whole: Whole) -> None:
    await whole.after(days=11)
    assert whole.said("Enforced") == ("True", "Stopped")
    whole.renew("more", "30d")
    await whole.after(days=12)


async def _deleted(whole: Whole) -> None:
    await whole.after(days=14)


def _let_go(whole: Whole) -> object:
    server = whole.server
    return server.status, server.locked_by, dict(server.metadata), whole.lease


def _back(whole: Whole) -> object:
    assert whole.lease is not None
    status = whole.lease["status"]
    grants = [grant["name"] for grant in status["renewals"]["history"]]
    moved = status["expireTime"] == whole.server.metadata["lessor_expires"]
    return whole.server.status, whole.server.locked_by, grants, moved, whole.said("Ready")


def _nothing_left(whole: Whole) -> object:
    images = [image.status for image in whole.cloud.images.images.values() if "lessor_stage" in image.properties]
    return whole.server.vm_state, images, whole.said("Enforced")


LIVES = (
    Life("stopped", {}, _stopped, ("create", "stop", "lock", "unlock"), _let_go),
    Life("renewed", {}, _renewed, ("create", "stop", "lock", "unlock", "start"), _back),
    Life(
        "deleted",
        {
            "expiry": {
                "stages": [
                    {"after": "0s", "action": "Snapshot", "lock": True},
                    {"after": "3d", "action": "Delete"},
                ]
            }
        },
        _deleted,
        ("create", "createImage", "lock", "unlock", "delete"),
        _nothing_left,
    ),
)


async def lived(life: Life, guard: Guard) -> Whole:
    """Let the life be lived."""
    whole = Whole(guard)
    await whole.start()
    try:
        whole.declare(duration="10d", **life.spec)
        await life.person(whole)
        await whole.rest()
    finally:
        await whole.kill()
    return whole


@pytest.mark.parametrize("how", list(How), ids=lambda how: how.name.lower())
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
async def test_a_death_at_any_request_changes_nothing(life: Life, how: How) -> None:
    guard = Guard()
    plain = await lived(life, guard)
    assert tuple(plain.done()) == life.done
    assert len(guard.requests) > 20
    for at in range(1, len(guard.requests) + 1):
        struck = Guard(at, how)
        whole = await lived(life, struck)
        why = (at, guard.requests[at - 1])
        assert (why, tuple(whole.done())) == (why, life.done)
        assert (why, life.ends(whole)) == (why, life.ends(plain))
        harm = whole.cloud.as_user(whole.alice, whole.project).events(whole.server.id)[-2]
        assert harm.start_time >= f"{START + TERM:%Y-%m-%dT%H:%M:%S}", why
