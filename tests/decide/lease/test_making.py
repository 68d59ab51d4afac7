"""Making the lease: one in Blazar for an object and attempt, whatever dies when."""

from datetime import timedelta

from lessor.decide.lease.facts import Facts
from lessor.model.lease import LeaseSpec
from tests.decide.lease.builders import (
    MINUTE,
    NOW,
    a_lease,
    answers,
    claimed,
    facts,
    plan,
    request,
    said,
    spec,
    words,
)

SUSPENDED = spec(suspend=True)
SECOND = timedelta(seconds=1)


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
