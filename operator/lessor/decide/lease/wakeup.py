"""When a Lease needs its next pass, from its spec and status alone: what a start arms its deadlines with."""

from datetime import datetime

from lessor.decide.lease import extending, refusals, window
from lessor.model import conditions, names
from lessor.model.conditions import ConditionType, Reason
from lessor.model.lease import Lease, ReservationStatus, ResourceType
from lessor.model.reservations import LeaseState

_RESTING = frozenset({LeaseState.PENDING, LeaseState.ACTIVE, LeaseState.TERMINATED})


def at(lease: Lease, now: datetime) -> datetime | None:
    """Give the instant of the next pass: `now` when something is open; None when nothing is to come."""
    status = lease.status
    if not _answered(lease):
        return now
    refusal = refusals.again_at(status.refusal) if status.refusal is not None else None
    if _is_over(lease):
        return None
    if status.state not in _RESTING or status.start_time is None or status.end_time is None:
        stalled = conditions.is_true(status.conditions, ConditionType.STALLED)
        return max(now, refusal) if refusal is not None else None if stalled else now
    if status.extension is not None or any(_lacks_addresses(one) for one in status.reservations):
        return now
    expiring = window.expiring(status.start_time, status.end_time)
    instants = [
        refusal if refusal is not None else extending.by_itself_at(lease, now),
        status.start_time if status.state == LeaseState.PENDING else None,
        status.end_time,
        expiring if not conditions.is_true(status.conditions, ConditionType.EXPIRING) else None,
    ]
    return max(now, min(instant for instant in instants if instant is not None))


def _lacks_addresses(one: ReservationStatus) -> bool:
    return one.resource_type == ResourceType.FLOATING_IP and one.state == "active" and not one.floating_ips


def _answered(lease: Lease) -> bool:
    meta, status = lease.metadata, lease.status
    asked = meta.annotations.get(names.RECONCILE_REQUESTED_AT)
    if meta.deletion_timestamp is not None or status.observed_generation != meta.generation:
        return False
    return asked is None or asked == status.last_handled_reconcile_at


def _is_over(lease: Lease) -> bool:
    reserved = conditions.find(lease.status.conditions, ConditionType.RESERVED)
    return reserved is not None and reserved.reason in {Reason.ENDED, Reason.LOST}
