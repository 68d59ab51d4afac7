"""How long to wait before a server is read again, and before a deed is asked for again."""

from datetime import timedelta

import pytest
from hypothesis import given

from lessor.decide import pauses, tries
from lessor.model.plans import Deed
from tests import builders, strategies
from tests.builders import HOUR, START, event

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("age", "want"),
    [
        pytest.param(None, 0.5 * SECOND, id="nobody knows since when"),
        pytest.param(timedelta(), 0.5 * SECOND, id="just begun"),
        pytest.param(8 * SECOND, 2 * SECOND, id="a quarter of its age"),
        pytest.param(HOUR, 15 * SECOND, id="at most a quarter of a minute"),
        pytest.param(-MINUTE, 0.5 * SECOND, id="begun by a clock ahead of ours"),
    ],
)
def test_a_task_of_ours_is_watched_closely_at_first(age: timedelta | None, want: timedelta) -> None:
    since = None if age is None else START - age
    assert pauses.while_under_way(since, START) == START + want


@given(strategies.spans(-HOUR, HOUR))
def test_a_pause_is_never_nothing_and_never_long(age: timedelta) -> None:
    pause = pauses.while_under_way(START - age, START) - START
    assert 0.5 * SECOND <= pause <= pauses.BUSY


# ---------------------------------------------------------------- what was asked for already


def test_our_tries_in_a_row_count() -> None:
    known = builders.facts(events=(event("stop", time=START + MINUTE), event("lock"), event("stop")))
    assert tries.of(known, Deed.STOP) == (START + MINUTE, START)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(event("stop", "alice"), id="by somebody else"),
        pytest.param(event("start"), id="something else by us"),
    ],
)
def test_what_another_asked_for_in_between_begins_the_count_anew(between: object) -> None:
    known = builders.facts(events=(event("stop", time=START + MINUTE), between, event("stop")))
    assert tries.of(known, Deed.STOP) == (START + MINUTE,)


def test_what_was_asked_for_before_the_claim_is_of_another_stage() -> None:
    known = builders.facts(events=(event("stop", time=START + HOUR), event("stop", time=START)))
    assert tries.of(known, Deed.STOP, since=START + HOUR + 30 * SECOND) == (START + HOUR,), "Nova may lag by a minute."


def test_a_deed_that_leaves_no_action_has_no_tries() -> None:
    assert tries.of(builders.facts(events=(event("createImage"),)), Deed.SWEEP_IMAGE) == ()


def test_without_the_actions_or_without_knowing_who_we_are_nothing_counts() -> None:
    assert tries.of(builders.facts(events=None), Deed.STOP) == ()
    assert tries.of(builders.facts(events=(event("stop"),), identity=None), Deed.STOP) == ()


def test_the_newest_action_is_the_newest_but_for_locks() -> None:
    known = builders.facts(events=(event("unlock", time=START + HOUR), event("reboot", time=START + MINUTE)))
    assert tries.newest(known) == START + MINUTE
    assert tries.newest(builders.facts(events=None)) is None


def test_a_deed_is_asked_for_again_ever_more_seldom() -> None:
    again = [tries.again_at((START,) * count, MINUTE) - START for count in (1, 2, 3, 4, 5, 99)]
    assert again == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 10 * MINUTE, 10 * MINUTE]
