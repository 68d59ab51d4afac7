"""Where the end lies: the declared end, the grants, the limits; and when `Expiring` begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given

from lessor.decide import window
from lessor.model import times
from lessor.model.instancelease import InstanceLeaseSpec, RenewalsStatus
from tests import builders, strategies
from tests.builders import DAY, END, HOUR, START, spec


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    spec: InstanceLeaseSpec
    renewals: RenewalsStatus | None
    end: datetime
    latest: datetime | None = None


def granted(days: int) -> RenewalsStatus:
    return builders.granted(builders.grant(f"{days}d", END + days * DAY, time=END - DAY))


SPECS = strategies.specs(strategies.near(START))
STARTS = strategies.spans(most=30 * DAY).map(lambda age: START + age)
CASES = (
    Case("duration", "A duration counts from the start.", spec(), None, END),
    Case("time", "A declared end is the end.", spec(expireTime="2026-03-05T00:00:00Z"), None,
         datetime.fromisoformat("2026-03-05T00:00:00Z")),
    Case("zone", "Zones are turned into UTC.", spec(expireTime="2026-03-05T02:00:00+02:00"), None,
         datetime.fromisoformat("2026-03-05T00:00:00Z")),
    Case("fraction", "A part of a second is the owner's.", spec(expireTime="2026-03-05T00:00:00.1Z"), None,
         datetime.fromisoformat("2026-03-05T00:00:01Z")),
    Case("past", "An end that is past at first sight is an hour from then.",
         spec(expireTime="2020-01-01T00:00:00Z"), None, START + HOUR),
    Case("now", "An end that is just reached is past.", spec(expireTime="2026-03-01T08:00:00Z"), None, START + HOUR),
    Case("none", "An end that nobody declared never comes.", spec(duration=None), None, times.LATEST),
    Case("grants", "The grants are added.", spec(), granted(3), END + 3 * DAY),
    Case("limit", "No end passes maxTotal.", spec(renewal={"maxTotal": "12d"}), granted(3), START + 12 * DAY,
         START + 12 * DAY),
    Case("room", "A limit that is not reached changes nothing.", spec(renewal={"maxTotal": "20d"}), granted(3),
         END + 3 * DAY, START + 20 * DAY),
    Case("lowered", "A limit never takes away what was declared.", spec(renewal={"maxTotal": "1d"}), granted(3), END,
         END),
    Case("edited", "An edit moves the declared end and keeps the grants.", spec(duration="2d"), granted(3),
         START + 5 * DAY),
    Case("no-limit", "Rules without a limit set none.", spec(renewal={"extendBy": "1d"}), granted(3), END + 3 * DAY),
    Case("longest", "The end of all time is an end.", spec(expireTime="9999-12-31T23:59:59.5Z"), granted(3),
         times.LATEST),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_end_is_the_declared_end_and_the_grants_within_the_limits(case: Case) -> None:
    term = window.at(case.spec, START, case.renewals)
    assert (term.end, term.latest) == (case.end, case.latest), case.why


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_only_an_end_that_was_past_gets_a_respite(case: Case) -> None:
    term = window.at(case.spec, START, case.renewals)
    assert term.respite is (case.id in {"past", "now"}), case.why


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_declared_length_is_without_grants(case: Case) -> None:
    term = window.at(case.spec, START, case.renewals)
    assert window.declared_length(case.spec, START) == term.declared_end - START
    assert term.declared_end == window.at(case.spec, START, None).declared_end


@dataclass(frozen=True)
class Expiring:
    id: str
    why: str
    spec: InstanceLeaseSpec
    renewals: RenewalsStatus | None
    want: datetime


EXPIRING = (
    Expiring("third", "A third of the length before the end.", spec(duration="9d"), None, START + 6 * DAY),
    Expiring("odd", "A third that is no whole second is rounded up.", spec(duration="10s"), None,
             START + timedelta(seconds=7)),
    Expiring("respite", "A third of the hour.", spec(expireTime="2020-01-01T00:00:00Z"), None,
             START + timedelta(minutes=40)),
    Expiring("grant", "After a grant it is a third of the grant.", spec(), granted(3), END + 2 * DAY),
    Expiring("late", "A grant after the end counts from when it was given.", spec(),
             builders.granted(builders.grant("8d", END + 8 * DAY, time=END + 5 * DAY)), END + 7 * DAY),
    Expiring("lost", "Grants that only the mark knows have no length: the declared one is taken.", spec(duration="9d"),
             RenewalsStatus(count=1, extended=times.Duration("3d")), START + 9 * DAY),
    Expiring("shortened", "It never begins before the start.", spec(duration="1d"),
             builders.granted(builders.grant("30d", END + 30 * DAY), extended=times.Duration("1s")), START),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in EXPIRING])
def test_expiring_begins_a_third_of_the_newest_length_before_the_end(case: Expiring) -> None:
    assert window.at(case.spec, START, case.renewals).expiring == case.want, case.why


@given(SPECS, STARTS, strategies.grants())
def test_the_parts_of_a_term_lie_in_their_order(
    declared: InstanceLeaseSpec, start: datetime, renewals: RenewalsStatus | None
) -> None:
    term = window.at(declared, start, renewals)
    assert start == term.start < term.end
    assert start <= term.expiring <= term.end
    assert term.latest is None or term.declared_end <= term.latest
    assert term.end >= term.declared_end
    assert term.latest is None or term.end <= term.latest


@given(SPECS, STARTS, strategies.grants())
def test_the_instants_of_a_term_are_whole_seconds(
    declared: InstanceLeaseSpec, start: datetime, renewals: RenewalsStatus | None
) -> None:
    term = window.at(declared, start, renewals)
    instants = (term.declared_end, term.end, term.latest, term.expiring)
    assert all(instant is None or instant == times.whole_second(instant) for instant in instants)


@given(SPECS, STARTS, strategies.grants(), strategies.shifts)
def test_a_term_that_is_shifted_is_the_same_term_later(
    declared: InstanceLeaseSpec, start: datetime, renewals: RenewalsStatus | None, by: timedelta
) -> None:
    term = window.at(declared, start, renewals)
    later = window.at(strategies.shifted(declared, by), start + by, strategies.shifted(renewals, by))
    assert later == strategies.shifted(term, by)


@given(SPECS, STARTS, strategies.grants(), strategies.durations())
def test_more_grants_never_end_earlier(
    declared: InstanceLeaseSpec, start: datetime, renewals: RenewalsStatus | None, more: times.Duration
) -> None:
    before = window.at(declared, start, renewals)
    known = renewals if renewals is not None else RenewalsStatus()
    grown = RenewalsStatus(count=known.count + 1, extended=times.Duration.of(known.sum + more.delta))
    assert window.at(declared, start, grown).end >= before.end
