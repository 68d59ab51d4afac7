"""When a Lease begins and ends: instants that Blazar takes, which are whole minutes; it never ends early.

Source: blazar/manager/service.py, _parse_lease_date: `%Y-%m-%d %H:%M` or `now`, cut to the minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.model import identity, times
from lessor.model.lease import DEFAULT_LENGTH, Lease
from lessor.model.reservations import ObservedLease
from lessor.model.times import Duration

MINUTE = timedelta(minutes=1)
_THIRD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time of one lease.

    Attributes:
        start: from when its length counts, to the second.
        asked_start: what Blazar is asked for; None: now.
        declared_end: the end without any extension, a whole minute.
        end: the end with the extensions, a whole minute.
        latest: the end that no extension passes; None: there is no limit.
        before_end: when Blazar does what comes before the end; None: as the cloud is set up.
    """

    start: datetime
    asked_start: datetime | None
    declared_end: datetime
    end: datetime
    latest: datetime | None
    before_end: datetime | None


def at(lease: Lease, seen: ObservedLease | None, now: datetime) -> Window:
    """Give the window as it is declared, with the extensions that were granted."""
    spec = lease.spec
    start = _counted_from(lease, seen, now)
    granted = lease.status.renewals.sum if lease.status.renewals is not None else times.ZERO
    declared = _taken_over(lease, seen, granted) or minute_up(
        spec.end_time if spec.end_time is not None else times.later(start, length(lease).delta)
    )
    total = spec.renewal.max_total if spec.renewal is not None else None
    latest = max(declared, minute_up(times.later(start, total.delta))) if total is not None else None
    end = minute_up(times.later(declared, granted))
    if latest is not None:
        end = min(end, latest)
    return Window(
        start=start,
        asked_start=_asked_start(spec.start_time, now),
        declared_end=declared,
        end=end,
        latest=latest,
        before_end=_before_end(spec.before_end, _begins(lease, seen, start, now), end),
    )


def _taken_over(lease: Lease, seen: ObservedLease | None, granted: timedelta) -> datetime | None:
    """An imported lease whose end is not declared ends as Blazar has it. None: its end is declared."""
    spec, told = lease.spec, lease.status.requested
    if spec.import_ is None or spec.duration is not None or spec.end_time is not None:
        return None
    if told is not None:
        return times.earlier(told.end_time, granted)
    return seen.end if seen is not None else None


def length(lease: Lease) -> Duration:
    """Give the declared length; what is declared by its end has that of the default, for want of another."""
    return lease.spec.duration if lease.spec.duration is not None else DEFAULT_LENGTH


def expiring(start: datetime, end: datetime) -> datetime:
    """Give when a lease begins to be about to end: a third of its length before it."""
    return times.rounded_up(max(start, end - max(times.ZERO, end - start) / _THIRD))


def minute_down(instant: datetime) -> datetime:
    """Give the whole minute that the instant lies in."""
    return times.whole_second(instant).replace(second=0)


def minute_up(instant: datetime) -> datetime:
    """Give the first whole minute that is not before the instant: an end is never early."""
    floor = minute_down(instant)
    return floor if floor >= instant else times.later(floor, MINUTE)


def _counted_from(lease: Lease, seen: ObservedLease | None, now: datetime) -> datetime:
    """From when the length counts: as declared, else from when the lease was asked for, else as Blazar has it."""
    own = identity.of(lease.metadata)
    known = (
        lease.spec.start_time,
        lease.status.create_requested_time,
        own.start if own is not None and own.lease_id != _own_id(lease) else None,  # of the object it was restored from
        seen.start if seen is not None else None,
    )
    return times.whole_second(next((instant for instant in known if instant is not None), now))


def _own_id(lease: Lease) -> str:
    return identity.lease_id(lease.metadata.uid, max(1, lease.status.attempt))


def _asked_start(declared: datetime | None, now: datetime) -> datetime | None:
    """None, which is sent as `now`, for a start that a clock a little ahead of ours would find in the past."""
    if declared is None or minute_down(declared) <= now + MINUTE:
        return None
    return minute_down(declared)


def _before_end(declared: Duration | None, start: datetime, end: datetime) -> datetime | None:
    """Blazar takes only a whole minute that lies strictly within the lease; where there is none, it is left to it.

    Source: blazar/manager/service.py, _check_date_within_lease_limits: 403.
    """
    if declared is None:
        return None
    wanted = max(minute_down(times.earlier(end, declared.delta)), times.later(minute_down(start), 2 * MINUTE))
    return wanted if wanted < end else None


def _begins(lease: Lease, seen: ObservedLease | None, start: datetime, now: datetime) -> datetime:
    """When it starts in Blazar, as far as is known: what is to start in the past starts when it is asked for."""
    asked = lease.status.create_requested_time
    if asked is None and seen is not None:
        return seen.start
    return max(start, asked if asked is not None else now)
