"""Each action in each vm_state that Nova's API can reach.

Source: nova/compute/api.py (check_instance_state), nova/api/openstack/common.py (_STATE_MAP).
"""

from typing import Any

import pytest

from tests.conformance.cloud.pool import STATES, Pool
from tests.conformance.cloud.stack import Stack

# The action, its value, its name in refusals, and the vm_states in which it is allowed with where it leads.
ACTIONS: dict[str, tuple[str, Any, str, dict[str, str]]] = {
    "stop": ("os-stop", None, "stop", {"active": "stopped", "error": "stopped"}),
    "start": ("os-start", None, "start", {"stopped": "active"}),
    "pause": ("pause", None, "pause", {"active": "paused"}),
    "unpause": ("unpause", None, "unpause", {"paused": "active"}),
    "suspend": ("suspend", None, "suspend", {"active": "suspended"}),
    "resume": ("resume", None, "resume", {"suspended": "active"}),
    "rescue": ("rescue", None, "rescue", dict.fromkeys(("active", "stopped", "error"), "rescued")),
    "unrescue": ("unrescue", None, "unrescue", {"rescued": "active"}),
    "shelve": (
        "shelve",
        None,
        "shelve",
        dict.fromkeys(("active", "stopped", "paused", "suspended"), "shelved_offloaded"),
    ),
    "unshelve": ("unshelve", None, "unshelve", {"shelved_offloaded": "active"}),
    "snapshot": (
        "createImage",
        {"name": "snapshot"},
        "createImage",
        {vm_state: vm_state for vm_state in ("active", "stopped", "paused", "suspended")},
    ),
    "resize": ("resize", {"flavorRef": "m1-none"}, "resize", dict.fromkeys(("active", "stopped"), "resized")),
    "confirm": ("confirmResize", None, "confirmResize", {"resized": "active"}),
    "revert": ("revertResize", None, "revertResize", {"resized": "active"}),
    "reboot": ("reboot", {"type": "SOFT"}, "reboot", {"active": "active"}),
    "hard": (
        "reboot",
        {"type": "HARD"},
        "reboot",
        dict.fromkeys(("active", "stopped", "paused", "suspended", "error"), "active"),
    ),
}
STATUS = {
    "active": "ACTIVE",
    "stopped": "SHUTOFF",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "rescued": "RESCUE",
    "resized": "VERIFY_RESIZE",
    "error": "ERROR",
}
ALLOWED = [(name, vm_state) for name, row in ACTIONS.items() for vm_state in row[3]]
REFUSED = [(name, vm_state) for name in ACTIONS for vm_state in STATES if vm_state not in ACTIONS[name][3]]


def _value(name: str, small: bool) -> Any:
    """A server that was resized is small, and goes back to nano."""
    return {"flavorRef": "nano" if small else "small"} if name == "resize" else ACTIONS[name][1]


@pytest.mark.parametrize("vm_state", STATES)
def test_a_vm_state_shows_as_its_status(stack: Stack, pool: Pool, vm_state: str) -> None:
    seen = stack.alice.server(pool.kept(vm_state))
    assert seen is not None
    shown = (seen["status"], seen["OS-EXT-STS:vm_state"], seen["OS-EXT-STS:task_state"])
    assert shown == (STATUS[vm_state], vm_state, None)


@pytest.mark.parametrize(("name", "vm_state"), REFUSED)
def test_an_action_is_refused_where_it_does_not_fit(stack: Stack, pool: Pool, name: str, vm_state: str) -> None:
    server_id = pool.kept(vm_state)
    answer = stack.alice.act(server_id, ACTIONS[name][0], _value(name, vm_state == "resized"))
    words = f"Cannot '{ACTIONS[name][2]}' instance {server_id} while it is in vm_state {vm_state}"
    if name in {"stop", "start"} and vm_state == "shelved_offloaded":
        words = f"Instance {server_id} is not ready"
    assert (answer.code, answer.kind, answer.words) == (409, "conflictingRequest", words)


@pytest.mark.parametrize(("name", "vm_state"), ALLOWED)
def test_an_action_leads_where_it_should(stack: Stack, pool: Pool, name: str, vm_state: str) -> None:
    server_id = pool.take(vm_state)
    before = stack.alice.server(server_id)
    assert before is not None
    small = before["flavor"]["original_name"] == "small"
    answer = stack.alice.act(server_id, ACTIONS[name][0], _value(name, small))
    assert answer.code == {"rescue": 200, "confirm": 204}.get(name, 202)
    then = ACTIONS[name][3][vm_state]
    seen = stack.until(server_id, then)
    assert seen is not None
    assert (seen["status"], seen["OS-EXT-STS:vm_state"]) == (STATUS[then], then)
    assert stack.alice.logged(server_id)[0] == ACTIONS[name][2]
    # One that was stopped before it was resized is stopped again afterwards: the next case is not about that.
    pool.give(server_id, "set aside" if (name, vm_state) == ("resize", "stopped") else then)


@pytest.mark.parametrize("vm_state", STATES)
def test_metadata_are_writable_in_four_states(stack: Stack, pool: Pool, vm_state: str) -> None:
    server_id = pool.kept(vm_state)
    answer = stack.alice.nova("POST", f"/servers/{server_id}/metadata", {"metadata": {"key": "value"}})
    if vm_state in {"active", "stopped", "paused", "suspended"}:
        assert (answer.code, answer.body) == (200, {"metadata": {"key": "value"}})
        assert stack.alice.nova("DELETE", f"/servers/{server_id}/metadata/key").code == 204
    else:
        words = f"Cannot 'update metadata' instance {server_id} while it is in vm_state {vm_state}"
        assert (answer.code, answer.words) == (409, words)


@pytest.mark.parametrize("vm_state", STATES)
def test_tags_are_writable_in_four_states(stack: Stack, pool: Pool, vm_state: str) -> None:
    server_id = pool.kept(vm_state)
    answer = stack.alice.nova("PUT", f"/servers/{server_id}/tags", {"tags": ["one"]})
    if vm_state in {"active", "stopped", "paused", "suspended"}:
        assert (answer.code, answer.body) == (200, {"tags": ["one"]})
    else:
        words = f"Cannot 'update tags' instance {server_id} while it is in vm_state {vm_state}"
        assert (answer.code, answer.words) == (409, words)


@pytest.mark.parametrize("vm_state", STATES)
def test_a_lock_is_taken_and_comes_off_in_every_state(stack: Stack, pool: Pool, vm_state: str) -> None:
    server_id = pool.kept(vm_state)
    assert stack.alice.act(server_id, "lock", {"locked_reason": "held"}).code == 202
    seen = stack.alice.server(server_id)
    assert stack.alice.act(server_id, "unlock").code == 202
    assert seen is not None
    assert (seen["locked"], seen["locked_reason"]) == (True, "held")


@pytest.mark.parametrize("vm_state", STATES)
def test_a_server_of_any_state_is_deleted_and_gone(stack: Stack, pool: Pool, vm_state: str) -> None:
    server_id = pool.take(vm_state)
    assert stack.alice.nova("DELETE", f"/servers/{server_id}").code == 204
    assert stack.until(server_id, None) is None


@pytest.mark.parametrize("vm_state", STATES)
def test_only_administrators_offload_and_reset(stack: Stack, pool: Pool, vm_state: str) -> None:
    offload = stack.alice.act(pool.kept(vm_state), "shelveOffload")
    reset = stack.alice.act(pool.kept(vm_state), "os-resetState", {"state": "error"})
    rules = ("os_compute_api:os-shelve:shelve_offload", "os_compute_api:os-admin-actions:reset_state")
    for answer, rule in zip((offload, reset), rules, strict=True):
        words = f"Policy doesn't allow {rule} to be performed."
        assert (answer.code, answer.kind, answer.words) == (403, "forbidden", words)


def test_a_task_refuses_another_action(stack: Stack, pool: Pool) -> None:
    server_id = pool.take("active")
    stack.alice.act(server_id, "createImage", {"name": "busy"})
    busy = stack.alice.server(server_id)
    answer = stack.alice.act(server_id, "os-stop")
    assert busy is not None
    assert busy["OS-EXT-STS:task_state"] is not None
    assert busy["status"] == "ACTIVE"
    assert answer.code == 409
    assert answer.words.startswith(f"Cannot 'stop' instance {server_id} while it is in task_state image_")
    stack.until(server_id, "active")
    pool.give(server_id, "active")


def test_metadata_are_written_while_a_task_runs(stack: Stack, pool: Pool) -> None:
    server_id = pool.take("active")
    stack.alice.act(server_id, "createImage", {"name": "busy"})
    answer = stack.alice.nova("POST", f"/servers/{server_id}/metadata", {"metadata": {"key": "value"}})
    assert (answer.code, answer.body) == (200, {"metadata": {"key": "value"}})
    stack.until(server_id, "active")
    stack.alice.nova("DELETE", f"/servers/{server_id}/metadata/key")
    pool.give(server_id, "active")


def test_an_administrator_offloads_only_what_is_shelved(stack: Stack, pool: Pool) -> None:
    server_id = pool.kept("active")
    answer = stack.admin.act(server_id, "shelveOffload")
    words = f"Cannot 'shelveOffload' instance {server_id} while it is in vm_state active"
    assert (answer.code, answer.words) == (409, words)


def test_a_restore_needs_a_soft_deleted_server(stack: Stack, pool: Pool) -> None:
    server_id = pool.kept("active")
    answer = stack.alice.act(server_id, "restore")
    words = f"Cannot 'restore' instance {server_id} while it is in vm_state active"
    assert (answer.code, answer.words) == (409, words)


def test_a_server_is_forcibly_deleted(stack: Stack, pool: Pool) -> None:
    server_id = pool.take("active")
    assert stack.alice.act(server_id, "forceDelete").code == 202
    assert stack.until(server_id, None) is None
