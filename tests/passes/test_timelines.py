"""Whole lives across the calendar: a day is 24 hours whatever local clocks do, and a year of renewals adds up."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from lessor.simulated.clock import SimClock
from tests.passes.world import SERVER, START, World

DAY = timedelta(days=1)


def begun(now: datetime = START, **spec: Any) -> World:
    """A world that begins then, in which a running server has just got its lease."""
    world = World(SimClock(now))
    world.nova.boot(created=now - DAY)
    world.declare(**spec)
    return world.turn()


@dataclass(frozen=True)
class Term:
    id: str
    why: str
    begins: datetime
    spec: dict[str, str]
    ends: datetime


def _berlin(*local: int) -> datetime:
    return datetime(*local, tzinfo=ZoneInfo("Europe/Berlin"))  # type: ignore[misc,arg-type]


TERMS = (
    Term(
        "spring",
        "A day has 24 hours, also the one that has 23 by the local clock.",
        _berlin(2026, 3, 28, 12),
        {"duration": "1d"},
        _berlin(2026, 3, 29, 13),
    ),
    Term(
        "autumn",
        "A day has 24 hours, also the one that has 25 by the local clock.",
        _berlin(2026, 10, 24, 12),
        {"duration": "1d"},
        _berlin(2026, 10, 25, 11),
    ),
    Term(
        "an hour that comes twice",
        "An offset tells which of the two half past twos is meant.",
        _berlin(2026, 10, 24, 12),
        {"expireTime": "2026-10-25T02:30:00+01:00"},
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ),
    Term(
        "an hour that does not come",
        "An instant with an offset is one, whether or not local clocks show it.",
        _berlin(2026, 3, 28, 12),
        {"expireTime": "2026-03-29T02:30:00+01:00"},
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ),
    Term(
        "leap day",
        "The day after 28 February 2028 is the 29th.",
        datetime(2028, 2, 28, 8, tzinfo=UTC),
        {"duration": "1d"},
        datetime(2028, 2, 29, 8, tzinfo=UTC),
    ),
    Term(
        "a leap year",
        "365 days from 1 January 2028 end a day before the year does.",
        datetime(2028, 1, 1, tzinfo=UTC),
        {"duration": "365d"},
        datetime(2028, 12, 31, tzinfo=UTC),
    ),
    Term(
        "the turn of the year",
        "A week has seven days there as well.",
        datetime(2026, 12, 28, tzinfo=UTC),
        {"duration": "1w"},
        datetime(2027, 1, 4, tzinfo=UTC),
    ),
)


@pytest.mark.parametrize("term", [pytest.param(term, id=term.id) for term in TERMS])
def test_a_server_stops_at_the_instant_that_the_declaration_means_and_not_a_second_before(term: Term) -> None:
    world = begun(term.begins.astimezone(UTC), **term.spec)
    ends = term.ends.astimezone(UTC)
    assert world.status.expire_time == ends, term.why
    world.at(ends - timedelta(seconds=1))
    assert world.state == ("active", False)
    world.at(ends)
    assert world.state == ("stopped", True)
    assert [at for at, call in world.nova.done if call == "stop"] == [ends]


def test_a_year_of_renewals_adds_up_and_writes_no_more_than_it_must() -> None:
    world = begun(duration="90d", renewal={"extendBy": "90d", "window": "30d", "maxRenewals": 4})
    for number in range(4):
        world.at(START + timedelta(days=90 * (number + 1) - 10))
        world.ask(f"quarter-{number}", "90d")
        world.turn()
        assert world.granted(f"quarter-{number}") == ("True", "Full")
    end = START + timedelta(days=450)
    assert world.status.expire_time == end
    assert world.state == ("active", False)
    world.at(end - timedelta(days=5))
    world.ask("quarter-4", "90d")
    world.turn()
    assert world.granted("quarter-4") == ("False", "LimitReached")
    world.at(end)
    assert world.state == ("stopped", True)
    assert [at for at, call in world.nova.done if call == "stop"] == [end]
    # finalizer, first status; Expiring and a grant in each quarter, Expiring and the refusal at last; claim, report
    assert len(world.writes) <= 2 + 4 * 3 + 2 + 2


def test_a_lease_that_nobody_touches_for_ten_years_asks_for_nothing() -> None:
    world = begun(duration="3650d")
    turns = world.turns
    world.at(START + timedelta(days=2000))
    assert world.turns - turns <= 1  # the one that `at` itself makes
    assert world.writes == ["finalizer on", "status"]


# ---------------------------------------------------------------- what holds for any life

_hours = st.integers(min_value=1, max_value=24 * 6)


@st.composite
def _acts(draw: st.DrawFn) -> tuple[tuple[int, str, int], ...]:
    """What people do: (hours since the last thing, what, of how much)."""
    what = st.sampled_from(("ask", "edit", "start", "stop", "lock", "unlock", "suspend", "go on"))
    return tuple(draw(st.lists(st.tuples(_hours, what, st.integers(min_value=1, max_value=30)), max_size=6)))


def _lived(acts: tuple[tuple[int, str, int], ...], now: datetime = START) -> World:
    world = begun(now, duration="10d", expiry={"stages": _STAGES})
    for number, (hours, what, much) in enumerate(acts):
        world.wait(hours=hours)
        if not world.nova.servers:
            break
        _act(world, what, much, number)
        world.turn()
    if world.nova.servers:  # what is held is looked at every ten minutes, for as long as it is held
        _act(world, "unlock", 0, 0)
    return world.wait(days=60)


_STAGES = [{"after": "0s", "action": "Stop", "lock": True}, {"after": "5d", "action": "Delete"}]


def _act(world: World, what: str, much: int, number: int) -> None:
    match what:
        case "ask":
            world.ask(f"request-{number}", f"{much}d")
        case "edit":
            world.edit(duration=f"{much}d")
        case "start":
            world.nova.turned("active")
        case "stop":
            world.nova.turned("stopped", action="stop")
        case "lock":
            world.nova.locked_by("alice")
        case "unlock":
            world.nova.person("alice").unlock(SERVER)
        case "suspend":
            world.edit(suspend=True)
        case "go on":
            world.edit(suspend=False)


@given(_acts(), st.timedeltas(min_value=timedelta(), max_value=timedelta(days=4000)))
def test_a_life_that_begins_later_is_the_same_life_later(acts: tuple[tuple[int, str, int], ...], by: timedelta) -> None:
    by = timedelta(seconds=by // timedelta(seconds=1))
    one, other = _lived(acts), _lived(acts, START + by)
    assert [(at + by, call) for at, call in one.nova.done] == other.nova.done
    assert one.writes == other.writes
    assert one.told() == other.told()


@given(_acts())
def test_whatever_people_do_nothing_is_harmed_before_the_end_that_then_stood(
    acts: tuple[tuple[int, str, int], ...],
) -> None:
    world = begun(duration="10d", expiry={"stages": _STAGES})
    ends: list[tuple[datetime, datetime]] = []
    for number, (hours, what, much) in enumerate((*acts, (24 * 6, "go on", 1))):
        before = len(world.nova.done)
        assert world.status.expire_time is not None
        ends.append((world.now, world.status.expire_time))
        world.wait(hours=hours)
        for at, call in world.nova.done[before:]:
            if call in {"stop", "delete"}:
                event(call)
                assert at >= ends[-1][1]
        if not world.nova.servers:
            return
        _act(world, what, much, number)
        world.turn()


@given(_acts())
def test_a_life_at_rest_stays_at_rest(acts: tuple[tuple[int, str, int], ...]) -> None:
    world = _lived(acts)
    writes, done = list(world.writes), list(world.nova.done)
    world.turn().turn()
    assert (world.writes, world.nova.done) == (writes, done)


@given(_acts())
def test_grants_never_shorten_and_never_beat_their_limits(acts: tuple[tuple[int, str, int], ...]) -> None:
    world = begun(duration="10d", renewal={"extendBy": "5d", "maxRenewals": 3, "maxTotal": "20d"})
    for number, (hours, _, much) in enumerate(acts):
        world.wait(hours=hours)
        before = world.status.expire_time
        world.ask(f"request-{number}", f"{much}d")
        world.turn()
        after = world.status.expire_time
        assert before is not None
        assert after is not None
        assert before <= after <= START + timedelta(days=20)
        assert world.status.renewals is None or world.status.renewals.count <= 3
