"""The states of leases, reservations and events as tables: which may follow which, and which go together.

Source: blazar/status.py.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple

from lessor.model.reservations import STABLE, EventState, EventType, LeaseState

UNDONE, IN_PROGRESS, DONE, FAILED = EventState.UNDONE, EventState.IN_PROGRESS, EventState.DONE, EventState.ERROR
PENDING, ACTIVE, DELETED, ERROR = "pending", "active", "deleted", "error"

_ALL = frozenset({PENDING, ACTIVE, DELETED, ERROR})
_RESTING = frozenset({UNDONE, DONE, FAILED})

NEXT: Mapping[LeaseState, frozenset[LeaseState]] = {
    LeaseState.PENDING: frozenset({LeaseState.STARTING, LeaseState.UPDATING, LeaseState.DELETING}),
    LeaseState.ACTIVE: frozenset({LeaseState.TERMINATING, LeaseState.UPDATING, LeaseState.DELETING}),
    LeaseState.TERMINATED: frozenset({LeaseState.UPDATING, LeaseState.DELETING}),
    LeaseState.ERROR: frozenset({LeaseState.TERMINATING, LeaseState.UPDATING, LeaseState.DELETING}),
    LeaseState.CREATING: frozenset({LeaseState.PENDING, LeaseState.DELETING}),
    LeaseState.STARTING: frozenset({LeaseState.ACTIVE, LeaseState.ERROR, LeaseState.DELETING}),
    LeaseState.UPDATING: STABLE | {LeaseState.DELETING},
    LeaseState.TERMINATING: frozenset({LeaseState.TERMINATED, LeaseState.ERROR, LeaseState.DELETING}),
    LeaseState.DELETING: frozenset({LeaseState.ERROR}),
}
NEXT_OF_RESERVATION: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({ACTIVE, DELETED, ERROR}),
    ACTIVE: frozenset({DELETED, ERROR}),
    DELETED: frozenset(),
    ERROR: frozenset({DELETED}),
}


class Together(NamedTuple):
    """What goes with a state of a lease: the states of its reservations, of its start and of its end."""

    reservations: frozenset[str]
    start: frozenset[EventState]
    end: frozenset[EventState]


COMBINATIONS: Mapping[LeaseState, Together] = {
    LeaseState.CREATING: Together(frozenset({PENDING}), frozenset({UNDONE}), frozenset({UNDONE})),
    LeaseState.PENDING: Together(frozenset({PENDING}), frozenset({UNDONE}), frozenset({UNDONE})),
    LeaseState.STARTING: Together(frozenset({PENDING, ACTIVE, ERROR}), frozenset({IN_PROGRESS}), frozenset({UNDONE})),
    LeaseState.ACTIVE: Together(frozenset({ACTIVE}), frozenset({DONE}), frozenset({UNDONE})),
    LeaseState.TERMINATING: Together(
        frozenset({ACTIVE, DELETED, ERROR}), frozenset({DONE, FAILED}), frozenset({IN_PROGRESS})
    ),
    LeaseState.TERMINATED: Together(frozenset({DELETED}), frozenset({DONE}), frozenset({DONE})),
    LeaseState.DELETING: Together(_ALL, _RESTING, _RESTING),
    LeaseState.UPDATING: Together(_ALL, _RESTING, _RESTING),
    LeaseState.ERROR: Together(frozenset({ERROR}), frozenset({DONE, FAILED}), frozenset({UNDONE, FAILED})),
}
_DERIVED: Mapping[tuple[EventState, EventState], LeaseState] = {
    (UNDONE, UNDONE): LeaseState.PENDING,
    (DONE, UNDONE): LeaseState.ACTIVE,
    (DONE, DONE): LeaseState.TERMINATED,
}

# Blazar looks for events that are due this often. Source: blazar/manager/service.py, EVENT_INTERVAL.
INTERVAL = timedelta(seconds=10)
# How often, and for how long, it looks whether the servers are gone. Source: oshosts/host_plugin.py, on_end.
LOOK, PATIENCE = timedelta(seconds=5), timedelta(minutes=10)
# A request waits this long for the manager. Source: oslo.messaging, rpc_response_timeout.
RPC = timedelta(seconds=60)
# How long a start and an end take when no server is in the way. Measured on Blazar 18.
DURATIONS: Mapping[EventType, timedelta] = {
    EventType.START: timedelta(seconds=1),
    EventType.END: timedelta(seconds=1),
}


def may_follow(now: LeaseState, then: LeaseState, reservations: Collection[str], start: str, end: str) -> bool:
    """Tell whether a lease with these reservations, start and end may pass from one state to the other."""
    return then in NEXT[now] and go_together(then, reservations, start, end)


def go_together(state: LeaseState, reservations: Collection[str], start: str, end: str) -> bool:
    """Tell whether the states of reservations, start and end go with this one."""
    together = COMBINATIONS[state]
    return set(reservations) <= together.reservations and start in together.start and end in together.end


def derived(reservations: Collection[str], start: str, end: str) -> LeaseState:
    """Give the stable state that follows from those of the reservations, the start and the end."""
    state = _DERIVED.get((EventState(start), EventState(end)), LeaseState.ERROR)
    return state if go_together(state, reservations, start, end) else LeaseState.ERROR
