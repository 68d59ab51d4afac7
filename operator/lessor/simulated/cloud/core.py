"""The services over one clock, and how a test or a demonstration puts people and servers into them."""

import dataclasses
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Unpack

from lessor.simulated.cloud import birth, tasks
from lessor.simulated.cloud.birth import Given
from lessor.simulated.cloud.blazar.inventory import Inventory
from lessor.simulated.cloud.blazar.outside import Outside
from lessor.simulated.cloud.blazar.service import Blazar
from lessor.simulated.cloud.blazar.tenants import Tenants
from lessor.simulated.cloud.blazar.trusts import Trusts
from lessor.simulated.cloud.compute import Compute, check_metadata
from lessor.simulated.cloud.identity import Identity, Token
from lessor.simulated.cloud.images import Image, Images
from lessor.simulated.cloud.networks import Networks
from lessor.simulated.cloud.people import Assignment, Project, User
from lessor.simulated.cloud.refusals import Service, bad
from lessor.simulated.cloud.server import Flavor, ImpossibleWorld, Server
from lessor.simulated.faults import Fault, Faults

_BLAZAR = "b1a2a7"  # the user by whom Blazar deletes servers
_FLAVORS = (("nano", 1, 64, 1), ("m1.small", 1, 2048, 20), ("m1.medium", 2, 4096, 40), ("m1.large", 4, 8192, 80))


@dataclass(frozen=True, slots=True)
class Call:
    """One request: when, by whom (a user's id, "" before there is a token), what ("os-stop 1b9d...")."""

    time: datetime
    user_id: str
    line: str


class Core:
    """One region of a cloud.

    Attributes:
        identity: Keystone. `identity.life` is how long a token lives: a client that compares its end with a wall clock
            that is not this one wants it long.
        compute: Nova; its `tasks` hold the durations.
        images: Glance.
        networks: Neutron.
        blazar: Blazar.
        inventory: what Blazar can reserve.
        outside: what befalls leases that nobody asked Blazar for.
        away: services that do not answer at all.
        absent: services that the catalogue does not name; there are clouds without Blazar.
        calls: every request so far.
        lock: held while a request is dealt with.
        flight: how many requests are under way over HTTP.
    """

    def __init__(  # noqa: PLR0913 (what a cloud begins with, all but one by name)
        self,
        now: Callable[[], datetime],
        *,
        faults: Faults | None = None,
        seed: int = 0,
        region: str = "RegionOne",
        token_life: timedelta = timedelta(hours=1),
        chameleon: bool = False,
    ) -> None:
        """Begin with no users, no projects, some flavors and one public image.

        Args:
            now: gives the time, aware, in UTC.
            faults: what goes wrong; nothing when absent.
            seed: of all ids.
            region: the name of the region.
            token_life: of each token.
            chameleon: its Blazar is Chameleon's.
        """
        self.now = now
        self.faults = faults if faults is not None else Faults()
        self.region = region
        self.away: set[Service] = set()
        self.absent: set[Service] = set()
        self.calls: list[Call] = []
        self.lock = threading.RLock()
        self._random = random.Random(seed)  # noqa: S311 (a story, no secret)
        self._number = 0
        self.flight = 0
        self.identity = Identity(now, self._hex, token_life)
        self.images = Images(now, self._uuid)
        self._past: datetime | None = None
        self.compute = Compute(self._moment, self._uuid, self.images)
        self.networks = Networks(self._moment, self._uuid)
        tenants = Tenants(self._moment, self._uuid, self.compute, _BLAZAR)
        self.inventory = Inventory(self._uuid, tenants, self.networks, chameleon=chameleon)
        self.blazar = Blazar(self._moment, self._uuid, self.inventory, Trusts(self.identity.people, self._hex))
        self.outside = Outside(self.blazar)
        self.compute.tasks.place = self._host_for
        for name, vcpus, ram, disk in _FLAVORS:
            self.add_flavor(name, vcpus=vcpus, ram=ram, disk=disk)
        self.base_image = self.images.make("", "tiny", {}, visibility="public", status="active", size=8)

    # ------------------------------------------------------------ who and where

    def add_user(self, name: str, *, password: str = "not-a-secret", email: str | None = None) -> User:  # noqa: S107 (a story)
        """Make a user of the default domain."""
        made = User(id=self._hex(), name=name, password=password, email=email)
        self.identity.people.users[made.id] = made
        return made

    def add_project(self, name: str, *, tags: tuple[str, ...] = ()) -> Project:
        """Make a project of the default domain."""
        made = Project(id=self._hex(), name=name, tags=tags)
        self.identity.people.projects[made.id] = made
        return made

    def assign(self, user: User, project: Project, role: str) -> None:
        """Give a user a role on a project: admin, manager, member, reader or service."""
        known = self.identity.people
        if role not in known.role_ids or user.id not in known.users or project.id not in known.projects:
            raise ImpossibleWorld(
                f"The role {role} cannot be given to {user.name} on {project.name}: one is not there."
            )
        known.assignments[Assignment(user_id=user.id, project_id=project.id, role=role)] = None

    def take(self, user: User, project: Project, role: str) -> None:
        """Take the role away."""
        self.identity.people.assignments.pop(Assignment(user_id=user.id, project_id=project.id, role=role), None)

    def add_flavor(self, name: str, *, vcpus: int, ram: int, disk: int) -> Flavor:
        """Make a flavor, whose id is its name; `ram` in MiB, `disk` in GB."""
        made = Flavor(id=name, name=name, vcpus=vcpus, ram=ram, disk=disk)
        self.compute.flavors[name] = made
        return made

    # ------------------------------------------------------------ servers from nowhere

    def boot(self, project: Project, user: User, name: str, **given: Unpack[Given]) -> Server:
        """Let there be a server, ACTIVE at once if nothing else is said, created now.

        A `task_state` runs from now on, and ends as its task does.

        Raises:
            ImpossibleWorld: Nova could not have come to it.
        """
        with self.lock:
            self._number += 1
            now = self.now().replace(microsecond=0)
            base = Server(
                id=given.get("server_id") or self._uuid(),
                number=self._number,
                name=name,
                project_id=project.id,
                user_id=user.id,
                flavor=self.compute.flavors["m1.small"],
                created=now,
                updated=now,
            )
            made = birth.born(base, given, self._known(), now)
            if made.id in self.compute.fleet.servers:
                raise ImpossibleWorld(f"There is a server {made.id} already.")
            self.compute.fleet.add(made)
            if made.steps:
                self.compute.tasks.begin(made, made.steps, self.now())
            return made

    def change(self, server: Server, **given: Unpack[Given]) -> None:
        """Let a server be otherwise from now on, as nobody asked for; a new vm_state ends the task that runs.

        Its id and when it was created stay.

        Raises:
            ImpossibleWorld: Nova could not have come to it; nothing is changed.
        """
        with self.lock:
            self.settle()
            copy = birth.changed(server, given, self._known(), self.now().replace(microsecond=0))
            if copy.order != server.order:
                raise ImpossibleWorld(f"The server {server.name} cannot have been created at another time.")
            for each in dataclasses.fields(Server):
                if each.name not in {"due", "entry"}:
                    setattr(server, each.name, getattr(copy, each.name))
            if {"vm_state", "task_state"} & set(given):
                self.compute.tasks.begin(server, server.steps, self.now())

    def start_boot(self, who: Token, wanted: Mapping[str, Any], hints: Mapping[str, Any] | None = None) -> Server:
        """Do a `POST /servers`: BUILD now, ACTIVE when it has been spawned; gives the first of `min_count`.

        Raises:
            Refused: as Nova does.
        """
        flavor_id, image_id = str(wanted["flavorRef"]), wanted.get("imageRef") or None
        check_metadata(wanted.get("metadata", {}))
        if image_id is not None and image_id not in self.images.images:
            raise bad("Can not find requested image")
        flavor = self.compute.flavors.get(flavor_id)
        if flavor is None or not (who.admin or flavor.is_seen_by(who.project_id)):
            raise bad(f"Flavor {flavor_id} could not be found.")
        many = int(wanted.get("min_count", 1))
        names = [f"{wanted['name']}-{number + 1}" for number in range(many)] if many > 1 else [str(wanted["name"])]
        first, *_ = [self._begin_boot(who, name.strip(), wanted, hints or {}) for name in names]
        return first

    def _begin_boot(self, who: Token, name: str, wanted: Mapping[str, Any], hints: Mapping[str, Any]) -> Server:
        known = self.identity.people
        made = self.boot(
            known.projects[who.project_id or ""],
            known.users[who.user_id],
            name,
            flavor=str(wanted["flavorRef"]),
            image=wanted.get("imageRef") or None,
            vm_state="building",
            task_state="scheduling",
            metadata=wanted.get("metadata", {}),
            description=wanted.get("description"),
            tags=tuple(sorted(wanted.get("tags", ()))),
            reservation=hints.get("reservation"),
        )
        self.compute.log_create(who, made)
        return made

    def populate(self, project: Project, count: int, *, user: User, flavor: str = "m1.small") -> list[Server]:
        """Let there be that many ACTIVE servers of one project, one created each second before now."""
        with self.lock:
            now, size = self.now().replace(microsecond=0), self.compute.flavors[flavor]
            made = []
            for back in range(count, 0, -1):
                self._number += 1
                at = now - timedelta(seconds=back)
                fresh = Server(
                    id=self._uuid(),
                    number=self._number,
                    name=f"server-{self._number}",
                    project_id=project.id,
                    user_id=user.id,
                    flavor=size,
                    image_id=self.base_image.id,
                    created=at,
                    updated=at,
                    launched=at,
                )
                self.compute.fleet.add(fresh)
                made.append(fresh)
            return made

    def _known(self) -> birth.Known:
        known = self.identity.people
        return birth.Known(
            flavors=self.compute.flavors,
            images=self.images.images,
            usual_image=self.base_image.id,
            projects=known.projects,
            users=known.users,
        )

    def add_image(self, project: Project, name: str, properties: Mapping[str, str], **more: Any) -> Image:  # noqa: ANN401 (fields)
        """Let there be an image of a project; active if nothing else is said."""
        with self.lock:
            return self.images.make(project.id, name, properties, **{"status": "active", **more})

    # ------------------------------------------------------------ time

    def settle(self) -> None:
        """Let happen what happens by itself by now, each thing at its own time."""
        with self.lock:
            now = self.now()
            while (due := self.blazar.agenda.next()) is not None and due <= now:
                self.compute.tasks.settle(due)
                self._past = due
                try:
                    self.blazar.agenda.settle(due)
                finally:
                    self._past = None
            self.compute.tasks.settle(now)

    def next_transition(self) -> datetime | None:
        """Give when the next thing happens by itself; None: nothing is under way that ever will."""
        with self.lock:
            times = (self.compute.tasks.next(), self.blazar.agenda.next())
            return min((each for each in times if each is not None), default=None)

    def _moment(self) -> datetime:
        """Give the time of what is dealt with: now, or when it happened."""
        return self._past or self.now()

    def _host_for(self, server: Server) -> str:
        """Choose a host, as the scheduler with Blazar's filter does."""
        wanted = server.reservation or server.flavor.id
        lease, reservation = self.inventory.reservation(wanted)
        if server.reservation is None and server.flavor.is_public:
            return "host-1"
        if lease is None or reservation is None or lease.project_id != server.project_id:
            raise tasks.NoHost(tasks.NO_HOST)
        for host in reservation.hosts:
            many = sum(each.host == host for each in self.compute.fleet.living(None) if each.flavor.id == wanted)
            if server.reservation is not None or many < reservation.hosts.count(host):
                return host
        raise tasks.NoHost(tasks.NO_HOST if server.reservation else "No valid host was found. ")

    # ------------------------------------------------------------ requests

    def asked(self, line: str, who: Token | None = None) -> Fault | None:
        """Note a request, and give what goes wrong with it."""
        self.note(line, who)
        return self.faults.draw(line)

    def note(self, line: str, who: Token | None = None) -> None:
        """Note a request."""
        self.calls.append(Call(self.now(), who.user_id if who is not None else "", line))

    @property
    def quiet(self) -> bool:
        """Whether no request is under way over HTTP."""
        return self.flight == 0

    def _hex(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
