"""Servers of alice by their vm_state, shared by all cases: real ones take seconds to boot."""

from collections import defaultdict
from typing import Any

from tests.conformance.cloud.stack import Stack

# From active to each other vm_state that Nova's API can reach: the action, its value, and whether only an admin may.
_WAYS: dict[str, tuple[str, Any]] = {
    "stopped": ("os-stop", None),
    "paused": ("pause", None),
    "suspended": ("suspend", None),
    "shelved_offloaded": ("shelve", None),
    "rescued": ("rescue", None),
    "resized": ("resize", {"flavorRef": "small"}),
    "error": ("os-resetState", {"state": "error"}),
}
STATES = ("active", *_WAYS)


class Pool:
    """Servers for refusals, one of each vm_state, which stay as they are; and others, which come and go."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kept: dict[str, str] = {}
        self._free: dict[str, list[str]] = defaultdict(list)

    def keep(self) -> None:
        """Make one of each vm_state, side by side."""
        for vm_state in STATES:
            self._kept[vm_state] = self._stack.begin(f"kept-{vm_state}")
        for server_id in self._kept.values():
            self._stack.until(server_id, "active")
        for vm_state, server_id in self._kept.items():
            self._lead(server_id, vm_state)
        for vm_state, server_id in self._kept.items():
            self._stack.until(server_id, vm_state)

    def kept(self, vm_state: str) -> str:
        """Give the server of this vm_state that no case may change."""
        if not self._kept:
            self.keep()
        return self._kept[vm_state]

    def take(self, vm_state: str) -> str:
        """Give a server of this vm_state to change; give it back when its task is through."""
        if self._free[vm_state]:
            return self._free[vm_state].pop()
        server_id = self._free["active"].pop() if self._free["active"] else self._stack.boot("pool")
        self._lead(server_id, vm_state)
        self._stack.until(server_id, vm_state)
        return server_id

    def give(self, server_id: str, vm_state: str) -> None:
        """Take it back, in the vm_state that it has now."""
        self._free[vm_state].append(server_id)

    def _lead(self, server_id: str, vm_state: str) -> None:
        if vm_state == "active":
            return
        action, value = _WAYS[vm_state]
        if action == "resize" and self._flavor(server_id) == "small":
            value = {"flavorRef": "nano"}
        user = self._stack.admin if vm_state == "error" else self._stack.alice
        answer = user.act(server_id, action, value)
        assert answer.code in {200, 202}, answer.body

    def _flavor(self, server_id: str) -> str:
        seen = self._stack.alice.server(server_id)
        assert seen is not None
        return str(seen["flavor"]["original_name"])
