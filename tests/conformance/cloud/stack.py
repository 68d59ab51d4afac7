"""One cloud as the cases see it: raw HTTP as one of its users, and how to let its time pass.

Real: the users of the end-to-end tests' clouds.yaml. Simulated: the same users, projects, flavors and image.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lessor.ports.clock import SystemClock
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud.cloud import Cloud
from tests.simulated.cloud.served import serving

MICROVERSION = "compute 2.73"
NAMES = ("admin", "alice", "anna", "bob")
PROJECTS = {"admin": "admin", "alice": "alice", "anna": "alice", "bob": "bob"}
RESERVABLE = {"bm-a": "none", "bm-b": "none", "bm-c": "a100"}
FLOATING_IPS = ("203.0.113.100", "203.0.113.101")
_LOOKS = 150
_LONGEST_PAUSE = timedelta(seconds=10)
_PAUSE_SECONDS = 0.2
_REVOKING_SECONDS = 1.5
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `body` is decoded JSON, or text, or None."""

    code: int
    body: Any
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """The message of a refusal of Keystone or Nova."""
        return str(next(iter(self.body.values()))["message"])

    @property
    def said(self) -> str:
        """The message of a refusal of Blazar."""
        return str(self.body["error_message"])

    @property
    def kind(self) -> str:
        """The outer key of a refusal."""
        return str(next(iter(self.body)))


class User:
    """One user with a token of its project."""

    def __init__(self, auth_url: str, name: str, password: str, project: str) -> None:
        self.name, self.password, self.project, self.auth_url = name, password, project, auth_url
        self._http = requests.Session()
        self._http.trust_env = False
        self.token = ""
        self.user_id = self.project_id = ""
        self.endpoints: dict[str, str] = {}
        self.login()

    def login(self) -> dict[str, Any]:
        """Take a new token; gives its body."""
        answer = self.token_for(self.identity(), {"project": {"name": self.project, "domain": {"id": "default"}}})
        assert answer.code == 201, answer.body
        token: dict[str, Any] = answer.body["token"]
        self.token = answer.headers["X-Subject-Token"]
        self.user_id, self.project_id = token["user"]["id"], token["project"]["id"]
        for service in token["catalog"]:
            for endpoint in service["endpoints"]:
                if endpoint["interface"] == "public":
                    self.endpoints[service["type"]] = endpoint["url"].rstrip("/")
        return token

    def identity(self, **changes: Any) -> dict[str, Any]:
        """Give the `identity` of a request for a token by password."""
        user = {"name": self.name, "domain": {"id": "default"}, "password": self.password, **changes}
        return {"methods": ["password"], "password": {"user": user}}

    def token_for(self, identity: Any, scope: Any = None) -> Answer:
        """Ask for a token."""
        auth = {"identity": identity} if scope is None else {"identity": identity, "scope": scope}
        return self.send("POST", f"{self.auth_url}/auth/tokens", {"auth": auth}, {"X-Auth-Token": ""})

    def send(self, method: str, url: str, body: Any = None, headers: Mapping[str, str | None] | None = None) -> Answer:
        """Send a request to any URL."""
        said: dict[str, str | None] = {"X-Auth-Token": self.token, "OpenStack-API-Version": MICROVERSION}
        said.update(headers or {})
        kept = {key: value for key, value in said.items() if value}
        got = self._http.request(method, url, json=body, headers=kept, timeout=_TIMEOUT, allow_redirects=False)
        is_json = got.headers.get("Content-Type", "").startswith("application/json")
        return Answer(got.status_code, got.json() if is_json and got.content else got.text or None, got.headers)

    def nova(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Ask Nova; a header's underscores stand for hyphens."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, self.endpoints["compute"] + path, body, named)

    def glance(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask Glance."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, f"{self.endpoints['image']}/v2{path}", body, named)

    def blazar(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Ask Blazar."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, self.endpoints["reservation"] + path, body, named)

    def neutron(self, path: str) -> Answer:
        """Read from Neutron."""
        return self.send("GET", f"{self.endpoints['network']}/v2.0{path}")

    def keystone(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask Keystone."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, self.auth_url + path, body, named)

    def act(self, server_id: str, action: str, value: Any = None) -> Answer:
        """Send a server action."""
        return self.nova("POST", f"/servers/{server_id}/action", {action: value})

    def server(self, server_id: str) -> dict[str, Any] | None:
        """Read a server; None: 404."""
        answer = self.nova("GET", f"/servers/{server_id}")
        assert answer.code in {200, 404}, answer.body
        return dict(answer.body["server"]) if answer.code == 200 else None

    def images_of(self, server_id: str) -> list[dict[str, Any]]:
        """Give the images of a server."""
        return list(self.glance("GET", f"/images?instance_uuid={server_id}").body["images"])

    def logged(self, server_id: str) -> list[str]:
        """Give what was done to a server, newest first."""
        answer = self.nova("GET", f"/servers/{server_id}/os-instance-actions")
        return [entry["action"] for entry in answer.body["instanceActions"]]


@dataclass
class Stack:
    """The cloud.

    Attributes:
        users: by name; anna is in alice's project, bob in another.
        pause: lets a little time pass.
        now: gives its time.
        set_freepool: puts one of Blazar's hosts into the freepool, or takes it out.
        set_enabled: lets one of the users in, or no longer.
        prefix: of the names of everything that the cases make.
        made: servers to delete at the end.
    """

    side: str
    users: dict[str, User]
    pause: Callable[[], None]
    now: Callable[[], datetime]
    set_freepool: Callable[["Stack", str, bool], None]
    set_enabled: Callable[["Stack", str, bool], None]
    prefix: str = field(default_factory=lambda: f"case-{uuid.uuid4().hex[:8]}")
    made: list[str] = field(default_factory=list)
    image_id: str = ""

    @property
    def admin(self) -> User:
        return self.users["admin"]

    @property
    def alice(self) -> User:
        return self.users["alice"]

    @property
    def anna(self) -> User:
        return self.users["anna"]

    @property
    def bob(self) -> User:
        return self.users["bob"]

    def request(self, name: str, **more: Any) -> dict[str, Any]:
        """Give the body of a `POST /servers`."""
        if not self.image_id:
            self.image_id = self.alice.glance("GET", "/images?name=tiny").body["images"][0]["id"]
        server = {"name": f"{self.prefix}-{name}", "imageRef": self.image_id, "flavorRef": "nano", "networks": "none"}
        return {"server": {**server, **more}}

    def begin(self, name: str, user: User | None = None, **more: Any) -> str:
        """Ask for a server; gives its id at once."""
        answer = (user or self.alice).nova("POST", "/servers", self.request(name, **more))
        assert answer.code == 202, answer.body
        self.made.append(answer.body["server"]["id"])
        return self.made[-1]

    def boot(self, name: str, user: User | None = None, **more: Any) -> str:
        """Boot a server, of alice if nobody else is named; gives its id when it is ACTIVE."""
        server_id = self.begin(name, user, **more)
        self.until(server_id, "active")
        return server_id

    def until(self, server_id: str, vm_state: str | None) -> dict[str, Any] | None:
        """Wait until no task runs on the server and it is in this vm_state; None: until it is gone."""

        def there() -> bool:
            found = self.admin.server(server_id)
            if vm_state is None or found is None:
                return found is None and vm_state is None
            return (found["OS-EXT-STS:vm_state"], found["OS-EXT-STS:task_state"]) == (vm_state, None)

        self.wait(there, f"{server_id} {vm_state}")
        return self.admin.server(server_id)

    def wait(self, holds: Callable[[], bool], what: str, looks: int = _LOOKS) -> None:
        """Wait until this holds: on the real side some thirty seconds."""
        for _ in range(looks):
            if holds():
                return
            self.pause()
        raise AssertionError(f"never came: {what}")

    def clear(self) -> None:
        """Delete what was made."""
        for server_id in self.made:
            self.admin.nova("DELETE", f"/servers/{server_id}")
        for server_id in self.made:
            self.until(server_id, None)
            for image in self.admin.images_of(server_id):
                self.admin.glance("DELETE", f"/images/{image['id']}")


@contextmanager
def real() -> Iterator[Stack]:
    """Give the real cloud, which must be running."""
    clouds = Path(os.environ.get("LESSOR_E2E_CLOUD_HOME", "")) / "clouds.yaml"
    if not clouds.exists():
        pytest.fail(f"no cloud at {clouds.parent}: start the real parts with `make e2e`", pytrace=False)
    every = yaml.safe_load(clouds.read_text())["clouds"]
    users = {}
    for name in NAMES:
        auth = every[name]["auth"]
        users[name] = User(auth["auth_url"], auth["username"], auth["password"], auth["project_name"])
    waiting = threading.Event()
    pause = lambda: (waiting.wait(_PAUSE_SECONDS), None)[1]  # noqa: E731 (one of the parts)
    yield Stack("real", users, pause, SystemClock().now, _aggregate, _enable)


def _enable(stack: Stack, name: str, value: bool) -> None:
    path = f"/users/{stack.users[name].user_id}"
    answer = stack.admin.keystone("PATCH", path, {"user": {"enabled": value}})
    assert answer.code == 200, answer.body
    # Keystone ends the tokens of the same second too: keystone/models/revoke_model.py.
    threading.Event().wait(_REVOKING_SECONDS)


def _aggregate(stack: Stack, host: str, present: bool) -> None:
    found = stack.admin.nova("GET", "/os-aggregates").body["aggregates"]
    freepool = next(each["id"] for each in found if each["name"] == "freepool")
    action = "add_host" if present else "remove_host"
    answer = stack.admin.nova("POST", f"/os-aggregates/{freepool}/action", {action: {"host": host}})
    assert answer.code == 200, answer.body


@contextmanager
def simulated(*, chameleon: bool = False) -> Iterator[Stack]:
    """Give the simulated cloud, with a clock that jumps to the end of the next task whenever somebody waits."""
    clock = SimClock(datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC))
    cloud = Cloud(clock.now, token_life=timedelta(days=365), chameleon=chameleon)
    users = {}
    projects = {name: cloud.add_project(name) for name in sorted(set(PROJECTS.values()))}
    cloud.add_flavor("small", vcpus=1, ram=512, disk=1)
    for name in NAMES:
        user = cloud.add_user(name, email=None if name == "admin" else f"{name}@example.com")
        for role in ("admin",) if name == "admin" else ("member", "reader"):
            cloud.assign(user, projects[PROJECTS[name]], role)

    for name, gpu in RESERVABLE.items():
        cloud.inventory.add_host(name, gpu=gpu)
    public = cloud.networks.make("public", is_external=True)
    cloud.networks.make("private", is_shared=True)
    for address in FLOATING_IPS:
        cloud.inventory.add_floating_ip(public, address)
    if chameleon:
        cloud.inventory.add_device("pi-1", model="raspberrypi4-64")
        cloud.inventory.add_segment("physnet1", 101)

    def pause() -> None:
        soonest, now = cloud.next_transition(), clock.now()
        ahead = soonest if soonest is not None and soonest > now else now + timedelta(seconds=1)
        clock.jump(min(ahead, now + _LONGEST_PAUSE))

    def set_freepool(_: Stack, host: str, present: bool) -> None:
        cloud.inventory.calendar.named("host", host).in_freepool = present

    def set_enabled(stack: Stack, name: str, value: bool) -> None:
        cloud.identity.people.users[stack.users[name].user_id].enabled = value

    with serving(cloud) as url:
        for name in NAMES:
            users[name] = User(f"{url}/identity/v3", name, "not-a-secret", PROJECTS[name])
        yield Stack("simulated", users, pause, clock.now, set_freepool, set_enabled)
