"""When a Lease begins and ends: whole minutes, never early, within the limits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from lessor.decide.lease import window
from lessor.decide.lease.window import Window
from lessor.model import times
from lessor.model.lease import LeaseStatus
from lessor.model.reservations import ObservedLease
from tests.decide.lease.builders import (
    DAY,
    END,
    HOUR,
    MINUTE,
    NOW,
    START,
    a_lease,
    claimed,
    grant,
    granted,
    introduced,
    known,
    seen,
    spec,
    told,
)

SECOND = timedelta(seconds=1)
NOTHING = LeaseStatus()
IMPORT = {"import": {"id": "x"}, "reservations": None}


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    want: dict[str, Any]
    declared: dict[str, Any] = field(default_factory=dict)
    status: LeaseStatus = NOTHING
    there: ObservedLease | None = None
    now: datetime = NOW
    annotations: dict[str, str] = field(default_factory=introduced)


TOMORROW = times.text(NOW + DAY)
CASES = (
    Case("at-once", "Without a start it counts from now, and lasts a day.",
         {"start": NOW, "asked_start": None, "declared_end": NOW + DAY, "end": NOW + DAY, "latest": None}),
    Case("asked", "From when it was asked for, once it was.", {"start": START, "end": END}, status=claimed(START)),
    Case("seen", "Or as Blazar has it, where nothing else is known.", {"start": START, "end": END}, there=seen(),
         annotations={}),
    Case("restored", "A restored object counts on.", {"start": START, "end": END},
         annotations=introduced("another")),
    Case("later", "A start is cut to the minute.", {"start": NOW + HOUR + SECOND, "asked_start": NOW + HOUR,
         "end": NOW + 3 * HOUR + MINUTE}, {"startTime": times.text(NOW + HOUR + SECOND), "duration": "2h"}),
    Case("past", "One that is past means at once.", {"start": START, "asked_start": None, "end": START + 2 * HOUR},
         {"startTime": times.text(START), "duration": "2h"}),
    Case("in-a-minute", "Blazar's clock may be a little ahead.", {"asked_start": None},
         {"startTime": times.text(NOW + 119 * SECOND), "duration": "2h"}),
    Case("in-two", "Two minutes are far enough.", {"asked_start": NOW + 2 * MINUTE},
         {"startTime": times.text(NOW + 120 * SECOND), "duration": "2h"}),
    Case("end", "An end is moved up to the minute.", {"declared_end": NOW + MINUTE},
         {"endTime": times.text(NOW + SECOND)}),
    Case("granted", "The grants move the end.", {"declared_end": END, "end": END + 3 * HOUR},
         status=claimed(START, renewals=granted(grant("1h", END), grant("2h", END)))),
    Case("limit", "But not past the limit.", {"end": END + HOUR, "latest": END + HOUR},
         {"renewal": {"maxTotal": "25h"}}, claimed(START, renewals=granted(grant("2h", END)))),
    Case("low-limit", "Which never cuts what is declared.", {"end": END, "latest": END},
         {"renewal": {"maxTotal": "1h"}}, claimed(START)),
    Case("imported", "An imported lease keeps its end.", {"start": START, "end": END}, IMPORT, there=seen()),
    Case("imported-told", "And what was granted since.", {"declared_end": END - HOUR, "end": END}, IMPORT,
         known(create_requested_time=None, renewals=granted(grant("1h", END)), requested=told()), seen(end=END + DAY)),
    Case("imported-declared", "Unless another is declared.", {"end": START + 2 * HOUR}, {**IMPORT, "duration": "2h"},
         known(create_requested_time=None), seen()),
    Case("imported-unseen", "Before it was seen its end is not known.", {"end": NOW + DAY}, IMPORT),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_when_a_lease_begins_and_ends(case: Case) -> None:
    lease = a_lease(spec(**case.declared), case.status, annotations=case.annotations)
    found = window.at(lease, case.there, case.now)
    assert {name: getattr(found, name) for name in case.want} == case.want, case.why


def before_end(length: str, before: str, status: LeaseStatus | None = None, **declared: Any) -> Window:
    lease = a_lease(spec(duration=length, beforeEnd=before, **declared), status or claimed(START + SECOND))
    return window.at(lease, None, NOW)


@dataclass(frozen=True)
class Before:
    id: str
    why: str
    length: str
    before: str
    want: datetime | None


BEFORE = (
    Before("hour", "As declared.", "24h", "1h", END + MINUTE - HOUR),
    Before("seconds", "A whole minute, rather early than late.", "24h", "90s", END - MINUTE),
    Before("long", "No sooner than two minutes after the start.", "24h", "30d", START + 2 * MINUTE),
    Before("short", "Where there is no minute left, it is Blazar's to choose.", "1m", "1h", None),
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in BEFORE])
def test_what_comes_before_the_end_lies_strictly_within_the_lease(case: Before) -> None:
    found = before_end(case.length, case.before)
    assert found.before_end == case.want, case.why
    assert found.before_end is None or START < found.before_end < found.end


def test_a_start_that_is_past_begins_when_it_is_asked_for() -> None:
    declared = {"startTime": times.text(NOW - 3 * DAY)}
    assert before_end("7d", "30d", LeaseStatus(), **declared).before_end == NOW + 2 * MINUTE
    lease = a_lease(spec(**IMPORT, beforeEnd="30d"), LeaseStatus())
    assert window.at(lease, seen(), NOW).before_end == START + 2 * MINUTE


def test_a_lease_begins_to_be_about_to_end_a_third_before() -> None:
    assert window.expiring(START, END) == END - 8 * HOUR
    assert window.expiring(END, START) == END
