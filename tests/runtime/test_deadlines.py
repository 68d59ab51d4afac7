from datetime import timedelta

from lessor.runtime.deadlines import Deadlines
from tests.runtime.clock import START

HOUR = timedelta(hours=1)


def test_the_longest_overdue_comes_first() -> None:
    deadlines = Deadlines()
    deadlines.set("b", START + HOUR)
    deadlines.set("a", START, urgent=True)
    assert list(deadlines.due(START + HOUR)) == [("a", True), ("b", False)]
    assert len(deadlines) == 0


def test_nothing_comes_before_its_time() -> None:
    deadlines = Deadlines()
    deadlines.set("a", START + HOUR)
    assert list(deadlines.due(START + HOUR - timedelta(microseconds=1))) == []


def test_a_later_set_replaces_an_earlier_one() -> None:
    deadlines = Deadlines()
    deadlines.set("a", START)
    deadlines.set("a", START + HOUR)
    assert list(deadlines.due(START)) == []
    assert deadlines.soonest() == START + HOUR


def test_a_deadline_that_is_taken_away_never_comes() -> None:
    deadlines = Deadlines()
    deadlines.set("a", START)
    deadlines.set("a", None)
    assert deadlines.soonest() is None
    assert list(deadlines.due(START)) == []


def test_the_same_instant_set_twice_comes_once() -> None:
    deadlines = Deadlines()
    deadlines.set("a", START)
    deadlines.set("a", None)
    deadlines.set("a", START)
    assert list(deadlines.due(START)) == [("a", False)]


def test_the_sleeper_is_told_when_the_soonest_moves_closer() -> None:
    told: list[int] = []
    deadlines = Deadlines(lambda: told.append(1))
    deadlines.set("a", START + HOUR)
    deadlines.set("b", START + 2 * HOUR)
    deadlines.set("b", START)
    assert len(told) == 2


def test_what_was_replaced_is_not_kept_for_ever_by_one_who_takes_nothing_out() -> None:
    deadlines = Deadlines()
    for number in range(20_000):
        deadlines.set(f"uid-{number % 10}", START + number * HOUR)
    assert len(deadlines._heap) < 2_000
    assert [uid for uid, _ in deadlines.due(START + 30_000 * HOUR)] == [f"uid-{number}" for number in range(10)]
