"""Extending a Lease: what is asked of Blazar for a LeaseRenewal or by itself, and how each request is answered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import window
from lessor.decide.lease.facts import Facts
from lessor.model import times
from lessor.model.conditions import ConditionType, Reason
from lessor.model.instancelease import RenewalsStatus
from lessor.model.lease import LeaseStatus
from lessor.model.plans import EventReason
from lessor.model.reservations import EventState, LeaseState
from tests.decide.lease.builders import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NOW,
    START,
    a_lease,
    active,
    answers,
    change,
    condition,
    decided,
    events,
    facts,
    grant,
    granted,
    host,
    known,
    no,
    plan,
    request,
    said,
    seen,
    spec,
    told,
    told_of,
    words,
)

ONE = grant("1h", END + HOUR, "more", time=NOW)
ASKED = change(end=END + HOUR)
FULL, CLAMPED, WAITING = ("True", "Full"), ("True", "Clamped"), ("False", "Waiting")
AUTO = {"mode": "Auto", "extendBy": "6h", "maxTotal": "30d"}


def under_way(**changes: Any) -> Facts:
    """Give the facts of a visit after the claim of one hour more."""
    status = changes.pop("status", known(extension=ONE))
    return active(changes.pop("declared", None), status, **{"renewals": (request(),), **changes})


def after(before: Facts, **changes: Any) -> Facts:
    """Give the facts of the pass that starts from what the plan before wrote."""
    return replace(before, lease=msgspec.structs.replace(before.lease, status=plan(before).status), **changes)


# ---------------------------------------------------------------- one request, from claim to answer


def test_an_extension_is_written_first_then_asked_for_then_granted() -> None:
    claim = plan(active(renewals=(request(),)))
    assert (claim.effect, claim.claim, claim.decisions) == (None, True, ())
    assert claim.status.extension == ONE
    assert plan(under_way()).effect == ASKED
    got = plan(under_way(there=seen(end=END + HOUR), done=(ASKED,)))
    assert (got.status.extension, got.effect) == (None, None)
    assert got.status.renewals == granted(ONE)
    assert got.status.requested == told(END + HOUR)
    assert answers(got) == {"more": FULL}
    assert told_of(got) == [EventReason.RENEWED]


def test_what_was_granted_before_a_crash_is_granted_without_asking() -> None:
    got = plan(under_way(live=False, there=seen(end=END + HOUR)))
    assert (got.effect, answers(got)) == (None, {"more": FULL})


def test_a_grant_whose_answer_was_not_written_is_answered_from_the_history() -> None:
    late = known(renewals=granted(ONE), requested=told(END + HOUR), end_time=END + HOUR)
    got = plan(active(None, late, there=seen(end=END + HOUR), renewals=(request(),)))
    assert answers(got) == {"more": FULL}
    assert (got.claim, got.status.renewals, told_of(got)) == (False, granted(ONE), [])


def test_the_name_of_a_grant_is_not_granted_again() -> None:
    late = known(renewals=granted(ONE), requested=told(END + HOUR), end_time=END + HOUR)
    got = plan(active(None, late, there=seen(end=END + HOUR), renewals=(request(uid="another"),)))
    assert answers(got) == {"more": ("False", "AlreadyGranted")}


def test_a_request_that_was_deleted_meanwhile_is_granted_all_the_same() -> None:
    got = plan(under_way(renewals=(), there=seen(end=END + HOUR)))
    assert (got.status.renewals, answers(got), told_of(got)) == (granted(ONE), {}, [EventReason.RENEWED])


def test_the_history_holds_the_newest_sixteen() -> None:
    old = [grant("1m", END + MINUTE, f"r{number}") for number in range(16)]
    got = plan(under_way(there=seen(end=END + HOUR), status=known(extension=ONE, renewals=granted(*old))))
    assert got.status.renewals is not None
    assert [one.name for one in got.status.renewals.history] == [*(f"r{number}" for number in range(1, 16)), "more"]
    assert got.status.renewals.count == 17


# ---------------------------------------------------------------- what Blazar says no to


@dataclass(frozen=True)
class Refused:
    id: str
    reason: Reason
    want: tuple[str, str]


REFUSED = (
    Refused("no-room", Reason.NOT_ENOUGH_RESOURCES, ("False", "NotEnoughResources")),
    Refused("too-early", Reason.TOO_EARLY, ("False", "TooEarly")),
    Refused("refused", Reason.REFUSED, ("False", "Refused")),
    Refused("forbidden", Reason.ACTION_FAILED, ("False", "Refused")),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in REFUSED])
def test_a_no_is_an_answer_in_blazars_words_and_the_lease_stays(case: Refused) -> None:
    got = plan(under_way(failed=no(ASKED, case.reason)))
    assert (got.effect, got.status.extension, got.status.renewals) == (None, None, None)
    assert answers(got) == {"more": case.want}
    assert told_of(got) == [EventReason.RENEWAL_DENIED]
    assert got.decisions[0].status.message == "Blazar said no. The lease ends at 2026-03-02T08:00:00Z, as before."


@pytest.mark.parametrize("renewals", [(), (decided("more"),)], ids=["gone", "decided"])
def test_a_no_to_a_request_that_waits_no_more_is_told_nobody(renewals: Any) -> None:
    got = plan(under_way(failed=no(ASKED), renewals=renewals))
    assert (got.status.extension, got.status.renewals, told_of(got)) == (None, None, [])


def test_the_longest_end_is_named_where_it_was_looked_for() -> None:
    got = plan(under_way(failed=no(ASKED, Reason.NOT_ENOUGH_RESOURCES), longest=END + 20 * MINUTE))
    assert "an end up to about 2026-03-02T08:20:00Z" in str(got.decisions[0].status.message)
    none = plan(under_way(failed=no(ASKED, Reason.NOT_ENOUGH_RESOURCES), longest=END))
    assert "no later end was free" in str(none.decisions[0].status.message)


def test_what_the_search_for_the_longest_end_left_is_put_back_before_the_answer() -> None:
    left = under_way(failed=no(ASKED, Reason.NOT_ENOUGH_RESOURCES), there=seen(end=END + 20 * MINUTE))
    back = change(end=END)
    assert (plan(left).effect, plan(left).decisions) == (back, ())
    put = replace(left, done=(back,), seen=seen())
    assert answers(plan(put)) == {"more": ("False", "NotEnoughResources")}


def test_an_end_that_cannot_be_put_back_is_tried_again_after_a_pause() -> None:
    left = under_way(failed=no(change(end=END)), there=seen(end=END + 20 * MINUTE))
    got = plan(left)
    assert (got.effect, got.wake_at, answers(got)) == (None, NOW + timedelta(seconds=10), {"more": WAITING})
    assert said(got, ConditionType.DEGRADED) is None, "Nobody else moved that end."


@pytest.mark.parametrize("reason", [Reason.UNCERTAIN, Reason.CLOUD_UNAVAILABLE])
def test_a_lost_answer_has_a_pause_that_grows_and_the_request_waits(reason: Reason) -> None:
    lost = under_way(failed=no(ASKED, reason))
    pauses = []
    for _ in range(3):
        got = plan(lost)
        assert (got.effect, got.claim, answers(got)) == (None, False, {"more": WAITING} if not pauses else {})
        assert got.wake_at is not None
        pauses.append((got.wake_at - NOW).total_seconds())
        renewals = (
            tuple(msgspec.structs.replace(lost.renewals[0], status=one.status) for one in got.decisions)
            or lost.renewals
        )
        lost = after(lost, renewals=renewals)
    assert pauses == [10, 20, 40]
    waits = replace(lost, failed=None)
    assert plan(waits).effect is None
    assert plan(replace(waits, now=NOW + MINUTE)).effect == ASKED


def test_after_a_lost_answer_of_a_lease_in_passage_it_is_read_again() -> None:
    got = plan(under_way(failed=no(ASKED, Reason.UNCERTAIN), there=seen(LeaseState.UPDATING)))
    assert (got.effect, got.status.refusal) == (None, None)
    assert got.look_at is not None


def test_an_end_that_was_taken_and_is_not_shown_is_not_asked_for_again_at_once() -> None:
    got = plan(under_way(done=(ASKED,)))
    assert (got.effect, got.wake_at) == (None, NOW + MINUTE)


def test_one_whose_update_failed_is_brought_back_before_the_answer() -> None:
    left = under_way(failed=no(ASKED), there=seen(LeaseState.ERROR))
    heal = plan(left).effect
    assert heal is not None
    assert answers(plan(left)) == {"more": WAITING}
    assert answers(plan(replace(left, done=(heal,), seen=seen()))) == {"more": ("False", "Refused")}


# ---------------------------------------------------------------- what comes between


def test_nothing_is_asked_for_while_suspended_and_the_request_is_told_so() -> None:
    suspended = spec(suspend=True)
    new = plan(active(suspended, renewals=(request(),)))
    assert (new.claim, answers(new)) == (False, {"more": WAITING})
    begun = plan(under_way(declared=suspended))
    assert (begun.effect, answers(begun), begun.status.extension) == (None, {"more": WAITING}, ONE)


def test_nothing_is_asked_of_a_lease_in_passage() -> None:
    busy = seen(LeaseState.UPDATING)
    assert answers(plan(active(there=busy, renewals=(request(),)))) == {"more": WAITING}
    got = plan(under_way(there=busy))
    assert (got.effect, got.look_at is not None) == (None, True)


def test_an_extension_waits_while_the_leader_before_may_still_be_putting_an_end_back() -> None:
    later = NOW + timedelta(seconds=80)
    waits = plan(under_way(edits_from=later))
    assert (waits.effect, waits.wake_at) == (None, later)
    assert plan(under_way(edits_from=NOW)).effect == ASKED


def test_an_end_that_was_edited_meanwhile_gets_the_extension_on_top() -> None:
    edited = under_way(declared=spec(duration="30h"))
    got = plan(edited)
    assert (got.effect, got.claim) == (None, True), "An end before the declared one is never asked for."
    moved = got.status.extension
    assert moved is not None
    assert (moved.granted_until, moved.granted) == (END + 7 * HOUR, ONE.granted)
    assert plan(after(edited)).effect == change(end=END + 7 * HOUR)


def test_what_blazar_has_already_is_granted_before_an_edit_is_asked_for() -> None:
    got = plan(under_way(declared=spec(duration="30h"), there=seen(end=END + HOUR)))
    assert got.effect == change(end=END + 7 * HOUR)
    assert (got.status.renewals, answers(got)) == (granted(ONE), {"more": FULL})


def test_an_extension_for_which_a_new_limit_leaves_no_room_is_denied() -> None:
    got = plan(under_way(declared=spec(renewal={"maxTotal": "24h"})))
    assert (got.effect, got.status.extension) == (None, None)
    assert answers(got) == {"more": ("False", "LimitReached")}
    assert "maxTotal" in str(got.decisions[0].status.message)


def test_an_extension_on_top_of_an_end_that_was_edited_into_the_past_is_too_late() -> None:
    past = under_way(declared=spec(endTime=times.text(START)), now=START + 2 * HOUR)
    got = plan(past)
    assert answers(got) == {"more": ("False", "TooLate")}
    assert got.effect == change(end=START + 2 * HOUR)


def test_an_extension_never_shortens_what_somebody_moved_further() -> None:
    further = seen(end=END + 9 * HOUR)
    new = plan(active(there=further, renewals=(request(),)))
    assert new.status.extension is not None
    assert new.status.extension.granted_until == END + 10 * HOUR
    begun = plan(under_way(there=further))
    assert (begun.effect, answers(begun)) == (None, {"more": FULL})


OVER = (
    pytest.param(seen(LeaseState.TERMINATED), {}, "TooLate", id="over"),
    pytest.param(seen(), {"now": END}, "TooLate", id="about to be over"),
    pytest.param(
        seen(LeaseState.ERROR, events=events(started=EventState.ERROR)), {}, "NotRenewable", id="never started"
    ),
)


@pytest.mark.parametrize(("there", "changes", "want"), OVER)
def test_what_is_over_or_never_started_is_not_extended(there: Any, changes: Any, want: str) -> None:
    for known_facts in (active(there=there, renewals=(request(),), **changes), under_way(there=there, **changes)):
        got = plan(known_facts)
        assert (got.effect, got.claim, got.status.extension) == (None, False, None)
        assert answers(got) == {"more": ("False", want)}


def test_a_lease_that_is_gone_or_never_was_denies_what_was_not_granted() -> None:
    late = known(renewals=granted(ONE))
    asked = (request(), request("other"))
    gone = plan(facts(a_lease(None, late), renewals=asked))
    assert answers(gone) == {"more": FULL, "other": ("False", "TooLate")}
    ended = plan(facts(a_lease(spec(endTime="2026-03-01T07:00:00Z")), renewals=asked[1:]))
    assert (said(ended), answers(ended)) == (("True", "Expired"), {"other": ("False", "TooLate")})


def test_a_lease_of_a_flavor_is_not_renewable() -> None:
    fixed = seen(reservations=(host(resource_type="flavor:instance"),))
    got = plan(active(spec(reservations=[{"name": "nodes", "flavor": {"flavor": "f"}}]), there=fixed,
                      status=known(reservations=()), renewals=(request(),)))  # fmt: skip
    assert answers(got) == {"more": ("False", "NotRenewable")}


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
    assert "30" not in words(plan(refused))
    assert times.text(END) in words(plan(refused))
    assert condition("Ready", "True", "InWindow").status == "True"
