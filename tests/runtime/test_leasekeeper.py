"""What the keeper of Blazar's leases asks, and when: one list a minute, and those that are about to change in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lessor.decide.lease import telling
from lessor.model.reservations import LeaseState, ObservedLease
from lessor.ports.cloud import CloudError, CloudUnavailable
from lessor.ports.reservations import UnsupportedResourceType
from lessor.runtime.leasekeeper import Booked, LeaseKeeper
from tests.runtime.clock import START
from tests.runtime.jumping import LoopClock, jumps, settled

HOUR = timedelta(hours=1)


def lease(lease_id: str = "l1", state: LeaseState = LeaseState.PENDING) -> ObservedLease:
    return ObservedLease(id=lease_id, name=lease_id, state=state, start=START + HOUR, end=START + 2 * HOUR)


@dataclass
class Blazar:
    """Gives what it holds, notes what is asked, fails while it has a fault."""

    held: dict[str, ObservedLease] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: CloudError | None = None
    meanwhile: Callable[[], None] = lambda: None

    def lease(self, lease_id: str) -> ObservedLease | None:
        self._ask(lease_id)
        return self.held.get(lease_id)

    def leases(self) -> tuple[ObservedLease, ...]:
        self._ask("list")
        found = tuple(self.held.values())
        self.meanwhile()
        return found

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.fault is not None:
            raise self.fault


class Running(LoopClock):
    """A clock that goes on between any two readings, as real ones do."""

    def __init__(self) -> None:
        super().__init__()
        self._read = 0

    def now(self) -> datetime:
        self._read += 1
        return super().now() + timedelta(microseconds=self._read)


class World:
    """A keeper, its Blazar and its Leases."""

    def __init__(self, clock: LoopClock | None = None) -> None:
        self.clock = clock if clock is not None else LoopClock()
        self.blazar = Blazar()
        self.booked: dict[str, Booked] = {}
        self.woken: list[str] = []
        self.there = True
        self.keeper = LeaseKeeper(self.clock, lambda: self.booked, self._whom, self._in_thread, self._wake)

    def _whom(self) -> Blazar | None:
        return self.blazar if self.there else None

    async def _in_thread(self, work: Callable[[], object]) -> object:
        return work()

    def _wake(self, uids: Iterable[str]) -> None:
        self.woken.extend(sorted(uids))

    def enter(self, uid: str, seen: ObservedLease, *, told: bool = True) -> None:
        """Let there be a Lease of this lease, which knows it already or does not."""
        self.blazar.held[seen.id] = seen
        known = telling.of_record(seen) if told else (None, None, None, None, ())
        self.booked[uid] = Booked(seen.id, known)
        self.keeper.entered()

    def expect(self, uid: str, seconds: float) -> None:
        self.keeper.expect(uid, self.booked[uid].lease_id, self.clock.now() + timedelta(seconds=seconds))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        await settled()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def read(self, lease_id: str = "l1") -> datetime | None:
        known = self.keeper.get(lease_id)
        return known.read if known is not None else None


@jumps
async def test_without_a_lease_nothing_is_asked() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(600)
    assert world.blazar.asked == []


@jumps
async def test_an_idle_fleet_costs_one_list_a_minute() -> None:
    world = World()
    for number in range(1000):
        world.enter(f"u{number}", lease(f"l{number}"))
    async with world.running():
        await asyncio.sleep(600)
    assert set(world.blazar.asked) == {"list"}
    assert len(world.blazar.asked) <= 11
    assert world.woken == []


@jumps
async def test_the_first_list_waits_for_nothing_on_a_clock_that_goes_on() -> None:
    world = World(Running())
    world.enter("u1", lease())
    async with world.running():
        assert world.blazar.asked == ["list"]
        await asyncio.sleep(61)
    assert world.blazar.asked == ["list", "list"]


@jumps
async def test_a_lease_that_looks_other_than_its_status_tells_is_news() -> None:
    world = World()
    world.enter("u1", lease("l1"), told=False)
    world.enter("u2", lease("l2"))
    async with world.running():
        assert world.woken == ["u1"]
        del world.blazar.held["l2"]
        world.booked["u1"] = Booked("l1", telling.of_record(lease("l1")))
        await asyncio.sleep(61)
    assert world.woken == ["u1", "u2"]
    known = world.keeper.get("l2")
    assert known is not None
    assert known.lease is None


@jumps
async def test_what_is_about_to_change_is_read_by_its_id_in_time_and_its_lease_is_woken() -> None:
    world = World()
    world.enter("u1", lease())
    async with world.running():
        world.expect("u1", 12)
        await asyncio.sleep(11)
        assert world.blazar.asked == ["list"]
        await asyncio.sleep(2)
        assert world.blazar.asked == ["list", "l1"]
        assert world.woken == ["u1"]
        assert world.keeper.expects_at() is None


@jumps
async def test_many_that_are_about_to_change_are_read_in_one_list() -> None:
    world = World()
    for number in range(100):
        world.enter(f"u{number}", lease(f"l{number}"))
    async with world.running():
        for number in range(100):
            world.expect(f"u{number}", 12)
        await asyncio.sleep(20)
    assert world.blazar.asked == ["list", "list"]
    assert len(world.woken) == 100


@jumps
async def test_an_expectation_that_is_taken_back_asks_nothing() -> None:
    world = World()
    world.enter("u1", lease())
    async with world.running():
        world.expect("u1", 12)
        world.keeper.expect("u1", "l1", None)
        await asyncio.sleep(30)
    assert world.blazar.asked == ["list"]


@jumps
async def test_a_list_does_not_overwrite_what_was_read_meanwhile() -> None:
    world = World()
    newer = replace(lease(), state=LeaseState.ACTIVE)
    world.enter("u1", lease())
    world.blazar.meanwhile = lambda: world.keeper.learn("l1", newer, world.clock.now())
    async with world.running():
        known = world.keeper.get("l1")
    assert known is not None
    assert known.lease == newer


@jumps
async def test_while_blazar_is_away_it_is_asked_now_and_then_and_who_waited_is_woken_after() -> None:
    world = World()
    world.enter("u1", lease())
    world.blazar.fault = CloudUnavailable("away")
    async with world.running():
        world.keeper.wait("u1")
        await asyncio.sleep(95)
        assert 8 <= len(world.blazar.asked) <= 11
        assert world.woken == []
        world.blazar.fault = None
        await asyncio.sleep(11)
    assert world.woken == ["u1"]


@jumps
async def test_a_cloud_without_blazar_is_asked_once_a_minute() -> None:
    world = World()
    world.enter("u1", lease())
    world.blazar.fault = UnsupportedResourceType("no Blazar")
    async with world.running():
        await asyncio.sleep(130)
    assert len(world.blazar.asked) == 3


@jumps
async def test_without_a_session_nothing_is_asked_until_there_is_one() -> None:
    world = World()
    world.enter("u1", lease())
    world.there = False
    async with world.running():
        await asyncio.sleep(60)
        assert world.blazar.asked == []
        world.there = True
        await asyncio.sleep(11)
    assert world.blazar.asked == ["list"]


@jumps
async def test_who_leaves_is_forgotten() -> None:
    world = World()
    world.enter("u1", lease())
    async with world.running():
        world.expect("u1", 5)
        del world.booked["u1"]
        world.keeper.leave("u1", "l1")
        await asyncio.sleep(30)
        assert world.read() is None
        assert len(world.keeper) == 0
    assert world.blazar.asked == ["list"]


@jumps
async def test_what_breaks_is_put_off_and_the_keeper_goes_on() -> None:
    world = World()
    world.enter("u1", lease())
    broken: list[bool] = [True]

    async def in_thread(work: Callable[[], object]) -> object:
        if broken:
            broken.clear()
            raise RuntimeError("a fault of ours")
        return work()

    whom: Callable[[], Blazar | None] = lambda: world.blazar  # noqa: E731 (one line says it)
    runs: Callable[[Callable[[], object]], Awaitable[object]] = in_thread
    world.keeper = LeaseKeeper(world.clock, lambda: world.booked, whom, runs, world._wake)
    async with world.running():
        await asyncio.sleep(15)
    assert world.blazar.asked == ["list"]
