"""The operator dies at every request of a Lease's life, or an answer is lost: one lease in Blazar, and no other.

The same is done on the real parts by tests/e2e/test_lease_killed.py.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from lessor.model.names import Kind
from tests.whole.guard import Guard, How
from tests.whole.operator import BOOKING, TEAM, Whole

LATER, MUCH_LATER = "2026-03-03T08:00:00Z", "2026-03-04T08:00:00Z"


@dataclass(frozen=True)
class Life:
    """What is declared, what a person does, and what must be so in the end."""

    name: str
    spec: dict[str, Any]
    person: Callable[[Whole], Awaitable[None]]
    ends: Callable[[Whole], object]


async def _deleted(whole: Whole) -> None:
    await whole.after(minutes=5)
    assert whole.said("Active", BOOKING) == ("True", "InWindow")
    assert len(whole.cloud.blazar.leases) == 1
    whole.remove(Kind.LEASE)
    await whole.after(minutes=10)


async def _extended(whole: Whole) -> None:
    await whole.after(minutes=5)
    assert whole.said("Ready", BOOKING) == ("True", "Reserved")
    whole.renew("more", "1d", Kind.LEASE)
    await whole.after(minutes=10)
    whole.edit({"spec": {"leaseName": "by-another-name", "endTime": "2026-03-04T12:00:00Z"}})
    await whole.after(minutes=15)


async def _refused(whole: Whole) -> None:
    await whole.after(minutes=5)
    whole.renew("more", "5d", Kind.LEASE)
    await whole.after(minutes=15)


async def _healed(whole: Whole) -> None:
    await whole.after(minutes=5)
    more = [{"name": "pub", "floatingIP": {"network": "public", "amount": 9}}]
    whole.edit({"spec": {"reservations": more}})
    await whole.after(minutes=9)
    fewer = [{"name": "pub", "floatingIP": {"network": "public", "amount": 2}}]
    whole.edit({"spec": {"reservations": fewer}})
    await whole.after(minutes=15)


async def _by_itself(whole: Whole) -> None:
    await whole.after(minutes=150)


def _well(whole: Whole) -> object:
    """What is so in the end; that it was wrong in between is told where a death let somebody see it."""
    (lease,) = whole.cloud.blazar.leases.values()
    amounts = [reservation.values.get("amount") for reservation in lease.reservations]
    is_degraded = whole.said("Degraded", BOOKING) not in {None, ("False", "Healed")}
    return lease.status, amounts, whole.said("Ready", BOOKING), is_degraded


def _told(whole: Whole) -> object:
    """What Blazar holds, what the status says of it, and what the ConfigMap tells programs."""
    (lease,) = whole.cloud.blazar.leases.values()
    body = whole.booking()
    assert body is not None
    made = json.loads(whole.asked("GET", f"/api/v1/namespaces/{TEAM}/configmaps/training").body)
    data = {key: value for key, value in made["data"].items() if not key.endswith("ID")}
    assert made["data"]["leaseID"] == lease.id
    grants = [grant["grantedUntil"] for grant in body["status"]["renewals"]["history"]]
    return lease.end, lease.status, grants, data, whole.said("Ready", BOOKING)


def _nothing_left(whole: Whole) -> object:
    return whole.booking(), dict(whole.cloud.blazar.leases)


def _held(whole: Whole) -> object:
    (lease,) = whole.cloud.blazar.leases.values()
    body = whole.booking()
    assert body is not None
    status = body["status"]
    assert status["leaseID"] == lease.id
    renewals = status.get("renewals", {})
    grants = [grant["name"] for grant in renewals.get("history", ())]
    answer = whole.renewal("more")
    return (
        (lease.name.split(".")[:2], lease.start, lease.end, lease.status, len(lease.reservations)),
        (status["endTime"], renewals.get("extended"), grants, "extension" in status),
        (whole.said("Ready", BOOKING), whole.said("Degraded", BOOKING)),
        [(one["type"], one["reason"]) for one in answer["conditions"]],
    )


def _occupied(whole: Whole) -> None:
    """Somebody has a host from the fifth of March on."""
    start = whole.clock.now().replace(day=6)
    whole.cloud.inventory.occupy(whole.hosts[0], start, start.replace(day=20))


LIVES = (
    Life("deleted", {"duration": "1h"}, _deleted, _nothing_left),
    Life("extended", {"startTime": LATER, "endTime": MUCH_LATER}, _extended, _held),
    Life(
        "healed",
        {
            "startTime": LATER,
            "endTime": MUCH_LATER,
            "reservations": [{"name": "pub", "floatingIP": {"network": "public", "amount": 1}}],
        },
        _healed,
        _well,
    ),
    Life(
        "by itself",
        {
            "startTime": "2026-03-01T08:10:00Z",
            "duration": "1h",
            "leaseName": "by-itself",
            "renewal": {"mode": "Auto", "extendBy": "1h", "maxTotal": "2h"},
            "output": {"configMapName": "training"},
        },
        _by_itself,
        _told,
    ),
    Life(
        "refused",
        {
            "startTime": LATER,
            "endTime": MUCH_LATER,
            "reservations": [{"name": "nodes", "host": {"minCount": 3}}],
        },
        _refused,
        _held,
    ),
)


async def lived(life: Life, guard: Guard) -> tuple[Whole, object]:
    """Let the life be lived; gives how it ended."""
    whole = Whole(guard)
    _occupied(whole)
    await whole.start()
    try:
        whole.book(**life.spec)
        await life.person(whole)
        await whole.rest()
        return whole, life.ends(whole)
    finally:
        await whole.kill()


@pytest.mark.parametrize("how", list(How), ids=lambda how: how.name.lower())
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
async def test_a_death_at_any_request_makes_no_other_lease(life: Life, how: How) -> None:
    guard = Guard()
    _, plain = await lived(life, guard)
    assert len(guard.requests) > 12
    for at in range(1, len(guard.requests) + 1):
        _, struck = await lived(life, Guard(at, how))
        assert (at, guard.requests[at - 1], struck) == (at, guard.requests[at - 1], plain)
