"""One project of the simulated cloud, and the words in which tests speak of it and change it from outside.

What can be, what follows and what is refused is the simulated cloud's to say.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Unpack

from lessor.model import names
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud import states
from lessor.simulated.cloud.birth import Given
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.cloud.port import Person, Port, _seen
from lessor.simulated.cloud.server import Server
from lessor.simulated.cloud.tasks import Tasks
from lessor.simulated.faults import Fault, What

START = datetime.fromisoformat("2026-03-01T08:00:00Z")
SERVER = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
OTHER = "7c1f0f0e-5a57-4b0e-8f0e-2f6c1d0a9b11"
US = CloudIdentity(auth_url="http://keystone/v3", region="RegionOne", project_id="p1", user_id="lessor")
_AT_ONCE: Mapping[str, timedelta] = dict.fromkeys(states.DURATIONS, timedelta())
_OPERATIONS: Mapping[str, str] = {
    "stop": "os-stop",
    "start": "os-start",
    "snapshot": "createImage",
    "delete": "servers.delete",
    "write-metadata": "servers.metadata.update",
    "remove-metadata": "servers.metadata.delete",
}


class OneProject:
    """The cloud, and `port` as we see it; tasks end at once unless `instant` is taken away."""

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        self.cloud = Cloud(clock.now, region=US.region)
        self._persons: dict[str, Person] = {}
        self._project = self._some_project(US.project_id)
        self._user = self._some_user(US.user_id)
        self.port = self._as_us()
        self.instant = True

    # ------------------------------------------------------------ the cloud

    @property
    def tasks(self) -> Tasks:
        """What runs: how long each task takes, which break, whether there is room."""
        return self.cloud.compute.tasks

    @property
    def instant(self) -> bool:
        """Whether each task ends at the instant of its request; if not it takes as long as on a real Nova."""
        return self.tasks.durations == _AT_ONCE

    @instant.setter
    def instant(self, instant: bool) -> None:
        self.tasks.durations = dict(_AT_ONCE if instant else states.DURATIONS)

    def softly(self) -> None:
        """From now on a deleted server can be restored."""
        self.cloud.compute.soft_delete = True

    def promote(self) -> None:
        """We are administrators from now on."""
        self.cloud.assign(self._user, self._project, "admin")
        self.port = self._as_us()

    def refuse(self, call: str, code: int, words: str, *, times: int = 1) -> None:
        """Let the next ones of these calls be refused in these words."""
        fault = Fault(what=What.REFUSE, code=code, message=words)
        self.cloud.faults.add(f"^{_OPERATIONS.get(call, call)} ", fault, times=times)

    def cut_off(self) -> None:
        """The servers' cell does not answer: Nova tells of them little more than that they are there."""
        self.cloud.compute.cells_down.add("cell1")

    def joined(self) -> None:
        """Their cell answers again."""
        self.cloud.compute.cells_down.clear()

    def settle(self) -> None:
        """Go on to when nothing runs any more."""
        while (ends := self.cloud.next_transition()) is not None:
            self.clock.jump(ends)
            self.cloud.settle()

    # ------------------------------------------------------------ servers and people

    def boot(
        self, server_id: str = SERVER, /, *, name: str = "db-1", project: str = US.project_id, **given: Unpack[Given]
    ) -> None:
        known: Given = {"server_id": server_id, "created": START - timedelta(days=1), **given}
        self.cloud.boot(self._some_project(project), self._some_user("alice"), name, **known)

    def change(self, server_id: str = SERVER, /, **given: Unpack[Given]) -> None:
        """Let a server be otherwise; a task that is said to run does so until it is said that none does."""
        record, task = self.record(server_id), given.get("task_state")
        if task is not None:
            usual, self.tasks.durations[task] = self.tasks.durations[task], None
            self.cloud.change(record, **given)
            self.tasks.durations[task] = usual
            return
        if "task_state" in given:
            self.tasks.drop(record, self.clock.now())
        self.cloud.change(record, **given)

    def lost(self, server_id: str = SERVER) -> None:
        """The server is deleted, and nobody says by whom."""
        self.change(server_id, vm_state="deleted", metadata={}, locked_by=None, locked_reason=None)

    def by(self, user: str, action: str, server_id: str = SERVER) -> None:
        """Enter into the server's actions what a person did with it."""
        token = self.cloud.identity.give(self._some_user(user), self._project)
        self.cloud.compute._log(token, self.record(server_id), action)

    def person(self, name: str) -> Person:
        """Give the cloud as somebody else of the project sees it; `admin` is an administrator."""
        if name not in self._persons:
            self._persons[name] = self.cloud.person(self._some_user(name), self._project)
        return self._persons[name]

    def locked_by(self, user: str, reason: str | None = None) -> None:
        self.person(user).act(SERVER, "lock", None if reason is None else {"locked_reason": reason})

    def turned(self, vm_state: str, *, user: str = "alice", action: str = "start") -> None:
        """A person brought the server into this state."""
        self.by(user, action)
        self.change(locked_by=None, locked_reason=None, vm_state=vm_state)

    def unheard_of(self, vm_state: str) -> None:
        """The server is in a state that no Nova of today has, as one of tomorrow may."""
        self.record().vm_state = vm_state

    def record(self, server_id: str = SERVER) -> Server:
        self.cloud.settle()
        return self.cloud.compute.fleet.servers[server_id]

    def known(self, server_id: str) -> ObservedServer | None:
        """What a list would show of it; None: there is none, or it is deleted."""
        self.cloud.settle()
        found = self.cloud.compute.fleet.servers.get(server_id)
        return None if found is None or found.vm_state == "deleted" else _seen(found)

    @property
    def servers(self) -> dict[str, ObservedServer]:
        """All that are not deleted, by id."""
        every = {server_id: self.known(server_id) for server_id in self.cloud.compute.fleet.servers}
        return {server_id: server for server_id, server in every.items() if server is not None}

    # ------------------------------------------------------------ images

    @property
    def images(self) -> list[tuple[str, ObservedImage]]:
        """The images of stages, oldest first, with their stages."""
        self.cloud.settle()
        return [
            (image.properties[names.STAGE_KEY], ObservedImage(id=image.id, status=image.status, name=image.name))
            for image in self.cloud.images.images.values()
            if names.STAGE_KEY in image.properties
        ]

    @property
    def shelved_images(self) -> list[str]:
        """The names of the images that shelving made."""
        self.cloud.settle()
        return [image.name for image in self.cloud.images.images.values() if image.name.endswith("-shelved")]

    def imaged(self, status: str = "active") -> None:
        """The newest image of a stage comes to this status, and the task that makes it is over."""
        image_id, now = self.images[-1][1].id, self.clock.now()
        self.cloud.images.comes_to(image_id, status, now)
        for record in self.cloud.compute.fleet.servers.values():
            if record.task_image_id == image_id:
                record.task_image_id = None
                self.tasks.drop(record, now)

    # ------------------------------------------------------------ inside

    def _as_us(self) -> Port:
        return Port(self.cloud, self._user, self._project, US.auth_url)

    def _some_project(self, name: str) -> Project:
        return self.cloud.identity.people.projects.setdefault(name, Project(id=name, name=name))

    def _some_user(self, name: str) -> User:
        known = self.cloud.identity.people.users
        if name not in known:
            known[name] = User(id=name, name=name, password="")
            self.cloud.assign(known[name], self._project, "admin" if name == "admin" else "member")
        return known[name]
