"""What is needed to use what is reserved, for programs."""

import msgspec

from lessor.decide.lease import output
from lessor.model.lease import LeaseStatus, OutputStatus, ReservationStatus
from tests.decide.lease.builders import ID, NAME, a_lease, known, spec

VMS = ReservationStatus(name="vms", id="r1", resource_type="virtual:instance", flavor_id="f", server_group_id="g")


def test_the_config_map_holds_what_is_known_and_no_more() -> None:
    status = known(
        reservations=(
            ReservationStatus(
                name="vms", id="r1", resource_type="virtual:instance", flavor_id="f", server_group_id="g"
            ),
            ReservationStatus(name="pub", id="r2", floating_ips=("203.0.113.9", "203.0.113.10")),
            ReservationStatus(name="lan", network_name="train"),
        ),
    )
    written, config_map = output.config_map(a_lease(spec(output={"configMapName": "out"})), status)
    assert config_map is not None
    assert config_map.name == "out"
    assert config_map.data == {
        "leaseID": ID,
        "leaseName": NAME,
        "state": "ACTIVE",
        "startTime": "2026-03-01T08:00:00Z",
        "endTime": "2026-03-02T08:00:00Z",
        "vms.reservationID": "r1",
        "vms.resourceType": "virtual:instance",
        "vms.flavorID": "f",
        "vms.serverGroupID": "g",
        "pub.reservationID": "r2",
        "pub.floatingIPs": "203.0.113.9 203.0.113.10",
        "lan.networkName": "train",
    }
    assert written is not None
    assert output.config_map(a_lease(spec(output={"configMapName": "out"})), replace_output(status, written)) == (
        written,
        None,
    )


def replace_output(status: LeaseStatus, written: OutputStatus) -> LeaseStatus:
    return msgspec.structs.replace(status, output=written)


def test_an_empty_status_gives_an_empty_config_map() -> None:
    _, config_map = output.config_map(a_lease(spec(output={"configMapName": "out"})), LeaseStatus())
    assert config_map is not None
    assert config_map.data == {}


def test_without_an_output_nothing_is_written() -> None:
    assert output.config_map(a_lease(), known()) == (None, None)
