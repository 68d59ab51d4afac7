"""What LeaseRenewals get: how long, from when, which rule clamps or denies; each is answered once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.decide import grants, requests, window
from lessor.decide.facts import Facts
from lessor.decide.grants import Ruling
from lessor.model import times
from lessor.model.conditions import ConditionType, find
from lessor.model.instancelease import RenewalsStatus
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalStatus
from lessor.model.meta import OwnerReference
from lessor.model.plans import EventReason, RenewalDecision
from lessor.model.times import Duration
from tests import builders, strategies
from tests.builders import DAY, END, HOUR, START, begun, claim, decided, facts, lease, request, seen_done, spec

NOW = START + 9 * DAY
AFTER = END + 3 * DAY


def asked(
    *requests: LeaseRenewal,
    now: datetime = NOW,
    declared: dict[str, Any] | None = None,
    renewals: RenewalsStatus | None = None,
    **known: Any,
) -> Ruling:
    """Answer these requests of a lease that ends at END."""
    seen = known.pop("status", {})
    held = lease(spec(**(declared or {})), begun(renewals=renewals, **seen))
    return grants.rule(facts(held, now=now, renewals=requests, **known), START, renewals)


def said(decision: RenewalDecision) -> tuple[str, str]:
    granted = find(decision.status.conditions, ConditionType.GRANTED)
    assert granted is not None
    return granted.status, granted.reason


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    extend_by: str | None
    rules: dict[str, Any] | None
    want: tuple[str, str]
    end: datetime | None
    now: datetime = NOW
    renewals: RenewalsStatus | None = None
    words: str = ""


FULL, CLAMPED = ("True", "Full"), ("True", "Clamped")
ONE = builders.granted(builders.grant("1d", END + DAY))
CASES = (
    Case("any", "Without rules any length is granted.", "30d", None, FULL, END + 30 * DAY, words="Granted 30d"),
    Case("own-length", "Without a length it is the lease's own.", None, None, FULL, END + 10 * DAY),
    Case("step", "Or one renewal's length.", None, {"extendBy": "5d"}, FULL, END + 5 * DAY),
    Case("no-step", "Rules without a length name none.", None, {"maxTotal": "90d"}, FULL, END + 10 * DAY),
    Case("shorter", "Less than a renewal's length may be asked for.", "1d", {"extendBy": "5d"}, FULL, END + DAY),
    Case("longer", "More is not given.", "9d", {"extendBy": "5d"}, CLAMPED, END + 5 * DAY,
         words="Granted 5d of 9d: spec.renewal.extendBy"),
    Case("total", "Nor past the limit.", "9d", {"maxTotal": "15d"}, CLAMPED, END + 5 * DAY,
         words="Granted 5d of 9d: spec.renewal.maxTotal"),
    Case("both", "The limit is named where it is what clamps.", "9d", {"extendBy": "7d", "maxTotal": "15d"}, CLAMPED,
         END + 5 * DAY, words="spec.renewal.maxTotal"),
    Case("past-end", "A lease that has ended is renewed from now.", "2d", None, FULL, AFTER + 2 * DAY, now=AFTER,
         words="Granted 2d: the lease ends at 2026-03-16T08:00:00Z"),
    Case("past-end-clamped", "Then too no more than a renewal's length is given.", "4d", {"extendBy": "2d"}, CLAMPED,
         AFTER + 2 * DAY, now=AFTER, words="Granted 2d of 4d: spec.renewal.extendBy"),
    Case("from-now", "A renewal may count from now.", "5d", {"from": "Now"}, FULL, NOW + 5 * DAY,
         words="Granted 5d: the lease ends at 2026-03-15T08:00:00Z"),
    Case("from-now-short", "One that moves nothing is none.", "1h", {"from": "Now"}, ("False", "TooEarly"), None,
         words="from 2026-03-11T07:00:00Z on"),
    Case("from-now-clamped", "What counts is the length from now.", "9d", {"from": "Now", "extendBy": "5d"}, CLAMPED,
         NOW + 5 * DAY, words="spec.renewal.extendBy"),
    Case("fraction", "A part of a second is the owner's.", "5d", {"from": "Now"}, FULL,
         NOW + 5 * DAY + timedelta(seconds=1), now=NOW + timedelta(microseconds=1)),
    Case("again", "Grants add up.", "3d", {"maxRenewals": 2}, FULL, END + 4 * DAY, renewals=ONE),
    Case("in-window", "The window is open from its first instant.", "3d", {"window": "1d"}, FULL, END + 3 * DAY),
    Case("always-open", "A window longer than all time is open.", "3d", {"window": "99999w"}, FULL,
         END + 3 * DAY),
    Case("early", "Before it, it is said when to ask again.", "3d", {"window": "23h"}, ("False", "TooEarly"), None,
         words="renewed from 2026-03-10T09:00:00Z on"),
    Case("used-up", "So many and no more.", "3d", {"maxRenewals": 1}, ("False", "LimitReached"), None, renewals=ONE,
         words="allows 1 renewals, and 1 were granted"),
    Case("none", "None at all.", "3d", {"maxRenewals": 0}, ("False", "NotRenewable"), None),
    Case("at-limit", "There is no room left.", "3d", {"maxTotal": "10d"}, ("False", "LimitReached"), None,
         words="maxTotal lets it end no later than 2026-03-11T08:00:00Z"),
    Case("name", "A name is granted once.", "3d", None, ("False", "AlreadyGranted"), None,
         renewals=builders.granted(builders.grant("1d", END + DAY, name="more"))),
    Case("forever", "The end of all time ends all grants.", "99999w", None, FULL, None,
         renewals=builders.granted(extended=Duration("99999w"), count=1)),
)  # fmt: skip


def answered(case: Case) -> Ruling:
    # another object than the one that the history names, if of the same name
    one = request("more", case.extend_by, uid="request-1")
    return asked(one, now=case.now, declared={"renewal": case.rules}, renewals=case.renewals)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_request_is_answered_by_the_rules(case: Case) -> None:
    (decision,) = answered(case).decisions
    assert said(decision) == case.want, case.why
    assert decision.status.message is not None
    assert case.words in decision.status.message, decision.status.message
    assert find(decision.status.conditions, ConditionType.COMPLETED) is not None


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.end is not None])
def test_a_grant_moves_the_end_and_stands_in_the_history(case: Case) -> None:
    ruling = answered(case)
    before = case.renewals if case.renewals is not None else RenewalsStatus()
    assert ruling.renewals is not None
    assert window.at(spec(renewal=case.rules), START, ruling.renewals).end == case.end, case.why
    assert ruling.renewals.count == before.count + 1
    newest = ruling.renewals.history[-1]
    assert (newest.name, newest.uid, newest.granted_until) == ("more", "request-1", case.end)
    (decision,) = ruling.decisions
    assert (decision.status.granted, decision.status.granted_until) == (newest.granted, case.end)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES if case.want[0] == "False"])
def test_a_denial_changes_nothing_and_is_told(case: Case) -> None:
    ruling = answered(case)
    assert ruling.renewals == case.renewals
    assert [event.reason for event in ruling.events] == [EventReason.RENEWAL_DENIED]
    (decision,) = ruling.decisions
    assert (decision.status.granted, decision.status.granted_until) == (None, None)


def test_the_event_says_whether_all_was_granted() -> None:
    told = [asked(request(extend_by=by), declared={"renewal": {"extendBy": "5d"}}).events for by in ("5d", "6d")]
    assert [event.reason for events in told for event in events] == [EventReason.RENEWED, EventReason.CLAMPED]


def test_requests_are_answered_oldest_first_and_each_on_what_the_one_before_left() -> None:
    old, young = request("b", "1d"), request("a", "1d", creation_timestamp=START + HOUR)
    ruling = asked(young, old, declared={"renewal": {"maxRenewals": 1}})
    assert [decision.renewal.metadata.name for decision in ruling.decisions] == ["b", "a"]
    assert [said(decision) for decision in ruling.decisions] == [FULL, ("False", "LimitReached")]


def test_requests_of_one_age_are_answered_by_name() -> None:
    ruling = asked(request("b"), request("a"))
    assert [decision.renewal.metadata.name for decision in ruling.decisions] == ["a", "b"]


# ---------------------------------------------------------------- who asked, and crashes


@pytest.mark.parametrize(
    ("stamped", "annotations", "want"),
    [
        pytest.param(True, {"lessor.dev/requested-by": "alice"}, "alice", id="stamped"),
        pytest.param(True, {}, "unverified", id="made before the stamp"),
        pytest.param(False, {"lessor.dev/requested-by": "alice"}, "unverified", id="nobody stamps here"),
        pytest.param(True, {"lessor.dev/requested-by": "a" * 300}, "a" * 64, id="long"),
    ],
)
def test_who_asked_is_who_was_stamped(stamped: bool, annotations: dict[str, str], want: str) -> None:
    ruling = asked(request(annotations=annotations), stamped=stamped)
    assert ruling.renewals is not None
    assert ruling.renewals.history[-1].requested_by == want


def test_a_grant_whose_answer_was_lost_is_answered_from_the_history_and_not_granted_again() -> None:
    first = asked(request("more", "3d"))
    again = asked(request("more", "3d"), now=NOW + DAY, renewals=first.renewals)
    assert again.renewals == first.renewals
    assert said(again.decisions[0]) == FULL
    assert again.decisions[0].status.granted_until == END + 3 * DAY
    assert again.events == (), "It was told when it was granted."


def test_a_history_holds_the_newest_16() -> None:
    ruling = asked(*(request(f"r{number:02}", "1d") for number in range(20)))
    assert ruling.renewals is not None
    assert [grant.name for grant in ruling.renewals.history] == [f"r{number:02}" for number in range(4, 20)]
    assert (ruling.renewals.count, ruling.renewals.sum) == (20, 20 * DAY)


# ---------------------------------------------------------------- too late, and not known yet

DELETED = {"stage": seen_done("Delete", END)}
CLAIMED = {"next_action": claim("Delete", END)}


@dataclass(frozen=True)
class Late:
    id: str
    why: str
    known: dict[str, Any]
    late: bool


LATE = (
    Late("deleted", "We deleted it.", {"status": DELETED}, late=True),
    Late("gone", "Our claimed Delete came about.", {"status": CLAIMED, "server": None}, late=True),
    Late("over", "Nova still shows it.", {"status": CLAIMED, "server": builders.server(vm_state="deleted")}, late=True),
    Late("deleting", "Nova is at it.", {"status": CLAIMED, "server": builders.server(task_state="deleting")},
         late=True),
    Late("soft-deleting", "The same, softly.",
         {"status": CLAIMED, "server": builders.server(task_state="soft-deleting")}, late=True),
    Late("there", "The Delete was claimed and not begun: the renewal comes first.", {"status": CLAIMED}, late=False),
    Late("unclaimed", "A Delete that waits for its time is none.",
         {"status": {"next_action": builders.NextAction(action="Delete", time=END)}, "server": None}, late=False),
    Late("other", "Another claimed stage can be undone.", {"status": {"next_action": claim("Stop", END)}}, late=False),
    Late("stopped", "Another stage that is done can be undone.", {"status": {"stage": seen_done("Stop", END)}},
         late=False),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in LATE])
def test_after_a_delete_there_is_nothing_to_renew(case: Late) -> None:
    (decision,) = asked(request("more", "5d"), now=AFTER, **case.known).decisions
    assert said(decision) == (("False", "TooLate") if case.late else FULL), case.why


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"live": False}, id="from the inventory"),
        pytest.param({"fault": builders.DOWN}, id="the cloud is down"),
    ],
)
def test_while_nobody_knows_whether_a_claimed_delete_came_about_requests_wait(known: dict[str, Any]) -> None:
    ruling = asked(request(), now=AFTER, status=CLAIMED, **known)
    assert ruling.renewals is None
    (decision,) = ruling.decisions
    completed = find(decision.status.conditions, ConditionType.COMPLETED)
    assert completed is not None
    assert (completed.status, completed.reason) == ("False", "Waiting")


def test_a_claimed_delete_alone_needs_no_look() -> None:
    seen = facts(lease(seen=begun(**CLAIMED)), live=False)
    assert not grants.must_look(seen)
    assert not grants.must_look(replace(seen, renewals=(decided(),)))
    assert grants.must_look(replace(seen, renewals=(request(),)))


# ---------------------------------------------------------------- waiting


def test_an_open_request_is_told_once_what_it_waits_for() -> None:
    known = facts(renewals=(request("b"), decided("done"), request("a")))
    decisions = requests.waiting(known.renewals, "The lease is not accepted.", known.now)
    assert [decision.renewal.metadata.name for decision in decisions] == ["a", "b"]
    told = tuple(
        LeaseRenewal(metadata=decision.renewal.metadata, spec=decision.renewal.spec, status=decision.status)
        for decision in decisions
    )
    assert all(each.status.message == "The lease is not accepted." and not each.decided for each in told)
    later = replace(known, renewals=told, now=START + DAY)
    assert requests.waiting(later.renewals, "The lease is not accepted.", later.now) == ()
    assert len(requests.waiting(later.renewals, "The cloud is down.", later.now)) == 2


# ---------------------------------------------------------------- clearing away


def old(number: int, **metadata: Any) -> LeaseRenewal:
    return decided(f"r{number:02}", creation_timestamp=START + number * HOUR, **metadata)


def owner(uid: str) -> OwnerReference:
    return OwnerReference(api_version="lessor.dev/v1alpha1", kind="InstanceLease", name="vm1", uid=uid)


def cleared(*requests: LeaseRenewal) -> dict[str, str]:
    return {
        decision.renewal.metadata.name: "delete" if decision.delete else "adopt"
        for decision in asked(*requests).decisions
    }


OURS = (owner("uid-1"),)


def test_the_newest_ten_are_kept_and_the_others_deleted() -> None:
    assert cleared(*(old(number, owner_references=OURS) for number in range(12))) == {"r00": "delete", "r01": "delete"}


@pytest.mark.parametrize("key", ["annotations", "labels"])
@pytest.mark.parametrize(
    "name",
    [
        "argocd.argoproj.io/tracking-id",
        "argocd.argoproj.io/instance",
        "app.kubernetes.io/instance",
        "kustomize.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/name",
    ],
)
def test_what_gitops_tracks_is_never_deleted(key: str, name: str) -> None:
    tracked = old(0, owner_references=OURS, **{key: {name: "x"}})
    assert cleared(tracked, *(old(number, owner_references=OURS) for number in range(1, 12))) == {"r01": "delete"}


def test_a_kept_one_is_bound_to_the_lease_once() -> None:
    assert cleared(old(1), old(2, owner_references=(owner("another"),)), old(3, owner_references=OURS)) == {
        "r01": "adopt",
        "r02": "adopt",
    }


def test_a_decided_one_keeps_its_answer() -> None:
    (decision,) = asked(old(1)).decisions
    assert decision.status == old(1).status != LeaseRenewalStatus()


# ---------------------------------------------------------------- what remains


@dataclass(frozen=True)
class Remaining:
    id: str
    why: str
    rules: dict[str, Any] | None
    renewals: RenewalsStatus | None
    want: RenewalsStatus | None


TWO_REMAIN = builders.granted(*ONE.history, remaining=2)
REMAINING = (
    Remaining("nothing", "No grant and no limit: nothing is said.", None, None, None),
    Remaining("no-limit", "No limit: any number remains.", {"extendBy": "1d"}, ONE, ONE),
    Remaining("limit", "All remain.", {"maxRenewals": 3}, None, RenewalsStatus(remaining=3)),
    Remaining("used", "One was used.", {"maxRenewals": 3}, ONE, TWO_REMAIN),
    Remaining("edited", "The limit is the one declared now.", {"maxRenewals": 3},
              builders.granted(*ONE.history, remaining=9), TWO_REMAIN),
    Remaining("lowered", "Less than none cannot remain.", {"maxRenewals": 0}, ONE,
              builders.granted(*ONE.history, remaining=0)),
    Remaining("lifted", "A limit that was lifted says nothing.", None, builders.granted(*ONE.history, remaining=9),
              ONE),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in REMAINING])
def test_how_many_renewals_remain_is_counted_by_the_limit_as_declared_now(case: Remaining) -> None:
    assert grants.counted(spec(renewal=case.rules), case.renewals) == case.want, case.why


# ---------------------------------------------------------------- properties


@st.composite
def questions(draw: st.DrawFn) -> Facts:
    """Draw the facts of a lease of which nothing was deleted, with requests."""
    declared = draw(strategies.specs(strategies.near(START)))
    now = START + draw(strategies.spans(most=90 * DAY)) + draw(strategies.micros)
    renewals = draw(strategies.grants())
    return facts(lease(declared, begun(renewals=renewals)), now=now, renewals=draw(strategies.requests))


@given(questions())
def test_an_extension_never_shortens_and_never_beats_the_limits(known: Facts) -> None:
    declared, before = known.lease.spec, known.lease.status.renewals
    ruling = grants.rule(known, START, before)
    old_term, new_term = window.at(declared, START, before), window.at(declared, START, ruling.renewals)
    assert new_term.end >= old_term.end
    assert new_term.latest is None or new_term.end <= new_term.latest
    rules = declared.renewal
    count = ruling.renewals.count if ruling.renewals is not None else 0
    if ruling.renewals != before and rules is not None:
        assert rules.max_renewals is None or count <= rules.max_renewals


@given(questions())
def test_grants_are_monotonic(known: Facts) -> None:
    before = known.lease.status.renewals or RenewalsStatus()
    after = grants.rule(known, START, known.lease.status.renewals).renewals or RenewalsStatus()
    given_now = after.count - before.count
    assert given_now >= 0
    assert after.sum >= before.sum
    assert len(after.history) <= grants.HISTORY
    if given_now:
        assert after.history[-given_now:] == after.history[len(before.history) :][-given_now:]
        assert sum((grant.granted.delta for grant in after.history[-given_now:]), times.ZERO) == after.sum - before.sum


@given(questions())
def test_every_open_request_is_answered_and_no_other_is(known: Facts) -> None:
    decisions = grants.rule(known, START, known.lease.status.renewals).decisions
    open_ = {request.metadata.uid for request in known.renewals if not request.decided}
    assert {decision.renewal.metadata.uid for decision in decisions if not decision.renewal.decided} == open_
    assert all(is_answer(decision) for decision in decisions if not decision.renewal.decided)


def is_answer(decision: RenewalDecision) -> bool:
    after = LeaseRenewal(metadata=decision.renewal.metadata, spec=decision.renewal.spec, status=decision.status)
    return after.decided and decision.adopt and not decision.delete


@given(questions())
def test_what_was_answered_is_not_answered_again(known: Facts) -> None:
    first = grants.rule(known, START, known.lease.status.renewals)
    answered_ = {
        decision.renewal.metadata.uid: LeaseRenewal(
            metadata=builders.meta(
                name=decision.renewal.metadata.name, uid=decision.renewal.metadata.uid, owner_references=OURS
            ),
            spec=decision.renewal.spec,
            status=decision.status,
        )
        for decision in first.decisions
    }
    again = grants.rule(replace(known, renewals=tuple(answered_.values())), START, first.renewals)
    assert again == Ruling(renewals=first.renewals)


@given(questions())
def test_answers_that_were_lost_are_given_again_in_the_same_words(known: Facts) -> None:
    first = grants.rule(known, START, known.lease.status.renewals)
    again = grants.rule(known, START, first.renewals)
    assert again.renewals == first.renewals
    granted = {decision.renewal.metadata.uid: decision for decision in first.decisions if decision.status.granted}
    for decision in again.decisions:
        if decision.renewal.metadata.uid in granted:
            assert decision == granted[decision.renewal.metadata.uid]


@given(questions(), strategies.shifts)
def test_answers_shift_with_time(known: Facts, by: timedelta) -> None:
    ruling = grants.rule(known, START, known.lease.status.renewals)
    later = strategies.shifted(known, by)
    assert grants.rule(later, START + by, later.lease.status.renewals) == strategies.shifted(ruling, by)
