"""The plan for one Lease as a whole: whether it is accepted, what is known of it, what is said when it is gone."""

from dataclasses import replace
from typing import Any

from lessor.decide.lease import telling
from lessor.decide.lease.facts import Create, Facts, Look
from lessor.model import names, times
from lessor.model.conditions import ConditionType, Fault, Reason
from lessor.model.plans import EventReason
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    DAY,
    END,
    HOUR,
    ID,
    MINUTE,
    NOW,
    START,
    a_lease,
    active,
    after,
    change,
    claimed,
    condition,
    facts,
    introduced,
    known,
    plan,
    said,
    seen,
    spec,
    told,
    told_of,
    words,
)

ASK = {**introduced(), names.RECONCILE_REQUESTED_AT: "1"}
DOWN = Fault(Reason.CLOUD_UNAVAILABLE, "Blazar gave 503.")


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


# ---------------------------------------------------------------- it never was


def test_a_lease_whose_time_is_over_is_not_asked_for_and_says_the_same_ever_after() -> None:
    late = facts(a_lease(spec(endTime=times.text(START))))
    got = plan(late)
    assert (got.effect, got.claim, said(got)) == (None, False, ("True", "Expired"))
    assert words(got, ConditionType.EXPIRED) == words(got, ConditionType.RESERVED)
    assert "Declare a later end" in words(got)
    again = plan(after(late, now=NOW + HOUR))
    assert (again.status, again.events) == (got.status, ())


def test_a_spec_fault_is_said_also_when_a_person_asked_to_look() -> None:
    got = plan(facts(a_lease(spec(onDelete="Perhaps"), annotations=ASK), live=False, look=Look.NOT_LOOKED))
    assert (got.look_closer, said(got)) == (False, ("False", "UnsupportedValue"))
    assert got.status.last_handled_reconcile_at == "1"


def test_who_asks_to_look_is_answered_by_a_look() -> None:
    asked = active(live=False)
    asked = replace(asked, lease=a_lease(None, known(), annotations=ASK))
    assert plan(asked).look_closer
    assert plan(asked).status.last_handled_reconcile_at is None
    assert plan(replace(asked, live=True)).status.last_handled_reconcile_at == "1"
    down = plan(replace(asked, fault=DOWN))
    assert (down.look_closer, down.status.last_handled_reconcile_at) == (False, None)


# ---------------------------------------------------------------- the answer to a POST


def posted(**changes: Any) -> Facts:
    """Give the facts right after a POST that was answered."""
    lease = a_lease(None, claimed(NOW, requested=told(NOW + DAY)), annotations=introduced(start=NOW))
    effect = plan(facts(lease, claimed=NOW)).effect
    assert isinstance(effect, Create)
    there = seen(LeaseState.PENDING, start=NOW, end=NOW + DAY, **changes)
    return facts(lease, there, claimed=NOW, done=(effect,))


def test_the_answer_to_a_post_is_taken_for_what_it_is() -> None:
    got = plan(posted())
    assert (got.effect, said(got)) == (None, ("False", "Starting"))
    assert (got.status.lease_id, got.status.state, told_of(got)) == (ID, "PENDING", [EventReason.RESERVED])
    assert got.look_at is not None


def test_another_id_than_the_one_that_was_asked_for_is_remembered() -> None:
    """Else the lease is looked for under the other id, is not found, and a second one is made."""
    first = posted(id="another")
    assert plan(first).status.lease_id == "another"
    second = plan(after(first, done=()))
    assert second.annotations == introduced("another", NOW)


def test_a_restored_object_keeps_what_was_granted_to_its_former_self() -> None:
    """Its status is lost: the lease must not be cut to its declared end."""
    restored = facts(a_lease(annotations=introduced("former")), seen(id="former", end=END + 3 * HOUR))
    got = plan(restored)
    assert got.effect is None
    assert got.status.renewals is not None
    assert got.status.renewals.sum == 3 * HOUR
    assert plan(after(restored)).effect is None
    shorter = facts(a_lease(annotations=introduced("former")), seen(id="former", end=END - HOUR))
    assert plan(shorter).effect == replace(change(end=END), lease_id="former")
