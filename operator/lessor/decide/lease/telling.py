"""What a status tells of a lease in Blazar, and what a record of it would: where they differ, a pass has work."""

from lessor.model.lease import LeaseStatus
from lessor.model.reservations import ObservedLease

Telling = tuple[object, ...]


def of_status(status: LeaseStatus) -> Telling:
    """Give what the status tells."""
    reservations = ((one.id, one.state, one.missing_resources, one.resources_changed) for one in status.reservations)
    known = sorted(reservation for reservation in reservations if reservation[0] is not None)
    return (status.state, status.lease_name, status.start_time, status.end_time, tuple(known))


def of_record(seen: ObservedLease) -> Telling:
    """Give what a status would tell after a pass that saw this."""
    known = sorted((one.id, one.state, one.missing_resources, one.resources_changed) for one in seen.reservations)
    return (seen.state, seen.name, seen.start, seen.end, tuple(known))
