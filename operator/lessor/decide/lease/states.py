"""What a lease's state in Blazar means, and when it is about to change.

CREATING -> PENDING -> STARTING -> ACTIVE -> TERMINATING -> TERMINATED; any of them UPDATING or DELETING meanwhile;
ERROR after a failed start, a failed end, or an update that Blazar gave up half-way. Source: blazar/status.py.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

from lessor.model.reservations import STABLE, EventState, EventType, LeaseState, ObservedLease

_SHORTEST = timedelta(seconds=1.5)
_LONGEST = timedelta(minutes=1)
_UNKNOWN_SINCE = timedelta(seconds=5)
_AFTER = timedelta(seconds=5)


class Trouble(Enum):
    """What an ERROR stands for: the events tell. Source: blazar/manager/service.py; ran on Blazar 18."""

    UPDATE = auto()  # it still holds what it held; a rename heals it
    START = auto()  # it will never start
    END = auto()  # servers may still run on what it held


def trouble(seen: ObservedLease) -> Trouble | None:
    """Say what went wrong; None: nothing did."""
    if seen.state != LeaseState.ERROR:
        return None
    start, end = seen.event(EventType.START), seen.event(EventType.END)
    if end is not None and end.state in {EventState.ERROR, EventState.DONE}:
        return Trouble.END
    if start is not None and start.state == EventState.ERROR:
        return Trouble.START
    if any(reservation.state == "error" for reservation in seen.reservations):
        return Trouble.START
    return Trouble.UPDATE


def has_started(seen: ObservedLease) -> bool:
    """Tell whether the lease has begun, also while it is being changed."""
    start = seen.event(EventType.START)
    return seen.state == LeaseState.ACTIVE or (start is not None and start.state == EventState.DONE)


def is_over(seen: ObservedLease) -> bool:
    """Tell whether the lease has ended or is ending."""
    return seen.state in {LeaseState.TERMINATED, LeaseState.TERMINATING} or trouble(seen) is Trouble.END


def takes_changes(seen: ObservedLease) -> bool:
    """Tell whether Blazar takes a change now: in every stable state, but a lease that has ended can only be renamed."""
    return seen.state in STABLE


def in_flux_since(seen: ObservedLease, asked: datetime | None, now: datetime) -> datetime | None:
    """Give since when the state is one that passes; None: it stays for now.

    `asked`: when the lease was asked for, or last changed by us: a start `now` is cut to the minute, and lies before.
    """
    state = seen.state
    touched = seen.updated or seen.created or now - _UNKNOWN_SINCE  # its row was written when the state changed
    if state == LeaseState.STARTING or (state == LeaseState.PENDING and seen.start <= now):
        return max(seen.start, asked) if asked is not None else seen.start
    if state == LeaseState.TERMINATING or (state == LeaseState.ACTIVE and seen.end <= now):
        return seen.end
    return touched if state in {LeaseState.CREATING, LeaseState.UPDATING, LeaseState.DELETING} else None


def look_at(seen: ObservedLease, asked: datetime | None, now: datetime) -> datetime | None:
    """Give when the lease must be read again; None: the list that comes anyway will do.

    Short pauses while it passes from one state to another, longer as that takes longer: a Blazar that died in the
    middle leaves it there for ever. Source: blazar/manager/service.py, _event, every ten seconds.
    """
    since = in_flux_since(seen, asked, now)
    if since is not None:
        return now + min(max((now - since) / 8, _SHORTEST), _LONGEST)  # `since` may be ahead, by another clock
    instants = [event.time for event in seen.events if event.state == EventState.UNDONE and event.time > now]
    if seen.state == LeaseState.PENDING:
        instants.append(seen.start)
    if seen.state == LeaseState.ACTIVE:
        instants.append(seen.end)
    if not instants:
        return None
    soonest = min(instants)
    # the start and the end are waited for; that nothing is wrong after what comes before the end is worth one look
    return soonest if soonest in {seen.start, seen.end} else soonest + _AFTER
