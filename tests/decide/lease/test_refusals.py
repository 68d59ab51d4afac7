"""What Blazar refused: what is noted of it, and when the same may be asked for again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lessor.decide.lease import refusals
from lessor.model.conditions import Fault, Reason
from tests.decide.lease.builders import END, MINUTE, NOW, START, a_lease, active, facts, known, refusal

PAUSES = (
    (Reason.REFUSED, 1, None),
    (Reason.UNSUPPORTED_RESOURCE_TYPE, 1, None),
    (Reason.INVALID_SPEC, 1, None),
    (Reason.NOT_ENOUGH_RESOURCES, 1, MINUTE),
    (Reason.NOT_ENOUGH_RESOURCES, 5, 16 * MINUTE),
    (Reason.NOT_ENOUGH_RESOURCES, 6, 30 * MINUTE),
    (Reason.NOT_ENOUGH_RESOURCES, 10**6, 30 * MINUTE),
    (Reason.UNCERTAIN, 1, timedelta(seconds=10)),
    (Reason.CLOUD_UNAVAILABLE, 10**6, 10 * MINUTE),
    (Reason.CREDENTIALS_UNSUITABLE, 1, 10 * MINUTE),
    (Reason.ACTION_FAILED, 9, 10 * MINUTE),
)


@pytest.mark.parametrize(("reason", "count", "pause"), PAUSES)
def test_each_reason_has_its_pause(reason: Reason, count: int, pause: timedelta | None) -> None:
    noted = refusal("x", reason, time=NOW, count=count)
    assert refusals.again_at(noted) == (NOW + pause if pause is not None else None)


def test_the_same_again_counts_on_and_keeps_since_when() -> None:
    before = refusal("x", Reason.NOT_ENOUGH_RESOURCES, since=START, time=START, count=3)
    known_facts = facts(a_lease(None, known(refusal=before)), now=NOW + timedelta(microseconds=7))
    again = refusals.of(known_facts, "x", Fault(Reason.NOT_ENOUGH_RESOURCES, "No room."))
    assert (again.since, again.time, again.count, again.message) == (START, NOW, 4, "No room.")
    for request_, reason in (("y", Reason.NOT_ENOUGH_RESOURCES), ("x", Reason.REFUSED)):
        other = refusals.of(known_facts, request_, Fault(reason, "No."))
        assert (other.since, other.count) == (NOW, 1)


def test_the_longest_end_is_only_told_of_a_lease_that_has_one() -> None:
    fault = Fault(Reason.NOT_ENOUGH_RESOURCES, "No room.")
    assert refusals.told(facts(longest=END), fault) == fault
    assert "2026-03-02T08:30:00Z" in refusals.told(active(longest=END + 30 * MINUTE), fault).message


def test_only_the_same_request_is_held() -> None:
    noted = known(refusal=refusal("x", Reason.NOT_ENOUGH_RESOURCES, time=NOW))
    held = facts(a_lease(None, noted))
    assert refusals.holding(held, "x") == noted.refusal
    assert refusals.holding(held, "y") is None
    assert refusals.holding(replace(held, now=NOW + MINUTE), "x") is None
    assert refusals.standing(replace(held, now=NOW + MINUTE), "x") == noted.refusal
