"""One project of a cloud in memory, as far as turns ask for it: what it is told comes about at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from tests.runtime.clock import START

US = CloudIdentity(auth_url="http://keystone/v3", region="RegionOne", project_id="p1", user_id="u1")


def server(server_id: str = "s1", **changes: Any) -> ObservedServer:
    """Give a server that runs."""
    known: dict[str, Any] = {
        "id": server_id,
        "name": "db-1",
        "project_id": US.project_id,
        "status": "ACTIVE",
        "created": START - timedelta(days=1),
        "metadata": {},
        "locked": False,
        "vm_state": "active",
    }
    return ObservedServer(**{**known, **changes})


@dataclass
class Project:
    """The project.

    Attributes:
        servers: what is there.
        actions: the logs of the servers, oldest first.
        calls: everything that was asked, in order.
        listed: what each list asked for.
        fault: what a list raises.
        away: what a probe and every question about one server raises.
        called: is told of each call before it is done.
    """

    identity: CloudIdentity = US
    servers: list[ObservedServer] = field(default_factory=list)
    actions: list[tuple[str, ServerEvent]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    listed: list[datetime | None] = field(default_factory=list)
    fault: Exception | None = None
    away: Exception | None = None
    called: Callable[[str], None] = lambda _: None

    @property
    def probed(self) -> int:
        """How often it was asked for next to nothing."""
        return self.calls.count("probe")

    @property
    def deeds(self) -> list[str]:
        """What it was told to do."""
        return [call for call in self.calls if call not in {"probe", "list", "get", "events", "images"}]

    # ------------------------------------------------------------ looking

    def probe(self) -> None:
        self._call("probe", self.away)

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        self.listed.append(changes_since)
        self._call("list", self.fault)
        yield tuple(self.servers)

    def server(self, server_id: str) -> ObservedServer | None:
        self._call("get", self.away)
        return next((one for one in self.servers if one.id == server_id), None)

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        self._call("get", self.away)
        return tuple(one for one in self.servers if one.name == name)

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        self._call("events", self.away)
        return tuple(event for of, event in reversed(self.actions) if of == server_id)

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        del server_id, stage
        self._call("images", self.away)
        return None

    # ------------------------------------------------------------ acting

    def stop(self, server_id: str) -> None:
        self._change("stop", server_id, status="SHUTOFF", vm_state="stopped")

    def lock(self, server_id: str, reason: str) -> None:
        self._change("lock", server_id, locked=True, locked_reason=reason)

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        known = next(one.metadata or {} for one in self.servers if one.id == server_id)
        self._change("write-metadata", server_id, metadata={**known, **items})

    def remove_metadata(self, server_id: str, key: str) -> None:
        known = next(one.metadata or {} for one in self.servers if one.id == server_id)
        left = {name: value for name, value in known.items() if name != key}
        self._change("remove-metadata", server_id, metadata=left)

    def _change(self, call: str, server_id: str, **changes: Any) -> None:
        self._call(call, self.away)
        at = f"2026-03-01T08:00:{len(self.actions):02}.000000"
        self.actions.append((server_id, ServerEvent(action=call, user_id=self.identity.user_id, start_time=at)))
        self.servers = [msgspec.structs.replace(one, **changes) if one.id == server_id else one for one in self.servers]

    def _call(self, call: str, fault: Exception | None) -> None:
        self.calls.append(call)
        self.called(call)
        if fault is not None:
            raise fault
