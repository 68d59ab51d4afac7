"""Blazar's records and dates on the wire, and what they are to passes.

Source: blazar/db/sqlalchemy/models.py (fields), blazar/api/v1/leases/v1_0.py (their names); tried on Blazar 18.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lessor.model import times
from lessor.model.reservations import LeaseChange, LeaseEvent, ObservedLease, ObservedReservation, WantedLease
from lessor.ports import cloud

_MINUTE = timedelta(minutes=1)
_FORMAT = "%Y-%m-%d %H:%M"
_NOW = "now"
# What every reservation has, whatever its type.
_COMMON = frozenset(
    {
        "id",
        "lease_id",
        "resource_id",
        "resource_type",
        "status",
        "missing_resources",
        "resources_changed",
        "created_at",
        "updated_at",
    }
)


class Event(msgspec.Struct):
    """One event. All may be null, for whoever makes a lease may send events of his own."""

    event_type: str | None = None
    status: str | None = None
    time: str | None = None


class Record(msgspec.Struct):
    """One lease. Fields that Blazar may leave out or null, it may."""

    id: str
    start_date: str
    end_date: str
    name: str | None = None
    status: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    trust_id: str | None = None
    degraded: bool | None = None
    created_at: str | None = None
    updated_at: str | None = None
    reservations: list[dict[str, Any]] | None = None
    events: list[Event] | None = None


class One(msgspec.Struct):
    """The answer to GET and POST of one lease."""

    lease: Record


class Several(msgspec.Struct):
    """The answer to GET of all."""

    leases: list[Record]


def date(instant: datetime | None) -> str:
    """Write an instant as Blazar takes it: UTC, to the minute; a part of a minute is rounded up. None: now.

    Source: blazar/manager/service.py, LEASE_DATE_FORMAT: with seconds or a zone it is refused.
    """
    if instant is None:
        return _NOW
    whole = instant.astimezone(UTC).replace(second=0, microsecond=0)
    return (whole if whole >= instant else whole + _MINUTE).strftime(_FORMAT)


def instant(text: str) -> datetime:
    """Read a date of Blazar's, in UTC: `2026-11-22T09:28:00.000000`, `2026-11-22 09:28:36`, with a zone or without.

    Raises:
        CloudUnavailable: it is none.
    """
    try:
        return times.parse(text)
    except (ValueError, OverflowError) as error:
        raise cloud.CloudUnavailable(f"A date of Blazar's cannot be read: {text[:40]!r}.") from error


def observed(record: Record) -> ObservedLease:
    """Give the lease that a record shows.

    Raises:
        CloudUnavailable: its start or end is no date.
    """
    return ObservedLease(
        id=record.id,
        name=record.name or "",
        state=record.status or "",
        start=instant(record.start_date),
        end=instant(record.end_date),
        user_id=record.user_id or "",
        project_id=record.project_id or "",
        trust_id=record.trust_id or "",
        degraded=bool(record.degraded),
        created=_or_none(record.created_at),
        updated=_or_none(record.updated_at),
        reservations=tuple(_reservation(one) for one in record.reservations or () if one.get("id") is not None),
        events=tuple(event for one in record.events or () if (event := _event(one)) is not None),
    )


def body(wanted: WantedLease) -> dict[str, Any]:
    """Give the body of the POST of a lease. Without `before_end_date` the cloud's own distance to the end holds."""
    asked = {
        "id": wanted.id,
        "name": wanted.name,
        "start_date": date(wanted.start),
        "end_date": date(wanted.end),
        "reservations": [{**one.values, "resource_type": one.resource_type.value} for one in wanted.reservations],
        "events": [],
    }
    return asked if wanted.before_end is None else {**asked, "before_end_date": date(wanted.before_end)}


def changes(change: LeaseChange) -> dict[str, Any]:
    """Give the body of the PUT of a lease: what changes, and nothing else.

    With `reservations` in it Blazar looks for room beside what the lease has already, even where only its end moves.
    Source: blazar/manager/service.py, update_lease.
    """
    asked: dict[str, Any] = {} if change.name is None else {"name": change.name}
    dates = (("start_date", change.start), ("end_date", change.end), ("before_end_date", change.before_end))
    asked.update({key: date(value) for key, value in dates if value is not None})
    if change.reservations:
        asked["reservations"] = [{**values, "id": one} for one, values in change.reservations.items()]
    return asked


def _reservation(one: dict[str, Any]) -> ObservedReservation:
    return ObservedReservation(
        id=str(one["id"]),
        resource_type=str(one.get("resource_type") or ""),
        state=str(one.get("status") or ""),
        missing_resources=bool(one.get("missing_resources")),
        resources_changed=bool(one.get("resources_changed")),
        values={key: value for key, value in one.items() if key not in _COMMON},
    )


def _event(one: Event) -> LeaseEvent | None:
    """Give an event; None: it has no type or no time, so nothing is to happen."""
    time = _or_none(one.time)
    if one.event_type is None or time is None:
        return None
    return LeaseEvent(type=one.event_type, state=one.status or "", time=time)


def _or_none(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return instant(text)
    except cloud.CloudUnavailable:
        return None
