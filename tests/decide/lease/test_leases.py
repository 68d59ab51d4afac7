"""The plan for one Lease as a whole: whether it is accepted, what is known of it, what is said when it is gone."""

from dataclasses import replace
from typing import Any

import msgspec

from lessor.decide.lease import telling
from lessor.decide.lease.facts import Facts, Look
from lessor.model import names
from lessor.model.conditions import ConditionType, Fault, Reason
from lessor.model.plans import EventReason
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    DAY,
    END,
    MINUTE,
    NOW,
    active,
    condition,
    introduced,
    known,
    plan,
    said,
    seen,
    told_of,
    words,
)

ASK = {**introduced(), names.RECONCILE_REQUESTED_AT: "1"}
DOWN = Fault(Reason.CLOUD_UNAVAILABLE, "Blazar gave 503.")


def after(before: Facts, **changes: Any) -> Facts:
    """Give the facts of the pass that starts from what the plan before wrote."""
    return replace(before, lease=msgspec.structs.replace(before.lease, status=plan(before).status), **changes)


# ---------------------------------------------------------------- it is gone


def test_a_lease_that_is_not_in_the_list_is_read_by_its_id_before_it_is_lost() -> None:
    assert plan(active(there=None, look=Look.LISTED_NOT, live=False)).look_closer
    got = plan(active(there=None))
    assert (got.effect, got.claim, said(got)) == (None, False, ("False", "Lost"))
    assert "create another" in words(got)
    assert told_of(got) == [EventReason.DRIFTED]


def test_a_lost_lease_is_not_looked_for_each_minute() -> None:
    """The list wakes a Lease whose status tells of a lease that the list does not have."""
    lost = plan(active(there=None)).status
    assert (lost.state, telling.of_status(lost)[0]) == (None, None)
    again = after(active(there=None))
    assert plan(again).status == lost
    assert not plan(again).claim


def test_one_that_ended_and_was_cleared_away_has_ended() -> None:
    got = plan(active(there=None, now=END))
    assert (said(got), said(got, ConditionType.RESERVED)) == (("True", "Expired"), ("False", "Ended"))
    later = after(active(there=None, now=END), now=END + DAY)
    assert plan(later).status == got.status, "No moving number in a message."
    expired = known(conditions=(condition("Expired", "True", "EndReached"),), end_time=None)
    assert said(plan(active(None, expired, there=None))) == ("True", "Expired")


def test_one_that_was_being_created_and_came_to_nothing_is_asked_for_again() -> None:
    creating = known(LeaseState.CREATING, create_requested_time=NOW - MINUTE)
    assert plan(active(None, creating, there=None, live=False, look=Look.LISTED_NOT)).look_closer
    got = plan(active(None, creating, there=None))
    assert (got.claim, got.status.create_requested_time, got.status.state) == (True, NOW, None)


def test_a_lost_lease_that_comes_back_is_there() -> None:
    got = plan(after(active(there=None), look=Look.FOUND, seen=seen()))
    assert said(got) == ("True", "InWindow")
