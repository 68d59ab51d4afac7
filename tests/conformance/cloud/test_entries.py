"""os-instance-actions: who asked for what, and when.

Source: nova/api/openstack/compute/instance_actions.py.
"""

import re

from tests.conformance.cloud.stack import Stack


def test_the_first_entry_is_the_boot(stack: Stack, db: str) -> None:
    answer = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions")
    first = answer.body["instanceActions"][-1]
    assert (first["action"], first["user_id"], first["project_id"], first["instance_uuid"]) == (
        "create",
        stack.alice.user_id,
        stack.alice.project_id,
        db,
    )


def test_an_entry_names_who_asked(stack: Stack, db: str) -> None:
    stack.anna.act(db, "lock")
    stack.alice.act(db, "unlock")
    entries = stack.bob.nova("GET", "/servers?limit=1") and stack.alice.nova(
        "GET", f"/servers/{db}/os-instance-actions"
    )
    newest = [(entry["action"], entry["user_id"]) for entry in entries.body["instanceActions"][:2]]
    assert newest == [("unlock", stack.alice.user_id), ("lock", stack.anna.user_id)]


def test_an_administrators_entry_names_its_project(stack: Stack, db: str) -> None:
    stack.admin.act(db, "lock")
    stack.admin.act(db, "unlock")
    entry = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions").body["instanceActions"][1]
    assert (entry["action"], entry["user_id"]) == ("lock", stack.admin.user_id)
    assert entry["project_id"] == stack.admin.project_id


def test_an_entry_has_these_fields(stack: Stack, db: str) -> None:
    entry = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions").body["instanceActions"][0]
    assert set(entry) == {
        "action",
        "instance_uuid",
        "request_id",
        "user_id",
        "project_id",
        "start_time",
        "message",
        "updated_at",
    }
    assert entry["request_id"].startswith("req-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", entry["start_time"])


def test_entries_are_to_the_second(stack: Stack, db: str) -> None:
    entries = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions").body["instanceActions"]
    assert {entry["start_time"].partition(".")[2] for entry in entries} == {"000000"}


def test_a_refused_action_is_not_entered(stack: Stack, db: str) -> None:
    count = len(stack.alice.logged(db))
    assert stack.alice.act(db, "os-start").code == 409
    assert len(stack.alice.logged(db)) == count


def test_one_entry_is_read_by_its_request(stack: Stack, db: str) -> None:
    entry = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions").body["instanceActions"][-1]
    answer = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions/{entry['request_id']}")
    assert answer.code == 200
    assert answer.body["instanceAction"]["action"] == "create"
    assert "events" in answer.body["instanceAction"]


def test_an_unknown_entry_is_404(stack: Stack, db: str) -> None:
    answer = stack.alice.nova("GET", f"/servers/{db}/os-instance-actions/req-none")
    assert (answer.code, answer.words) == (404, "Action req-none not found")


def test_a_deleted_server_still_says_who_deleted_it(stack: Stack, gone: str) -> None:
    answer = stack.alice.nova("GET", f"/servers/{gone}/os-instance-actions")
    newest = answer.body["instanceActions"][0]
    assert (newest["action"], newest["user_id"]) == ("delete", stack.anna.user_id)


def test_a_stranger_does_not_learn_who_deleted_it(stack: Stack, gone: str) -> None:
    assert stack.bob.nova("GET", f"/servers/{gone}/os-instance-actions").code == 404
