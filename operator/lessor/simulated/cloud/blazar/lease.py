"""A lease as Blazar has it. Instants are aware and in UTC; its states are in `states`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lessor.model.reservations import STABLE, EventState, EventType, LeaseState
from lessor.simulated.cloud.blazar import states


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the manager acts by, for the user who made a lease: Keystone's trust, with the roles of the token."""

    id: str
    user_id: str
    project_id: str
    roles: tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    """One event; one that a client sent is what it says, or nothing. The manager finds it after `written`."""

    id: str
    kind: str | None
    time: datetime | None
    created: datetime
    status: str | None = EventState.UNDONE
    updated: datetime | None = None

    @property
    def written(self) -> datetime:
        """When it was written last."""
        return self.updated or self.created

    def moves(self, time: datetime, at: datetime) -> None:
        """Be due at another time."""
        self.time, self.updated = time, at

    def becomes(self, status: EventState, at: datetime) -> None:
        """Come to another state."""
        self.status, self.updated = status, at


@dataclass(slots=True, kw_only=True, eq=False)
class Reservation:
    """One reservation.

    Attributes:
        resource_id: of the row of its type, which nobody sees anything else of.
        values: what its type shows.
        hidden: what its type keeps and does not show.
        allocations: the ids of what is reserved; a host once for each instance on it.
        hosts: the names of the hosts in its aggregate, from its start on.
    """

    id: str
    resource_id: str
    kind: str
    created: datetime
    updated: datetime
    status: str = states.PENDING
    missing_resources: bool = False
    resources_changed: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)
    allocations: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Lease:
    """One lease. The trust is that of its POST."""

    id: str
    name: str
    user_id: str
    project_id: str
    start: datetime
    end: datetime
    trust_id: str
    created: datetime
    updated: datetime
    status: LeaseState = LeaseState.CREATING
    degraded: bool = False
    reservations: list[Reservation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def is_stable(self) -> bool:
        """Whether it is in no state of passage."""
        return self.status in STABLE

    def event(self, kind: EventType) -> Event | None:
        """Give the event of this type."""
        return next((event for event in self.events if event.kind == kind), None)

    def may_become(self, state: LeaseState) -> bool:
        """Tell whether the tables let it pass to this state. One without events passes to none."""
        held = self._held()
        return held is not None and states.may_follow(self.status, state, *held)

    def derived(self) -> LeaseState:
        """Give the stable state that follows from its reservations and events."""
        held = self._held()
        return LeaseState.ERROR if held is None else states.derived(*held)

    def _held(self) -> tuple[list[str], str, str] | None:
        start, end = self.event(EventType.START), self.event(EventType.END)
        if start is None or end is None:
            return None
        return [each.status for each in self.reservations], str(start.status), str(end.status)
