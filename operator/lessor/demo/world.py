"""The pretend world: a cluster and a cloud on the loopback, one clock for both, and the hands of everybody in it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lessor.demo.board import NONE_YET, Seen
from lessor.demo.story import HOSTS, TEAMS, Story
from lessor.model import names
from lessor.model.names import Kind
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.cloud.refusals import Service
from lessor.simulated.cloud.server import Server
from lessor.simulated.cluster.server import APIServer
from lessor.simulated.cluster.wire import Request

SECRET = "openstack-clouds"  # noqa: S105 (the name of a Secret)
CLOUD = "openstack"
OPERATOR_NAMESPACE = "lessor-system"
_BAD = 400


class Refused(Exception):
    """The pretend cluster refuses what the story asks of it: the story is wrong."""


@dataclass
class World:
    """Cluster and cloud. Implements `story.Hands`."""

    clock: SimClock
    cluster: APIServer
    cloud: Cloud
    cloud_url: str
    servers: dict[str, Server] = field(default_factory=dict)
    _bookings: tuple[str, ...] = ()
    _owners: dict[str, str] = field(default_factory=dict)
    _users: dict[str, User] = field(default_factory=dict)
    _projects: dict[str, Project] = field(default_factory=dict)
    _objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look on as the cluster changes."""
        self.cluster.observe(self._changed)

    # ------------------------------------------------------------ how it begins

    def furnish(self, story: Story) -> None:
        """Make the people, their projects, namespaces, Secrets and servers."""
        self.cluster.create("/api/v1/namespaces", {"metadata": {"name": OPERATOR_NAMESPACE}})
        for person, team in TEAMS.items():
            project = self._projects[person] = self.cloud.add_project(team)
            for name in (person, _agent(person)):
                user = self._users[name] = self.cloud.add_user(name, password=f"first-password-of-{name}")
                self.cloud.assign(user, project, "member")
            self.cluster.create("/api/v1/namespaces", {"metadata": {"name": team}})
            secret = {"metadata": {"name": SECRET}, "data": self._secret(person)}
            self.cluster.create(f"/api/v1/namespaces/{team}/secrets", secret)
        for server in story.servers:
            project, user = self._projects[server.person], self._users[server.person]
            self.servers[server.name] = self.cloud.boot(project, user, server.name)
            self._owners[server.name] = server.person
        for host in HOSTS:
            self.cloud.inventory.add_host(host)
        self._owners |= {booking.name: booking.person for booking in story.bookings}
        self._bookings = tuple(booking.name for booking in story.bookings)

    def _secret(self, person: str) -> dict[str, str]:
        clouds = self.cloud.clouds_yaml(self.cloud_url, self._users[_agent(person)], self._projects[person])
        return {"clouds.yaml": base64.b64encode(clouds.encode()).decode()}

    # ------------------------------------------------------------ hands

    def lease(self, person: str, server: str, spec: dict[str, Any]) -> None:
        """Make an InstanceLease for the person's server of that name."""
        credentials = {"secretName": SECRET, "cloudName": CLOUD}
        self._object(
            person,
            Kind.INSTANCE_LEASE,
            server,
            {"cloudCredentialsRef": credentials, "server": {"name": server}, **spec},
        )

    def reserve(self, person: str, name: str, spec: dict[str, Any]) -> None:
        """Make a Lease."""
        credentials = {"secretName": SECRET, "cloudName": CLOUD}
        self._object(person, Kind.LEASE, name, {"cloudCredentialsRef": credentials, **spec})

    def renew(self, person: str, lease: str, name: str, extend_by: str, reason: str) -> None:
        """Make a LeaseRenewal."""
        kind = Kind.INSTANCE_LEASE if lease in self.servers else Kind.LEASE
        target = {"kind": kind.value, "name": lease}
        self._object(person, Kind.LEASE_RENEWAL, name, {"leaseRef": target, "extendBy": extend_by, "reason": reason})

    def openstack(self, person: str, server: str, action: str) -> None:
        """Start, lock or unlock the server, as the person."""
        hands, server_id = self.cloud.as_user(self._users[person], self._projects[person]), self.servers[server].id
        match action:
            case "start":
                hands.start(server_id)
            case "unlock":
                hands.unlock(server_id)
            case _:
                hands.lock(server_id, "a migration runs")

    def change_password(self, person: str) -> None:
        """Change the password of the account in the person's Secret, in Keystone only: its tokens end with it."""
        agent = self._users[_agent(person)]
        agent.password = f"second-password-of-{agent.name}"
        self.cloud.identity.revoke(agent.id)

    def mend_secret(self, person: str) -> None:
        """Write the new password into the Secret."""
        path = f"/api/v1/namespaces/{TEAMS[person]}/secrets/{SECRET}"
        self._ask("PATCH", path, {"data": self._secret(person)})

    def nova_goes(self) -> None:
        """Nova answers nobody."""
        self.cloud.away.add(Service.NOVA)

    def nova_comes(self) -> None:
        """Nova answers again."""
        self.cloud.away.discard(Service.NOVA)

    # ------------------------------------------------------------ looking

    def seen(self) -> Iterator[Seen]:
        """Give each server as it is now, with its InstanceLease; then each Lease that is or will be there."""
        self.cloud.settle()
        leases = {one["metadata"]["name"]: one for one in self.objects(Kind.INSTANCE_LEASE)}
        for name, server in self.servers.items():
            gone = server.status == "DELETED"
            yield Seen(
                person=self._owners[name],
                name=name,
                status=None if gone else server.status,
                locked=not gone and server.locked_by is not None,
                lease=leases.get(name),
            )
        booked = {one["metadata"]["name"]: one for one in self.objects(Kind.LEASE)}
        for name in self._bookings:
            lease = booked.get(name)
            state = lease.get("status", {}).get("state") if lease is not None else None
            yield Seen(person=self._owners[name], name=name, status=state or NONE_YET, locked=False, lease=lease)

    def images_of_the_gone(self) -> dict[str, list[str]]:
        """Give the names of the images that are left of servers that are deleted."""
        gone = {server.id: name for name, server in self.servers.items() if server.status == "DELETED"}
        left: dict[str, list[str]] = {}
        for image in self.cloud.images.images.values():
            name = gone.get(image.properties.get("instance_uuid", ""))
            if name is not None:
                left.setdefault(name, []).append(image.name)
        return left

    def agents(self) -> set[str]:
        """Give the ids of the users that Lessor is in the cloud."""
        return {self._users[_agent(person)].id for person in TEAMS}

    def objects(self, kind: Kind) -> list[dict[str, Any]]:
        """Give all objects of one of our kinds."""
        return [body for (of, _), body in self._objects.items() if of == kind]

    def events(self) -> list[dict[str, Any]]:
        """Give all Kubernetes Events."""
        return list(self._ask("GET", "/apis/events.k8s.io/v1/events")["items"])

    def _changed(self, change: str, body: dict[str, Any]) -> None:
        """Keep the objects of our own kinds at hand."""
        if body.get("apiVersion") != names.API_VERSION:
            return
        key = (str(body["kind"]), str(body["metadata"]["uid"]))
        if change == "DELETED":
            self._objects.pop(key, None)
        else:
            self._objects[key] = body

    # ------------------------------------------------------------ the cluster

    def _object(self, person: str, kind: Kind, name: str, spec: dict[str, Any]) -> None:
        path = f"/apis/{names.GROUP}/{names.VERSION}/namespaces/{TEAMS[person]}/{kind.plural}"
        body = {"apiVersion": names.API_VERSION, "kind": kind.value, "metadata": {"name": name}, "spec": spec}
        self.cluster.create(path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = self.cluster.handle(Request(method, path, headers=headers, body=data))
        if answer.code >= _BAD:
            raise Refused(f"{method} {path}: {answer.body.decode()}")
        read: dict[str, Any] = json.loads(answer.body)
        return read


def _agent(person: str) -> str:
    return f"lessor-{TEAMS[person]}"
