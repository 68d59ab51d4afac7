"""Extending a Lease: which requests are granted, how much, in which order; and what is done by itself."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import window
from lessor.decide.lease.facts import Facts
from lessor.model import times
from lessor.model.conditions import Reason
from lessor.model.instancelease import RenewalsStatus
from lessor.model.lease import LeaseStatus
from lessor.model.plans import EventReason
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    ASKED,
    DAY,
    END,
    HOUR,
    MINUTE,
    NOW,
    ONE,
    START,
    a_lease,
    active,
    after,
    answers,
    change,
    decided,
    granted,
    known,
    no,
    plan,
    request,
    said,
    seen,
    spec,
    told,
    told_of,
    under_way,
    words,
)

FULL, CLAMPED, WAITING = ("True", "Full"), ("True", "Clamped"), ("False", "Waiting")
AUTO = {"mode": "Auto", "extendBy": "6h", "maxTotal": "30d"}


# ---------------------------------------------------------------- how long


@dataclass(frozen=True)
class Length:
    id: str
    why: str
    asked: str | None
    rules: dict[str, Any] | None
    end: datetime
    want: tuple[str, str] = FULL
    words: str = ""


LENGTHS = (
    Length("any", "Without rules any length is granted.", "30d", None, END + 30 * DAY, words="Granted 30d"),
    Length("own", "Without a length it is the lease's own.", None, None, END + DAY),
    Length("step", "Or that of a renewal.", None, {"extendBy": "6h"}, END + 6 * HOUR),
    Length("shorter", "Less may be asked for.", "1h", {"extendBy": "6h"}, END + HOUR),
    Length("longer", "More is not given.", "9h", {"extendBy": "6h"}, END + 6 * HOUR, CLAMPED,
           "Granted 6h of 9h: spec.renewal.extendBy"),
    Length("total", "Nor past the limit.", "9h", {"maxTotal": "27h"}, END + 3 * HOUR, CLAMPED,
           "Granted 3h of 9h: spec.renewal.maxTotal"),
    Length("seconds", "Blazar counts in minutes; an end is never early.", "90s", None, END + 2 * MINUTE),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in LENGTHS])
def test_how_much_is_granted(case: Length) -> None:
    declared = spec(renewal=case.rules)
    new = active(declared, renewals=(request(extend_by=case.asked),))
    extension = plan(new).status.extension
    assert extension is not None
    assert extension.granted_until == case.end, case.why
    got = plan(after(new, seen=seen(end=case.end)))
    assert answers(got) == {"more": case.want}
    assert case.words in str(got.decisions[0].status.message)
    assert told_of(got) == [EventReason.RENEWED if case.want == FULL else EventReason.CLAMPED]
    assert window.at(a_lease(declared, got.status), None, NOW).end == case.end, "The grants move the end."


def test_a_lease_at_its_limit_is_not_extended() -> None:
    got = plan(active(spec(renewal={"maxTotal": "1h"}), renewals=(request(),)))
    assert (got.claim, answers(got)) == (False, {"more": ("False", "LimitReached")})
    assert "maxTotal" in str(got.decisions[0].status.message)


# ---------------------------------------------------------------- several requests


def test_all_that_can_be_answered_is_answered_in_one_pass_and_the_next_is_asked_for() -> None:
    """Our own answers are no news to us: nobody would come back for the others."""
    late = known(renewals=granted(ONE), requested=told(END + HOUR), end_time=END + HOUR)
    asked = (
        request(),
        request("a", uid="uid-1", creation_timestamp=START + MINUTE),
        decided(),
        request("more", uid="uid-2", creation_timestamp=START),
    )
    got = plan(active(None, late, there=seen(end=END + HOUR), renewals=asked))
    assert [one.renewal.metadata.uid for one in got.decisions] == ["uid-of-more", "uid-of-old", "uid-2"]
    assert got.claim
    assert got.status.extension is not None
    assert got.status.extension.uid == "uid-1"


def test_the_next_is_asked_for_in_the_pass_that_answers_one() -> None:
    asked = (request(), request("next", creation_timestamp=START + MINUTE))
    for known_facts, want in (
        (under_way(renewals=asked, there=seen(end=END + HOUR)), FULL),
        (under_way(renewals=asked, failed=no(ASKED)), ("False", "Refused")),
    ):
        got = plan(known_facts)
        assert (answers(got), got.claim) == ({"more": want}, True)
        assert got.status.extension is not None
        assert got.status.extension.name == "next"


# ---------------------------------------------------------------- by itself


def alone(at: datetime = END - 2 * HOUR, status: LeaseStatus | None = None, **changes: Any) -> Facts:
    return active(spec(renewal=AUTO), status, **{"now": at, **changes})


def test_auto_extends_a_third_of_its_step_before_the_end() -> None:
    before = plan(alone(END - 2 * HOUR - MINUTE))
    assert (before.claim, before.status.extension) == (False, None)
    due = plan(alone())
    assert due.claim
    assert due.status.extension is not None
    assert (due.status.extension.granted_until, due.status.extension.requested_by) == (END + 6 * HOUR, "auto")
    got = plan(after(alone(), seen=seen(end=END + 6 * HOUR)))
    assert (got.status.extension, told_of(got)) == (None, [EventReason.RENEWED])


def test_the_wake_up_is_when_auto_extends() -> None:
    rules = {"mode": "Auto", "extendBy": "48h", "maxTotal": "30d"}
    assert plan(active(spec(renewal=rules))).wake_at == END - 16 * HOUR


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"there": seen(LeaseState.TERMINATED)}, id="over"),
        pytest.param({"there": seen(LeaseState.PENDING)}, id="not started"),
        pytest.param({"there": seen(LeaseState.UPDATING)}, id="in passage"),
    ],
)
def test_auto_leaves_alone_what_cannot_be_extended(changes: Any) -> None:
    assert not plan(alone(**changes)).claim


def test_auto_ends_at_the_limit() -> None:
    rules = {"mode": "Auto", "extendBy": "6h", "maxTotal": "24h"}
    got = plan(active(spec(renewal=rules), now=END - HOUR))
    assert (got.claim, got.wake_at) == (False, END)


def test_auto_does_nothing_while_suspended() -> None:
    assert not plan(active(spec(renewal=AUTO, suspend=True), now=END - HOUR)).claim


def refused_again_and_again(reason: Reason, times_: int) -> list[tuple[float | None, list[EventReason]]]:
    """Give the pause and what was told after each no to what is done by itself."""
    known_facts, found = alone(), []
    for _ in range(times_):
        claim = plan(known_facts)
        assert claim.claim
        known_facts = after(known_facts)
        asked = plan(known_facts).effect
        assert asked is not None
        known_facts = replace(known_facts, failed=no(asked, reason))
        got = plan(known_facts)
        assert not got.claim
        pause = (got.wake_at - known_facts.now).total_seconds() if got.wake_at and got.wake_at < END else None
        found.append((pause, [one for one in told_of(got) if one is EventReason.RENEWAL_DENIED]))
        known_facts = after(known_facts, failed=None, now=got.wake_at)
    return found


def test_a_no_to_auto_is_told_once_and_its_pauses_grow() -> None:
    found = refused_again_and_again(Reason.NOT_ENOUGH_RESOURCES, 4)
    assert found == [(60, [EventReason.RENEWAL_DENIED]), (120, []), (240, []), (480, [])]


def test_auto_that_is_too_early_is_tried_again() -> None:
    assert [pause for pause, _ in refused_again_and_again(Reason.TOO_EARLY, 2)] == [600, 600]


def test_what_blazar_refuses_for_good_is_not_tried_again_by_itself() -> None:
    claimed = after(alone())
    asked = plan(claimed).effect
    assert asked is not None
    done = after(replace(claimed, failed=no(asked)), failed=None)
    assert (plan(done).claim, plan(done).wake_at) == (False, END)


def test_the_refusal_of_auto_stands_while_requests_come_and_go() -> None:
    no_room = after(alone(), failed=None)
    asked = plan(no_room).effect
    assert asked is not None
    stands = after(replace(no_room, failed=no(asked, Reason.NOT_ENOUGH_RESOURCES)), failed=None)
    refusal = stands.lease.status.refusal
    assert refusal is not None
    by_hand = replace(stands, renewals=(request(),))
    assert plan(by_hand).status.refusal == refusal
    denied = replace(after(by_hand), failed=no(ASKED))
    assert answers(plan(denied)) == {"more": ("False", "Refused")}
    assert plan(denied).status.refusal == refusal
    assert not plan(denied).claim


def test_asked_to_look_now_auto_tries_once_more_and_no_more_than_once() -> None:
    no_room = after(alone())
    asked = plan(no_room).effect
    assert asked is not None
    stands = after(replace(no_room, failed=no(asked, Reason.NOT_ENOUGH_RESOURCES)), failed=None)
    meta = msgspec.structs.replace(
        stands.lease.metadata,
        annotations={**stands.lease.metadata.annotations, "lessor.dev/reconcile-requested-at": "1"},
    )
    wished = replace(stands, lease=msgspec.structs.replace(stands.lease, metadata=meta))
    assert plan(wished).claim
    failed = replace(after(wished), failed=no(asked, Reason.NOT_ENOUGH_RESOURCES))
    assert not plan(failed).claim


def test_an_extension_counts_once_however_often_it_is_seen() -> None:
    got = after(under_way(there=seen(end=END + HOUR)))
    assert got.lease.status.renewals == RenewalsStatus(count=1, extended=ONE.granted, history=(ONE,))
    assert plan(got).status.renewals == got.lease.status.renewals
    assert plan(got).effect is None


def test_a_waiting_request_of_a_refused_edit_is_told_why() -> None:
    refused = active(spec(duration="30h"), renewals=(request(),), failed=no(change(end=END + 6 * HOUR)))
    assert answers(plan(refused)) == {"more": WAITING}
    assert said(plan(refused)) == ("False", "Refused")
    assert times.text(END) in words(plan(refused))
