"""Durations and instants of the API: what is read, what is refused, what is written."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from lessor.model import times
from lessor.model.times import Duration
from tests import strategies


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    text: str
    want: timedelta


READ = (
    Case("seconds", "The smallest unit.", "90s", timedelta(seconds=90)),
    Case("minutes", "A minute has 60 seconds.", "30m", timedelta(minutes=30)),
    Case("hours", "An hour has 60 minutes.", "36h", timedelta(hours=36)),
    Case("days", "A day is exactly 24 hours, in any zone and on any date.", "90d", timedelta(hours=2160)),
    Case("weeks", "A week is seven days.", "2w", timedelta(days=14)),
    Case("all", "Units follow each other, largest first.", "1w2d3h4m5s", timedelta(9, 3 * 3600 + 4 * 60 + 5)),
    Case("some", "Any unit may be left out.", "1d12h", timedelta(days=1.5)),
    Case("zero", "Some fields may be zero.", "0s", timedelta()),
    Case("leading-zeros", "They are digits as any.", "00090d", timedelta(days=90)),
    Case("widest", "Five digits a unit is the most.", "99999w", timedelta(weeks=99999)),
)

REFUSED = (
    "",
    " ",
    "d",
    "90",
    "90D",
    "1h1d",
    "1d1d",
    "1.5d",
    "-1d",
    "+1d",
    "1 d",
    "1d ",
    "1d\n",
    "100000d",
    "1y",
    "1ms",
    "1M",
    "P1D",
    "\N{ARABIC-INDIC DIGIT ONE}d",
    "1d1",
)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in READ])
def test_a_duration_is_read_as_whole_units(case: Case) -> None:
    assert Duration(case.text).delta == case.want, case.why
    assert str(Duration(case.text)) == case.text, "It is kept as it was written."


@pytest.mark.parametrize("text", [pytest.param(text, id=repr(text)) for text in REFUSED])
def test_any_other_form_is_refused_with_the_text_in_the_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90d, 1d12h or 30m") as refused:
        Duration(text)
    assert repr(text) in str(refused.value)


@given(strategies.written)
def test_a_written_duration_survives_being_written_anew(text: str) -> None:
    length = Duration(text).delta
    assert Duration.of(length).delta == min(length, times.LONGEST)


@given(strategies.spans(most=times.LONGEST))
def test_a_length_survives_being_written_and_read(length: timedelta) -> None:
    assert Duration(Duration.of(length).text).delta == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        pytest.param(timedelta(days=90), "90d", id="weeks are not written"),
        pytest.param(timedelta(days=99_999), "99999d", id="the most days"),
        pytest.param(timedelta(days=100_000), "14285w5d", id="weeks are written where days do not suffice"),
        pytest.param(timedelta(weeks=99_999, seconds=1), "99999w", id="nothing is longer than the longest"),
        pytest.param(timedelta(days=1, hours=12), "1d12h", id="zeros are left out"),
        pytest.param(timedelta(), "0s", id="zero is written in seconds"),
        pytest.param(timedelta(seconds=1, microseconds=999_999), "1s", id="fractions are cut"),
        pytest.param(timedelta(seconds=-1), "0s", id="a negative length is none"),
    ],
)
def test_a_length_is_written_in_whole_units(length: timedelta, text: str) -> None:
    assert Duration.of(length).text == text


def test_durations_of_one_length_are_the_same_however_they_are_written() -> None:
    assert {Duration("1d"), Duration("24h"), Duration("1440m")} == {Duration("86400s")}
    assert Duration("1d") != Duration("25h")


def test_a_duration_is_no_string_and_no_timedelta() -> None:
    assert Duration("1d") != "1d"
    assert Duration("1d") != timedelta(days=1)


def test_a_duration_shows_its_text() -> None:
    assert repr(Duration("1d12h")) == "Duration('1d12h')"


@given(strategies.instants)
def test_an_instant_is_cut_to_the_second_in_utc(instant: datetime) -> None:
    cut = times.whole_second(instant)
    assert (cut.tzinfo, cut.microsecond) == (UTC, 0)
    assert timedelta() <= instant - cut < timedelta(seconds=1)


@given(strategies.instants)
def test_an_instant_is_rounded_up_to_the_first_second_not_before_it(instant: datetime) -> None:
    up = times.rounded_up(instant)
    assert (up.tzinfo, up.microsecond) == (UTC, 0)
    assert timedelta() <= up - instant < timedelta(seconds=1)


@given(strategies.instants)
def test_an_instant_survives_being_written_and_read(instant: datetime) -> None:
    assert times.parse(times.text(instant)) == times.whole_second(instant)


@given(strategies.instants)
def test_an_instant_is_read_in_the_zone_that_it_is_written_in(instant: datetime) -> None:
    read = times.parse(instant.isoformat())
    assert (read, read.tzinfo) == (instant, UTC)


def test_an_instant_without_a_zone_is_utc_as_nova_writes_it() -> None:
    assert times.parse("2026-03-01T08:00:00.000000") == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_what_is_no_instant_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        times.parse("soon")


def test_an_instant_is_written_as_a_status_holds_it() -> None:
    paris = timezone(timedelta(hours=2))
    assert times.text(datetime(2026, 7, 1, 10, 30, 59, 999_999, paris)) == "2026-07-01T08:30:59Z"


@pytest.mark.parametrize(
    ("start", "length", "want"),
    [
        pytest.param("2028-02-28T12:00:00Z", "1d", "2028-02-29T12:00:00Z", id="into a leap day"),
        pytest.param("2028-02-29T12:00:00Z", "365d", "2029-02-28T12:00:00Z", id="a year from a leap day"),
        pytest.param("2027-02-28T12:00:00Z", "1d", "2027-03-01T12:00:00Z", id="no leap day"),
        pytest.param("2026-03-28T12:00:00+01:00", "1d", "2026-03-29T11:00:00Z", id="over the start of summer time"),
        pytest.param("2026-10-24T12:00:00+02:00", "1d", "2026-10-25T10:00:00Z", id="over the end of summer time"),
        pytest.param("2026-12-31T23:59:59Z", "1s", "2027-01-01T00:00:00Z", id="over the year"),
    ],
)
def test_a_day_is_24_hours_on_every_date(start: str, length: str, want: str) -> None:
    assert times.text(times.later(times.parse(start), Duration(length).delta)) == want


@given(strategies.seconds, strategies.spans())
def test_later_and_earlier_are_that_much_later_and_earlier(start: datetime, span: timedelta) -> None:
    assert times.later(start, span) == start + span
    assert times.earlier(start, span) == start - span


@given(strategies.seconds, strategies.spans(least=timedelta(days=9999 * 366), most=timedelta(days=99_999_999)))
def test_nothing_is_reckoned_past_the_ends_of_time(start: datetime, span: timedelta) -> None:
    assert times.later(start, span) == times.LATEST
    assert times.earlier(start, span) == times.EARLIEST
    assert times.later(times.LATEST, timedelta(seconds=1)) == times.LATEST
    assert times.earlier(times.EARLIEST, timedelta(seconds=1)) == times.EARLIEST
