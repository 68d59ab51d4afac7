"""What is asked of a lease that is there when its spec says something else than Blazar was told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import refusals, wanted
from lessor.decide.lease.facts import Facts, Why
from lessor.model import times
from lessor.model.conditions import ConditionType, Reason
from lessor.model.plans import EventReason
from lessor.model.reservations import EventState, LeaseState
from tests.decide.lease.builders import (
    END,
    HOST_VALUES,
    HOUR,
    ID,
    MINUTE,
    NOW,
    RESERVATION,
    START,
    a_lease,
    active,
    after,
    change,
    events,
    host,
    known,
    no,
    plan,
    said,
    seen,
    spec,
    told,
    told_of,
    words,
)

LONGER = spec(duration="30h")
WISH = change(end=END + 6 * HOUR)


# ---------------------------------------------------------------- answers that were lost


@pytest.mark.parametrize("reason", [Reason.UNCERTAIN, Reason.CLOUD_UNAVAILABLE])
def test_a_change_whose_answer_was_lost_is_not_asked_again_at_once(reason: Reason) -> None:
    assert plan(active(LONGER)).effect == WISH
    lost = plan(active(LONGER, failed=no(WISH, reason)))
    assert lost.effect is None
    assert lost.wake_at == NOW + timedelta(seconds=10)
    assert said(lost) == ("False", "Uncertain")
    assert "asked for again" in words(lost)


def test_the_pauses_after_lost_answers_grow_to_ten_minutes() -> None:
    lost, pauses = active(LONGER, failed=no(WISH, Reason.UNCERTAIN)), []
    for _ in range(9):
        refusal = plan(lost).status.refusal
        assert refusal is not None
        again = refusals.again_at(refusal)
        assert again is not None
        pauses.append((again - refusal.time).total_seconds())
        lost = after(lost)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_before_the_pause_is_over_nothing_is_asked_and_then_the_same() -> None:
    lost = replace(after(active(LONGER, failed=no(WISH, Reason.UNCERTAIN))), failed=None)
    assert plan(lost).effect is None
    assert plan(replace(lost, now=NOW + timedelta(seconds=10))).effect == WISH


def test_a_lease_that_is_busy_is_read_again_and_no_refusal_is_noted() -> None:
    busy = active(LONGER, there=seen(LeaseState.UPDATING), failed=no(WISH, Reason.UNCERTAIN))
    assert plan(busy).effect is None
    assert plan(busy).status.refusal is None
    assert plan(busy).look_at is not None


# ---------------------------------------------------------------- dates

LATER = NOW + 2 * HOUR


def pending(start: datetime = LATER, **declared: Any) -> Facts:
    """Give the facts of a lease of two hours that starts in two hours, and was edited since."""
    there = seen(LeaseState.PENDING, start=LATER, end=LATER + 2 * HOUR)
    status = known(
        LeaseState.PENDING,
        start_time=LATER,
        end_time=LATER + 2 * HOUR,
        requested=told(LATER + 2 * HOUR, start_time=LATER),
    )
    return active(spec(**{"startTime": times.text(start), "duration": "2h", **declared}), status, there=there)


def test_nothing_is_asked_of_a_lease_that_is_as_it_was_declared() -> None:
    assert plan(active()).effect is None
    assert plan(pending()).effect is None


def test_a_lease_is_moved_by_more_than_its_length_in_one_request() -> None:
    assert plan(pending(LATER + 5 * HOUR)).effect == change(start=LATER + 5 * HOUR, end=LATER + 7 * HOUR)


@pytest.mark.parametrize("start", [None, times.text(START)], ids=["removed", "past"])
def test_a_start_that_is_to_be_at_once_is_the_next_minute_but_one(start: str | None) -> None:
    declared = {"startTime": start, "duration": None, "endTime": times.text(LATER + 2 * HOUR)}
    sooner = pending(**declared)
    assert plan(sooner).effect == change(start=NOW + MINUTE)
    done = plan(replace(sooner, done=(change(start=NOW + MINUTE),)))
    assert done.status.requested == told(LATER + 2 * HOUR, start_time=NOW + MINUTE)
    assert done.effect is None


def test_a_start_that_is_past_cannot_be_moved_and_ready_says_so() -> None:
    got = plan(active(spec(startTime=times.text(LATER), duration="24h")))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert "Put the old spec.startTime back" in words(got)
    assert plan(after(active(spec(startTime=times.text(LATER), duration="24h")))).status == got.status


def test_an_end_that_is_moved_into_the_past_is_the_next_minute_and_stays_it() -> None:
    early = active(spec(duration="1m"), now=NOW + timedelta(seconds=1))
    assert plan(early).effect == change(end=NOW + MINUTE)
    status = known(requested=told(NOW + MINUTE), end_time=NOW + MINUTE)
    assert plan(active(spec(duration="1m"), status, there=seen(end=NOW + MINUTE), now=NOW + HOUR)).effect is None


def test_the_refusal_of_an_end_in_the_past_does_not_come_anew_each_minute() -> None:
    refused = after(active(spec(duration="1m"), failed=no(change(end=NOW))))
    again = plan(replace(refused, failed=None, now=NOW + 5 * MINUTE))
    assert (again.effect, again.status.refusal) == (None, refused.lease.status.refusal)


def test_an_end_that_blazar_has_already_is_not_asked_for() -> None:
    """An answer of ours was lost."""
    got = plan(active(LONGER, there=seen(end=END + 6 * HOUR)))
    assert (got.effect, got.status.requested) == (None, told(END + 6 * HOUR))


def test_what_comes_before_the_end_is_told_with_the_end_and_alone() -> None:
    assert plan(active(spec(beforeEnd="2h"))).effect == change(before_end=END - 2 * HOUR)
    both = spec(beforeEnd="2h", duration="30h")
    assert plan(active(both)).effect == change(end=END + 6 * HOUR, before_end=END + 4 * HOUR)
    status = known(requested=told(before_end_time=END - HOUR))
    assert plan(active(spec(beforeEnd="1h"), status)).effect is None
    assert plan(active(None, status)).effect is None, "How the cloud is set up cannot be asked for."
    assert plan(active(spec(beforeEnd="1h"))).effect is None, "Blazar does it then anyway."


def test_what_would_come_before_a_start_that_somebody_moved_is_not_asked_for() -> None:
    moved = seen(start=END - HOUR, end=END)
    assert plan(active(spec(beforeEnd="2h"), there=moved)).effect is None
    assert plan(active(spec(beforeEnd="8h", duration="30h"), there=moved)).effect == change(end=END + 6 * HOUR)


def test_a_lease_of_a_flavor_takes_nothing_but_a_name() -> None:
    declared = {"reservations": [{"name": "nodes", "flavor": {"flavor": "f"}}]}
    fixed = {"there": seen(reservations=(host(resource_type="flavor:instance"),)), "status": known(reservations=())}
    got = plan(active(spec(**declared, duration="30h"), **fixed))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert plan(active(spec(**declared, leaseName="other"), **fixed)).effect == change(name="other")


# ---------------------------------------------------------------- reservations


def nodes(**host_: Any) -> Any:
    return spec(reservations=[{"name": "nodes", "host": host_}])


def test_more_hosts_are_asked_for_by_the_reservations_id() -> None:
    grown = active(nodes(minCount=2, maxCount=3))
    values = {key: value for key, value in HOST_VALUES.items() if key != "before_end"}
    asked = change(reservations={RESERVATION: {**values, "max": 3}})
    assert plan(grown).effect == asked
    got = plan(replace(grown, done=(asked,)))
    assert got.effect is None
    assert plan(after(replace(grown, done=(asked,)))).effect is None
    assert got.status.reservations[0].requested != grown.lease.status.reservations[0].requested


def test_the_same_in_other_words_is_not_asked_for() -> None:
    """Blazar looks for room beside what the lease has already: it may refuse, and turn the lease to ERROR."""
    got = plan(active(nodes(minCount=2, maxCount=2, hypervisorProperties="")))
    assert (got.effect, said(got)) == (None, ("True", "InWindow"))
    texts = seen(reservations=(host(values={**HOST_VALUES, "min": "2", "max": "2"}),))
    assert plan(active(nodes(minCount=2, maxCount=2), there=texts)).effect is None


FIXED = (
    pytest.param(nodes(minCount=2, beforeEndAction="Snapshot"), host(), "what is done before the end", id="action"),
    pytest.param(
        spec(reservations=[{"name": "nodes", "network": {"networkName": "n"}}]),
        host(resource_type="network", values={}),
        "the network reservation 'nodes'",
        id="network",
    ),
)


@pytest.mark.parametrize(("declared", "there", "want"), FIXED)
def test_what_blazar_cannot_change_of_a_reservation_is_said(declared: Any, there: Any, want: str) -> None:
    got = plan(active(declared, there=seen(reservations=(there,))))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert want in words(got)
    assert "Put the old values back" in words(got)


def test_a_reservation_that_is_not_there_any_more_cannot_be_changed_and_ready_says_so() -> None:
    got = plan(active(nodes(minCount=3), there=seen(reservations=())))
    assert (got.effect, said(got)) == (None, ("False", "Refused"))
    assert "'nodes'" in words(got)
    assert said(plan(active(there=seen(reservations=())))) == ("True", "InWindow")
    assert said(plan(active(nodes(minCount=3), there=seen("UPDATING", reservations=())))) == ("True", "InWindow")


def test_another_flavor_is_refused_though_nothing_else_differs() -> None:
    declared = [spec(reservations=[{"name": "nodes", "flavor": {"flavor": name}}]) for name in ("m1", "m2")]
    entry = known().reservations[0]
    asked = msgspec.structs.replace(entry, requested=wanted.digest(declared[0].reservations[0]))
    fixed = seen(reservations=(host(resource_type="flavor:instance", values={"amount": 1, "affinity": None}),))
    for spec_, want in zip(declared, (("True", "InWindow"), ("False", "Refused")), strict=True):
        assert said(plan(active(spec_, known(reservations=(asked,)), there=fixed))) == want


# ---------------------------------------------------------------- names, and what is not to be changed


def test_a_lease_is_renamed_but_an_imported_one_keeps_its_name() -> None:
    assert plan(active(spec(leaseName="other"))).effect == change(name="other")
    imported = {"import": {"id": ID}, "reservations": None}
    assert plan(active(spec(**imported), known(requested=told(lease_name="theirs")))).effect is None
    renamed = plan(active(spec(**imported, leaseName="ours"), known(requested=told(lease_name="theirs"))))
    assert renamed.effect == change(name="ours")


def test_changes_are_asked_for_one_after_the_other() -> None:
    both = active(spec(leaseName="other", duration="30h"))
    assert plan(both).effect == change(name="other")
    assert plan(replace(both, done=(change(name="other"),), seen=seen(name="other"))).effect == WISH


OVER = (
    pytest.param(seen(LeaseState.TERMINATED), id="over"),
    pytest.param(seen(LeaseState.TERMINATING), id="ending"),
    pytest.param(seen(LeaseState.ERROR, events=events(started=EventState.ERROR)), id="never started"),
    pytest.param(seen(LeaseState.UPDATING), id="in passage"),
)


@pytest.mark.parametrize("there", OVER)
def test_nothing_is_asked_of_what_takes_no_change(there: Any) -> None:
    assert plan(active(LONGER, there=there)).effect is None


def test_nothing_is_asked_while_suspended() -> None:
    assert plan(active(spec(duration="30h", suspend=True))).effect is None


# ---------------------------------------------------------------- an update that failed


BROKEN = seen(LeaseState.ERROR)
HEAL = change(name=BROKEN.name, why=Why.HEAL)


def test_a_lease_that_an_update_left_in_error_is_renamed_to_its_own_name() -> None:
    got = plan(active(there=BROKEN))
    assert (got.effect, said(got)) == (HEAL, ("False", "Uncertain"))
    assert said(got, ConditionType.DEGRADED) == ("True", "BlazarError")


@pytest.mark.parametrize(
    "changes",
    [pytest.param({"done": (HEAL,)}, id="no help"), pytest.param({"failed": no(HEAL)}, id="refused")],
)
def test_a_rename_that_does_not_help_is_tried_again_in_a_minute(changes: Any) -> None:
    got = plan(active(there=BROKEN, **changes))
    assert (got.effect, got.wake_at) == (None, NOW + MINUTE)
    assert "did not help" in words(got, ConditionType.DEGRADED)


def test_a_suspended_lease_is_not_healed() -> None:
    got = plan(active(spec(suspend=True), there=BROKEN))
    assert (got.effect, got.wake_at) == (None, END - 8 * HOUR)


def test_the_refusal_that_broke_it_stands_after_it_is_well_again() -> None:
    broken = active(LONGER, there=BROKEN, failed=no(WISH))
    assert plan(broken).effect == HEAL
    well = replace(broken, done=(HEAL,), seen=seen())
    assert (plan(well).effect, said(plan(well))) == (None, ("False", "Refused"))
    stuck = plan(replace(broken, done=(HEAL,)))
    assert stuck.status.refusal == plan(well).status.refusal


# ---------------------------------------------------------------- what Blazar says no to


NOES = (
    pytest.param(Reason.NOT_ENOUGH_RESOURCES, ("False", "NotEnoughResources"), MINUTE, id="no room"),
    pytest.param(Reason.REFUSED, ("False", "Refused"), None, id="refused"),
    pytest.param(Reason.ACTION_FAILED, ("False", "Refused"), 10 * MINUTE, id="forbidden"),
)


@pytest.mark.parametrize(("reason", "want", "again"), NOES)
def test_a_no_to_a_change_is_told_in_blazars_words_and_the_lease_stays(reason: Reason, want: Any, again: Any) -> None:
    refused = active(LONGER, failed=no(WISH, reason))
    got = plan(refused)
    assert (got.effect, said(got), said(got, ConditionType.ACTIVE)) == (None, want, ("True", "InWindow"))
    assert "Blazar said no." in words(got)
    assert ("on and on" if again is not None else "when the spec changes") in words(got)
    assert told_of(got) == [EventReason.NOT_ENOUGH_RESOURCES]
    assert got.wake_at == (NOW + again if again is not None else END - 8 * HOUR)
    later = after(refused)
    assert (plan(replace(later, failed=None)).effect, told_of(plan(replace(later, failed=None)))) == (None, [])
    if again is not None:
        assert plan(replace(later, failed=None, now=NOW + again)).effect == WISH


def test_a_change_that_is_taken_back_clears_the_refusal() -> None:
    refused = after(active(LONGER, failed=no(WISH)))
    back = plan(replace(refused, lease=a_lease(None, refused.lease.status), failed=None))
    assert (back.effect, back.status.refusal, said(back)) == (None, None, ("True", "InWindow"))


def test_the_refusal_of_something_else_does_not_hold_a_change() -> None:
    refused = after(active(LONGER, failed=no(WISH)))
    assert plan(replace(refused, lease=a_lease(spec(duration="25h"), refused.lease.status), failed=None)).effect
