"""What becomes of leases by themselves: they start, are used, fail and end.

The leases are the same for all, for the manager looks every ten seconds only: each case leaves what it asks `life`
for as it was, but for the last ones, which end and delete it. Source: blazar/manager/service.py, blazar/plugins.
"""

from datetime import timedelta

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, event, shown, text
from tests.conformance.cloud.life import Life
from tests.conformance.cloud.stack import Stack

BEGUN = pytest.mark.parametrize("name", ["host", "flavor", "instance", "address"])
NO_HOST = "No valid host was found. "


def _only(lease: Body) -> Body:
    (reservation,) = lease["reservations"]
    return dict(reservation)


# ---------------------------------------------------------------- begun


@BEGUN
def test_a_lease_that_begins_now_becomes_active(life: Life, name: str) -> None:
    lease = life.begun[name]
    assert (lease["status"], _only(lease)["status"]) == ("ACTIVE", "active")
    statuses = {each["event_type"]: each["status"] for each in lease["events"]}
    assert (statuses["start_lease"], statuses["end_lease"]) == ("DONE", "UNDONE")


def test_now_is_the_beginning_of_the_minute(life: Life, stack: Stack) -> None:
    start = life.begun["host"]["start_date"]
    assert start.endswith(":00.000000")
    assert start <= shown(stack.now())


def test_an_event_that_was_done_says_when(life: Life) -> None:
    assert event(life.begun["host"], "start_lease")["updated_at"] is not None
    assert event(life.begun["host"], "end_lease")["updated_at"] is None


def test_the_event_before_the_end_comes_after_the_start(life: Life) -> None:
    lease = life.begun["address"]
    assert event(lease, "before_end_lease")["time"] == lease["start_date"]
    assert event(lease, "before_end_lease")["status"] == "DONE"


def test_an_ordinary_users_snapshot_before_the_end_fails_and_nothing_else(life: Life) -> None:
    lease = life.begun["host"]
    assert event(lease, "before_end_lease")["status"] == "ERROR"
    assert (lease["status"], _only(lease)["status"], _only(lease)["before_end"]) == ("ACTIVE", "active", "snapshot")


def test_an_extension_lets_the_event_before_the_end_come_once_more(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["address"]
    assert leasing.put(lease["id"], end_date=text(stack.now() + timedelta(hours=3))).code == 200
    found = leasing.get(lease["id"])
    assert (found["status"], event(found, "before_end_lease")["status"]) == ("ACTIVE", "UNDONE")
    assert event(found, "before_end_lease")["time"] > found["start_date"]


def test_an_active_lease_is_extended_and_shortened(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease_id = life.begun["host"]["id"]
    for hours in (5, 3):
        end = stack.now() + timedelta(hours=hours)
        assert leasing.put(lease_id, end_date=text(end)).code == 200
        assert (leasing.state(lease_id), leasing.get(lease_id)["end_date"]) == ("ACTIVE", shown(end))


def test_an_active_lease_is_not_extended_into_another_one(life: Life, leasing: Leasing, stack: Stack) -> None:
    start = stack.now() + timedelta(hours=6)
    lease = life.begun["host"]
    here = '["==", "$hypervisor_hostname", "bm-a"]'
    other = {
        "resource_type": "physical:host",
        "min": 1,
        "max": 1,
        "hypervisor_properties": "",
        "resource_properties": here,
    }
    times = {"start_date": text(start), "end_date": text(start + timedelta(hours=1))}
    next_one = leasing.made(leasing.later(other, **times))
    answer = leasing.put(lease["id"], end_date=text(start + timedelta(minutes=30)))
    assert (answer.code, answer.said) == (500, "Not enough hosts available")
    assert leasing.state(lease["id"]) == "ACTIVE"
    assert leasing.delete(next_one["id"]).code == 204


def test_an_active_lease_breaks_and_heals(life: Life, leasing: Leasing) -> None:
    lease = life.begun["host"]
    assert leasing.put(lease["id"], before_end_date="2020-01-01 00:00").code == 403
    found = leasing.get(lease["id"])
    assert (found["status"], _only(found)["status"]) == ("ERROR", "active")
    leasing.put(lease["id"], name=lease["name"])
    assert leasing.state(lease["id"]) == "ACTIVE"


def test_an_active_lease_of_hosts_takes_no_other_ones(life: Life, leasing: Leasing) -> None:
    answer = leasing.change(life.begun["host"], resource_properties='["==", "$hypervisor_hostname", "bm-b"]')
    assert (answer.code, answer.said) == (500, "Not enough hosts available")
    assert leasing.state(life.begun["host"]["id"]) == "ACTIVE"


def test_a_server_with_the_hint_is_on_the_host(life: Life, stack: Stack) -> None:
    server = stack.admin.server(life.hinted)
    assert server is not None
    assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", "bm-a")


def test_a_strangers_server_with_the_hint_finds_no_host(life: Life, stack: Stack) -> None:
    hint = {"reservation": _only(life.begun["host"])["id"]}
    body = {**stack.request("strange"), "os:scheduler_hints": hint}
    server_id = stack.bob.nova("POST", "/servers", body).body["server"]["id"]
    stack.made.append(server_id)
    server = stack.until(server_id, "error")
    assert server is not None
    assert server["fault"]["message"].startswith(NO_HOST)


@pytest.mark.parametrize("name", ["flavor", "instance"])
def test_the_flavor_is_for_the_project_from_the_start_on(life: Life, stack: Stack, name: str) -> None:
    flavor_id = _only(life.begun[name])["flavor_id"]
    found = stack.alice.nova("GET", f"/flavors/{flavor_id}").body["flavor"]
    assert (found["id"], found["name"], found["ram"]) == (flavor_id, f"reservation:{flavor_id}", 64)
    assert flavor_id in {each["id"] for each in stack.alice.nova("GET", "/flavors").body["flavors"]}
    assert stack.bob.nova("GET", f"/flavors/{flavor_id}").code == 404
    specs = stack.alice.nova("GET", f"/flavors/{flavor_id}").body["flavor"]["extra_specs"]
    assert specs["aggregate_instance_extra_specs:reservation"] == flavor_id
    assert specs[f"resources:CUSTOM_RESERVATION_{flavor_id.upper().replace('-', '_')}"] == "1"


def test_a_server_of_the_flavor_boots_and_one_too_many_does_not(life: Life, stack: Stack) -> None:
    flavor_id = _only(life.begun["flavor"])["flavor_id"]
    ids = [stack.begin(f"reserved-{number}", flavorRef=flavor_id) for number in range(2)]
    for server_id in ids:
        stack.until(server_id, "active")
    third = stack.until(stack.begin("reserved-2", flavorRef=flavor_id), "error")
    assert third is not None
    assert third["fault"]["message"] == NO_HOST


def test_an_active_lease_of_instances_takes_more_and_not_fewer(life: Life, leasing: Leasing) -> None:
    lease = life.begun["instance"]
    assert leasing.change(lease, amount=3).code == 200
    answer = leasing.change(lease, amount=1)
    words = "Instance reservation doesn't allow to reduce/replace reserved instance slots when the reservation is in"
    assert (answer.code, answer.said) == (409, f"{words} active status.")
    found = leasing.get(lease["id"])
    assert (found["status"], _only(found)["amount"]) == ("ACTIVE", 3)


def test_an_active_lease_of_instances_keeps_their_size(life: Life, leasing: Leasing) -> None:
    lease = life.begun["instance"]
    answer = leasing.change(lease, vcpus=2)
    assert (answer.code, answer.said) == (409, "An active reservation only accepts to update amount.")
    assert leasing.state(lease["id"]) == "ERROR"
    leasing.put(lease["id"], name=lease["name"])
    assert leasing.state(lease["id"]) == "ACTIVE"


def test_a_flavors_lease_beside_other_instances_is_not_extended(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["flavor"]
    answer = leasing.put(lease["id"], end_date=text(stack.now() + timedelta(hours=3)))
    assert (answer.code, answer.said) == (409, "Conflicting reservation types found")
    assert leasing.state(lease["id"]) == "ERROR"
    leasing.put(lease["id"], name=lease["name"])
    assert leasing.state(lease["id"]) == "ACTIVE"


def test_reserved_addresses_come_with_tags(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["address"]
    tag = f"reservation:{_only(lease)['id']}"
    found = stack.alice.neutron(f"/floatingips?tags-any={tag},none").body["floatingips"]
    assert [sorted(each["tags"]) for each in found] == [["blazar", tag]]
    assert found[0]["floating_ip_address"] in {"203.0.113.100", "203.0.113.101"}
    assert (found[0]["project_id"], found[0]["floating_network_id"]) == (stack.alice.project_id, leasing.network)
    assert stack.bob.neutron(f"/floatingips?tags-any={tag}").body["floatingips"] == []


def test_an_active_lease_of_addresses_takes_more_and_not_fewer(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["address"]
    tag = f"reservation:{_only(lease)['id']}"
    assert leasing.change(lease, amount=2).code == 200
    assert len(stack.alice.neutron(f"/floatingips?tags={tag}").body["floatingips"]) == 2
    answer = leasing.change(lease, amount=1)
    assert (answer.code, answer.said) == (400, "Not enough floating IPs available")
    assert leasing.state(lease["id"]) == "ERROR"
    leasing.put(lease["id"], name=lease["name"])
    assert leasing.state(lease["id"]) == "ACTIVE"


def test_a_lease_that_has_started_keeps_its_start(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["instance"]
    stack.wait(lambda: shown(stack.now()) > lease["start_date"], "the next minute", looks=400)
    answer = leasing.put(lease["id"], start_date=text(stack.now() + timedelta(minutes=30)))
    assert (answer.code, answer.said) == (400, "Cannot modify the start date of already started leases")
    assert leasing.state(lease["id"]) == "ACTIVE"


# ---------------------------------------------------------------- failed


def test_a_failed_start_is_an_error_of_all(life: Life) -> None:
    lease = life.begun["failed"]
    statuses = {each["event_type"]: each["status"] for each in lease["events"]}
    assert (lease["status"], _only(lease)["status"]) == ("ERROR", "error")
    assert (statuses["start_lease"], statuses["end_lease"]) == ("ERROR", "UNDONE")


def test_a_failed_start_does_not_heal(life: Life, leasing: Leasing) -> None:
    lease = life.begun["failed"]
    assert leasing.put(lease["id"], name=lease["name"]).code == 200
    assert leasing.state(lease["id"]) == "ERROR"


def test_a_failed_start_is_extended_and_stays_an_error(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["failed"]
    answer = leasing.put(lease["id"], end_date=text(stack.now() + timedelta(hours=3)))
    assert answer.code == 200
    assert leasing.state(lease["id"]) == "ERROR"


# ---------------------------------------------------------------- ended


def test_a_lease_that_ends_now_is_terminated_and_kept(life: Life, stack: Stack) -> None:
    lease = life.ended
    statuses = {each["event_type"]: each["status"] for each in lease["events"]}
    assert (lease["status"], _only(lease)["status"]) == ("TERMINATED", "deleted")
    assert (statuses["start_lease"], statuses["end_lease"]) == ("DONE", "DONE")
    assert lease["id"] in {each["id"] for each in stack.alice.blazar("GET", "/leases").body["leases"]}


def test_the_servers_on_its_hosts_go_with_it(life: Life, stack: Stack) -> None:
    server_id = life.hinted
    assert life.ended["status"] == "TERMINATED"
    assert stack.admin.server(server_id) is None


def test_an_ended_lease_is_renamed(life: Life, leasing: Leasing) -> None:
    lease_id = life.ended["id"]
    assert leasing.put(lease_id, name="over").code == 200
    assert (leasing.state(lease_id), leasing.get(lease_id)["name"]) == ("TERMINATED", "over")


def test_an_ended_lease_comes_back_to_nothing(life: Life, leasing: Leasing, stack: Stack) -> None:
    """In the minute of its end it still takes another end, and stays over."""
    lease = life.ended
    answer = leasing.put(lease["id"], end_date=text(stack.now() + timedelta(hours=1)))
    if answer.code != 200:
        assert (answer.code, answer.said) == (400, "Terminated leases can only be renamed")
    assert leasing.state(lease["id"]) == "TERMINATED"


def test_a_server_is_deleted_with_an_active_lease(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["flavor"]
    flavor_id = _only(lease)["flavor_id"]
    server_id = stack.begin("with-lease", flavorRef=flavor_id)
    answer = leasing.delete(lease["id"])
    assert (answer.code, answer.body) == (204, None)
    assert stack.alice.blazar("GET", f"/leases/{lease['id']}").code == 404
    assert stack.admin.nova("GET", f"/flavors/{flavor_id}").code == 404
    assert stack.admin.server(server_id) is None


def test_a_lease_whose_start_failed_is_deleted(life: Life, leasing: Leasing) -> None:
    assert leasing.delete(life.begun["failed"]["id"]).code == 204


def test_an_ended_lease_is_deleted(life: Life, leasing: Leasing, stack: Stack) -> None:
    assert leasing.delete(life.ended["id"]).code == 204
    assert stack.alice.blazar("GET", f"/leases/{life.ended['id']}").code == 404


def test_addresses_go_with_their_lease(life: Life, leasing: Leasing, stack: Stack) -> None:
    lease = life.begun["address"]
    assert leasing.delete(lease["id"]).code == 204
    tag = f"reservation:{_only(lease)['id']}"
    assert stack.alice.neutron(f"/floatingips?tags={tag}").body["floatingips"] == []
