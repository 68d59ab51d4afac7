"""The extension that is under way, from its claim to the answer: what Blazar says, and what comes between."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lessor.model import times
from lessor.model.conditions import ConditionType, Reason
from lessor.model.plans import EventReason
from lessor.model.reservations import EventState, LeaseState
from tests.decide.lease.builders import (
    ASKED,
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
    under_way,
)

FULL, WAITING = ("True", "Full"), ("False", "Waiting")


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
