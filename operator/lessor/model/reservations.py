"""What Blazar says of a lease, and what is asked of it: its constants verbatim, its instants aware and in UTC.

Source: blazar/status.py (states), blazar/db/sqlalchemy/models.py (fields), api-ref/source/v1/leases.inc.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from lessor.model.lease import ResourceType


class LeaseState(StrEnum):
    """The states of a Blazar lease. Source: blazar/status.py, LeaseStatus."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"
    CREATING = "CREATING"
    STARTING = "STARTING"
    UPDATING = "UPDATING"
    TERMINATING = "TERMINATING"
    DELETING = "DELETING"


STABLE = frozenset({LeaseState.PENDING, LeaseState.ACTIVE, LeaseState.TERMINATED, LeaseState.ERROR})


class EventType(StrEnum):
    """The types of a lease's events. Source: blazar/manager/service.py."""

    START = "start_lease"
    BEFORE_END = "before_end_lease"
    END = "end_lease"


class EventState(StrEnum):
    """The states of a lease's events. Source: blazar/status.py, EventStatus."""

    UNDONE = "UNDONE"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEvent:
    """One event of a Blazar lease: what happens when, and whether it has."""

    type: str
    state: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedReservation:
    """One reservation of a Blazar lease.

    Attributes:
        state: pending, active, deleted or error.
        values: what its type shows besides, under Blazar's names: `min`, `max`, `vcpus`, `amount`, ...
    """

    id: str
    resource_type: str
    state: str = "pending"
    missing_resources: bool = False
    resources_changed: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedLease:
    """One Blazar lease. Reservations and events are in no order."""

    id: str
    name: str
    state: str
    start: datetime
    end: datetime
    user_id: str = ""
    project_id: str = ""
    trust_id: str = ""
    degraded: bool = False
    created: datetime | None = None
    updated: datetime | None = None
    reservations: tuple[ObservedReservation, ...] = ()
    events: tuple[LeaseEvent, ...] = ()

    def event(self, kind: EventType) -> LeaseEvent | None:
        """Give the newest event of this type; None: there is none."""
        found = [event for event in self.events if event.type == kind]
        return max(found, key=lambda event: event.time, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReservation:
    """One reservation as it is asked of Blazar: its type, and the rest under Blazar's names, as JSON values."""

    resource_type: ResourceType
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLease:
    """A lease to be made.

    Attributes:
        id: chosen by us; Blazar takes it.
        start: of a whole minute; None: now.
        end: of a whole minute.
        before_end: of a whole minute, within the lease; None: as the cloud is set up.
    """

    id: str
    name: str
    start: datetime | None
    end: datetime
    before_end: datetime | None = None
    reservations: tuple[WantedReservation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseChange:
    """What is to change of a lease. None leaves it as it is; a name alone also heals a lease whose update failed.

    Attributes:
        reservations: the id of each reservation that changes, and its new values under Blazar's names.
    """

    name: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    before_end: datetime | None = None
    reservations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
