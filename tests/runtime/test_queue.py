import asyncio
from contextlib import suppress

from lessor.runtime.queue import Queue
from tests.runtime.clock import SetClock


async def drained(queue: Queue, turns: int = 50) -> None:
    workers = [asyncio.create_task(queue.work(urgent=urgent)) for urgent in (True, False)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def test_one_that_waits_is_not_put_in_line_twice() -> None:
    turns: list[str] = []

    async def turn(uid: str) -> None:
        turns.append(uid)

    queue = Queue(turn, SetClock(), lambda _: None)
    queue.put("a")
    queue.put("a")
    await drained(queue)
    assert turns == ["a"]


async def test_a_wake_up_during_a_turn_makes_another_turn() -> None:
    turns: list[str] = []

    async def turn(uid: str) -> None:
        turns.append(uid)
        if len(turns) == 1:
            queue.put(uid)

    queue = Queue(turn, SetClock(), lambda _: None)
    queue.put("a")
    await drained(queue)
    assert turns == ["a", "a"]


async def test_one_uid_never_has_two_turns_at_once() -> None:
    inside = most = 0

    async def turn(uid: str) -> None:
        nonlocal inside, most
        del uid
        inside += 1
        most = max(most, inside)
        queue.put("a", urgent=True)
        await asyncio.sleep(0)
        inside -= 1

    queue = Queue(turn, SetClock(), lambda _: None)
    queue.put("a")
    await drained(queue)
    assert most == 1


async def test_an_urgent_one_does_not_wait_behind_a_blocked_worker() -> None:
    blocked, turns = asyncio.Event(), list[str]()

    async def turn(uid: str) -> None:
        if uid == "slow":
            await blocked.wait()
        turns.append(uid)

    queue = Queue(turn, SetClock(), lambda _: None)
    queue.put("slow")
    queue.put("stage", urgent=True)
    await drained(queue)
    assert turns == ["stage"]


async def test_one_that_waits_may_become_urgent_and_has_one_turn() -> None:
    turns: list[str] = []

    async def turn(uid: str) -> None:
        turns.append(uid)

    queue = Queue(turn, SetClock(), lambda _: None)
    queue.put("a")
    queue.put("a", urgent=True)
    await drained(queue)
    assert turns == ["a"]


async def test_the_wait_in_line_is_told() -> None:
    clock, lags = SetClock(), list[float]()

    async def turn(uid: str) -> None:
        del uid

    queue = Queue(turn, clock, lags.append)
    queue.put("a")
    clock.pass_(3)
    await drained(queue)
    assert lags == [3.0]
