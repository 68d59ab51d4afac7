"""The dates of a lease: as they come, what they may be, and what follows from them for the event before its end.

Source: blazar/manager/service.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lessor.simulated.cloud.blazar import refusals
from lessor.simulated.cloud.blazar.lease import Lease

_FORMAT = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a lease is to last."""

    start: datetime
    end: datetime


def floor(now: datetime) -> datetime:
    """Give the beginning of the minute."""
    return now.replace(second=0, microsecond=0)


def read(text: object, now: datetime) -> datetime:
    """Read a date.

    Raises:
        Refused: 400 for a text of another form, 500 for what is no text.
    """
    if text == "now":
        return floor(now)
    if not isinstance(text, str):
        raise refusals.internal()
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise refusals.invalid_date(text) from None


def new(start: object, end: object, now: datetime) -> Span:
    """Give the dates of a new lease."""
    span = Span(read(start, now), read(end, now))
    if span.start < floor(now):
        raise refusals.invalid_input("Start date must be later than current date")
    if span.end <= span.start:
        raise refusals.invalid_input("End date must be later than start date.")
    return span


def changed(lease: Lease, start: object, end: object, now: datetime) -> Span:
    """Give the other dates of a lease; None leaves one as it is. Source: _check_for_invalid_date_inputs."""
    span = Span(
        lease.start if start is None else read(start, now),
        lease.end if end is None else read(end, now),
    )
    present = floor(now)
    if lease.start < present and span.start != lease.start:
        raise refusals.invalid_input("Cannot modify the start date of already started leases")
    if lease.start > present and span.start < present:
        raise refusals.invalid_input("Start date must be later than current date")
    if lease.end < present:
        raise refusals.invalid_input("Terminated leases can only be renamed")
    if span.end < present or span.end < span.start:
        raise refusals.invalid_input("End date must be later than current and start date")
    return span


def before_end(text: object, span: Span, now: datetime) -> datetime | None:
    """Read the date before the end that is asked for, within the lease; None: none is asked for."""
    if not text:
        return None
    if text == "now":
        raise refusals.invalid_date(text)
    at = read(text, now)
    if not span.start < at < span.end:
        raise refusals.out_of_limits()
    return at


def usual_before_end(span: Span, distance: timedelta) -> datetime | None:
    """Give when the event before the end is, where nobody asks; None: the cloud has none."""
    return None if distance <= timedelta(0) else max(span.start, span.end - distance)
