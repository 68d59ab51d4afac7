"""Where the end lies: the declared end, the grants, the limits; and when `Expiring` begins.

start ......................... expiring ........... end      ... stages
  |<------------- length ---------->|<- a third ->|
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.model import times
from lessor.model.instancelease import InstanceLeaseSpec, RenewalsStatus

PAST_END_RESPITE = timedelta(hours=1)
_THIRD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The lifetime of one lease, in whole seconds, UTC.

    Attributes:
        start: when the lease was first accepted.
        declared_end: the end without any grant.
        end: the end with the grants, within the limits.
        latest: the end that no renewal passes; None: no limit.
        expiring: when `Expiring` begins.
        respite: whether the declared end lay before the start, and one hour was given instead.
    """

    start: datetime
    declared_end: datetime
    end: datetime
    latest: datetime | None
    expiring: datetime
    respite: bool


def at(spec: InstanceLeaseSpec, start: datetime, renewals: RenewalsStatus | None) -> Term:
    """Give the term of a lease that was first accepted at `start`; `renewals` holds the grants so far."""
    declared, respite = _declared_end(spec, start)
    granted = renewals if renewals is not None else RenewalsStatus()
    total = spec.renewal.max_total if spec.renewal is not None else None
    latest = max(declared, times.later(start, total.delta)) if total is not None else None
    end = times.later(declared, granted.sum)
    if latest is not None:
        end = min(end, latest)
    length = _length(declared - start, granted)
    expiring = times.rounded_up(max(start, end - length / _THIRD))
    return Term(start=start, declared_end=declared, end=end, latest=latest, expiring=expiring, respite=respite)


def declared_length(spec: InstanceLeaseSpec, start: datetime) -> timedelta:
    """Give the length from the start to the declared end."""
    return _declared_end(spec, start)[0] - start


def _declared_end(spec: InstanceLeaseSpec, start: datetime) -> tuple[datetime, bool]:
    if spec.duration is not None:
        return times.later(start, spec.duration.delta), False
    if spec.expire_time is None:  # the API server refuses this; an end that nobody declared must not come
        return times.LATEST, False
    end = times.rounded_up(spec.expire_time)
    if end <= start:
        return start + PAST_END_RESPITE, True
    return end, False


def _length(declared: timedelta, granted: RenewalsStatus) -> timedelta:
    """Fractions are of the newest grant's length, else of the declared one."""
    if not granted.history:
        return declared
    newest = granted.history[-1]
    return max(times.ZERO, min(newest.granted.delta, newest.granted_until - newest.time))
