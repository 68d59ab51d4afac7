"""Blazar's dates: to the minute on the way there, in any of its formats on the way back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.live import blazar_records
from lessor.ports import cloud

_FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 (Hypothesis adds the zone)
_LAST = datetime(9000, 1, 1)  # noqa: DTZ001 (the same)


@pytest.mark.parametrize(
    ("instant", "sent"),
    [
        (None, "now"),
        (datetime(2026, 12, 1, 8, 0, tzinfo=UTC), "2026-12-01 08:00"),
        (datetime(2026, 12, 1, 0, 5, tzinfo=timezone(timedelta(hours=2))), "2026-11-30 22:05"),
        (datetime(2026, 12, 31, 23, 59, 0, 1, tzinfo=UTC), "2027-01-01 00:00"),
        (datetime(2026, 12, 1, 8, 0, 59, tzinfo=UTC), "2026-12-01 08:01"),
    ],
)
def test_a_date_is_sent_in_utc_to_the_minute_and_never_early(instant: datetime | None, sent: str) -> None:
    assert blazar_records.date(instant) == sent


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:28:00.000000",
        "2026-11-22 09:28:00.000000",
        "2026-11-22 09:28:00",
        "2026-11-22 09:28",
        "2026-11-22T09:28:00Z",
        "2026-11-22T10:28:00+01:00",
    ],
)
def test_a_date_is_read_in_any_of_blazars_formats(text: str) -> None:
    assert blazar_records.instant(text) == datetime(2026, 11, 22, 9, 28, tzinfo=UTC)


@given(st.datetimes(_FIRST, _LAST, timezones=st.timezones()))
def test_what_is_sent_is_read_back_less_than_a_minute_later(instant: datetime) -> None:
    back = blazar_records.instant(blazar_records.date(instant))
    assert timedelta() <= back - instant < timedelta(minutes=1)
    assert blazar_records.date(back) == blazar_records.date(instant)


@given(st.text())
def test_any_text_is_a_date_or_an_error_of_the_tree(text: str) -> None:
    try:
        zone = blazar_records.instant(text).tzinfo
    except cloud.CloudUnavailable:
        return
    assert zone is UTC
