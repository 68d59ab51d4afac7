"""What a lease's state in Blazar means, and when it must be read again because it is about to change."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from lessor.decide.lease import states
from lessor.decide.lease.states import Trouble
from lessor.model.reservations import EventState, LeaseState, ObservedLease
from tests.decide.lease.builders import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NOW,
    events,
    host,
    seen,
)

SECOND = timedelta(seconds=1)
RESERVED_IN_ERROR = (host(state="error"),)
U, D, E = EventState.UNDONE, EventState.DONE, EventState.ERROR


def in_error(started: str, ended: str, **changes: Any) -> ObservedLease:
    return seen(LeaseState.ERROR, events=events(started=started, ended=ended), **changes)


TROUBLES = (
    pytest.param(seen(), None, id="active"),
    pytest.param(in_error(U, U), Trouble.UPDATE, id="update before the start"),
    pytest.param(in_error(D, U), Trouble.UPDATE, id="update"),
    pytest.param(in_error(E, U), Trouble.START, id="start"),
    pytest.param(in_error(U, U, reservations=RESERVED_IN_ERROR), Trouble.START, id="start, by its reservation"),
    pytest.param(in_error(D, E), Trouble.END, id="end"),
    pytest.param(in_error(D, D), Trouble.END, id="end that was done"),
    pytest.param(in_error(E, E), Trouble.END, id="end after a failed start"),
    pytest.param(seen(LeaseState.ERROR, events=()), Trouble.UPDATE, id="no events"),
)


@pytest.mark.parametrize(("there", "want"), TROUBLES)
def test_the_events_tell_what_an_error_stands_for(there: ObservedLease, want: Trouble | None) -> None:
    assert states.trouble(there) is want


def test_a_lease_has_started_also_while_it_is_changed() -> None:
    started = {state: states.has_started(seen(state)) for state in LeaseState}
    assert [state for state, yes in started.items() if not yes] == ["PENDING", "CREATING", "STARTING"]
    assert states.has_started(seen(events=())), "ACTIVE says enough."
    assert not states.has_started(seen(LeaseState.UPDATING, events=()))


def test_a_lease_is_over_when_it_has_ended_or_is_ending() -> None:
    assert {state for state in LeaseState if states.is_over(seen(state))} == {"TERMINATED", "TERMINATING"}
    assert states.is_over(in_error(D, E))


def test_blazar_takes_changes_in_stable_states() -> None:
    assert {one for one in LeaseState if states.takes_changes(seen(one))} == {
        "PENDING",
        "ACTIVE",
        "TERMINATED",
        "ERROR",
    }


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    there: ObservedLease
    want: timedelta | None


def flux(state: str, age: timedelta, **changes: Any) -> ObservedLease:
    """Give a lease that passes, whose row was written so long ago."""
    return seen(state, **{"updated": NOW - age, **changes})


CASES = (
    Case("starting", "Every ten seconds Blazar looks for what is due.",
         seen(LeaseState.PENDING, start=NOW), 1.5 * SECOND),
    Case("starting-late", "Less often as it takes longer.", seen(LeaseState.PENDING, start=NOW - 80 * SECOND),
         10 * SECOND),
    Case("starting-never", "At least each minute.", seen(LeaseState.STARTING, start=NOW - HOUR), MINUTE),
    Case("creating", "It is asked for just now.", flux(LeaseState.CREATING, SECOND), 1.5 * SECOND),
    Case("creating-never", "A Blazar that died leaves it there.", flux(LeaseState.CREATING, HOUR), MINUTE),
    Case("updating", "A change takes a second.", flux(LeaseState.UPDATING, SECOND), 1.5 * SECOND),
    Case("updating-never", "Or for ever.", flux(LeaseState.UPDATING, DAY), MINUTE),
    Case("updating-new", "Its row was never written again.", flux(LeaseState.UPDATING, DAY, updated=None,
         created=NOW - 80 * SECOND), 10 * SECOND),
    Case("updating-unknown", "Nothing tells since when.", flux(LeaseState.DELETING, DAY, updated=None), 1.5 * SECOND),
    Case("updating-ahead", "Blazar's clock may be ahead.", flux(LeaseState.UPDATING, -DAY), 1.5 * SECOND),
    Case("ending", "It ends at its end.", seen(end=NOW), 1.5 * SECOND),
    Case("ending-late", "Servers that do not go hold it.", seen(LeaseState.TERMINATING, end=NOW - 80 * SECOND),
         10 * SECOND),
    Case("pending", "The start.", seen(LeaseState.PENDING, start=NOW + HOUR, events=()), HOUR),
    Case("active", "The end.", seen(end=NOW + HOUR, events=events(end=NOW + HOUR, before=None)), HOUR),
    Case("before-end", "Whether that went well is worth a look.", seen(), END - HOUR - NOW + 5 * SECOND),
    Case("over", "Nothing comes.", seen(LeaseState.TERMINATED, events=()), None),
    Case("error", "The list will do.", seen(LeaseState.ERROR, events=()), None),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_lease_is_read_again_when_it_is_about_to_change(case: Case) -> None:
    at = states.look_at(case.there, None, NOW)
    assert (at - NOW if at is not None else None) == case.want, case.why


def test_one_that_was_asked_for_just_now_starts_since_then() -> None:
    there = seen(LeaseState.PENDING, start=NOW - 59 * SECOND)
    assert states.look_at(there, NOW - SECOND, NOW) == NOW + 1.5 * SECOND
