"""When an object needs its next pass, from its spec and status alone: what a start arms its deadlines with."""

from datetime import datetime

from lessor.decide import window
from lessor.model import conditions, names
from lessor.model.conditions import ConditionType
from lessor.model.instancelease import InstanceLease

_SETTLED = (ConditionType.ACCEPTED, ConditionType.SERVER_FOUND, ConditionType.MARKED)


def at(lease: InstanceLease, now: datetime) -> datetime | None:
    """Give the instant of the next pass: `now` when something is open; None when nothing is to come."""
    if not _settled(lease) or lease.status.start_time is None:
        return now
    term = window.at(lease.spec, lease.status.start_time, lease.status.renewals)
    if lease.status.before is not None and term.end > now:
        return now
    action, exemption = lease.status.next_action, lease.spec.exemption
    instants = [
        term.expiring if not conditions.is_true(lease.status.conditions, ConditionType.EXPIRING) else None,
        term.end if not conditions.is_true(lease.status.conditions, ConditionType.EXPIRED) else None,
        action.time if action is not None else None,
        exemption.until if exemption is not None and now < exemption.until else None,
    ]
    known = [instant for instant in instants if instant is not None]
    return max(now, min(known)) if known else None


def urgent(lease: InstanceLease, at: datetime | None) -> bool:
    """Tell whether that instant is a stage's."""
    action = lease.status.next_action
    return at is not None and action is not None and action.time <= at


def _settled(lease: InstanceLease) -> bool:
    meta, status = lease.metadata, lease.status
    asked = meta.annotations.get(names.RECONCILE_REQUESTED_AT)
    seen = status.observed_generation == meta.generation and meta.deletion_timestamp is None
    answered = asked is None or asked == status.last_handled_reconcile_at
    over = lease.status.server_status == "DELETED"
    good = over or all(conditions.is_true(status.conditions, kind) for kind in _SETTLED) or lease.spec.suspend
    return seen and answered and good
