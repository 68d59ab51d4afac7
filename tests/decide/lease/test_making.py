"""Making the lease: one in Blazar for an object and attempt, whatever dies when."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import wanted
from lessor.decide.lease.facts import Create, Facts, Look
from lessor.model import names
from lessor.model.conditions import ConditionType, Fault, Reason
from lessor.model.lease import LeaseSpec, LeaseStatus
from lessor.model.observed import CloudIdentity
from lessor.model.plans import EventReason, FinalizerChange
from tests.decide.lease.builders import (
    CLOUD,
    DAY,
    END,
    HOUR,
    ID,
    MINUTE,
    NOW,
    START,
    US,
    a_lease,
    answers,
    claimed,
    facts,
    introduced,
    no,
    plan,
    refusal,
    request,
    said,
    seen,
    spec,
    told,
    told_of,
    window_of,
    words,
)

SUSPENDED = spec(suspend=True)
SECOND = timedelta(seconds=1)
POST = Create(wanted=wanted.lease(a_lease(), window_of(a_lease()), ID, {}))

APP = CloudIdentity(
    auth_url=US.auth_url, region=US.region, project_id=US.project_id, user_id=US.user_id, application_credential=True
)


def about_to(declared: LeaseSpec | None = None, **changes: object) -> Facts:
    """Give the facts of the visit that starts from our own claim."""
    return facts(a_lease(declared, claimed(NOW)), claimed=NOW, **changes)


def asked(declared: LeaseSpec | None = None, age: timedelta = SECOND, **changes: object) -> Facts:
    """Give the facts of a visit that long after a claim of which it is not known what came."""
    return facts(a_lease(declared, claimed(NOW - age)), **changes)


# ---------------------------------------------------------------- suspended


def test_a_suspended_lease_is_not_asked_for() -> None:
    held = plan(facts(a_lease(SUSPENDED)))
    assert (held.effect, held.claim, said(held)) == (None, False, ("False", "Creating"))
    assert "spec.suspend" in words(held)


def test_one_that_is_suspended_after_the_claim_is_not_asked_for_and_the_claim_is_taken_back() -> None:
    held = plan(about_to(SUSPENDED))
    assert (held.effect, held.claim) == (None, False)
    assert (held.status.create_requested_time, held.status.requested) == (None, None)


def test_one_that_is_suspended_after_a_lost_answer_is_looked_for_until_it_is_certain() -> None:
    unsure = plan(asked(SUSPENDED))
    assert (unsure.effect, said(unsure)) == (None, ("Unknown", "Uncertain"))
    assert unsure.wake_at == NOW + timedelta(seconds=5)
    certain = plan(asked(SUSPENDED, age=MINUTE))
    assert (certain.effect, certain.claim) == (None, False)
    assert certain.status.create_requested_time is None
    assert said(certain) == ("False", "Creating")


def test_a_request_waits_while_the_lease_is_suspended() -> None:
    assert answers(plan(facts(a_lease(SUSPENDED), renewals=(request(),)))) == {"more": ("False", "Waiting")}


# ---------------------------------------------------------------- the first steps


def test_the_finalizer_and_the_annotation_come_first() -> None:
    new = plan(facts(a_lease(finalizers=(), annotations={}), live=False, look=Look.NOT_LOOKED))
    assert (new.finalizer, new.annotations) == (FinalizerChange.PUT_ON, introduced(start=NOW))
    assert (new.claim, new.effect, new.status) == (False, None, LeaseStatus())


def test_a_restored_object_keeps_its_annotation() -> None:
    restored = plan(facts(a_lease(finalizers=(), annotations=introduced("former")), look=Look.NOT_LOOKED, live=False))
    assert (restored.finalizer, restored.annotations) == (FinalizerChange.PUT_ON, None)


def test_then_comes_the_claim_and_then_the_post() -> None:
    claim = plan(facts(a_lease(), live=False, look=Look.NONE))
    assert (claim.claim, claim.effect) == (True, None)
    status = claim.status
    assert (status.lease_id, status.attempt, status.create_requested_time) == (ID, 1, NOW)
    assert (status.requested, status.cloud) == (told(NOW + DAY), CLOUD)
    assert [one.name for one in status.reservations] == ["nodes"]
    post = plan(about_to())
    assert isinstance(post.effect, Create)
    assert (post.effect.wanted.id, post.effect.wanted.start, post.effect.wanted.end) == (ID, None, NOW + DAY)


def test_without_credentials_nothing_is_claimed() -> None:
    got = plan(facts(a_lease(), live=False, look=Look.NONE, identity=None))
    assert (got.claim, got.look_closer) == (False, True)


def test_a_claim_of_this_process_is_posted_with_blazar_at_hand() -> None:
    assert plan(about_to(live=False)).look_closer


@pytest.mark.parametrize("claim", [None, NOW - HOUR], ids=["another process's", "an older one of ours"])
def test_a_claim_that_another_may_have_posted_is_never_posted(claim: datetime | None) -> None:
    got = plan(facts(a_lease(None, claimed(NOW)), claimed=claim))
    assert (got.effect, got.claim, said(got)) == (None, False, ("Unknown", "Uncertain"))
    assert got.wake_at == NOW + 5 * SECOND
    later = plan(facts(a_lease(None, claimed(NOW - MINUTE)), claimed=claim))
    assert (later.effect, later.claim, later.status.create_requested_time) == (None, True, NOW)


def test_a_claim_is_looked_for_before_all_else() -> None:
    for look in (Look.NOT_LOOKED, Look.LISTED_NOT):
        assert plan(asked(live=False, look=look)).look_closer
    assert plan(asked(age=58 * SECOND)).wake_at == NOW + 2 * SECOND


def test_an_answer_that_was_lost_is_waited_for() -> None:
    for failed in (no(POST, Reason.UNCERTAIN), no(POST, Reason.CLOUD_UNAVAILABLE)):
        got = plan(about_to(failed=failed))
        assert (got.effect, said(got), got.wake_at) == (None, ("Unknown", "Uncertain"), NOW + 5 * SECOND)
    assert said(plan(about_to(done=(POST,)))) == ("Unknown", "Uncertain")


def test_answers_that_are_lost_again_and_again_are_asked_for_at_longer_pauses() -> None:
    """Each POST leaves a trust in Keystone, and a Blazar that cannot act answers each so."""
    status, now, pauses = claimed(NOW), NOW, []
    for _ in range(7):
        lost = plan(facts(a_lease(None, status), claimed=now, now=now, failed=no(POST, Reason.UNCERTAIN)))
        assert "Blazar said no." in words(lost)
        later = facts(a_lease(None, lost.status), now=now)
        while not (got := plan(later)).claim:
            assert got.wake_at is not None
            later = replace(later, now=got.wake_at, lease=a_lease(None, got.status))
        pauses.append((later.now - now) / SECOND)
        now, status = later.now, got.status
    assert pauses == [60, 60, 60, 80, 160, 320, 600]


def test_when_it_is_certain_that_there_is_none_the_claim_comes_off_and_the_lease_can_be_let_go() -> None:
    lost = plan(about_to(failed=no(POST, Reason.UNCERTAIN), identity=APP))
    certain = plan(facts(a_lease(None, lost.status), now=NOW + MINUTE, identity=APP))
    assert (certain.status.create_requested_time, said(certain)) == (None, ("False", "CredentialsUnsuitable"))
    gone = a_lease(None, certain.status, deletion_timestamp=NOW)
    no_secret = Fault(Reason.CREDENTIALS_MISSING, "There is no Secret clouds.")
    assert plan(facts(gone, live=False, fault=no_secret)).finalizer is FinalizerChange.TAKE_OFF


def test_between_two_tries_it_is_said_what_blazar_answers() -> None:
    lost = plan(about_to(failed=no(POST, Reason.UNCERTAIN))).status
    often = msgspec.structs.replace(lost, refusal=refusal(wanted_digest(), Reason.UNCERTAIN, count=9, time=NOW))
    got = plan(facts(a_lease(None, often), now=NOW + 2 * MINUTE))
    assert (got.claim, said(got)) == (False, ("False", "Creating"))
    assert "Blazar said no. Blazar has no lease after that" in words(got)


def wanted_digest() -> str:
    """Give the digest of what is asked for."""
    found = plan(about_to(failed=no(POST, Reason.UNCERTAIN))).status.refusal
    assert found is not None
    return found.request


def test_a_lease_whose_time_ended_while_it_was_looked_for_is_not_asked_for_again() -> None:
    got = plan(asked(spec(duration="1m"), age=5 * MINUTE))
    assert (got.claim, said(got)) == (False, ("True", "Expired"))


def test_the_lease_of_a_former_self_is_adopted_or_if_it_is_gone_another_is_made() -> None:
    former = {"annotations": introduced("former")}
    assert plan(facts(a_lease(**former), live=False, look=Look.NOT_LOOKED)).look_closer
    adopted = plan(facts(a_lease(**former), seen(id="former")))
    assert (adopted.status.lease_id, adopted.status.create_requested_time) == ("former", START)
    gone = plan(facts(a_lease(**former)))
    assert (gone.claim, gone.annotations) == (False, introduced(start=NOW))
    ended = plan(facts(a_lease(**former), now=END))
    assert (ended.annotations, said(ended)) == (None, ("True", "Expired"))


def test_a_suspended_object_looks_for_the_lease_of_its_former_self() -> None:
    restored = a_lease(SUSPENDED, annotations=introduced("former"))
    assert plan(facts(restored, live=False, look=Look.NOT_LOOKED)).look_closer
    assert said(plan(facts(restored))) == ("False", "Creating")


# ---------------------------------------------------------------- no


@dataclass(frozen=True)
class No:
    id: str
    reason: Reason
    reserved: tuple[str, str]
    ready: tuple[str, str]
    again: timedelta | None


NO_ROOM = ("False", "NotEnoughResources")
NOES = (
    No(
        "no-room", Reason.NOT_ENOUGH_RESOURCES, ("False", "NotEnoughResources"), ("False", "NotEnoughResources"), MINUTE
    ),
    No("refused", Reason.REFUSED, ("False", "Refused"), ("False", "Refused"), None),
    No(
        "no-such-type",
        Reason.UNSUPPORTED_RESOURCE_TYPE,
        ("False", "Refused"),
        ("False", "UnsupportedResourceType"),
        None,
    ),
    No("forbidden", Reason.ACTION_FAILED, ("False", "Creating"), ("False", "Creating"), 10 * MINUTE),
    No("no-rights", Reason.PERMISSION_DENIED, ("False", "Creating"), ("False", "PermissionDenied"), 10 * MINUTE),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in NOES])
def test_a_no_is_an_answer_and_the_claim_comes_off(case: No) -> None:
    got = plan(about_to(failed=no(POST, case.reason)))
    assert (got.effect, got.claim) == (None, False)
    assert (said(got, ConditionType.RESERVED), said(got)) == (case.reserved, case.ready)
    assert got.wake_at == (NOW + case.again if case.again is not None else None)
    assert (got.status.create_requested_time, got.status.requested, got.status.reservations) == (None, None, ())
    assert "Blazar said no." in words(got, ConditionType.RESERVED)


def refused(reason: Reason = Reason.NOT_ENOUGH_RESOURCES) -> Facts:
    """Give the facts of a later visit after a no."""
    before = about_to(failed=no(POST, reason))
    return replace(before, lease=a_lease(None, plan(before).status), failed=None, claimed=None)


def test_the_pauses_for_want_of_room_grow_from_one_to_thirty_minutes_and_the_event_comes_once() -> None:
    now, pauses, told_ = NOW, [], []
    status = claimed(now)
    for _ in range(7):
        no_room = facts(a_lease(None, status), claimed=now, now=now, failed=no(POST, Reason.NOT_ENOUGH_RESOURCES))
        got = plan(no_room)
        told_ += told_of(got)
        assert got.wake_at is not None
        pauses.append((got.wake_at - now) / MINUTE)
        now = got.wake_at
        claim = plan(facts(a_lease(None, got.status), now=now))
        assert claim.claim
        assert said(claim) == ("False", "NotEnoughResources"), "What was said stands until Blazar says something else."
        told_ += told_of(claim)
        status = claim.status
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert told_ == [EventReason.NOT_ENOUGH_RESOURCES]


def test_since_when_it_waits_is_said_and_does_not_move() -> None:
    first = refused()
    assert "Waiting since 2026-03-01T09:00:00Z" in words(plan(first))
    assert plan(first).status == first.lease.status


def test_before_the_pause_is_over_only_another_spec_or_a_person_has_it_asked_for() -> None:
    assert not plan(refused()).claim
    edited = replace(refused(), lease=a_lease(spec(duration="2h"), refused().lease.status))
    assert plan(edited).claim
    wish = {**introduced(), names.RECONCILE_REQUESTED_AT: "1"}
    assert plan(replace(refused(), lease=a_lease(None, refused().lease.status, annotations=wish))).claim


def test_what_is_refused_for_good_is_asked_for_again_when_the_spec_changes() -> None:
    for reason in (Reason.REFUSED, Reason.UNSUPPORTED_RESOURCE_TYPE):
        final = refused(reason)
        assert not plan(replace(final, now=NOW + 30 * DAY)).claim
    assert "when the spec changes" in words(plan(refused(Reason.REFUSED)))


NAMED = spec(reservations=[{"name": "v", "flavor": {"flavor": "m1"}}, {"name": "p", "floatingIP": {"network": "pub"}}])
NAMES = (
    pytest.param({"ids": {"m1": None, "pub": "n"}}, "no flavor 'm1'", id="flavor"),
    pytest.param({"ids": {"m1": "f", "pub": None}}, "no external network 'pub'", id="network"),
    pytest.param({"unfit": Fault(Reason.REFUSED, "Two networks have that name.")}, "Two networks", id="ambiguous"),
)


@pytest.mark.parametrize(("known_ids", "want"), NAMES)
def test_a_name_that_the_cloud_does_not_have_is_refused_before_the_post(known_ids: Any, want: str) -> None:
    got = plan(about_to(NAMED, **known_ids))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert want in words(got)


def test_names_that_the_cloud_has_are_asked_for_by_their_ids() -> None:
    post = plan(about_to(NAMED, ids={"m1": "f", "pub": "n"})).effect
    assert isinstance(post, Create)
    assert [one.values.get("flavor_id") or one.values.get("network_id") for one in post.wanted.reservations] == [
        "f",
        "n",
    ]


# ---------------------------------------------------------------- application credentials


def test_an_application_credential_that_blazar_cannot_use_is_named() -> None:
    failed = about_to(failed=no(POST, Reason.UNCERTAIN), identity=APP)
    got = plan(failed)
    assert said(got) == said(got, ConditionType.ACCEPTED) == ("False", "CredentialsUnsuitable")
    assert "password of a service user" in words(got)
    assert told_of(got) == [EventReason.CREDENTIALS_REFUSED]
    later = facts(a_lease(None, got.status), now=NOW + 30 * SECOND, identity=APP)
    assert said(plan(later)) == ("False", "CredentialsUnsuitable"), "It stands while the lease is looked for."
    waits = plan(replace(later, now=NOW + 2 * MINUTE))
    assert (waits.claim, waits.wake_at) == (False, NOW + 10 * MINUTE)
    assert plan(replace(later, now=NOW + 10 * MINUTE)).claim


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"identity": US}, id="a password"),
        pytest.param({"failed": no(POST, Reason.CLOUD_UNAVAILABLE)}, id="away"),
        pytest.param({"look": Look.NOT_LOOKED}, id="nobody looked"),
        pytest.param({"identity": None}, id="nobody"),
    ],
)
def test_else_a_lost_answer_is_just_lost(changes: Any) -> None:
    got = plan(about_to(**{"failed": no(POST, Reason.UNCERTAIN), "identity": APP, **changes}))
    assert said(got) == ("Unknown", "Uncertain")
