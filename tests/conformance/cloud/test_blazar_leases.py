"""Leases of Blazar: what POST takes and refuses, what GET shows, and to whom.

Source: blazar/api/v1, blazar/manager/service.py.
"""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, event, hosts, shown, text
from tests.conformance.cloud.stack import Stack

INTERNAL = {"error_code": 500, "error_message": "Internal Server Error", "error_name": "INTERNAL_SERVER_ERROR"}
METHODS = pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])


def test_a_new_lease_is_pending(pending: Body) -> None:
    assert (pending["status"], pending["degraded"]) == ("PENDING", False)
    assert pending["reservations"][0]["status"] == "pending"


def test_a_lease_has_these_fields(pending: Body) -> None:
    assert set(pending) == {
        "id",
        "name",
        "user_id",
        "project_id",
        "start_date",
        "end_date",
        "trust_id",
        "status",
        "degraded",
        "created_at",
        "updated_at",
        "reservations",
        "events",
    }


def test_an_event_has_these_fields(pending: Body) -> None:
    fields = {"id", "lease_id", "event_type", "time", "status", "created_at", "updated_at"}
    assert {frozenset(each) for each in pending["events"]} == {frozenset(fields)}
    assert {each["lease_id"] for each in pending["events"]} == {pending["id"]}


def test_a_lease_belongs_to_who_asks_for_it(stack: Stack, pending: Body) -> None:
    assert (pending["user_id"], pending["project_id"]) == (stack.alice.user_id, stack.alice.project_id)


def test_dates_are_in_utc_and_do_not_say_so(pending: Body) -> None:
    for date in (pending["start_date"], pending["end_date"], *(each["time"] for each in pending["events"])):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000000", date)


def test_rows_are_written_with_a_blank(pending: Body) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", pending["created_at"])


def test_a_lease_has_three_events_to_come(pending: Body) -> None:
    times = {each["event_type"]: (each["time"], each["status"]) for each in pending["events"]}
    assert set(times) == {"start_lease", "before_end_lease", "end_lease"}
    assert times["start_lease"] == (pending["start_date"], "UNDONE")
    assert times["end_lease"] == (pending["end_date"], "UNDONE")


def test_the_event_before_the_end_is_an_hour_before_it(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=3))}
    lease = own.made(own.later(**times))
    assert event(lease, "before_end_lease")["time"] == shown(day + timedelta(hours=2))


def test_in_a_short_lease_it_is_at_the_start(own: Leasing) -> None:
    day = own.day()
    lease = own.made(own.later(start_date=text(day), end_date=text(day + timedelta(minutes=30))))
    assert event(lease, "before_end_lease")["time"] == shown(day)


def test_the_event_before_the_end_is_where_it_is_asked_for(own: Leasing) -> None:
    day = own.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    lease = own.made(own.later(**times, before_end_date=text(day + timedelta(minutes=5))))
    assert event(lease, "before_end_lease")["time"] == shown(day + timedelta(minutes=5))


def test_the_date_before_the_end_is_no_field(pending: Body) -> None:
    assert "before_end_date" not in pending


def test_a_lease_takes_the_id_that_is_sent(own: Leasing) -> None:
    for lease_id in (str(uuid.uuid4()), f"case-{uuid.uuid4().hex[:8]}"):
        assert own.made(own.later(id=lease_id))["id"] == lease_id


def test_an_id_is_taken_once(own: Leasing) -> None:
    lease = own.made(own.later(id=str(uuid.uuid4())))
    answer = own.later(id=lease["id"], name="another")
    assert (answer.code, answer.said) == (409, "The lease with name: another already exists")
    assert answer.body["error_name"] == 409


def test_the_id_of_a_deleted_lease_is_free(own: Leasing) -> None:
    lease = own.made(own.later())
    assert own.delete(lease["id"]).code == 204
    assert own.made(own.later(id=lease["id"]))["id"] == lease["id"]


def test_a_name_is_taken_as_often_as_anybody_likes(stack: Stack, own: Leasing) -> None:
    leases = [own.made(own.later(name="twice", user=user)) for user in (stack.alice, stack.alice, stack.bob)]
    assert len({lease["id"] for lease in leases}) == 3
    assert {lease["name"] for lease in leases} == {"twice"}


def test_every_lease_has_a_trust_of_its_own(own: Leasing) -> None:
    assert own.made(own.later())["trust_id"] != own.made(own.later())["trust_id"]


def test_unknown_fields_are_dropped(own: Leasing) -> None:
    assert "colour" not in own.made(own.later(colour="red"))


def test_nobody_makes_leases_for_others(stack: Stack, own: Leasing) -> None:
    others = {"user_id": stack.bob.user_id, "project_id": stack.bob.project_id, "trust_id": "none", "status": "ACTIVE"}
    lease = own.made(own.later(**others))
    assert (lease["user_id"], lease["project_id"]) == (stack.alice.user_id, stack.alice.project_id)
    assert (lease["trust_id"] != "none", lease["status"]) == (True, "PENDING")


def test_a_lease_of_nothing_is_a_lease(own: Leasing) -> None:
    lease = own.made(own.later())
    assert (lease["status"], lease["reservations"]) == ("PENDING", [])


def test_events_of_ones_own_are_kept(own: Leasing) -> None:
    lease = own.made(own.later(events=[{"event_type": "nothing", "status": "DONE"}]))
    assert len(lease["events"]) == 4
    assert own.delete(lease["id"]).code == 204


def test_a_name_of_eighty_letters_is_the_longest(own: Leasing) -> None:
    assert own.made(own.later(name="n" * 80))["name"] == "n" * 80
    answer = own.later(name="n" * 81)
    assert (answer.code, answer.body) == (500, INTERNAL)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("field", ["name", "start_date", "end_date"])
def test_a_lease_needs_a_name_and_dates(leasing: Leasing, field: str) -> None:
    body = leasing.body(hosts())
    del body[field]
    answer = leasing.post(body)
    assert (answer.code, answer.said) == (400, f"Missing parameter {field}")


def test_a_reservation_needs_a_type(leasing: Leasing) -> None:
    answer = leasing.later({"min": 1, "max": 1})
    assert (answer.code, answer.said) == (400, "Missing parameter resource_type")


@pytest.mark.parametrize("date", ["tomorrow", "2030-01-01 10:00:00", "2030-01-01T10:00", "2030-01-01 10:00Z", ""])
@pytest.mark.parametrize("field", ["start_date", "end_date"])
def test_a_date_has_one_form(leasing: Leasing, field: str, date: str) -> None:
    answer = leasing.later(**{field: date})
    assert (answer.code, answer.said) == (400, f"{date} is an invalid date. Required format: %Y-%m-%d %H:%M")


def test_a_lease_does_not_start_in_the_past(stack: Stack, leasing: Leasing) -> None:
    answer = leasing.later(start_date=text(stack.now() - timedelta(minutes=2)))
    assert (answer.code, answer.said) == (400, "Start date must be later than current date")


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_lease_ends_after_its_start(leasing: Leasing, minutes: int) -> None:
    day = leasing.day()
    answer = leasing.later(start_date=text(day), end_date=text(day + timedelta(minutes=minutes)))
    assert (answer.code, answer.said) == (400, "End date must be later than start date.")


@pytest.mark.parametrize("minutes", [-1, 0, 120, 121])
def test_the_event_before_the_end_is_within_the_lease(leasing: Leasing, minutes: int) -> None:
    day = leasing.day()
    times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
    answer = leasing.later(**times, before_end_date=text(day + timedelta(minutes=minutes)))
    assert (answer.code, answer.said) == (403, "Datetime is out of lease limits")


def test_a_refusal_says_its_code_twice(leasing: Leasing) -> None:
    answer = leasing.later(start_date="tomorrow")
    words = "tomorrow is an invalid date. Required format: %Y-%m-%d %H:%M"
    assert answer.body == {"error_code": 400, "error_message": words, "error_name": 400}


def test_a_body_that_is_no_json_is_a_fault_of_another_form(stack: Stack) -> None:
    import requests  # noqa: PLC0415 (the one request that is no JSON)

    headers = {"X-Auth-Token": stack.alice.token, "Content-Type": "application/json"}
    url = f"{stack.alice.endpoints['reservation']}/leases"
    answer = requests.post(url, data="{", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (500, 500)
    assert answer.json()["error_message"].startswith("The server encountered an internal error")


def test_an_application_credential_makes_no_lease(stack: Stack, leasing: Leasing) -> None:
    token = _credential(stack)
    answer = leasing.post(leasing.body(), X_Auth_Token=token)
    assert (answer.code, answer.body) == (500, INTERNAL)


def test_an_application_credential_reads_leases(stack: Stack, pending: Body) -> None:
    answer = stack.alice.blazar("GET", f"/leases/{pending['id']}", X_Auth_Token=_credential(stack))
    assert (answer.code, answer.body["lease"]["id"]) == (200, pending["id"])


def _credential(stack: Stack) -> str:
    """Give a token by an application credential of alice, an unrestricted one."""
    name = f"{stack.prefix}-{uuid.uuid4()}"
    path = f"/users/{stack.alice.user_id}/application_credentials"
    body = {"application_credential": {"name": name, "unrestricted": True}}
    made = stack.alice.keystone("POST", path, body).body["application_credential"]
    given = {"id": made["id"], "secret": made["secret"]}
    answer = stack.alice.token_for({"methods": ["application_credential"], "application_credential": given})
    return answer.headers["X-Subject-Token"]


# ---------------------------------------------------------------- looking


def test_a_lease_is_read_by_its_id(leasing: Leasing, pending: Body) -> None:
    found = leasing.get(pending["id"])
    assert {key: found[key] for key in ("id", "name", "status", "start_date", "end_date", "trust_id")} == {
        key: pending[key] for key in ("id", "name", "status", "start_date", "end_date", "trust_id")
    }


@pytest.mark.parametrize("query", ["", "?name=none", "?limit=1", "?status=ACTIVE"])
def test_the_list_knows_no_filter(stack: Stack, pending: Body, query: str) -> None:
    answer = stack.alice.blazar("GET", f"/leases{query}")
    assert answer.code == 200
    assert set(answer.body) == {"leases"}
    assert pending["id"] in {lease["id"] for lease in answer.body["leases"]}


def test_the_list_is_of_the_project(stack: Stack, pending: Body) -> None:
    seen = {name: _listed(stack, name) for name in ("alice", "anna", "bob", "admin")}
    assert {name for name, ids in seen.items() if pending["id"] in ids} == {"alice", "anna", "admin"}


def _listed(stack: Stack, name: str) -> set[str]:
    return {lease["id"] for lease in stack.users[name].blazar("GET", "/leases").body["leases"]}


@METHODS
def test_a_lease_that_is_not_there_is_404(stack: Stack, method: str) -> None:
    answer = stack.alice.blazar(method, "/leases/nosuch", {"name": "n"} if method == "PUT" else None)
    assert (answer.code, answer.said) == (404, "Object with {'lease_id': 'nosuch'} not found")


@METHODS
def test_a_strangers_lease_is_403(stack: Stack, pending: Body, method: str) -> None:
    answer = stack.bob.blazar(method, f"/leases/{pending['id']}", {"name": "n"} if method == "PUT" else None)
    assert (answer.code, answer.said) == (403, "Policy doesn't allow blazar:leases:get to be performed")


def test_an_administrator_reads_and_changes_any_lease(stack: Stack, own: Leasing) -> None:
    lease = own.made(own.later())
    assert stack.admin.blazar("GET", f"/leases/{lease['id']}").code == 200
    assert own.put(lease["id"], user=stack.admin, name="admins").code == 200
    assert own.get(lease["id"])["name"] == "admins"


def test_a_colleague_changes_a_lease(stack: Stack, own: Leasing) -> None:
    lease = own.made(own.later())
    assert own.put(lease["id"], user=stack.anna, name="annas").code == 200
    assert (own.get(lease["id"])["name"], own.get(lease["id"])["user_id"]) == ("annas", stack.alice.user_id)


@pytest.mark.parametrize("token", ["", "unknown"])
def test_a_request_without_a_good_token_is_401(stack: Stack, token: str) -> None:
    answer = stack.alice.blazar("GET", "/leases", X_Auth_Token=token)
    assert (answer.code, answer.kind) == (401, "error")
    assert answer.words == "The request you have made requires authentication."


def test_the_hosts_are_for_administrators(stack: Stack) -> None:
    answer = stack.alice.blazar("GET", "/os-hosts")
    assert (answer.code, answer.said) == (403, "Policy doesn't allow blazar:oshosts:get to be performed")
    assert stack.admin.blazar("GET", "/os-hosts").code == 200


def test_the_floating_ips_are_for_all(stack: Stack) -> None:
    answer = stack.alice.blazar("GET", "/floatingips")
    assert answer.code == 200
    addresses = {each["floating_ip_address"] for each in answer.body["floatingips"]}
    assert addresses == {"203.0.113.100", "203.0.113.101"}


def test_a_host_is_shown_with_its_capabilities(stack: Stack) -> None:
    found = {each["hypervisor_hostname"]: each for each in stack.admin.blazar("GET", "/os-hosts").body["hosts"]}
    assert {name: (host["gpu"], host["reservable"]) for name, host in found.items()} == {
        "bm-a": ("none", True),
        "bm-b": ("none", True),
        "bm-c": ("a100", True),
    }
    shown_too: set[Any] = {(host["vcpus"], host["service_name"] == name) for name, host in found.items()}
    assert shown_too == {(10, True)}


def test_the_versions_stand_above_the_leases(stack: Stack) -> None:
    root = stack.alice.endpoints["reservation"].removesuffix("/v1")
    answer = stack.alice.send("GET", f"{root}/")
    assert answer.code == 300
    shown = [(each["id"], each["status"], each.get("max_version")) for each in answer.body["versions"]]
    assert shown == [("v1.0", "CURRENT", "1.0"), ("v2.0", "DEPRECATED", None)]
    assert stack.alice.send("GET", f"{root}/", headers={"X-Auth-Token": None}).code == 401


def test_an_answer_says_its_version(stack: Stack) -> None:
    headers = stack.alice.blazar("GET", "/leases").headers
    assert headers["OpenStack-API-Version"] == "reservation 1.0"


# ---------------------------------------------------------------- gone


def test_a_deleted_lease_is_gone(own: Leasing, stack: Stack) -> None:
    lease = own.made(own.later(hosts()))
    answer = own.delete(lease["id"])
    assert (answer.code, answer.body) == (204, None)
    assert own.delete(lease["id"]).code == 404
    assert lease["id"] not in _listed(stack, "admin")
