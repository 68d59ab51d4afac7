"""A small cloud of one project over HTTP, in a process of its own: Keystone, Nova and Glance, as far as Lessor asks.

Prints its port, and ends when its stdin does. Under /bench it is told which servers there are, and tells which
requests came, each with its time. An os-stop takes a second, as on a real one.
"""

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from tests.bench import clock

PROJECT, USER, REGION = "b0a1c2d3e4f50617283940a1b2c3d4e5", "c0ffee00c0ffee00c0ffee00c0ffee00", "RegionOne"
_STOPPING = 1.0
_MOST_BYTES = 256 << 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Server = dict[str, Any]


class Cloud:
    """Its servers, by id in the order of their making, their actions, and the requests so far."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.actions: dict[str, list[dict[str, str]]] = {}
        self.requests: list[tuple[float, str, str]] = []
        self.tasks: set[asyncio.TimerHandle] = set()

    # ------------------------------------------------------------ Keystone

    async def token(self, request: web.Request) -> web.Response:
        self._note("token")
        root = f"http://{request.host}"
        catalog = [_service("compute", f"{root}/v2.1"), _service("image", root), _service("identity", f"{root}/v3")]
        domain = {"id": "default", "name": "Default"}
        token = {
            "methods": ["password"],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": f"{_stamp()[:-1]}.000000Z",
            "user": {"id": USER, "name": "bench", "domain": domain},
            "project": {"id": PROJECT, "name": "bench", "domain": domain},
            "roles": [{"id": "1", "name": "member"}],
            "catalog": catalog,
        }
        return _json({"token": token}, status=201, headers={"X-Subject-Token": uuid.uuid4().hex})

    # ------------------------------------------------------------ Nova: looking

    async def detail(self, request: web.Request) -> web.Response:
        """A page, with the link to the next one while it is full."""
        self._note("servers.list")
        since = request.query.get("changes-since")
        limit, marker = int(request.query.get("limit", "1000")), request.query.get("marker")
        every = [each for each in self.servers.values() if since is None or each["updated"] >= since]
        first = 0
        if marker is not None:
            first = 1 + next((index for index, each in enumerate(every) if each["id"] == marker), -1)
        page = every[first : first + limit]
        body: dict[str, Any] = {"servers": page}
        if len(page) == limit:
            body["servers_links"] = [{"rel": "next", "href": f"{request.url}&marker={page[-1]['id']}"}]
        return _json(body)

    async def one(self, request: web.Request) -> web.Response:
        server = self._server(request, "servers.get")
        return _gone() if server is None else _json({"server": server})

    async def events(self, request: web.Request) -> web.Response:
        server = self._server(request, "servers.actions.list")
        return _gone() if server is None else _json({"instanceActions": self.actions.get(server["id"], [])})

    async def images(self, _: web.Request) -> web.Response:
        self._note("images.list")
        return _json({"images": []})

    # ------------------------------------------------------------ Nova: acting

    async def act(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        action = next(iter(body))
        server = self._server(request, action)
        if server is None:
            return _gone()
        refusal = _refusal(server, action)
        if refusal is not None:
            return _json({"conflictingRequest": {"code": 409, "message": refusal}}, status=409)
        name = action.removeprefix("os-")
        entry = {"action": name, "user_id": USER, "start_time": f"{_stamp()[:-1]}.000000"}
        self.actions.setdefault(server["id"], []).insert(0, entry)
        self._carry_out(server, action, body[action])
        return web.Response(status=202)

    def _carry_out(self, server: Server, action: str, value: dict[str, Any] | None) -> None:
        server["updated"] = _stamp()
        match action:
            case "lock":
                server.update(locked=True, locked_reason=(value or {}).get("locked_reason"))
            case "unlock":
                server.update(locked=False, locked_reason=None)
            case "os-stop":
                self._later(server, "powering-off", "stopped", "SHUTOFF")
            case "os-start" | "unshelve":
                self._later(server, "powering-on", "active", "ACTIVE")
            case "shelve":
                self._later(server, "shelving", "shelved_offloaded", "SHELVED_OFFLOADED")

    def _later(self, server: Server, task: str, vm_state: str, status: str) -> None:
        server["OS-EXT-STS:task_state"] = task

        def done() -> None:
            server.update({"OS-EXT-STS:task_state": None, "OS-EXT-STS:vm_state": vm_state, "status": status})
            server["updated"] = _stamp()
            self.tasks.discard(timer)

        timer = asyncio.get_running_loop().call_later(_STOPPING, done)
        self.tasks.add(timer)

    async def write_metadata(self, request: web.Request) -> web.Response:
        server = self._server(request, "metadata.write")
        if server is None:
            return _gone()
        server["metadata"].update(msgspec.json.decode(await request.read())["metadata"])
        server["updated"] = _stamp()
        return _json({"metadata": server["metadata"]})

    async def remove_metadata(self, request: web.Request) -> web.Response:
        server = self._server(request, "metadata.remove")
        if server is None or server["metadata"].pop(request.match_info["key"], None) is None:
            return _gone()
        server["updated"] = _stamp()
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        server = self._server(request, "servers.delete")
        if server is None:
            return _gone()
        del self.servers[server["id"]]
        return web.Response(status=204)

    # ------------------------------------------------------------ what the bench asks

    async def put_servers(self, request: web.Request) -> web.Response:
        """Take servers, each as id, name and metadata."""
        for server_id, name, metadata in msgspec.json.decode(await request.read()):
            self.servers[server_id] = _server(server_id, name, metadata)
            self.actions.pop(server_id, None)
        return web.Response(status=204)

    async def remove_servers(self, _: web.Request) -> web.Response:
        self.servers.clear()
        self.actions.clear()
        return web.Response(status=204)

    async def take_requests(self, _: web.Request) -> web.Response:
        """Give the requests since this was asked last: time, what, server id."""
        taken, self.requests = self.requests, []
        return _json(taken)

    def _server(self, request: web.Request, what: str) -> Server | None:
        server_id = request.match_info["id"]
        self._note(what, server_id)
        return self.servers.get(server_id)

    def _note(self, what: str, server_id: str = "") -> None:
        self.requests.append((clock.wall(), what, server_id))

    def app(self) -> web.Application:
        """Give the cloud as an application."""
        app = web.Application(client_max_size=_MOST_BYTES)
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "/v3/auth/tokens", self.token),
            ("GET", "/v2.1/servers/detail", self.detail),
            ("GET", "/v2.1/servers/{id}", self.one),
            ("DELETE", "/v2.1/servers/{id}", self.delete),
            ("GET", "/v2.1/servers/{id}/os-instance-actions", self.events),
            ("POST", "/v2.1/servers/{id}/action", self.act),
            ("POST", "/v2.1/servers/{id}/metadata", self.write_metadata),
            ("DELETE", "/v2.1/servers/{id}/metadata/{key}", self.remove_metadata),
            ("GET", "/v2/images", self.images),
            ("POST", "/bench/servers", self.put_servers),
            ("DELETE", "/bench/servers", self.remove_servers),
            ("GET", "/bench/requests", self.take_requests),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, handler)
        return app


def _refusal(server: Server, action: str) -> str | None:
    """Nova's words where it refuses an action: the token is no administrator's."""
    task, vm_state = server["OS-EXT-STS:task_state"], server["OS-EXT-STS:vm_state"]
    if action in {"lock", "unlock"}:
        return None
    if server["locked"]:
        return f"Instance {server['id']} is locked"
    if task is not None:
        return f"Cannot '{action}' instance {server['id']} while it is in task_state {task}"
    wanted = {"os-stop": {"active", "error"}, "os-start": {"stopped"}, "unshelve": {"shelved_offloaded"}}
    if vm_state not in wanted.get(action, {vm_state}):
        return f"Cannot '{action}' instance {server['id']} while it is in vm_state {vm_state}"
    return None


def _stamp() -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _service(kind: str, url: str) -> dict[str, Any]:
    endpoint = {"id": kind, "interface": "public", "region": REGION, "region_id": REGION, "url": url}
    return {"id": kind, "type": kind, "name": kind, "endpoints": [endpoint]}


def _server(server_id: str, name: str, metadata: dict[str, str]) -> Server:
    """A record with all that Nova 2.73 shows of a server, and of its usual size."""
    mac = "fa:16:3e:" + ":".join(server_id[index : index + 2] for index in (0, 2, 4))
    address = {"version": 4, "addr": "10.0.0.9", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": mac}
    href = f"http://127.0.0.1/v2.1/servers/{server_id}"
    return {
        "id": server_id,
        "name": name,
        "status": "ACTIVE",
        "tenant_id": PROJECT,
        "user_id": USER,
        "metadata": metadata,
        "hostId": "7fc5cfa8a2d3f0a9ee3e4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3",
        "image": {"id": "5c1b3f0e-8f9a-4b7c-9d2e-0a1b2c3d4e5f", "links": [{"rel": "bookmark", "href": href}]},
        "flavor": {
            "vcpus": 2,
            "ram": 4096,
            "disk": 40,
            "ephemeral": 0,
            "swap": 0,
            "original_name": "m1.medium",
            "extra_specs": {"hw:cpu_policy": "shared", "hw:mem_page_size": "any"},
        },
        "created": datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated": "2026-01-01T00:00:09Z",
        "addresses": {"private": [address, {**address, "addr": "203.0.113.9", "OS-EXT-IPS:type": "floating"}]},
        "accessIPv4": "",
        "accessIPv6": "",
        "links": [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href}],
        "OS-DCF:diskConfig": "AUTO",
        "progress": 0,
        "OS-EXT-AZ:availability_zone": "nova",
        "config_drive": "",
        "key_name": "workshop",
        "OS-SRV-USG:launched_at": "2026-01-01T00:00:09.000000",
        "OS-SRV-USG:terminated_at": None,
        "security_groups": [{"name": "default"}, {"name": "ssh"}],
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "os-extended-volumes:volumes_attached": [],
        "locked": False,
        "locked_reason": None,
        "description": None,
        "tags": [],
        "trusted_image_certificates": None,
        "server_groups": [],
    }


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    data = msgspec.json.encode(body)
    return web.Response(body=data, status=status, headers=headers, content_type="application/json")


def _gone() -> web.Response:
    return _json({"itemNotFound": {"code": 404, "message": "Instance could not be found."}}, status=404)


async def _serve() -> None:
    runner = web.AppRunner(Cloud().app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
