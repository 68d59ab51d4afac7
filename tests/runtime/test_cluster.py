"""The API server over HTTP, by the real client: what is sent, and which error each answer is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio import client

from lessor.model.names import Kind
from lessor.ports.objects import ClusterUnavailable
from lessor.runtime.cluster import Cluster, Conflict, NotThere, Refused, Unavailable, list_path, object_path
from tests.runtime.clock import SetClock

PATH = "/apis/lessor.dev/v1alpha1/namespaces/team-a/instanceleases/vm1"
DATE = "Sun, 01 Mar 2026 08:00:00 GMT"


@dataclass
class Server:
    """An HTTP server that says what it is told to, and what the cluster told of its requests."""

    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    observed: list[tuple[str, str, str]] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        assert self.answer is not None
        return await self.answer(request)

    def says(self, body: object = None, code: int = 200, **headers: str) -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response(body, status=code, headers=headers)

        self.answer = answer

    def observe(self, verb: str, resource: str, code: str, seconds: float) -> None:
        del seconds
        self.observed.append((verb, resource, code))

    def answered(self, source: str, date: Any, sent: float, received: float) -> None:
        del sent, received
        self.dates.append(f"{source} {date.isoformat()}")


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def cluster(server: Server) -> AsyncIterator[Cluster]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = client.Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
    settings.api_key = {"BearerToken": "t0ken"}
    settings.api_key_prefix = {"BearerToken": "Bearer"}
    cluster = Cluster(client.ApiClient(settings), SetClock(), server.observe, server.answered)
    try:
        yield cluster
    finally:
        await cluster.close()
        await runner.cleanup()


async def test_an_object_is_read_with_the_token(server: Server, cluster: Cluster) -> None:
    server.says({"metadata": {"name": "vm1"}})
    assert await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1") == {"metadata": {"name": "vm1"}}
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("GET", PATH, None)
    assert (headers["Authorization"], headers["User-Agent"]) == ("Bearer t0ken", "lessor")


@pytest.mark.parametrize(("status", "path"), [(True, f"{PATH}/status"), (False, PATH)])
async def test_a_patch_is_a_merge_patch(server: Server, cluster: Cluster, status: bool, path: str) -> None:
    server.says({})
    await cluster.patch(Kind.INSTANCE_LEASE, "team-a", "vm1", {"status": {"a": None}}, status=status)
    ((method, where, headers, body),) = server.requests
    assert (method, where, body) == ("PATCH", path, {"status": {"a": None}})
    assert headers["Content-Type"] == "application/merge-patch+json"


async def test_renewals_are_listed_by_their_lease_and_from_the_quorum(server: Server, cluster: Cluster) -> None:
    server.says({"items": [{"metadata": {"name": "more"}}]})
    assert await cluster.renewals_of("team-a", "vm1") == [{"metadata": {"name": "more"}}]
    ((_, path, _, _),) = server.requests
    assert path == "/apis/lessor.dev/v1alpha1/namespaces/team-a/leaserenewals?fieldSelector=spec.leaseRef.name%3Dvm1"
    assert "resourceVersion" not in path


async def test_a_delete_names_the_uid(server: Server, cluster: Cluster) -> None:
    server.says({})
    await cluster.delete(Kind.LEASE_RENEWAL, "team-a", "more", "uid-1")
    assert server.requests[0][3] == {"preconditions": {"uid": "uid-1"}}


async def test_a_list_of_metadata_asks_for_no_more_than_that_page_by_page(server: Server, cluster: Cluster) -> None:
    item = {"metadata": {"uid": "u1", "name": "vm1", "namespace": "team-a", "labels": {}}}
    pages = iter([{"metadata": {"continue": "x/y="}, "items": [item]}, {"metadata": {}, "items": None}])

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(next(pages))

    server.answer = answer
    assert [found async for found in cluster.metadata(Kind.INSTANCE_LEASE, None)] == [("u1", "team-a", "vm1")]
    assert [path for _, path, _, _ in server.requests] == [
        "/apis/lessor.dev/v1alpha1/instanceleases?limit=500",
        "/apis/lessor.dev/v1alpha1/instanceleases?limit=500&continue=x/y%3D",
    ]
    assert {headers["Accept"] for _, _, headers, _ in server.requests} == {
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, NotThere),
        (405, Refused),
        (409, Conflict),
        (410, Refused),
        (413, Refused),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_each_code_is_one_error_in_the_api_server_s_words_and_nothing_is_sent_twice(
    server: Server, cluster: Cluster, code: int, error: type[Exception]
) -> None:
    server.says({"kind": "Status", "message": "because"}, code)
    with pytest.raises(error, match="because") as raised:
        await cluster.patch(Kind.INSTANCE_LEASE, "team-a", "vm1", {})
    assert type(raised.value) is error
    assert len(server.requests) == 1
    assert server.observed == [("patch", "instanceleases", str(code))]


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", b"null", b"\xff"])
async def test_an_error_without_words_is_an_error_all_the_same(server: Server, cluster: Cluster, body: bytes) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, body=body)

    server.answer = answer
    with pytest.raises(Unavailable):
        await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")


async def test_what_is_unavailable_is_so_for_passes_as_well(server: Server, cluster: Cluster) -> None:
    server.says({}, 503)
    with pytest.raises(ClusterUnavailable):
        await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")


async def test_an_answer_that_is_cut_is_unavailable(server: Server, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    server.answer = answer
    with pytest.raises(Unavailable, match="did not answer"):
        await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")
    assert server.observed == [("get", "instanceleases", "none")]


async def test_an_api_server_that_is_away_is_unavailable(unused_port: int) -> None:
    server = Server()
    settings = client.Configuration(host=f"http://127.0.0.1:{unused_port}")
    cluster = Cluster(client.ApiClient(settings), SetClock(), server.observe, server.answered)
    try:
        with pytest.raises(Unavailable, match="did not answer"):
            await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")
    finally:
        await cluster.close()


@pytest.fixture
async def unused_port() -> int:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    return port


@pytest.mark.parametrize("code", [200, 404, 503])
async def test_the_date_of_each_answer_is_told(server: Server, cluster: Cluster, code: int) -> None:
    server.says({}, code, Date=DATE)
    with contextlib.suppress(NotThere, Unavailable):
        await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")
    assert server.dates == ["kubernetes 2026-03-01T08:00:00+00:00"]


@pytest.mark.parametrize(
    ("date", "told"),
    [("yesterday", []), ("", []), ("Sun, 01 Mar 2026 08:00:00 -0000", ["kubernetes 2026-03-01T08:00:00+00:00"])],
)
async def test_a_date_that_is_none_spoils_no_answer(
    server: Server, cluster: Cluster, date: str, told: list[str]
) -> None:
    server.says({"a": 1}, Date=date)
    assert await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1") == {"a": 1}
    assert server.dates == told


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b'{"metadata": {', b"\xff"])
async def test_an_answer_that_is_no_json_is_unavailable(server: Server, cluster: Cluster, body: bytes) -> None:
    """A proxy's: no ClusterError would end the operator."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    server.answer = answer
    with pytest.raises(Unavailable):
        await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")
    with pytest.raises(Unavailable):
        _ = [found async for found in cluster.metadata(Kind.INSTANCE_LEASE, None)]


@pytest.mark.parametrize(
    ("kind", "namespace", "path"),
    [
        (Kind.LEASE, None, "/apis/lessor.dev/v1alpha1/leases"),
        (Kind.INSTANCE_LEASE, "team-a", "/apis/lessor.dev/v1alpha1/namespaces/team-a/instanceleases"),
        (Kind.LEASE_POLICY, "", "/apis/lessor.dev/v1alpha1/leasepolicies"),
        (Kind.LEASE_RENEWAL, None, "/apis/lessor.dev/v1alpha1/leaserenewals"),
    ],
)
def test_paths_name_the_group(kind: Kind, namespace: str | None, path: str) -> None:
    assert list_path(kind, namespace) == path
    assert object_path(kind, namespace or "", "a").startswith(path)
