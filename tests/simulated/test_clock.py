"""The clock that jumps."""

import asyncio
from datetime import UTC, datetime, timedelta

from lessor.simulated.clock import SimClock

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)


def _later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_sleeper_wakes_when_the_clock_passes_its_time_and_not_before() -> None:
    clock = SimClock(START)
    sleeper = asyncio.ensure_future(clock.sleep(60))
    await _settle()
    clock.jump(_later(59))
    await _settle()
    assert not sleeper.done()
    clock.jump(_later(60))
    await asyncio.wait_for(sleeper, 1)
    assert (clock.now(), clock.elapsed()) == (_later(60), 60)


async def test_an_event_ends_a_wait_and_its_alarm_is_forgotten() -> None:
    clock, event = SimClock(START), asyncio.Event()
    waiter = asyncio.ensure_future(clock.wait(event, 3600))
    await _settle()
    assert clock.soonest() == _later(3600)
    event.set()
    assert await waiter is True
    assert clock.soonest() is None


async def test_a_wait_that_runs_out_tells_so() -> None:
    clock, event = SimClock(START), asyncio.Event()
    waiter = asyncio.ensure_future(clock.wait(event, 5))
    await _settle()
    clock.jump(_later(5))
    assert await waiter is False


async def test_a_pause_of_no_length_is_over_at_once() -> None:
    clock = SimClock(START)
    await clock.sleep(0)
    assert await clock.wait(asyncio.Event(), -1) is False
    assert clock.now() == START


async def test_a_cancelled_sleeper_leaves_nothing_behind() -> None:
    clock = SimClock(START)
    sleeper = asyncio.ensure_future(clock.sleep(5))
    await _settle()
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    assert clock.soonest() is None


async def test_the_clock_never_goes_back() -> None:
    clock = SimClock(START)
    clock.jump(_later(10))
    clock.jump(_later(3))
    assert clock.now() == _later(10)


async def test_let_run_it_goes_on_by_itself_and_wakes_those_who_slept_before() -> None:
    clock = SimClock(START)
    before = asyncio.ensure_future(clock.sleep(0.02))
    await _settle()
    clock.run()
    await asyncio.wait_for(asyncio.gather(before, clock.sleep(0.02)), 5)
    assert clock.elapsed() >= 0.02
