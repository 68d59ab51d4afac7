"""Action by server state, each cell of the table; and which stage is next, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.decide import stages, window
from lessor.decide.stages import Move
from lessor.model.instancelease import Action, InstanceLeaseSpec, StageStatus
from lessor.model.times import Duration
from tests import builders, strategies
from tests.builders import DAY, END, HOUR, START, spec

# Copied by hand from the contract: what each action means in each vm_state, with no task running.
TABLE = """
                    Stop         Shelve       Snapshot     Delete
active              Do           Do           Do           Do
stopped             AlreadyDone  Do           Do           Do
paused              AlreadyDone  Do           Do           Do
suspended           AlreadyDone  Do           Do           Do
shelved             AlreadyDone  Wait         AlreadyDone  Do
shelved_offloaded   AlreadyDone  AlreadyDone  AlreadyDone  Do
rescued             LockOnly     LockOnly     LockOnly     Do
resized             LockOnly     LockOnly     LockOnly     Do
error               Do           LockOnly     LockOnly     Do
building            Wait         Wait         Wait         Wait
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    pytest.param(state, Action(action), Move(move), id=f"{action} {state}")
    for state, *moves in ROWS
    for action, move in zip(HEAD, moves, strict=True)
]
# Every vm_state of Nova that is not in the table. Source: nova/compute/vm_states.py (soft-delete, deleted) and beyond.
UNLISTED = ("soft-delete", "deleted", "initialized", "", "of-a-newer-nova", "ACTIVE")


@pytest.mark.parametrize(("state", "action", "want"), CELLS)
def test_an_action_means_in_a_state_what_the_table_says(state: str, action: Action, want: Move) -> None:
    assert stages.move(action, state) is want


def test_the_table_has_a_cell_for_every_action_in_every_state_that_is_listed() -> None:
    assert list(Action) == HEAD
    assert len(CELLS) == len(ROWS) * len(Action)


@pytest.mark.parametrize("state", UNLISTED)
@pytest.mark.parametrize("action", list(Action))
def test_a_state_that_is_not_listed_is_waited_for(state: str, action: Action) -> None:
    assert stages.move(action, state) is Move.WAIT


@given(st.sampled_from(Action), st.text())
def test_the_table_answers_for_any_state(action: Action, state: str) -> None:
    listed = {row[0] for row in ROWS}
    assert state in listed or stages.move(action, state) is Move.WAIT


def test_every_action_has_tasks_of_its_own_and_no_two_share_one() -> None:
    own = stages.OWN_TASKS
    assert set(own) == set(Action)
    assert len(frozenset().union(*own.values())) == sum(len(tasks) for tasks in own.values())


# ---------------------------------------------------------------- which stage is next

FOUR = builders.stages(("0s", "Stop", True), ("1d", "Snapshot"), ("2d", "Shelve"), ("9d", "Delete"))

LOCKED_LATE = builders.stages(("0s", "Stop"), ("1d", "Shelve", True))


def done(action: str, time: datetime = END, *earlier: str) -> StageStatus:
    return StageStatus(done=action, time=time, earlier=earlier)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    expiry: dict[str, Any]
    done: StageStatus | None
    want: tuple[str, datetime, bool] | None


CASES = (
    Case("first", "The first comes at the end.", FOUR, None, ("Stop", END, True)),
    Case("offset", "Or as long after it as declared.", builders.stages(("6h", "Stop")), None,
         ("Stop", END + 6 * HOUR, False)),
    Case("second", "The next one follows; a lock stays on.", FOUR, done("Stop"), ("Snapshot", END + DAY, True)),
    Case("late", "What was done late pushes the next one back by the whole distance.", FOUR,
         done("Stop", END + 5 * DAY), ("Snapshot", END + 6 * DAY, True)),
    Case("early", "What was done before the end has moved pulls nothing forward.", FOUR,
         done("Stop", END - 5 * DAY), ("Snapshot", END + DAY, True)),
    Case("third", "And so on.", FOUR, done("Snapshot", END + DAY, "Stop"), ("Shelve", END + 2 * DAY, True)),
    Case("last", "Delete comes last.", FOUR, done("Shelve", END + 2 * DAY, "Stop", "Snapshot"),
         ("Delete", END + 9 * DAY, True)),
    Case("all", "Nothing is left.", FOUR, done("Delete", END + 9 * DAY, "Stop", "Snapshot", "Shelve"), None),
    Case("default", "The default is one Stop.", builders.stages(("0s", "Stop", True)), done("Stop"), None),
    Case("lock-late", "No lock before the stage that asks for it.", LOCKED_LATE, None, ("Stop", END, False)),
    Case("lock-now", "And from then on.", LOCKED_LATE, done("Stop"), ("Shelve", END + DAY, True)),
    Case("put-before", "A stage declared before the one that is done still comes first.", FOUR,
         done("Shelve", END + 2 * DAY), ("Stop", END, True)),
    Case("gap", "Its distance is from the stage seen done last.", FOUR, done("Shelve", END + 2 * DAY, "Stop"),
         ("Snapshot", END + 3 * DAY, True)),
    Case("taken-out", "A done stage that is no longer declared counts for nothing.",
         builders.stages(("3h", "Shelve")), done("Stop"), ("Shelve", END + 3 * HOUR, False)),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_next_stage_is_the_first_that_was_not_seen_done(case: Case) -> None:
    declared = spec(expiry=case.expiry)
    due = stages.pending(declared, builders.begun(stage=case.done), window.at(declared, START, None))
    assert (None if due is None else (due.action, due.time, due.lock)) == case.want, case.why


@given(strategies.specs(strategies.near(START)), strategies.grants(), st.data())
def test_no_stage_is_due_before_the_end_and_none_sooner_after_another_than_declared(
    declared: InstanceLeaseSpec, renewals: Any, data: st.DataObject
) -> None:
    term = window.at(declared, START, renewals)
    seen: StageStatus | None = None
    for before, stage in pairwise((None, *declared.stages)):
        due = stages.pending(declared, builders.begun(stage=seen), term)
        assert due is not None
        assert due.stage == stage
        assert due.time >= term.end + stage.after.delta
        assert seen is None or due.time >= seen.time + stage.after.delta - before.after.delta
        when = due.time + data.draw(strategies.spans(most=30 * DAY))
        seen = StageStatus(done=stage.action, time=when, earlier=seen.all if seen is not None else ())
    assert stages.pending(declared, builders.begun(stage=seen), term) is None


def test_the_end_of_all_time_is_the_last_stage_of_all() -> None:
    declared = spec(expireTime="9999-12-31T00:00:00Z", expiry=builders.stages(("99999w", "Stop")))
    due = stages.pending(declared, builders.begun(), window.at(declared, START, None))
    assert due is not None
    assert due.time >= datetime.fromisoformat("9999-12-30T00:00:00Z")


@pytest.mark.parametrize(
    ("seen", "want"),
    [
        pytest.param(None, False, id="nothing done"),
        pytest.param(done("Snapshot"), False, id="a snapshot leaves it running"),
        pytest.param(done("Stop"), True, id="stopped"),
        pytest.param(done("Shelve"), True, id="shelved"),
        pytest.param(done("Snapshot", END, "Stop"), True, id="stopped before the snapshot"),
    ],
)
def test_a_server_should_be_down_after_stop_and_shelve(seen: StageStatus | None, want: bool) -> None:
    assert stages.stops(builders.begun(stage=seen)) is want


def test_a_snapshot_carries_its_object_its_action_and_its_time() -> None:
    declared = spec(expiry=builders.stages(("1h", "Snapshot")))
    due = stages.pending(declared, builders.begun(), window.at(declared, START, None))
    assert due is not None
    assert stages.key("uid-1", due) == "uid-1/Snapshot/20260311T090000Z"


@given(strategies.durations(timedelta(), 9 * DAY))
def test_two_ends_never_share_a_snapshot(moved: Duration) -> None:
    declared = spec(expiry=builders.stages(("0s", "Snapshot")))
    terms = (window.at(declared, START, renewals) for renewals in (None, builders.granted(extended=moved)))
    keys = {stages.key("uid-1", due) for term in terms if (due := stages.pending(declared, builders.begun(), term))}
    assert len(keys) == (2 if moved.delta else 1)
