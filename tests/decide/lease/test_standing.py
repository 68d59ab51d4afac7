"""What is said of a lease that is there, and of what is wrong with it; the Events."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from lessor.decide.lease.facts import Facts
from lessor.model.conditions import ConditionType, Fault, Reason
from lessor.model.lease import OutputStatus
from lessor.model.plans import EventReason
from lessor.model.reservations import EventState, LeaseState, ObservedLease
from tests.decide.lease.builders import (
    DAY,
    END,
    HOUR,
    ID,
    MINUTE,
    NOW,
    SAID,
    a_lease,
    active,
    condition,
    events,
    host,
    known,
    plan,
    said,
    seen,
    spec,
    told,
    told_of,
    words,
)

ACCEPTED, RESERVED, ACTIVE = ConditionType.ACCEPTED, ConditionType.RESERVED, ConditionType.ACTIVE
DEGRADED, EXPIRING, EXPIRED = ConditionType.DEGRADED, ConditionType.EXPIRING, ConditionType.EXPIRED


@dataclass(frozen=True)
class Case:
    id: str
    there: ObservedLease
    reserved: tuple[str, str]
    active: tuple[str, str]
    ready: tuple[str, str]
    now: datetime = NOW


HELD, USED = ("True", "Reserved"), ("True", "InWindow")
NOT_YET, STARTING, NOTHING = ("False", "NotStarted"), ("False", "Starting"), ("False", "NotReserved")
OVER, EXPIRED_READY = ("False", "Ended"), ("True", "Expired")
LATER = NOW + HOUR
CASES = (
    Case("pending", seen(LeaseState.PENDING, start=LATER), HELD, NOT_YET, HELD),
    Case("pending-late", seen(LeaseState.PENDING), HELD, STARTING, STARTING),
    Case("starting", seen(LeaseState.STARTING), HELD, STARTING, STARTING),
    Case("active", seen(), HELD, USED, USED),
    Case("updating", seen(LeaseState.UPDATING), HELD, USED, USED),
    Case("creating", seen(LeaseState.CREATING), ("False", "Creating"), NOTHING, ("False", "Creating")),
    Case("deleting", seen(LeaseState.DELETING), ("False", "Released"), NOTHING, ("False", "Released")),
    Case("ending", seen(LeaseState.TERMINATING), OVER, ("False", "Expired"), EXPIRED_READY, END),
    Case("over", seen(LeaseState.TERMINATED), OVER, ("False", "Expired"), EXPIRED_READY, END),
    Case("failed-start", seen(LeaseState.ERROR, events=events(started=EventState.ERROR)), ("False", "Refused"), NOTHING,
         ("False", "Refused")),
    Case("failed-end", seen(LeaseState.ERROR, events=events(ended=EventState.ERROR)), OVER, ("False", "Expired"),
         EXPIRED_READY, END),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_each_state_has_its_conditions(case: Case) -> None:
    got = plan(active(None, known(conditions=()), there=case.there, now=case.now))
    assert (said(got, RESERVED), said(got, ACTIVE), said(got)) == (case.reserved, case.active, case.ready)
    assert said(got, ACCEPTED) == ("True", "Accepted")


# ---------------------------------------------------------------- Degraded


def broken(started: str = EventState.DONE, ended: str = EventState.UNDONE) -> Facts:
    return active(there=seen(LeaseState.ERROR, events=events(started=started, ended=ended)))


WRONG = (
    pytest.param(broken(), "BlazarError", "an update failed", id="update"),
    pytest.param(broken(started=EventState.ERROR), "BlazarError", "its start failed", id="start"),
    pytest.param(broken(ended=EventState.ERROR), "BlazarError", "servers may still run", id="end"),
    pytest.param(active(there=seen(reservations=(host(missing_resources=True),))), "MissingResources", "nodes", id="m"),
    pytest.param(active(there=seen(reservations=(host(resources_changed=True),))), "ResourcesChanged", "nodes", id="c"),
    pytest.param(active(there=seen(end=END + HOUR)), "EndChanged", "to 2026-03-02T09:00:00Z", id="end moved"),
    pytest.param(active(there=seen(name="theirs")), "Renamed", "'theirs'", id="renamed"),
    pytest.param(
        active(there=seen(events=events(before=EventState.ERROR))),
        "BeforeEndFailed",
        "save what is needed",
        id="before",
    ),
    pytest.param(active(there=seen(user_id="alice")), "TrustOfOtherUser", "(alice)", id="trust"),
)


@pytest.mark.parametrize(("known_facts", "reason", "want"), WRONG)
def test_what_is_wrong_with_a_lease_is_said_and_told_once(known_facts: Facts, reason: str, want: str) -> None:
    got = plan(known_facts)
    assert said(got, DEGRADED) == ("True", reason)
    assert want in words(got, DEGRADED)
    assert EventReason.DRIFTED in told_of(got)
    again = replace(known_facts, lease=a_lease(None, got.status))
    assert told_of(plan(again)) == []


def test_what_is_well_again_is_told() -> None:
    degraded = known(conditions=(*SAID, condition("Degraded", "True", "Renamed")))
    got = plan(active(None, degraded))
    assert said(got, DEGRADED) == ("False", "Healed")
    assert told_of(got) == [EventReason.HEALED]
    assert said(plan(active()), DEGRADED) is None, "Nothing was ever wrong."


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"identity": None}, id="nobody"),
        pytest.param({"there": seen(user_id="")}, id="not shown"),
        pytest.param({"there": seen(LeaseState.TERMINATED, end=END + HOUR)}, id="over"),
    ],
)
def test_what_cannot_be_told_is_not_wrong(changes: Any) -> None:
    assert said(plan(active(**changes)), DEGRADED) is None


def test_our_own_change_is_nobody_elses() -> None:
    got = plan(active(spec(duration="30h"), there=seen(end=END + HOUR)))
    assert (got.effect is not None, said(got, DEGRADED)) == (True, None)


# ---------------------------------------------------------------- the end


def test_expiring_is_a_third_of_the_length_before_the_end_and_expired_at_it() -> None:
    before = plan(active(now=END - 8 * HOUR - MINUTE))
    assert (said(before, EXPIRING), before.wake_at) == (None, END - 8 * HOUR)
    soon = plan(active(now=END - 8 * HOUR))
    assert (said(soon, EXPIRING), said(soon, EXPIRED)) == (("True", "EndsSoon"), None)
    assert told_of(soon) == [EventReason.EXPIRING_SOON]
    over = plan(active(now=END, there=seen()))
    assert (said(over, EXPIRED), said(over)) == (("True", "EndReached"), USED), "Blazar has not ended it yet."
    assert told_of(over) == [EventReason.ENDED]
    assert over.look_at is not None


def test_a_lease_that_was_extended_is_not_about_to_end_any_more() -> None:
    status = known(
        requested=told(END + 30 * DAY),
        conditions=(*SAID, condition("Expiring", "True", "EndsSoon"), condition("Expired", "True", "EndReached")),
    )
    got = plan(active(spec(duration="31d"), status, there=seen(end=END + 30 * DAY)))
    assert (said(got, EXPIRING), said(got, EXPIRED)) == (("False", "Renewed"), ("False", "Renewed"))


def test_suspended_is_said_while_it_is_so() -> None:
    assert said(plan(active(spec(suspend=True))), ConditionType.SUSPENDED) == ("True", "Requested")
    assert said(plan(active()), ConditionType.SUSPENDED) is None


# ---------------------------------------------------------------- the output


def test_an_output_that_could_not_be_written_is_said_by_ready_and_tried_again() -> None:
    declared = spec(output={"configMapName": "out"})
    failed = known(output=OutputStatus(config_map_name="out", message="The ConfigMap out is not ours."))
    got = plan(active(declared, failed))
    assert (said(got), words(got)) == (("False", "InvalidSpec"), "The ConfigMap out is not ours.")
    assert got.config_map is not None
    assert got.wake_at == NOW + 10 * MINUTE, "What was in the way may be gone."
    other = plan(active(spec(output={"configMapName": "other"}), failed))
    assert said(other) == USED


def test_an_output_is_written_when_it_changes_only() -> None:
    declared = spec(output={"configMapName": "out"})
    first = plan(active(declared))
    assert first.config_map is not None
    assert plan(active(declared, first.status)).config_map is None
    assert plan(active(declared, first.status, there=seen(name="other"))).config_map is not None
    assert plan(active(None, first.status)).status.output is None


# ---------------------------------------------------------------- Events


def test_what_is_taken_over_is_told_as_such() -> None:
    first = {"status": known(conditions=())}
    assert told_of(plan(active(**first))) == [EventReason.RESERVED, EventReason.ACTIVATED]
    imported = spec(**{"import": {"id": ID}, "reservations": None})
    assert told_of(plan(active(imported, known(conditions=(), create_requested_time=None))))[0] is EventReason.ADOPTED


def test_a_lease_that_blazar_holds_is_told_once() -> None:
    creating = known(LeaseState.CREATING, conditions=())
    assert told_of(plan(active(None, creating, there=seen(LeaseState.CREATING)))) == []
    assert told_of(plan(active(None, creating, there=seen(LeaseState.PENDING)))) == [EventReason.RESERVED]


def test_a_cloud_that_is_back_is_no_news_of_the_lease() -> None:
    away = plan(active(live=False, fault=Fault(Reason.CLOUD_UNAVAILABLE, "Blazar gave 503.")))
    back = plan(active(None, away.status))
    assert (said(back, RESERVED), told_of(away), told_of(back)) == (HELD, [], [])
