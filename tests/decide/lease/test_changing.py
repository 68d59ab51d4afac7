"""What is asked of a lease that is there when its spec says something else than Blazar was told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import refusals
from lessor.decide.lease.facts import Facts
from lessor.model import times
from lessor.model.conditions import Reason
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    END,
    HOUR,
    MINUTE,
    NOW,
    START,
    active,
    change,
    host,
    known,
    no,
    plan,
    said,
    seen,
    spec,
    told,
    words,
)

LONGER = spec(duration="30h")
ASKED = change(end=END + 6 * HOUR)


def after_a_pass(before: Facts) -> Facts:
    """Give the facts of a later visit, with what the plan before wrote."""
    return replace(before, lease=msgspec.structs.replace(before.lease, status=plan(before).status))


# ---------------------------------------------------------------- answers that were lost


@pytest.mark.parametrize("reason", [Reason.UNCERTAIN, Reason.CLOUD_UNAVAILABLE])
def test_a_change_whose_answer_was_lost_is_not_asked_again_at_once(reason: Reason) -> None:
    assert plan(active(LONGER)).effect == ASKED
    lost = plan(active(LONGER, failed=no(ASKED, reason)))
    assert lost.effect is None
    assert lost.wake_at == NOW + timedelta(seconds=10)
    assert said(lost) == ("False", "Uncertain")
    assert "asked for again" in words(lost)


def test_the_pauses_after_lost_answers_grow_to_ten_minutes() -> None:
    lost, pauses = active(LONGER, failed=no(ASKED, Reason.UNCERTAIN)), []
    for _ in range(9):
        refusal = plan(lost).status.refusal
        assert refusal is not None
        again = refusals.again_at(refusal)
        assert again is not None
        pauses.append((again - refusal.time).total_seconds())
        lost = after_a_pass(lost)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_before_the_pause_is_over_nothing_is_asked_and_then_the_same() -> None:
    lost = replace(after_a_pass(active(LONGER, failed=no(ASKED, Reason.UNCERTAIN))), failed=None)
    assert plan(lost).effect is None
    assert plan(replace(lost, now=NOW + timedelta(seconds=10))).effect == ASKED


def test_a_lease_that_is_busy_is_read_again_and_no_refusal_is_noted() -> None:
    busy = active(LONGER, there=seen(LeaseState.UPDATING), failed=no(ASKED, Reason.UNCERTAIN))
    assert plan(busy).effect is None
    assert plan(busy).status.refusal is None
    assert plan(busy).look_at is not None


# ---------------------------------------------------------------- dates

LATER = NOW + 2 * HOUR


def pending(start: datetime = LATER, **declared: Any) -> Facts:
    """Give the facts of a lease of two hours that starts in two hours, and was edited since."""
    there = seen(LeaseState.PENDING, start=LATER, end=LATER + 2 * HOUR)
    status = known(
        LeaseState.PENDING,
        start_time=LATER,
        end_time=LATER + 2 * HOUR,
        requested=told(LATER + 2 * HOUR, start_time=LATER),
    )
    return active(spec(**{"startTime": times.text(start), "duration": "2h", **declared}), status, there=there)


def test_nothing_is_asked_of_a_lease_that_is_as_it_was_declared() -> None:
    assert plan(active()).effect is None
    assert plan(pending()).effect is None


def test_a_lease_is_moved_by_more_than_its_length_in_one_request() -> None:
    assert plan(pending(LATER + 5 * HOUR)).effect == change(start=LATER + 5 * HOUR, end=LATER + 7 * HOUR)


@pytest.mark.parametrize("start", [None, times.text(START)], ids=["removed", "past"])
def test_a_start_that_is_to_be_at_once_is_the_next_minute_but_one(start: str | None) -> None:
    declared = {"startTime": start, "duration": None, "endTime": times.text(LATER + 2 * HOUR)}
    sooner = pending(**declared)
    assert plan(sooner).effect == change(start=NOW + MINUTE)
    done = plan(replace(sooner, done=(change(start=NOW + MINUTE),)))
    assert done.status.requested == told(LATER + 2 * HOUR, start_time=NOW + MINUTE)
    assert done.effect is None


def test_a_start_that_is_past_cannot_be_moved_and_ready_says_so() -> None:
    got = plan(active(spec(startTime=times.text(LATER), duration="24h")))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert "Put the old spec.startTime back" in words(got)
    assert plan(after_a_pass(active(spec(startTime=times.text(LATER), duration="24h")))).status == got.status


def test_an_end_that_is_moved_into_the_past_is_the_next_minute_and_stays_it() -> None:
    early = active(spec(duration="1m"), now=NOW + timedelta(seconds=1))
    assert plan(early).effect == change(end=NOW + MINUTE)
    status = known(requested=told(NOW + MINUTE), end_time=NOW + MINUTE)
    assert plan(active(spec(duration="1m"), status, there=seen(end=NOW + MINUTE), now=NOW + HOUR)).effect is None


def test_the_refusal_of_an_end_in_the_past_does_not_come_anew_each_minute() -> None:
    refused = after_a_pass(active(spec(duration="1m"), failed=no(change(end=NOW))))
    again = plan(replace(refused, failed=None, now=NOW + 5 * MINUTE))
    assert (again.effect, again.status.refusal) == (None, refused.lease.status.refusal)


def test_an_end_that_blazar_has_already_is_not_asked_for() -> None:
    """An answer of ours was lost."""
    got = plan(active(LONGER, there=seen(end=END + 6 * HOUR)))
    assert (got.effect, got.status.requested) == (None, told(END + 6 * HOUR))


def test_what_comes_before_the_end_is_told_with_the_end_and_alone() -> None:
    assert plan(active(spec(beforeEnd="2h"))).effect == change(before_end=END - 2 * HOUR)
    both = spec(beforeEnd="2h", duration="30h")
    assert plan(active(both)).effect == change(end=END + 6 * HOUR, before_end=END + 4 * HOUR)
    status = known(requested=told(before_end_time=END - HOUR))
    assert plan(active(spec(beforeEnd="1h"), status)).effect is None
    assert plan(active(None, status)).effect is None, "How the cloud is set up cannot be asked for."
    assert plan(active(spec(beforeEnd="1h"))).effect is None, "Blazar does it then anyway."


def test_what_would_come_before_a_start_that_somebody_moved_is_not_asked_for() -> None:
    moved = seen(start=END - HOUR, end=END)
    assert plan(active(spec(beforeEnd="2h"), there=moved)).effect is None
    assert plan(active(spec(beforeEnd="8h", duration="30h"), there=moved)).effect == change(end=END + 6 * HOUR)


def test_a_lease_of_a_flavor_takes_nothing_but_a_name() -> None:
    declared = {"reservations": [{"name": "nodes", "flavor": {"flavor": "f"}}]}
    fixed = {"there": seen(reservations=(host(resource_type="flavor:instance"),)), "status": known(reservations=())}
    got = plan(active(spec(**declared, duration="30h"), **fixed))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert plan(active(spec(**declared, leaseName="other"), **fixed)).effect == change(name="other")
