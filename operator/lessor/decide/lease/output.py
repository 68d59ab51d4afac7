"""What is needed to use what is reserved, for programs: the data of the ConfigMap that `spec.output` names."""

from datetime import datetime, timedelta

from lessor.decide.lease import wanted
from lessor.decide.lease.facts import Facts
from lessor.model import times
from lessor.model.lease import Lease, LeaseStatus, OutputStatus, ReservationStatus
from lessor.model.plans import ConfigMap

_AGAIN = timedelta(minutes=10)


def config_map(lease: Lease, status: LeaseStatus) -> tuple[OutputStatus | None, ConfigMap | None]:
    """Give what the status says of the ConfigMap once it is written, and the ConfigMap; None: it holds that already."""
    output = lease.spec.output
    if output is None:
        return None, None
    data = _data(status)
    written = OutputStatus(config_map_name=output.config_map_name, digest=wanted.request_digest(data))
    if status.output == written:
        return written, None
    return written, ConfigMap(name=output.config_map_name, data=data)


def again_at(facts: Facts) -> datetime | None:
    """Give when a ConfigMap that could not be written is tried again; None: none is. What was in the way may go."""
    failed = facts.lease.status.output
    return facts.now + _AGAIN if facts.lease.spec.output is not None and failed is not None and failed.message else None


def _data(status: LeaseStatus) -> dict[str, str]:
    whole = {
        "leaseID": status.lease_id,
        "leaseName": status.lease_name,
        "state": status.state,
        "startTime": times.text(status.start_time) if status.start_time is not None else None,
        "endTime": times.text(status.end_time) if status.end_time is not None else None,
    }
    for one in status.reservations:
        whole |= {f"{one.name}.{key}": value for key, value in _reservation(one).items()}
    return {key: value for key, value in whole.items() if value}


def _reservation(one: ReservationStatus) -> dict[str, str | None]:
    """`reservationID` is the scheduler hint. Source: blazarnova/scheduler/filters/blazar_filter.py."""
    return {
        "reservationID": one.id,
        "resourceType": one.resource_type,
        "flavorID": one.flavor_id,
        "serverGroupID": one.server_group_id,
        "floatingIPs": " ".join(one.floating_ips),
        "networkName": one.network_name,
    }
