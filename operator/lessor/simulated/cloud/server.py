"""One server as Nova has it, and the worlds that cannot be."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lessor.simulated.cloud import states


class ImpossibleWorld(Exception):
    """No real cloud can be in this state; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A size of servers: `ram` in MiB, `disk` in GB. One that is not public is for its projects alone."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    is_public: bool = True
    projects: tuple[str, ...] = ()
    extra_specs: Mapping[str, str] = field(default_factory=dict)

    def is_seen_by(self, project_id: str | None) -> bool:
        """Tell whether people of this project see it."""
        return self.is_public or project_id in self.projects


@dataclass(slots=True, kw_only=True, eq=False)
class Server:
    """One server. Instants are aware and in UTC.

    Attributes:
        number: rises from server to server, as the primary key of Nova's database does.
        locked_by: "owner", "admin" or None.
        host: None: none yet, or none any longer.
        reservation: the scheduler hint of a POST: the id of a reservation of hosts.
        undeletable: Nova's `disable_terminate`: a DELETE is accepted and does nothing.
        steps: what is left of the task at hand.
        due: when the present step ends; None: never, or there is none.
        entry: of the present step in the list of what is due.
        encoded: its record as JSON for its project's members, once it was asked for; gone with each change.
    """

    id: str
    number: int
    name: str
    project_id: str
    user_id: str
    flavor: Flavor
    created: datetime
    updated: datetime
    image_id: str | None = None
    launched: datetime | None = None
    terminated: datetime | None = None
    vm_state: str = "active"
    task_state: str | None = None
    power_state: int = states.RUNNING
    locked_by: str | None = None
    locked_reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    description: str | None = None
    cell: str = "cell1"
    host: str | None = "host-1"
    fault: str | None = None
    undeletable: bool = False
    reservation: str | None = None
    task_image_id: str | None = None
    shelved_image_id: str | None = None
    other_flavor: Flavor | None = None
    steps: states.Plan = ()
    due: datetime | None = None
    entry: int = 0
    encoded: bytes | None = None

    @property
    def status(self) -> str:
        """What people see."""
        return states.status(self.vm_state, self.task_state)

    @property
    def order(self) -> tuple[datetime, int]:
        """Rises from the last of a list to its first: the newest is the first, of one second the smallest id.

        Source: nova/compute/instance_list.py (InstanceSortContext): created_at descending, then uuid ascending.
        """
        return self.created, -uuid.UUID(self.id).int

    def touch(self, at: datetime) -> None:
        """Say that it changed; to the second, as the database's columns are."""
        self.updated = at.replace(microsecond=0)
        self.encoded = None


def check(server: Server, projects: Collection[str], users: Collection[str]) -> None:
    """Refuse a server that no real cloud can have.

    Raises:
        ImpossibleWorld: saying which rule it breaks.
    """
    for holds, sentence in (
        (_is_uuid(server.id), f"{server.id} is no UUID"),
        (server.project_id in projects, f"there is no project {server.project_id}"),
        (server.user_id in users, f"there is no user {server.user_id}"),
        (server.vm_state in states.STATUS, f"Nova has no vm_state {server.vm_state}"),
        (
            server.power_state in states.POWER.get(server.vm_state, ()),
            f"the power_state {server.power_state} does not fit the vm_state {server.vm_state}",
        ),
        (server.locked_by in {None, "owner", "admin"}, f"a lock is by owner or admin, not by {server.locked_by}"),
        (server.locked_by or not server.locked_reason, "it has a locked_reason and no lock"),
        (bool(server.steps) or server.task_state is None, f"the task {server.task_state} has no end"),
        (server.updated >= server.created, "it was changed before it was created"),
        (
            (server.host is None) == (server.vm_state in states.HOSTLESS | {"deleted"}) or server.vm_state == "error",
            f"with the vm_state {server.vm_state} it has {'no' if server.host is None else 'a'} host",
        ),
        (server.launched is None or server.vm_state != "building", "it was launched while it is building"),
        (
            server.launched is not None or server.vm_state in {"building", "error", "deleted"},
            f"with the vm_state {server.vm_state} it was never launched",
        ),
        ((server.terminated is not None) == (server.vm_state == "deleted"), "only a deleted server has its end"),
        (not server.metadata or server.vm_state != "deleted", "a deleted server has no metadata"),
        (len(server.metadata) <= 128, "it has more than 128 items of metadata"),
        (all(len(text) <= 255 for item in server.metadata.items() for text in item), "its metadata are too long"),
        (len(server.locked_reason or "") <= 255, "its locked_reason is longer than 255 characters"),
        (
            server.shelved_image_id is None or server.vm_state in {"shelved", "shelved_offloaded"} or server.steps,
            "it has the image of a shelved server and is none",
        ),
    ):
        if not holds:
            raise ImpossibleWorld(f"The server {server.name} ({server.id}) cannot be: {sentence}.")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
