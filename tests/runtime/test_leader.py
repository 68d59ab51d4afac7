"""The leader lock: of two replicas one acts; the other takes over in time, and never both at once."""

import asyncio
import functools
import inspect
import itertools
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.runtime.apiserver import lease_path
from tests.runtime.jumping import jumps
from tests.runtime.replicas import LOCK, PAUSE, Replica, Town, until

LEASE, DEADLINE, LOOK = 15.0, 10.0, 2.5


def replicated(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a town of its own; whatever happens in it, two never may act."""

    @functools.wraps(test)
    async def run(**kwargs: Any) -> None:
        town = Town()
        try:
            await test(town, **kwargs)
        finally:
            await town.end()
        assert town.most <= 1, "two could act"

    wrapped: Any = jumps(run)
    known = inspect.signature(test)
    wrapped.__signature__ = known.replace(parameters=list(known.parameters.values())[1:])  # the town is no fixture
    return cast("Callable[..., None]", wrapped)


# ------------------------------------------------------------ one acts, the other stands by


@replicated
async def test_of_two_one_acts_and_the_other_watches_and_is_ready(town: Town) -> None:
    first, second = await town.pair()
    town.declare("2m")
    await asyncio.sleep(150)
    assert town.effects("first").count("stop") == 1
    assert [deed for deed in town.deeds if deed.by == "second"] == []
    assert second.operator._ready() is None
    assert len(second.operator._cache) == 1
    assert b"lessor_leader 1.0" in first.metrics.text()
    assert b"lessor_leader 0.0" in second.metrics.text()


@replicated
async def test_one_that_starts_takes_a_lock_that_is_not_there_and_acts_at_once(town: Town) -> None:
    town.declare()
    first = town.start("first")
    assert await until(lambda: first.acts) < 5
    assert town.spec["holderIdentity"] == first.lock.identity
    assert town.spec["leaseTransitions"] == 0


@replicated
async def test_the_lock_is_written_in_whole_seconds_and_utc_and_keeps_its_first_instant(town: Town) -> None:
    first, _ = await town.pair()
    acquired, renewed = town.spec["acquireTime"], town.spec["renewTime"]
    await asyncio.sleep(30)
    assert town.spec["leaseDurationSeconds"] == 15
    assert town.spec["acquireTime"] == acquired
    assert acquired < renewed < town.spec["renewTime"] <= f"{first.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"


@replicated
async def test_renewals_come_every_two_seconds_and_not_all_at_one_beat(town: Town) -> None:
    await town.pair()
    town.deeds.clear()
    await asyncio.sleep(120)
    times = [deed.at for deed in town.deeds if deed.what.startswith("PUT")]
    gaps = {round(later - sooner, 6) for sooner, later in itertools.pairwise(times)}
    assert len(gaps) > 10
    assert 2.0 <= min(gaps) <= max(gaps) <= 2.41


@replicated
async def test_who_does_not_know_all_objects_yet_does_not_take_the_lock(town: Town) -> None:
    town.declare()
    first = Replica(town, "first")
    first.blind = True
    town.replicas.append(first)
    first.start()
    await asyncio.sleep(60)
    assert not first.leads
    first.blind = False
    first.see_all()
    assert await until(lambda: first.acts) < 6.5  # the list is asked for again every five seconds


# ------------------------------------------------------------ taking over


@replicated
async def test_after_a_kill_the_other_has_the_lock_within_twenty_seconds_and_acts_after_the_pause(town: Town) -> None:
    first, second = await town.pair()
    town.declare("30s")
    await asyncio.sleep(20)
    first.kill()
    killed = first.clock.elapsed()
    took = await until(lambda: second.leads)
    assert LEASE - LOOK <= took <= LEASE + LOOK
    await until(lambda: "stop" in town.effects("second"))
    stopped = next(deed.at for deed in town.deeds if deed.what == "stop")
    assert took + PAUSE - 0.1 <= stopped - killed < 30
    assert town.effects().count("stop") == 1
    assert town.spec["leaseTransitions"] == 1
    assert [deed for deed in town.deeds if deed.by == "second" and deed.at < killed + took - 0.1] == []


@replicated
async def test_after_a_release_the_other_acts_within_a_look_and_without_a_pause(town: Town) -> None:
    town.declare()
    first, second = await town.pair()
    await first.terminate()
    assert not first.lost
    assert town.spec["holderIdentity"] in {"", second.lock.identity}
    assert await until(lambda: second.acts) < LOOK
    assert (town.spec["holderIdentity"], town.spec["leaseTransitions"]) == (second.lock.identity, 1)
    assert town.api.objects[LOCK]["metadata"]["annotations"] == {}


@replicated
async def test_a_newcomer_acts_at_once_on_a_lock_that_was_released(town: Town) -> None:
    first = town.start("first")
    await asyncio.sleep(10)
    await first.terminate()
    await asyncio.sleep(300)
    second = town.start("second")
    assert await until(lambda: second.acts) < 1


@replicated
async def test_a_newcomer_gives_an_unreleased_lock_its_whole_time_and_the_pause(town: Town) -> None:
    first = town.start("first")
    await asyncio.sleep(10)
    first.kill()
    await asyncio.sleep(300)
    second = town.start("second")
    assert LEASE <= await until(lambda: second.leads) <= LEASE + 1
    assert PAUSE - 0.2 <= await until(lambda: second.acts) <= PAUSE + 0.2


async def test_a_request_that_is_under_way_is_waited_for_but_not_for_ever() -> None:
    town = Town()
    first, ended = Replica(town, "first"), threading.Event()
    first.operator._threads.submit(ended.wait)
    assert await first.operator.drained(0.05) is False
    draining = asyncio.create_task(first.operator.drained(60))
    await asyncio.sleep(0)
    assert not draining.done()
    ended.set()
    assert await draining is True
    await town.end()


@replicated
async def test_the_lock_is_held_and_renewed_while_requests_that_are_under_way_end(town: Town) -> None:
    first, second = await town.pair()
    first.leading.close()
    await asyncio.sleep(60)
    assert (first.leads, first.acts, second.leads) == (True, False, False)


@replicated
async def test_the_one_that_takes_over_knows_who_held_which_server(town: Town) -> None:
    town.declare()
    first, second = await town.pair()
    await until(lambda: second.operator._registry.holds("uid-of-vm1"))
    town.api.lease("vm1", spec={**town.api.objects[lease_path()]["spec"], "suspend": True}, metadata={"generation": 2})
    assert not second.operator._registry.holds("uid-of-vm1")
    first.kill()


# ------------------------------------------------------------ losing it


@replicated
async def test_one_that_was_stopped_for_a_minute_does_nothing_and_ends(town: Town) -> None:
    town.declare("20s")
    first, second = await town.pair()
    first.stop()
    stopped = first.clock.elapsed()
    await asyncio.sleep(60)
    assert second.acts
    assert town.effects("second").count("stop") == 1
    town.declare("1s")  # there would be something to do for it
    first.go_on()
    await until(lambda: first.over, within=5)
    assert first.lost
    assert [deed for deed in town.deeds if deed.by == "first" and deed.at > stopped] == []


@pytest.mark.parametrize("seconds", [1, 4, 7, 9, 11, 13, 17, 24, 26, 40])
@replicated
async def test_one_that_was_stopped_for_any_time_never_acts_beside_another(town: Town, seconds: int) -> None:
    town.declare("20s")
    first, second = await town.pair()
    first.stop()
    stopped = first.clock.elapsed()
    await asyncio.sleep(seconds)
    first.go_on()
    await asyncio.sleep(60)
    assert sum(replica.acts for replica in town.replicas) == 1
    assert first.acts or seconds > DEADLINE - LOOK
    assert not first.acts or seconds < DEADLINE
    assert first.acts or town.effects("first", since=stopped) == []
    assert first.acts is not second.acts
    assert town.effects().count("stop") == 1


@replicated
async def test_an_api_server_that_is_away_for_seven_seconds_costs_nobody_the_lock(town: Town) -> None:
    first, second = await town.pair()
    for replica in (first, second):
        replica.line.cut = True
    await asyncio.sleep(7)
    for replica in (first, second):
        replica.line.cut = False
    await asyncio.sleep(60)
    assert (first.acts, second.over, town.spec["leaseTransitions"]) == (True, False, 0)


@pytest.mark.parametrize("how", ["cut", "mute"])
@replicated
async def test_who_cannot_renew_ends_by_the_deadline_and_the_other_takes_over(town: Town, how: str) -> None:
    first, second = await town.pair()
    setattr(first.line, how, True)
    assert await until(lambda: first.over) <= DEADLINE + 0.1
    assert first.lost
    assert LEASE - DEADLINE - LOOK <= await until(lambda: second.leads) <= LEASE - DEADLINE + 2 * LOOK
    assert PAUSE - 0.2 <= await until(lambda: second.acts) <= PAUSE + 0.2


@replicated
async def test_a_standby_outlives_an_api_server_that_is_away(town: Town) -> None:
    first, second = await town.pair()
    for replica in (first, second):
        replica.line.cut = True
    await asyncio.sleep(120)
    assert (first.lost, second.over) == (True, False)
    second.line.cut = False
    await asyncio.sleep(LEASE + LOOK + PAUSE)
    assert second.acts


@replicated
async def test_a_renewal_whose_answer_was_lost_is_no_loss(town: Town) -> None:
    first, _ = await town.pair()
    town.api.breaks(f"PUT {LOCK}", TimeoutError(), 500, 409)
    town.api.breaks(f"GET {LOCK}", 403, 429)
    await asyncio.sleep(60)
    assert first.acts
    assert town.spec["leaseTransitions"] == 0


@replicated
async def test_a_wall_clock_that_is_set_gives_nobody_the_lock(town: Town) -> None:
    first, second = await town.pair()
    second.clock.wall_is_ahead = timedelta(hours=1)
    first.clock.wall_is_ahead = timedelta(hours=-1)
    await asyncio.sleep(60)
    assert (first.acts, second.leads) == (True, False)


# ------------------------------------------------------------ by hand


@dataclass(frozen=True)
class Edit:
    """What a person does to the lock, and whether its holder keeps it."""

    name: str
    do: Callable[[Town], object]
    keeps: bool


def _deleted(town: Town) -> None:
    del town.api.objects[LOCK]


def _emptied(town: Town) -> None:
    town.api.objects[LOCK].pop("spec")
    town.api.put(LOCK)


EDITS = (
    Edit("deleted", _deleted, keeps=True),
    Edit("spec emptied", _emptied, keeps=True),
    Edit("holder emptied", lambda town: town.edit(holderIdentity=""), keeps=True),
    Edit("holder taken off", lambda town: town.edit(holderIdentity=None), keeps=True),
    Edit(
        "emptied as client-go releases", lambda town: town.edit(holderIdentity="", leaseDurationSeconds=1), keeps=True
    ),
    Edit("holder nonsense", lambda town: town.edit(holderIdentity="\x00nonsense\n" * 9), keeps=False),
    Edit("holder the standby", lambda town: town.edit(holderIdentity=town.replicas[1].lock.identity), keeps=False),
    Edit("renewed in the future", lambda town: town.edit(renewTime="2199-01-01T00:00:00.000000Z"), keeps=True),
    Edit("renewed long ago", lambda town: town.edit(renewTime="1970-01-01T00:00:00.000000Z"), keeps=True),
    Edit("no instants", lambda town: town.edit(renewTime=None, acquireTime=None), keeps=True),
    Edit("lasts a second", lambda town: town.edit(leaseDurationSeconds=1), keeps=True),
    Edit("lasts for ever", lambda town: town.edit(leaseDurationSeconds=2**31 - 1), keeps=True),
    Edit("lasts no time", lambda town: town.edit(leaseDurationSeconds=None), keeps=True),
    Edit(
        "made anew for nobody",
        lambda town: (_deleted(town), town.api.put(LOCK, spec={}, metadata={"uid": "another"})),
        keeps=True,
    ),
)


@pytest.mark.parametrize("after", [0.0, 0.7, 1.9])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
@replicated
async def test_an_edit_by_hand_never_makes_two_and_ends_with_one(town: Town, edit: Edit, after: float) -> None:
    first, second = await town.pair()
    await asyncio.sleep(after)
    edit.do(town)
    await asyncio.sleep(LOOK)
    assert (first.acts, first.lost) == (edit.keeps, not edit.keeps)
    await asyncio.sleep(LEASE + PAUSE + LOOK)
    assert (first.acts, second.acts) == (edit.keeps, not edit.keeps)
    assert town.spec["leaseDurationSeconds"] == 15


@replicated
async def test_what_was_done_to_the_lock_is_said(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    await town.pair()
    _deleted(town)
    await asyncio.sleep(5)
    town.edit(holderIdentity="")
    await asyncio.sleep(5)
    town.edit(holderIdentity="somebody")
    await asyncio.sleep(60)
    said = caplog.text
    assert "the leader lock was deleted: its holder makes it again" in said
    assert "the leader lock was emptied: its holder writes it again" in said
    assert "the leader lock names another holder" in said


@replicated
async def test_a_newcomer_leaves_the_holder_of_a_deleted_lock_the_time_to_make_it_again(town: Town) -> None:
    first = town.start("first")
    await asyncio.sleep(10)
    second = town.start("second")
    _deleted(town)
    await asyncio.sleep(60)
    assert (first.acts, second.leads) == (True, False)


@replicated
async def test_a_newcomer_never_acts_beside_the_holder_of_a_deleted_lock_who_is_cut_off(town: Town) -> None:
    first = town.start("first")
    await asyncio.sleep(10)
    first.line.cut = True
    _deleted(town)
    second = town.start("second")
    assert LEASE <= await until(lambda: second.leads) <= LEASE + 2 * LOOK
    assert await until(lambda: second.acts) >= PAUSE - 0.2
    assert town.most == 1


@replicated
async def test_a_count_of_transitions_that_somebody_wrote_bars_nobody(town: Town) -> None:
    first, second = await town.pair()
    first.kill()
    town.edit(leaseTransitions=2**31 - 1)
    await until(lambda: second.acts)
    assert town.spec["leaseTransitions"] == 2**31 - 1


@replicated
async def test_an_api_server_that_takes_three_seconds_costs_nobody_the_lock(town: Town) -> None:
    first, _ = await town.pair()
    first.line.seconds = 3.0
    await asyncio.sleep(300)
    assert first.acts
    assert town.spec["leaseTransitions"] == 0


@replicated
async def test_with_its_holder_dead_a_deleted_lock_is_taken_after_the_whole_time(town: Town) -> None:
    first, second = await town.pair()
    first.kill()
    _deleted(town)
    assert LEASE <= await until(lambda: second.leads) <= LEASE + 2 * LOOK
    assert town.spec["leaseTransitions"] == 1
    assert await until(lambda: second.acts) >= PAUSE - 0.2


@replicated
async def test_two_that_want_it_at_the_same_moment_get_it_one_after_the_other(town: Town) -> None:
    first, second = await town.pair()
    third = town.start("third")
    await asyncio.sleep(5)
    first.kill()
    await asyncio.sleep(LEASE + 2 * LOOK + PAUSE)
    assert sorted([second.acts, third.acts]) == [False, True]
