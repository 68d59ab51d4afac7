"""A small OpenStack on the loopback: Keystone with tokens, and the services as far as the adapters ask for them.

It does what Nova does where that matters (tokens, markers, links) and says what a test tells it to say elsewhere.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lessor.live import sessions
from lessor.live.addresses import Reach
from lessor.live.nova import Nova
from tests.runtime.clock import SetClock

USERNAME, PASSWORD, PROJECT, USER = "lessor", "s3cr3t-pa55word", "p1", "u1"
SERVER = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
LEASE, RESERVATION = "06a3c8de-1d3a-5d0b-8f0d-2f5b7e0c9a11", "3d3b1c2e-0000-4000-8000-000000000001"
_NOT_FOUND, _UNAUTHORIZED = 404, 401


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        cut: the connection is closed when half of the body is sent.
        silent: it is closed without any answer.
        after_byte: is called after each byte of the body that is sent: a server that drips.
    """

    code: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False
    after_byte: Callable[[], None] | None = None

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class OpenStack:
    """What answers.

    Attributes:
        url: where it listens.
        regions: of the catalogue.
        regions_of: those of one service type, where they are others.
        lacking: the service types that the catalogue lacks.
        endpoints: other URLs of services, by type; REGION in one stands for the region's name.
        scoped: tokens are of a project.
        expires: of the tokens that it gives.
        servers: Nova's records, newest first.
        leases: Blazar's records.
        asked: every request, in order.
    """

    url: str = ""
    password: str = PASSWORD
    regions: tuple[str, ...] = ("RegionOne",)
    regions_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lacking: frozenset[str] = frozenset()
    endpoints: dict[str, str] = field(default_factory=dict)
    scoped: bool = True
    expires: str = "2099-01-01T00:00:00.000000Z"
    servers: list[dict[str, Any]] = field(default_factory=list)
    leases: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    _said: dict[str, list[Answer]] = field(default_factory=dict)
    _tokens: dict[str, bool] = field(default_factory=dict)

    # ------------------------------------------------------------ what a test says and reads

    def says(self, line: str, *answers: Answer) -> None:
        """Answer `METHOD /path` like this, one after the other; the last one stays."""
        self._said[line] = list(answers)

    def boots(self, server_id: str = SERVER, **changes: Any) -> None:
        """Let there be one more server."""
        self.servers.insert(0, record(server_id, **changes))

    def revokes(self) -> None:
        """Let no token that was given be good any longer."""
        self._tokens = dict.fromkeys(self._tokens, False)

    def lines(self) -> list[str]:
        """Give all requests but those for tokens, as `METHOD /path`."""
        return [asked.line for asked in self.asked if not _of_keystone(asked)]

    def tokens(self) -> int:
        """Give how many tokens were asked for."""
        return sum(_of_keystone(asked) for asked in self.asked)

    # ------------------------------------------------------------ how it answers

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        said = self._said.get(asked.line)
        if said:
            return said.pop(0) if len(said) > 1 else said[0]
        if asked.line == "POST /v3/auth/tokens":
            return self._token(asked.body["auth"]["identity"])
        if not self._tokens.get(asked.headers.get("X-Auth-Token", ""), False):
            return fault(_UNAUTHORIZED, "The request you have made requires authentication.")
        if asked.line == "GET /v2.1/servers/detail":
            return self._page(asked.query)
        if asked.path.startswith("/v1/"):
            return self._blazar(asked)
        found = next((one for one in self.servers if asked.line == f"GET /v2.1/servers/{one['id']}"), None)
        return fault(_NOT_FOUND, "It could not be found.") if found is None else Answer(body={"server": found})

    def _token(self, identity: dict[str, Any]) -> Answer:
        proofs = (
            identity.get("password", {}).get("user", {}).get("password"),
            identity.get("application_credential", {}).get("secret"),
        )
        if self.password not in proofs and not self._tokens.get(identity.get("token", {}).get("id", ""), False):
            return fault(_UNAUTHORIZED, "The password is wrong, says Keystone.")
        return self.given()

    def given(self) -> Answer:
        """Give a new token."""
        token = f"token-{len(self._tokens) + 1}"
        self._tokens[token] = True
        body: dict[str, Any] = {
            "methods": ["password"],
            "user": {"id": USER, "name": USERNAME, "domain": {"id": "default", "name": "Default"}},
            "expires_at": self.expires,
            "issued_at": "2026-03-01T08:00:00.000000Z",
        }
        if self.scoped:
            body |= {"project": {"id": PROJECT, "name": "demo"}, "catalog": self._catalogue(), "roles": []}
        return Answer(code=201, body={"token": body}, headers={"X-Subject-Token": token})

    def _catalogue(self) -> list[dict[str, Any]]:
        urls = {
            "compute": f"{self.url}/v2.1",
            "image": self.url,
            "identity": f"{self.url}/v3",
            "reservation": f"{self.url}/v1",
            "network": self.url,
            **self.endpoints,
        }
        return [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": region,
                        "interface": "public",
                        "region": region,
                        "region_id": region,
                        "url": url.replace("REGION", region) if isinstance(url, str) else url,
                    }
                    for region in self.regions_of.get(kind, self.regions)
                ],
            }
            for kind, url in urls.items()
            if kind not in self.lacking
        ]

    def _blazar(self, asked: Asked) -> Answer:
        """Source: blazar/api/v1/leases/v1_0.py, of what is only looked at."""
        if asked.line == "GET /v1/leases":
            return Answer(body={"leases": self.leases})
        lease_id = asked.path.rpartition("/")[2]
        found = next((one for one in self.leases if one["id"] == lease_id), None)
        if found is None:
            return blazar_fault(_NOT_FOUND, f"Object with {{'lease_id': '{lease_id}'}} not found")
        return Answer(body={"lease": found})

    def _page(self, query: Mapping[str, str]) -> Answer:
        """Source: nova/api/openstack/common.py: a full page has a link, the last one that is full as well."""
        ids = [one["id"] for one in self.servers]
        first = ids.index(query["marker"]) + 1 if "marker" in query else 0
        limit = min(int(query["limit"]), 2)
        page = self.servers[first : first + limit]
        links = [{"rel": "next", "href": f"{self.url}/else"}] if len(page) == limit else []
        return Answer(body={"servers": page, **({"servers_links": links} if links else {})})


def fault(code: int, message: str, **headers: str) -> Answer:
    """Give an error in Keystone's form, which passes for Nova's; Nova's 404 has its own name."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    outer = "itemNotFound" if code == _NOT_FOUND else "error"
    return Answer(code=code, body={outer: {"code": code, "message": message}}, headers=named)


def blazar_fault(code: int, message: str, **headers: str) -> Answer:
    """Give an error in Blazar's own form."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(code=code, body={"error_code": code, "error_message": message, "error_name": code}, headers=named)


def lease_record(lease_id: str = LEASE, **changes: Any) -> dict[str, Any]:
    """Give a lease as Blazar 18 showed one, with all that it shows."""
    return {
        "id": lease_id,
        "name": "training",
        "user_id": USER,
        "project_id": PROJECT,
        "start_date": "2026-11-22T09:28:00.000000",
        "end_date": "2026-11-22T11:28:00.000000",
        "trust_id": "t1",
        "status": "PENDING",
        "degraded": False,
        "created_at": "2026-11-22 09:28:36.465262",
        "updated_at": "2026-11-22 09:28:36.831921",
        "reservations": [
            {
                "id": RESERVATION,
                "lease_id": lease_id,
                "resource_id": "6175",
                "resource_type": "physical:host",
                "status": "pending",
                "missing_resources": False,
                "resources_changed": False,
                "created_at": "2026-11-22 09:28:36",
                "updated_at": "2026-11-22 09:28:36",
                "hypervisor_properties": "",
                "resource_properties": "",
                "before_end": "default",
                "min": 1,
                "max": 1,
            }
        ],
        "events": [
            _event(lease_id, "before_end_lease", "2026-11-22T10:28:00.000000"),
            _event(lease_id, "start_lease", "2026-11-22T09:28:00.000000"),
            _event(lease_id, "end_lease", "2026-11-22T11:28:00.000000"),
        ],
        **changes,
    }


def _event(lease_id: str, kind: str, time: str) -> dict[str, Any]:
    return {
        "id": f"{kind}-of-{lease_id}",
        "lease_id": lease_id,
        "event_type": kind,
        "time": time,
        "status": "UNDONE",
        "created_at": "2026-11-22 09:28:36",
        "updated_at": None,
    }


def record(server_id: str = SERVER, **changes: Any) -> dict[str, Any]:
    """Give a server as Nova 2.73 shows it, with more than is read of it."""
    return {
        "id": server_id,
        "name": "db-1",
        "tenant_id": PROJECT,
        "user_id": USER,
        "status": "ACTIVE",
        "created": "2026-02-28T08:00:00Z",
        "metadata": {"role": "db"},
        "locked": False,
        "locked_reason": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:task_state": None,
        "flavor": {"original_name": "m1.small"},
        **changes,
    }


def clouds_yaml(url: str, **changes: Any) -> bytes:
    """Give a clouds.yaml with one cloud, `openstack`; JSON is YAML."""
    auth = {
        "auth_url": f"{url}/v3",
        "username": USERNAME,
        "password": PASSWORD,
        "project_name": "demo",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    return json.dumps({"clouds": {"openstack": {"auth": auth, **changes}}}).encode()


@dataclass
class Heard:
    """What the adapters told of their requests."""

    requests: list[tuple[str, str, str]] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)

    def observe(self, service: str, verb: str, code: str, seconds: float) -> None:
        del seconds
        self.requests.append((service, verb, code))

    def answered(self, source: str, date: Any, sent: float, received: float) -> None:
        del sent, received
        assert date.tzinfo is not None
        self.dates.append(f"{source} {date:%Y-%m-%dT%H:%M:%S}")


def connect(
    config: bytes,
    cacert: bytes | None = None,
    *,
    loopback: bool = True,
    clock: Any = None,
    heard: Heard | None = None,
    before_change: Callable[[], None] = lambda: None,
) -> Nova:
    """Connect with the cloud `openstack` of this clouds.yaml."""
    heard = heard if heard is not None else Heard()
    return sessions.connect(
        config,
        cacert,
        "openstack",
        reach=Reach.LOOPBACK_TOO if loopback else Reach.NETWORK,
        clock=clock if clock is not None else SetClock(),
        observe=heard.observe,
        answered=heard.answered,
        before_change=before_change,
    )


@contextmanager
def serving(wrap: Callable[[Any], Any] = lambda sock: sock, scheme: str = "http") -> Iterator[OpenStack]:
    """Serve an OpenStack while the block runs; `wrap` may put TLS around its socket."""
    stack = OpenStack()
    server = _Server(("127.0.0.1", 0), _handler(stack))
    server.socket = wrap(server.socket)
    stack.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stack
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what some tests are about."""


def _of_keystone(asked: Asked) -> bool:
    return asked.path.startswith(("/v3/", "/idp/"))


def _handler(stack: OpenStack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            raw, where = self.rfile.read(length), urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(where.query).items()}
            is_json = self.headers.get("Content-Type", "").startswith("application/json")
            body = json.loads(raw) if raw and is_json else raw.decode() or None
            self._send(stack.answer(Asked(self.command, where.path, query, dict(self.headers.items()), body)))

        do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 (http.server's names)

        def _send(self, answer: Answer) -> None:
            if answer.silent:
                self.close_connection = True
                return
            content = answer.content
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
            self.send_response_only(answer.code)
            headers.setdefault("Date", self.date_time_string())
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.after_byte is None:
                self.wfile.write(content[: len(content) // 2] if answer.cut else content)
            else:
                for position in range(len(content)):
                    self.wfile.write(content[position : position + 1])
                    answer.after_byte()
            self.close_connection = answer.cut

    return Handler
