"""One project of Nova in memory. It refuses what Nova refuses, by the states in which Nova refuses it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from lessor.ports import cloud as errors
from tests.passes.knife import Knife

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
SERVER = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
US = CloudIdentity(auth_url="http://keystone/v3", region="RegionOne", project_id="p1", user_id="lessor")
TRANSIENT = ("get", "list")


class Clock(Protocol):
    """Whoever has the time."""

    now: datetime


@dataclass
class Nova:
    """One project's servers; tasks end when `settle` is called, or at once when `instant`.

    Attributes:
        calls: everything that was asked, in order.
        done: what changed the world, and when.
        fail: errors to raise, by call, before anything is done.
        lose: calls that are done and whose answer is lost, once each.
        deaf: calls that are accepted and never come about.
        soft: a deleted server can be restored.
    """

    clock: Clock
    instant: bool = True
    servers: dict[str, ObservedServer] = field(default_factory=dict)
    actions: dict[str, list[ServerEvent]] = field(default_factory=dict)
    images: list[tuple[str, ObservedImage]] = field(default_factory=list)
    shelved_images: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    done: list[tuple[datetime, str]] = field(default_factory=list)
    fail: dict[str, list[errors.CloudError]] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    soft: bool = False
    admin: bool = False
    identity: CloudIdentity = US
    knife: Knife = field(default_factory=Knife)
    pending: dict[str, dict[str, Any]] = field(default_factory=dict)

    # ------------------------------------------------------------ people

    def boot(self, server_id: str = SERVER, **changes: Any) -> None:
        known: dict[str, Any] = {
            "id": server_id,
            "name": "db-1",
            "project_id": self.identity.project_id,
            "status": "ACTIVE",
            "created": START - timedelta(days=1),
            "metadata": {},
            "locked": False,
            "vm_state": "active",
        }
        self.servers[server_id] = ObservedServer(**{**known, **changes})

    def change(self, server_id: str = SERVER, **changes: Any) -> None:
        self.servers[server_id] = msgspec.structs.replace(self.servers[server_id], **changes)

    def by(self, user: str, action: str, server_id: str = SERVER) -> None:
        event = ServerEvent(action=action, user_id=user, start_time=self.clock.now.strftime("%Y-%m-%dT%H:%M:%S.000000"))
        self.actions.setdefault(server_id, []).insert(0, event)

    def locked_by(self, user: str, reason: str | None = None) -> None:
        self.by(user, "lock")
        self.change(locked=True, locked_reason=reason)

    def turned(self, vm_state: str, status: str = "ACTIVE", *, user: str = "alice", action: str = "start") -> None:
        """A person brought the server into this state."""
        self.by(user, action)
        self.change(vm_state=vm_state, status=status, locked=False, locked_reason=None)

    def settle(self) -> None:
        for server_id, changes in self.pending.items():
            if changes.get("gone"):
                self.servers.pop(server_id, None)
            elif server_id in self.servers:
                self.change(server_id, task_state=None, **changes)
        self.pending.clear()

    def imaged(self, status: str = "active") -> None:
        """The newest image comes to this status."""
        stage, image = self.images[-1]
        self.images[-1] = (stage, msgspec.structs.replace(image, status=status))

    def deeds(self) -> list[str]:
        """Everything that was asked of the cloud and may change it."""
        return [call for call in self.calls if not call.startswith(TRANSIENT)]

    # ------------------------------------------------------------ the port

    def server(self, server_id: str) -> ObservedServer | None:
        self._called("get-server")
        return self.servers.get(server_id)

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        self._called("list-servers")
        return tuple(server for server in self.servers.values() if server.name == name)

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        del changes_since
        self._called("list-pages")
        yield tuple(self.servers.values())

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        self._called("get-events")
        return tuple(self.actions.get(server_id, ()))

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        del server_id
        self._called("list-images")
        return next((image for mark, image in reversed(self.images) if mark == stage), None)

    def stop(self, server_id: str) -> None:
        self._act(server_id, "stop", {"active", "error"}, "powering-off", status="SHUTOFF", vm_state="stopped")

    def start(self, server_id: str) -> None:
        self._act(server_id, "start", {"stopped"}, "powering-on", status="ACTIVE", vm_state="active")

    def shelve(self, server_id: str) -> None:
        states = {"active", "stopped", "paused", "suspended"}
        self._act(server_id, "shelve", states, "shelving", status="SHELVED_OFFLOADED", vm_state="shelved_offloaded")

    def unshelve(self, server_id: str) -> None:
        states = {"shelved", "shelved_offloaded"}
        self._act(server_id, "unshelve", states, "unshelving", status="ACTIVE", vm_state="active")

    def lock(self, server_id: str, reason: str) -> None:
        self._called("lock")
        self._there(server_id)
        self.change(server_id, locked=True, locked_reason=reason)
        self.by(self.identity.user_id, "lock", server_id)
        self._did("lock")

    def unlock(self, server_id: str) -> None:
        self._called("unlock")
        self._there(server_id)
        self.change(server_id, locked=False, locked_reason=None)
        self.by(self.identity.user_id, "unlock", server_id)
        self._did("unlock")

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        self._called("snapshot")
        self._there(server_id)
        self._free(server_id)
        self._in(server_id, "createImage", {"active", "stopped", "paused", "suspended"})
        image = ObservedImage(id=f"image-{len(self.images)}", status="active" if self.instant else "queued", name=name)
        self.images.append((stage, image))
        if not self.instant:
            self.change(server_id, task_state="image_snapshot")
            self.pending[server_id] = {}
        self._did("snapshot")

    def delete(self, server_id: str) -> None:
        self._called("delete")
        if server_id not in self.servers:
            return
        self._unlocked(server_id)
        if "delete" not in self.deaf:
            self.change(server_id, task_state="deleting")
            gone = {"status": "SOFT_DELETED", "vm_state": "soft-delete"} if self.soft else {"gone": True}
            self.pending[server_id] = gone
        if self.instant:
            self.settle()
        self._did("delete")

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        self._called("write-metadata")
        self._writable(server_id)
        self.change(server_id, metadata={**(self.servers[server_id].metadata or {}), **items})
        self._did("write-metadata")

    def remove_metadata(self, server_id: str, key: str) -> None:
        self._called("remove-metadata")
        self._writable(server_id)
        left = {name: value for name, value in (self.servers[server_id].metadata or {}).items() if name != key}
        self.change(server_id, metadata=left)
        self._did("remove-metadata")

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        self._called("sweep")
        self._there(server_id)
        if f"{name}-shelved" in self.shelved_images:
            self.shelved_images.remove(f"{name}-shelved")
        self._did("sweep")

    # ------------------------------------------------------------ how Nova refuses

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fail.get(call):
            raise self.fail[call].pop(0)
        if not call.startswith(TRANSIENT):
            self.knife.before(call, errors.CloudUnavailable("503"))

    def _did(self, call: str) -> None:
        self.done.append((self.clock.now, call))
        if call in self.lose:
            self.lose.discard(call)
            raise errors.CloudUnavailable("the answer was cut")
        self.knife.after(errors.CloudUnavailable("the answer was cut"))

    def _there(self, server_id: str) -> None:
        if server_id not in self.servers:
            raise errors.NotFound(f"Instance {server_id} could not be found")

    def _unlocked(self, server_id: str) -> None:
        self._there(server_id)
        if self.servers[server_id].locked and not self.admin:
            raise errors.ServerLocked(f"Instance {server_id} is locked")

    def _free(self, server_id: str) -> None:
        if self.servers[server_id].task_state is not None:
            raise errors.ServerBusy(f"while it is in task_state {self.servers[server_id].task_state}")

    def _in(self, server_id: str, action: str, states: set[str]) -> None:
        state = self.servers[server_id].vm_state
        if state not in states:
            raise errors.WrongState(f"Cannot '{action}' instance while it is in vm_state {state}")

    def _writable(self, server_id: str) -> None:
        self._unlocked(server_id)
        self._free(server_id)
        self._in(server_id, "update metadata", {"active", "paused", "suspended", "stopped"})

    def _act(self, server_id: str, action: str, states: set[str], task: str, **after: Any) -> None:
        self._called(action)
        self._unlocked(server_id)
        self._free(server_id)
        self._in(server_id, action, states)
        self.by(self.identity.user_id, action, server_id)
        if action == "shelve":
            self.shelved_images.append(f"{self.servers[server_id].name}-shelved")
        if action not in self.deaf:
            self.change(server_id, task_state=task)
            self.pending[server_id] = after
        if self.instant:
            self.settle()
        self._did(action)
