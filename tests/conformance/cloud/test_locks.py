"""Locks: whose they are, what they hold off, who takes them off.

Source: nova/compute/api.py (lock, unlock, check_instance_lock), nova/policies/lock_server.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cloud.stack import Stack

HELD: dict[str, tuple[str, Any]] = {
    "stop": ("os-stop", None),
    "start": ("os-start", None),
    "shelve": ("shelve", None),
    "unshelve": ("unshelve", None),
    "suspend": ("suspend", None),
    "resume": ("resume", None),
    "pause": ("pause", None),
    "unpause": ("unpause", None),
    "rescue": ("rescue", None),
    "unrescue": ("unrescue", None),
    "resize": ("resize", {"flavorRef": "small"}),
    "confirm": ("confirmResize", None),
    "reboot": ("reboot", {"type": "SOFT"}),
    "forceDelete": ("forceDelete", None),
}


@pytest.fixture
def locked(stack: Stack, db: str) -> Iterator[str]:
    """Give the shared server, locked by alice while the case runs."""
    stack.alice.act(db, "lock", {"locked_reason": "by alice"})
    yield db
    stack.admin.act(db, "unlock")


def _lock(stack: Stack, server_id: str) -> tuple[bool, str | None]:
    seen = stack.alice.server(server_id)
    assert seen is not None
    return seen["locked"], seen["locked_reason"]


@pytest.mark.parametrize("name", HELD)
def test_a_lock_holds_off_its_own_project(stack: Stack, locked: str, name: str) -> None:
    answer = stack.alice.act(locked, *HELD[name])
    assert (answer.code, answer.kind, answer.words) == (409, "conflictingRequest", f"Instance {locked} is locked")


def test_a_lock_holds_off_a_deletion(stack: Stack, locked: str) -> None:
    answer = stack.anna.nova("DELETE", f"/servers/{locked}")
    assert (answer.code, answer.words) == (409, f"Instance {locked} is locked")


def test_a_lock_holds_off_metadata(stack: Stack, locked: str) -> None:
    answer = stack.alice.nova("POST", f"/servers/{locked}/metadata", {"metadata": {"a": "b"}})
    assert (answer.code, answer.words) == (409, f"Instance {locked} is locked")


def test_a_lock_does_not_hold_off_tags(stack: Stack, locked: str) -> None:
    assert stack.alice.nova("PUT", f"/servers/{locked}/tags", {"tags": ["t"]}).code == 200
    assert stack.alice.nova("DELETE", f"/servers/{locked}/tags").code == 204


def test_a_lock_does_not_hold_off_a_snapshot(stack: Stack, locked: str) -> None:
    assert stack.alice.act(locked, "createImage", {"name": "of a locked one"}).code == 202
    stack.until(locked, "active")


def test_a_lock_does_not_hold_off_an_administrator(stack: Stack, locked: str) -> None:
    answer = stack.admin.nova("POST", f"/servers/{locked}/metadata", {"metadata": {"by": "admin"}})
    assert answer.code == 200
    assert stack.admin.nova("DELETE", f"/servers/{locked}/metadata/by").code == 204


def test_a_second_lock_of_the_project_changes_nothing(stack: Stack, locked: str) -> None:
    count = len(stack.alice.logged(locked))
    assert stack.anna.act(locked, "lock", {"locked_reason": "by anna"}).code == 202
    assert _lock(stack, locked) == (True, "by alice")
    assert len(stack.alice.logged(locked)) == count


def test_an_administrator_locks_over_a_lock(stack: Stack, locked: str) -> None:
    assert stack.admin.act(locked, "lock", {"locked_reason": "by admin"}).code == 202
    assert _lock(stack, locked) == (True, "by admin")


def test_a_lock_over_a_lock_without_a_reason_keeps_the_old_one(stack: Stack, locked: str) -> None:
    assert stack.admin.act(locked, "lock").code == 202
    assert _lock(stack, locked) == (True, "by alice")


def test_a_colleague_takes_the_lock_off(stack: Stack, locked: str) -> None:
    assert stack.anna.act(locked, "unlock").code == 202
    assert _lock(stack, locked) == (False, None)


def test_an_administrators_lock_comes_off_by_administrators_only(stack: Stack, db: str) -> None:
    stack.admin.act(db, "lock", {"locked_reason": "by admin"})
    answer = stack.alice.act(db, "unlock")
    rule = "os_compute_api:os-lock-server:unlock:unlock_override"
    words = f"Policy doesn't allow {rule} to be performed."
    assert (answer.code, answer.kind, answer.words) == (403, "forbidden", words)
    assert stack.admin.act(db, "unlock").code == 202
    assert _lock(stack, db) == (False, None)


def test_a_lock_without_a_reason_has_none(stack: Stack, db: str) -> None:
    stack.alice.act(db, "lock")
    seen = _lock(stack, db)
    stack.alice.act(db, "unlock")
    assert seen == (True, None)


def test_an_unlock_of_an_unlocked_server_is_accepted_and_logged(stack: Stack, db: str) -> None:
    assert stack.alice.act(db, "unlock").code == 202
    assert stack.alice.logged(db)[0] == "unlock"


@pytest.mark.parametrize(("length", "fault"), [(0, "should be non-empty"), (256, "is too long")])
def test_a_reason_is_one_to_255_characters(stack: Stack, db: str, length: int, fault: str) -> None:
    reason = "r" * length
    answer = stack.alice.act(db, "lock", {"locked_reason": reason})
    words = f"Invalid input for field/attribute locked_reason. Value: {reason}. '{reason}' {fault}"
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", words)


def test_a_lock_moves_updated(stack: Stack, db: str) -> None:
    before = stack.alice.server(db)
    stack.pause()
    stack.wait(lambda: _moved(stack, db, before), "updated by the lock")
    stack.alice.act(db, "unlock")


def _moved(stack: Stack, server_id: str, before: dict[str, Any] | None) -> bool:
    stack.alice.act(server_id, "unlock")
    stack.alice.act(server_id, "lock")
    after = stack.alice.server(server_id)
    assert before is not None
    assert after is not None
    return bool(after["updated"] > before["updated"])
