"""Chameleon's Blazar: devices and networks, and where it answers otherwise. There is no real one to try it on.

Source: chi:blazar/plugins/devices/device_plugin.py, chi:blazar/plugins/networks/network_plugin.py.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, hosts, text
from tests.conformance.cloud.stack import Stack

pytestmark = [
    pytest.mark.only("simulated", because="Chameleon's fork is on no package index"),
    pytest.mark.usefixtures("side"),
]
DEVICE = {"resource_type": "device", "min": 1, "max": 1, "resource_properties": ""}
NETWORK = {
    "resource_type": "network",
    "network_name": "isolated",
    "network_properties": "",
    "resource_properties": '["==", "$physical_network", "physnet1"]',
}


@pytest.fixture(scope="session")
def fork(chi: Stack) -> Leasing:
    """Give what makes leases there."""
    return Leasing(chi)


def _soon(fork: Leasing) -> Body:
    """Give dates from now on for two hours."""
    return {"start_date": "now", "end_date": text(fork.stack.now() + timedelta(hours=2))}


def _now(fork: Leasing, reservation: Body) -> Body:
    lease = fork.made(fork.later(reservation, **_soon(fork)))
    return fork.until(lease["id"], "ACTIVE")


def _without(reservation: Body, key: str) -> Body:
    return {name: value for name, value in reservation.items() if name != key}


def test_a_device_is_reserved(fork: Leasing) -> None:
    lease = fork.made(fork.later(DEVICE))
    (reservation,) = lease["reservations"]
    shown = {key: reservation[key] for key in ("min", "max", "resource_properties", "before_end")}
    assert shown == {"min": 1, "max": 1, "resource_properties": "", "before_end": "default"}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({"min": 2, "max": 2}, (500, "Not enough devices available"), id="more than there are"),
        pytest.param(
            {"resource_properties": '["==", "$model", "jetson"]'}, (500, "Not enough devices available"), id="model"
        ),
        pytest.param({"before_end": "snapshot"}, (400, "Malformed parameter before_end"), id="snapshot"),
    ],
)
def test_devices_are_refused(fork: Leasing, values: dict[str, Any], want: tuple[int, str]) -> None:
    answer = fork.later({**DEVICE, **values})
    assert (answer.code, answer.said) == want


@pytest.mark.parametrize("word", ["", "default", "email"])
def test_devices_take_these_words_for_their_end(fork: Leasing, word: str) -> None:
    (reservation,) = fork.made(fork.later({**DEVICE, "before_end": word}))["reservations"]
    assert reservation["before_end"] == word


def test_a_network_shows_nothing_of_what_was_asked(fork: Leasing) -> None:
    lease = fork.made(fork.later(NETWORK))
    (reservation,) = lease["reservations"]
    assert not {"network_name", "network_properties", "resource_properties", "min"} & set(reservation)


@pytest.mark.parametrize("key", ["network_name", "network_properties", "resource_properties"])
def test_a_network_needs_its_values(fork: Leasing, key: str) -> None:
    answer = fork.later(_without(NETWORK, key))
    assert (answer.code, answer.said) == (400, f"Missing parameter {key}")


def test_a_network_is_there_from_the_start_to_the_end(fork: Leasing, chi: Stack) -> None:
    lease = _now(fork, {**NETWORK, "network_name": "lives"})
    found = chi.alice.neutron("/networks?name=lives").body["networks"]
    assert [(each["project_id"], each["router:external"]) for each in found] == [(chi.alice.project_id, False)]
    assert chi.bob.neutron("/networks?name=lives").body["networks"] == []
    busy = fork.later(NETWORK, **_soon(fork))
    assert (busy.code, busy.said) == (500, "Not enough networks available")
    assert fork.delete(lease["id"]).code == 200
    assert chi.alice.neutron("/networks?name=lives").body["networks"] == []


def test_a_network_is_extended_until_the_next_lease_of_it(fork: Leasing) -> None:
    day = fork.day()
    at = [text(day + timedelta(hours=hours)) for hours in range(6)]
    lease = fork.made(fork.later(NETWORK, start_date=at[0], end_date=at[1]))
    fork.made(fork.later(NETWORK, start_date=at[3], end_date=at[4]))
    assert fork.put(lease["id"], end_date=at[2]).code == 200
    assert fork.put(lease["id"], end_date=at[1]).code == 200
    answer = fork.put(lease["id"], end_date=at[5])
    assert (answer.code, answer.said) == (500, "Not enough networks available")
    assert fork.state(lease["id"]) == "PENDING"


def test_a_number_may_be_a_text_there(fork: Leasing) -> None:
    (reservation,) = fork.made(fork.later(hosts("1")))["reservations"]
    assert (reservation["min"], reservation["max"]) == (1, 1)


def test_a_lack_of_floating_ips_is_500_there(fork: Leasing) -> None:
    answer = fork.later(fork.addresses(3))
    assert (answer.code, answer.said) == (500, "Not enough floating IPs available")


def test_the_id_of_a_deleted_lease_is_never_free_there(fork: Leasing) -> None:
    lease = fork.made(fork.later())
    assert fork.delete(lease["id"]).code == 200
    assert fork.later(id=lease["id"]).code == 409
