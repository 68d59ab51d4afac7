"""What is asked of a lease that is there when its spec says something else than Blazar was told."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from lessor.decide.lease import refusals
from lessor.decide.lease.facts import Facts
from lessor.model.conditions import Reason
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    END,
    HOUR,
    NOW,
    active,
    change,
    no,
    plan,
    said,
    seen,
    spec,
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
