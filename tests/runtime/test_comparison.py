"""The comparison with a LIST: what the watch forgot is dropped, what it never told is taken in."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from lessor.model.names import Kind
from lessor.runtime.cache import Cache
from lessor.runtime.cluster import Unavailable
from lessor.runtime.comparison import EVERY, Comparison
from tests.runtime.apiserver import APIServer, lease_path, leases_path
from tests.runtime.jumping import LoopClock, jumps

KINDS = (Kind.INSTANCE_LEASE,)
LIST = f"GET {leases_path()}"


@dataclass
class World:
    """A cache, the API server, and what the comparison told."""

    namespaces: tuple[str, ...] = ()
    api: APIServer = field(default_factory=APIServer)
    cache: Cache = field(default_factory=Cache)
    put: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = LoopClock()
        self.comparison = Comparison(
            self.api.cluster(clock), self.cache, clock, self.namespaces, put=self._put, gone=self._gone
        )

    def _put(self, kind: Kind, raw: dict[str, Any]) -> None:
        self.put.append(raw["metadata"]["uid"])
        self.cache.put(kind, raw)

    def _gone(self, uid: str) -> None:
        self.gone.append(uid)
        self.cache.gone(uid)

    def watched(self, name: str, uid: str | None = None) -> None:
        """An object that is there, and that the watch told of."""
        self.cache.put(Kind.INSTANCE_LEASE, self.api.lease(name, uid if uid is not None else name))

    def unseen(self, name: str) -> None:
        """An object that is there, and that the watch did not tell of."""
        self.api.lease(name, name)

    def ghost(self, name: str) -> None:
        """An object that was deleted, and the watch did not tell."""
        self.watched(name)
        del self.api.objects[lease_path(name)]


# ------------------------------------------------------------ comparing


@jumps
async def test_a_ghost_is_dropped() -> None:
    world = World()
    world.watched("a")
    world.ghost("b")
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, world.put) == (["b"], [])


@jumps
async def test_an_object_that_was_never_told_of_is_read_and_taken_in() -> None:
    world = World()
    world.watched("a")
    world.unseen("b")
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, world.put) == ([], ["b"])


@jumps
async def test_one_that_was_made_again_under_its_name_is_another_one() -> None:
    world = World()
    world.watched("a", "first")
    world.api.lease("a", "second")
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, world.put) == (["first"], ["second"])


@jumps
async def test_when_all_is_known_one_list_is_all_that_is_asked() -> None:
    world = World()
    world.watched("a")
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert world.api.lines() == [LIST]
    assert "PartialObjectMetadataList" in world.api.requests[0].headers["Accept"]


@jumps
async def test_a_list_is_followed_over_all_its_pages() -> None:
    world = World()
    world.api.page = 2
    for name in "abcde":
        world.watched(name)
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, len(world.api.requests)) == ([], 3)


@pytest.mark.parametrize("faults", [(500,), (410,), (403,), (OSError("away"),)])
@jumps
async def test_a_list_that_breaks_off_drops_nothing(faults: tuple[int | Exception, ...]) -> None:
    world = World()
    world.api.page = 1
    world.watched("a")
    world.watched("b")
    world.api.before(LIST, lambda: None)
    world.api.before(LIST, lambda: world.api.breaks(LIST, *faults))
    with pytest.raises(Exception, match=r"API server|broken"):
        await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert world.gone == []


@jumps
async def test_one_that_is_deleted_while_it_is_compared_is_passed_over() -> None:
    world = World()
    world.unseen("a")
    world.api.breaks(f"GET {lease_path('a')}", 404)
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, world.put) == ([], [])


@jumps
async def test_one_that_the_watch_brings_while_it_is_listed_is_no_ghost() -> None:
    world = World()
    world.api.page = 1
    world.watched("b")
    world.watched("c")
    world.api.before(LIST, lambda: None)
    world.api.before(LIST, lambda: world.watched("a"))  # its place in the list is past
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert (world.gone, world.put) == ([], [])


@jumps
async def test_only_the_namespaces_that_are_served_are_listed() -> None:
    world = World(namespaces=("team-a", "team-b"))
    world.watched("a")
    await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert world.api.lines() == [
        f"GET /apis/lessor.dev/v1alpha1/namespaces/{namespace}/instanceleases" for namespace in ("team-a", "team-b")
    ]
    assert world.gone == []


# ------------------------------------------------------------ every ten minutes


@jumps
async def test_it_compares_every_ten_minutes_and_goes_on_after_a_fault() -> None:
    world = World()
    world.ghost("a")
    world.api.breaks(LIST, 500)
    task = asyncio.create_task(world.comparison.run(KINDS))
    await asyncio.sleep(EVERY - 1)
    assert world.api.requests == []
    await asyncio.sleep(EVERY)
    assert (len(world.api.requests), world.gone) == (1, [])
    await asyncio.sleep(EVERY)
    assert (len(world.api.requests), world.gone) == (2, ["a"])
    task.cancel()


# ------------------------------------------------------------ the first list


@jumps
async def test_the_first_list_waits_until_the_watch_brought_everything() -> None:
    world = World()
    world.unseen("a")
    world.unseen("b")
    task = asyncio.create_task(world.comparison.first(KINDS))
    await asyncio.sleep(2)
    assert not task.done()
    world.watched("a")
    world.watched("b")
    await asyncio.sleep(1)
    assert task.done()
    assert len(world.api.lines("GET")) == 1


@jumps
async def test_an_empty_cluster_is_known_at_once() -> None:
    world = World()
    await world.comparison.first(KINDS)
    assert world.api.lines() == [LIST]


@jumps
async def test_one_that_is_deleted_before_the_watch_brings_it_is_not_waited_for() -> None:
    world = World()
    world.unseen("a")
    task = asyncio.create_task(world.comparison.first(KINDS))
    await asyncio.sleep(2)
    del world.api.objects[lease_path("a")]
    await asyncio.sleep(5)
    assert task.done()


@jumps
async def test_a_first_list_that_fails_is_tried_again_each_second() -> None:
    world = World()
    world.api.breaks(LIST, 500, 403, 429)
    task = asyncio.create_task(world.comparison.first(KINDS))
    await asyncio.sleep(2.5)
    assert not task.done()
    await asyncio.sleep(1)
    assert task.done()
    assert len(world.api.requests) == 4


@jumps
async def test_the_first_list_raises_nothing_that_the_api_server_does() -> None:
    world = World()
    world.api.breaks(LIST, *[OSError("away")] * 50)
    await world.comparison.first(KINDS)
    assert len(world.api.requests) == 51


@jumps
async def test_a_fault_that_a_read_meets_is_raised_and_what_was_found_gone_stays_so() -> None:
    world = World()
    world.ghost("a")
    world.unseen("b")
    world.api.breaks(f"GET {lease_path('b')}", 503)
    with pytest.raises(Unavailable):
        await world.comparison.compare(Kind.INSTANCE_LEASE)
    assert world.gone == ["a"]
