"""Changes of leases: what PUT takes, how it is refused, which refusals break the lease, and what heals it.

Source: blazar/manager/service.py (update_lease), blazar/status.py (lease_status).
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, event, flavors, hosts, instances, shown, text
from tests.conformance.cloud.stack import Answer

NO_ROOM = (500, "Not enough hosts available")
LIMITS = (403, "Datetime is out of lease limits")
END = (400, "End date must be later than current and start date")


def _said(answer: Answer) -> tuple[int, str]:
    return answer.code, answer.said


def _spanned(leasing: Leasing, *reservations: Body, hours: float = 2) -> tuple[Any, Body]:
    """Give a day, and a lease that begins with it."""
    day = leasing.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=hours))}
    return day, leasing.made(leasing.later(*reservations, **times))


# ---------------------------------------------------------------- taken


def test_the_answer_shows_a_state_of_passage(own: Leasing) -> None:
    lease = own.made(own.later(hosts()))
    answer = own.put(lease["id"], name="renamed")
    assert (answer.code, answer.body["lease"]["name"], answer.body["lease"]["status"]) == (200, "renamed", "UPDATING")
    assert (own.get(lease["id"])["name"], own.state(lease["id"])) == ("renamed", "PENDING")


def test_no_change_is_a_change(own: Leasing) -> None:
    lease = own.made(own.later())
    answer = own.put(lease["id"])
    assert (answer.code, answer.body["lease"]["status"]) == (200, "UPDATING")
    assert own.state(lease["id"]) == "PENDING"


def test_a_lease_is_extended_and_its_end_event_with_it(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=5))).code == 200
    found = own.get(lease["id"])
    assert found["end_date"] == event(found, "end_lease")["time"] == shown(day + timedelta(hours=5))


def test_the_event_before_the_end_keeps_its_distance(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    own.put(lease["id"], end_date=text(day + timedelta(hours=5)))
    assert event(own.get(lease["id"]), "before_end_lease")["time"] == shown(day + timedelta(hours=4))


def test_the_event_before_the_end_moves_by_itself(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], before_end_date=text(day + timedelta(minutes=10))).code == 200
    assert event(own.get(lease["id"]), "before_end_lease")["time"] == shown(day + timedelta(minutes=10))


def test_a_lease_is_shortened(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=1))).code == 200
    assert own.get(lease["id"])["end_date"] == shown(day + timedelta(hours=1))


def test_a_lease_may_end_as_it_starts(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], end_date=text(day)).code == 200
    assert own.get(lease["id"])["end_date"] == shown(day)


def test_a_lease_starts_at_another_time(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], start_date=text(day + timedelta(hours=1))).code == 200
    found = own.get(lease["id"])
    assert found["start_date"] == event(found, "start_lease")["time"] == shown(day + timedelta(hours=1))


def test_a_name_and_an_end_change_in_one(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert own.put(lease["id"], name="both", end_date=text(day + timedelta(hours=3))).code == 200
    found = own.get(lease["id"])
    assert (found["name"], found["end_date"]) == ("both", shown(day + timedelta(hours=3)))


# ---------------------------------------------------------------- refused, and as it was


@pytest.mark.parametrize(
    ("body", "want"),
    [
        pytest.param(
            {"end_date": "soon"}, (400, "soon is an invalid date. Required format: %Y-%m-%d %H:%M"), id="date"
        ),
        pytest.param({"end_date": "2020-01-01 00:00"}, END, id="end in the past"),
        pytest.param({"end_date": "now"}, END, id="end before the start"),
        pytest.param({"start_date": "2099-01-01 00:00"}, END, id="start after the end"),
        pytest.param(
            {"start_date": "2020-01-01 00:00"}, (400, "Start date must be later than current date"), id="start"
        ),
        pytest.param({"reservations": [{"min": 1}]}, (400, "Missing parameter reservation ID"), id="no id"),
        pytest.param(
            {"reservations": [{"id": "nosuch"}]},
            (400, "Please enter valid reservation IDs. Invalid reservation IDs are: nosuch"),
            id="unknown id",
        ),
    ],
)
def test_a_refused_change_leaves_the_lease(leasing: Leasing, pending: Body, body: Body, want: tuple[int, str]) -> None:
    assert _said(leasing.put(pending["id"], **body)) == want
    found = leasing.get(pending["id"])
    assert (found["status"], found["end_date"]) == ("PENDING", pending["end_date"])


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({"min": 4, "max": 4}, NO_ROOM, id="more than there are"),
        pytest.param(
            {"min": 3, "max": 2},
            (400, "Invalid values for min/max of hosts. Max must be equal to or larger than min."),
            id="a range",
        ),
        pytest.param({"resource_properties": "garbage"}, (400, "Malformed requirements garbage"), id="properties"),
        pytest.param({"resource_properties": '["==", "$gpu", "h100"]'}, NO_ROOM, id="no such host"),
        pytest.param({"resource_type": "nosuch"}, (409, "resource_type cannot be updated"), id="type"),
    ],
)
def test_a_refused_change_of_hosts_leaves_the_lease(
    leasing: Leasing, pending: Body, values: Body, want: tuple[int, str]
) -> None:
    assert _said(leasing.change(pending, **values)) == want
    assert leasing.state(pending["id"]) == "PENDING"


def test_an_extension_into_another_lease_is_refused(own: Leasing) -> None:
    day, lease = _spanned(own, hosts(3))
    own.made(
        own.later(
            hosts(), start_date=text(day + timedelta(hours=3)), end_date=text(day + timedelta(hours=4)), name="next"
        )
    )
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=3))).code == 200
    assert _said(own.put(lease["id"], end_date=text(day + timedelta(hours=3, minutes=1)))) == NO_ROOM
    found = own.get(lease["id"])
    assert (found["status"], found["end_date"]) == ("PENDING", shown(day + timedelta(hours=3)))


def test_a_lease_that_has_not_started_moves_to_another_host(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    after = {"start_date": text(day + timedelta(hours=2)), "end_date": text(day + timedelta(hours=4))}
    own.made(own.later(hosts(2), **after))
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=3))).code == 200
    assert own.state(lease["id"]) == "PENDING"


def test_hosts_change_in_number_and_kind(own: Leasing) -> None:
    lease = own.made(own.later(hosts()))
    assert own.change(lease, min=2, max=2).code == 200
    assert own.change(lease, min=1, max=1, resource_properties='["==", "$gpu", "a100"]').code == 200
    (reservation,) = own.get(lease["id"])["reservations"]
    assert (reservation["min"], reservation["max"]) == (1, 1)
    assert reservation["resource_properties"] == '["==", "$gpu", "a100"]'


def test_instances_change_before_their_start(own: Leasing) -> None:
    lease = own.made(own.later(instances(2)))
    assert own.change(lease, amount=3, vcpus=2).code == 200
    assert own.change(lease, amount=2).code == 200
    (reservation,) = own.get(lease["id"])["reservations"]
    assert (reservation["amount"], reservation["vcpus"], own.state(lease["id"])) == (2, 2, "PENDING")


def test_two_instances_fewer_on_one_host_break_the_lease(own: Leasing) -> None:
    lease = own.made(own.later(instances(3, affinity=True)))
    assert _said(own.change(lease, amount=1)) == (500, "BlazarDBNotFound: A database error occurred")
    found = own.get(lease["id"])
    assert (found["status"], found["reservations"][0]["amount"]) == ("ERROR", 1)


def test_another_type_breaks_the_lease(own: Leasing) -> None:
    lease = own.made(own.later(hosts()))
    assert _said(own.change(lease, resource_type="virtual:instance")) == (500, "Internal Server Error")
    assert own.state(lease["id"]) == "ERROR"


def test_with_reservations_their_room_is_looked_for_once_more(own: Leasing) -> None:
    lease = own.made(own.later(instances(3, vcpus=10)))
    assert _said(own.change(lease, amount=2)) == NO_ROOM
    assert own.state(lease["id"]) == "PENDING"


# ---------------------------------------------------------------- refused, and broken


def test_a_date_outside_breaks_the_lease_and_a_rename_heals_it(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    assert _said(own.put(lease["id"], before_end_date=text(day - timedelta(hours=1)))) == LIMITS
    assert own.state(lease["id"]) == "ERROR"
    found = own.get(lease["id"])
    assert {each["status"] for each in found["events"]} == {"UNDONE"}
    assert {each["status"] for each in found["reservations"]} == {"pending"}
    assert own.put(lease["id"], name=lease["name"]).code == 200
    assert own.state(lease["id"]) == "PENDING"


def test_no_change_heals_too(own: Leasing) -> None:
    day, lease = _spanned(own)
    own.put(lease["id"], before_end_date=text(day))
    assert own.state(lease["id"]) == "ERROR"
    assert own.put(lease["id"]).code == 200
    assert own.state(lease["id"]) == "PENDING"


def test_a_change_that_is_taken_heals_too(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    own.put(lease["id"], before_end_date=text(day))
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=3))).code == 200
    assert own.state(lease["id"]) == "PENDING"


def test_a_broken_lease_is_deleted(own: Leasing) -> None:
    day, lease = _spanned(own, hosts())
    own.put(lease["id"], before_end_date=text(day))
    assert own.delete(lease["id"]).code == 204


def test_a_name_that_is_too_long_breaks_the_lease(own: Leasing) -> None:
    lease = own.made(own.later())
    assert _said(own.put(lease["id"], name="n" * 81)) == (500, "Internal Server Error")
    assert own.state(lease["id"]) == "ERROR"


def test_a_lack_of_floating_ips_breaks_the_lease(own: Leasing) -> None:
    lease = own.made(own.later(own.addresses(1)))
    assert _said(own.change(lease, amount=3)) == (400, "Not enough floating IPs available")
    assert own.state(lease["id"]) == "ERROR"
    own.put(lease["id"], name=lease["name"])
    assert own.state(lease["id"]) == "PENDING"


def test_floating_ips_are_looked_for_beside_those_that_it_has(own: Leasing) -> None:
    day, lease = _spanned(own, own.addresses(2))
    change = [{"id": lease["reservations"][0]["id"], "amount": 2}]
    answer = own.put(lease["id"], end_date=text(day + timedelta(hours=3)), reservations=change)
    assert _said(answer) == (400, "Not enough floating IPs available")
    assert own.state(lease["id"]) == "ERROR"


def test_floating_ips_are_extended_by_the_end_alone(own: Leasing) -> None:
    day, lease = _spanned(own, own.addresses(2))
    assert own.put(lease["id"], end_date=text(day + timedelta(hours=3))).code == 200
    assert own.state(lease["id"]) == "PENDING"


def test_floating_ips_stay_on_their_network(own: Leasing) -> None:
    lease = own.made(own.later(own.addresses(1)))
    words = "Floating IP reservation cannot be updated with requested parameters. Updating network_id is not supported"
    assert _said(own.change(lease, network_id="another")) == (400, words)
    assert own.state(lease["id"]) == "ERROR"


def test_a_text_for_a_number_breaks_the_lease(own: Leasing) -> None:
    lease = own.made(own.later(hosts()))
    assert _said(own.change(lease, min="1", max="1")) == (500, "Internal Server Error")
    assert own.state(lease["id"]) == "ERROR"


def test_an_unknown_property_breaks_the_lease(own: Leasing) -> None:
    lease = own.made(own.later(hosts()))
    answer = own.change(lease, resource_properties='["==", "$nosuch", "1"]')
    assert _said(answer) == (500, "BlazarDBNotFound: A database error occurred")
    assert own.state(lease["id"]) == "ERROR"


def test_instances_of_a_flavor_do_not_change(own: Leasing) -> None:
    lease = own.made(own.later(flavors()))
    words = "Updating parameters for 'flavor:instance' type reservations is not yet supported."
    assert _said(own.change(lease, amount=2)) == (409, words)
    assert own.state(lease["id"]) == "ERROR"


def test_instances_of_a_flavor_do_not_move_before_their_start(own: Leasing) -> None:
    day, lease = _spanned(own, flavors())
    answer = own.put(lease["id"], end_date=text(day + timedelta(hours=3)))
    assert answer.code == 404
    assert answer.said.startswith(f"Flavor {lease['reservations'][0]['id']} could not be found. (HTTP 404)")
    assert own.state(lease["id"]) == "ERROR"
