"""What Blazar shows of its leases and hosts, as the JSON of its API.

Source: blazar/db/sqlalchemy/models.py (to_dict), blazar/api/v1/leases/v1_0.py.
"""

from datetime import datetime
from typing import Any

from lessor.simulated.cloud.blazar.calendar import Resource
from lessor.simulated.cloud.blazar.lease import Event, Lease, Reservation
from lessor.simulated.cloud.records import Record, naive


def lease(found: Lease) -> Record:
    """Give a lease. Reservations and events are in no order: here, in that of their ids."""
    return {
        "id": found.id,
        "name": found.name,
        "user_id": found.user_id,
        "project_id": found.project_id,
        "start_date": naive(found.start),
        "end_date": naive(found.end),
        "trust_id": found.trust_id,
        "status": found.status.value,
        "degraded": found.degraded,
        "reservations": [_reservation(each, found.id) for each in sorted(found.reservations, key=lambda one: one.id)],
        "events": [_event(each, found.id) for each in sorted(found.events, key=lambda one: one.id)],
        "created_at": written(found.created),
        "updated_at": written(found.updated),
    }


def host(found: Resource) -> Record:
    """Give a host, as administrators see it."""
    shown = {key: value for key, value in found.columns.items() if key != "reservable"}
    return {"id": found.id, **shown, **found.extra, "reservable": found.is_reservable, "trust_id": ""}


def floating_ip(found: Resource) -> Record:
    """Give a floating IP that can be reserved, as all see it."""
    return {"id": found.id, "floating_ip_address": found.name, **found.columns, "reservable": found.is_reservable}


def written(instant: datetime | None) -> str | None:
    """Give when a row was written: `2026-11-22 09:42:25`."""
    return None if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}"


def _reservation(found: Reservation, lease_id: str) -> Record:
    common: dict[str, Any] = {
        "id": found.id,
        "lease_id": lease_id,
        "resource_id": found.resource_id,
        "resource_type": found.kind,
        "status": found.status,
        "missing_resources": found.missing_resources,
        "resources_changed": found.resources_changed,
        "created_at": written(found.created),
        "updated_at": written(found.updated),
    }
    return {**common, **found.values}


def _event(found: Event, lease_id: str) -> Record:
    return {
        "id": found.id,
        "lease_id": lease_id,
        "event_type": found.kind,
        "time": naive(found.time),
        "status": found.status,
        "created_at": written(found.created),
        "updated_at": written(found.updated),
    }
