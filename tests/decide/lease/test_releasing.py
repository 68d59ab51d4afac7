"""Letting go of a Lease that is deleted: nothing is left behind in Blazar that nobody knows of."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lessor.decide.lease.facts import Delete, Facts, Look
from lessor.model import names
from lessor.model.conditions import Disposition, Fault, Reason
from lessor.model.lease import LeaseSpec, LeaseStatus
from lessor.model.plans import EventReason, FinalizerChange
from lessor.model.reservations import EventState, LeaseState
from tests.decide.lease.builders import (
    CLOUD,
    HOUR,
    ID,
    MINUTE,
    NOW,
    US,
    a_lease,
    claimed,
    events,
    facts,
    introduced,
    known,
    no,
    plan,
    refusal,
    said,
    seen,
    spec,
    told_of,
    words,
)

LET_GO = FinalizerChange.TAKE_OFF
DOWN = Fault(Reason.CLOUD_UNAVAILABLE, "Blazar gave 503.")
NO_SECRET = Fault(Reason.CREDENTIALS_MISSING, "There is no Secret clouds.")
FORCE = {**introduced(), names.FORCE_FORGET: "true"}
IMPORT = {"import": {"id": ID}, "reservations": None}


def deleted(
    declared: LeaseSpec | None = None,
    status: LeaseStatus | None = None,
    at: Any = NOW,
    annotations: Any = None,
    **changes: Any,
) -> Facts:
    """Give the facts of a visit to a Lease that is being deleted, and is ACTIVE in Blazar but for what is named."""
    lease = a_lease(
        declared,
        status if status is not None else known(),
        deletion_timestamp=at,
        annotations=annotations if annotations is not None else introduced(),
    )
    return facts(lease, changes.pop("there", seen()), **changes)


# ---------------------------------------------------------------- Delete


def test_the_lease_is_deleted_and_the_object_goes_when_it_is_gone() -> None:
    assert plan(deleted()).effect == Delete(lease_id=ID, harms=True)
    assert plan(deleted()).finalizer is FinalizerChange.KEEP
    gone = plan(deleted(there=None, done=(Delete(lease_id=ID, harms=True),)))
    assert (gone.effect, gone.finalizer, told_of(gone)) == (None, LET_GO, [EventReason.RELEASED])


def test_blazar_is_asked_before_anything_is_said() -> None:
    from_memory = plan(deleted(live=False))
    assert (from_memory.look_closer, from_memory.effect, from_memory.finalizer) == (True, None, FinalizerChange.KEEP)


def test_an_object_without_our_finalizer_is_left_alone() -> None:
    free = deleted()
    free = replace(free, lease=a_lease(None, known(), deletion_timestamp=NOW, finalizers=()))
    assert (plan(free).effect, plan(free).finalizer) == (None, FinalizerChange.KEEP)


@pytest.mark.parametrize("state", ["STARTING", "TERMINATING", "DELETING", "UPDATING"])
def test_while_blazar_is_at_it_nothing_is_asked(state: str) -> None:
    got = plan(deleted(there=seen(state)))
    assert (got.effect, said(got)) == (None, ("False", "Released"))
    assert got.status.state == state
    assert got.look_at == NOW + timedelta(seconds=2)


def test_it_is_read_at_longer_pauses_as_that_takes_longer_and_the_way_out_is_told() -> None:
    long = plan(deleted(there=seen(LeaseState.DELETING), at=NOW - HOUR))
    assert long.look_at == NOW + timedelta(seconds=30)
    assert names.FORCE_FORGET in words(long)
    assert names.FORCE_FORGET not in words(plan(deleted(there=seen(LeaseState.DELETING))))


HARM = (
    pytest.param(seen(), True, id="active"),
    pytest.param(seen(LeaseState.PENDING), False, id="pending"),
    pytest.param(seen(LeaseState.CREATING), False, id="creating"),
    pytest.param(seen(LeaseState.TERMINATED), False, id="terminated"),
    pytest.param(seen(LeaseState.ERROR), True, id="failed update"),
    pytest.param(seen(LeaseState.ERROR, events=events(ended=EventState.ERROR)), True, id="failed end"),
    pytest.param(seen(LeaseState.ERROR, events=events(started=EventState.ERROR)), False, id="failed start"),
)


@pytest.mark.parametrize(("there", "harms"), HARM)
def test_what_may_end_servers_obeys_the_freeze_and_the_pace(there: Any, harms: bool) -> None:
    assert plan(deleted(there=there)).effect == Delete(lease_id=ID, harms=harms)
    for held, why in (({"frozen": True}, "frozen"), ({"may_delete": False}, "in the last hour")):
        got = plan(deleted(there=there, **held))
        assert (got.effect is None) is harms
        if harms:
            assert (said(got), got.wake_at) == (("False", "DeletionHeld"), NOW + MINUTE)
            assert why in words(got)


def test_a_delete_that_failed_is_told_and_tried_again_later() -> None:
    got = plan(deleted(failed=no(Delete(lease_id=ID, harms=True), Reason.UNCERTAIN, "Blazar answered 500.")))
    assert (got.effect, said(got), got.disposition) == (None, ("False", "ReleaseBlocked"), Disposition.RETRY)
    assert "Blazar answered 500." in words(got)
    assert names.FORCE_FORGET in words(got)


def test_what_was_deleted_and_is_still_shown_is_not_deleted_again_in_the_same_pass() -> None:
    got = plan(deleted(done=(Delete(lease_id=ID, harms=True),)))
    assert (got.effect, said(got)) == (None, ("False", "Released"))
    assert got.look_at is not None


def test_the_way_out_lets_go_whatever_is_the_matter() -> None:
    got = plan(deleted(annotations=FORCE, fault=DOWN))
    assert (got.finalizer, told_of(got)) == (LET_GO, [EventReason.RELEASED])


# ---------------------------------------------------------------- nothing was made, or it is not known


def test_what_was_never_asked_for_is_let_go_without_a_word() -> None:
    got = plan(deleted(status=LeaseStatus(), there=None, live=False, look=Look.NOT_LOOKED))
    assert (got.finalizer, got.events, got.look_closer) == (LET_GO, (), False)


def test_what_blazar_refused_is_let_go_also_when_the_secret_is_gone() -> None:
    """As when a namespace is deleted: the Secret goes first."""
    refused = claimed(create_requested_time=None, requested=None, refusal=refusal("x", Reason.NOT_ENOUGH_RESOURCES))
    got = plan(deleted(status=refused, there=None, fault=NO_SECRET, live=False, look=Look.NOT_LOOKED))
    assert got.finalizer is LET_GO


def test_a_lost_answer_is_waited_for() -> None:
    waits = plan(deleted(status=claimed(NOW - MINUTE), there=None))
    assert (waits.finalizer, said(waits)) == (FinalizerChange.KEEP, ("False", "Uncertain"))
    assert waits.wake_at == NOW + timedelta(seconds=5)
    near = plan(deleted(status=claimed(NOW - timedelta(seconds=88)), there=None))
    assert near.wake_at == NOW + timedelta(seconds=2)
    assert plan(deleted(status=claimed(NOW - timedelta(seconds=90)), there=None)).finalizer is LET_GO


def test_a_lease_that_was_seen_once_and_is_gone_needs_no_wait() -> None:
    assert plan(deleted(status=known(create_requested_time=NOW), there=None)).finalizer is LET_GO


def test_a_restored_object_deletes_the_lease_of_its_former_self() -> None:
    restored = deleted(status=LeaseStatus(), annotations=introduced("former"), there=seen(id="former"))
    assert plan(restored).effect == Delete(lease_id="former", harms=True)


# ---------------------------------------------------------------- Retain


RETAINED = (
    pytest.param(spec(onDelete="Retain"), id="declared"),
    pytest.param(spec(suspend=True), id="suspended"),
    pytest.param(spec(suspend=True, onDelete="Delete"), id="suspended, whatever is declared"),
    pytest.param(spec(**IMPORT), id="imported"),
)


@pytest.mark.parametrize("declared", RETAINED)
@pytest.mark.parametrize("fault", [None, DOWN, NO_SECRET], ids=["well", "down", "no secret"])
def test_what_is_retained_is_let_go_whatever_is_the_matter(declared: LeaseSpec, fault: Fault | None) -> None:
    got = plan(deleted(declared, fault=fault, live=False))
    assert (got.effect, got.look_closer, got.finalizer) == (None, False, LET_GO)
    assert "stays in Blazar" in got.events[0].note


def test_an_imported_lease_is_deleted_where_that_is_declared() -> None:
    assert plan(deleted(spec(**IMPORT, onDelete="Delete"))).effect is not None


# ---------------------------------------------------------------- blocked


@pytest.mark.parametrize(
    ("fault", "want"),
    [(DOWN, ("False", "CloudUnavailable")), (NO_SECRET, ("False", "ReleaseBlocked"))],
    ids=["down", "no secret"],
)
def test_what_cannot_be_deleted_holds_the_object_and_says_the_way_out(fault: Fault, want: Any) -> None:
    got = plan(deleted(fault=fault, live=False))
    assert (got.finalizer, said(got), got.wake_at) == (FinalizerChange.KEEP, want, NOW + MINUTE)
    assert fault.message in words(got)
    assert names.FORCE_FORGET in words(got)


def test_credentials_that_lead_elsewhere_delete_nothing() -> None:
    elsewhere = known(cloud=type(CLOUD)(auth_url=US.auth_url, region="Two", project_id=US.project_id))
    got = plan(deleted(status=elsewhere))
    assert (got.effect, got.finalizer, said(got)) == (None, FinalizerChange.KEEP, ("False", "ReleaseBlocked"))


def test_a_spec_that_cannot_be_read_is_no_hindrance() -> None:
    assert plan(deleted(problem=Fault(Reason.INVALID_SPEC, "bad"))).effect is not None


def test_a_status_is_written_once() -> None:
    busy = deleted(there=seen(LeaseState.DELETING))
    once = plan(busy).status
    assert plan(replace(busy, lease=a_lease(None, once, deletion_timestamp=NOW))).status == once
