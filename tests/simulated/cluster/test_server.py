"""What only the simulated server has: its clock, its determinism, who looks on, quiet, ports."""

import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from lessor.simulated.clock import SimClock
from lessor.simulated.cluster import ages
from lessor.simulated.cluster.http import PortTaken
from lessor.simulated.cluster.server import APIServer
from lessor.simulated.cluster.wire import Request
from tests.simulated.cluster.conftest import START

_MAPS = "/api/v1/namespaces/default/configmaps"
_WATCHING = {"watch": "true"}
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def _get(server: APIServer, path: str, accept: str = "", **query: str) -> Any:
    return json.loads(server.handle(Request("GET", path, query, {"Accept": accept} if accept else {})).body)


def test_the_same_seed_gives_the_same_ids(crds: list[dict[str, Any]]) -> None:
    clock = SimClock(START)
    servers = [APIServer(now=clock.now, crds=crds, seed=7) for _ in range(2)]
    for server in servers:
        server.create(_MAPS, {"metadata": {"generateName": "some-"}})
    first, second = ([_get(server, path) for path in (_MAPS, "/api/v1/namespaces")] for server in servers)
    assert first == second


def test_ages_and_stamps_are_by_its_clock(server: APIServer, clock: SimClock) -> None:
    server.create(_MAPS, {"metadata": {"name": "a"}})
    clock.jump(START + timedelta(days=3))
    (row,) = _get(server, _MAPS, _TABLE)["rows"]
    assert row["cells"] == ["a", 0, "3d"]
    assert _get(server, f"{_MAPS}/a")["metadata"]["creationTimestamp"] == "2026-03-01T08:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 + 60, "8h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400 + 3600, "8d"),
        (2 * 365 * 86400, "2y"),
        (2 * 365 * 86400 + 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_an_age_has_two_or_three_figures(seconds: int, text: str) -> None:
    """Source: k8s.io/apimachinery/pkg/util/duration/duration_test.go."""
    assert ages.human(seconds) == text


def test_who_looks_on_is_told_of_each_change(server: APIServer) -> None:
    seen: list[tuple[str, str]] = []
    server.observe(lambda kind, raw: seen.append((kind, raw["metadata"]["name"])))
    server.create(_MAPS, {"metadata": {"name": "a"}})
    server.handle(Request("DELETE", f"{_MAPS}/a"))
    assert seen == [("ADDED", "a"), ("DELETED", "a")]


def test_when_a_crd_goes_its_objects_and_watches_go(server: APIServer, crds: list[dict[str, Any]]) -> None:
    path = "/apis/lessor.dev/v1alpha1/namespaces/default/leases"
    spec = {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"}}
    server.create(path, {"kind": "Lease", "metadata": {"name": "a"}, "spec": spec})
    watch = server.handle(Request("GET", path, {"watch": "true"})).watch
    assert watch is not None
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert server.handle(Request("DELETE", f"{definitions}/leases.lessor.dev")).code == 200
    told = [json.loads(line)["type"] for line in watch.take().splitlines()]
    assert (told, watch.ending) == (["ADDED", "DELETED"], "Clean")
    assert server.handle(Request("GET", path)).code == 404
    server.create(definitions, next(crd for crd in crds if crd["metadata"]["name"] == "leases.lessor.dev"))
    assert _get(server, path)["items"] == []


def test_the_kubeconfig_names_the_user_by_its_token(server: APIServer) -> None:
    text = server.kubeconfig("http://127.0.0.1:1234", "alice")
    assert "current-context: lessor-demo" in text
    assert "token: alice" in text


async def test_a_port_that_is_taken_is_named(server: APIServer) -> None:
    async with server.serve() as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1"):
            async with server.serve(port):
                pass


async def test_the_date_is_by_its_clock(server: APIServer) -> None:
    in_process = await server.in_process().call_api("GET", "http://simulated/version", {})
    async with server.serve() as url, aiohttp.ClientSession() as session, session.get(f"{url}/version") as answer:
        await answer.read()
    assert {answer.headers["Date"], in_process.headers["Date"]} == {"Sun, 01 Mar 2026 08:00:00 GMT"}


async def test_it_is_quiet_when_all_that_is_watched_is_handed_over(server: APIServer) -> None:
    async with (
        server.serve() as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}{_MAPS}", params=_WATCHING) as answer,
    ):
        assert server.quiet
        server.create(_MAPS, {"metadata": {"name": "a"}})
        assert not server.quiet
        assert b'"a"' in await answer.content.readline()
        assert server.quiet


async def test_a_watch_that_its_client_left_is_let_go(server: APIServer) -> None:
    async with server.serve() as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}{_MAPS}", params=_WATCHING):
            assert len(server.watches) == 1
        for _ in range(3):  # by the time that these are answered it was seen
            async with session.get(f"{url}/version"):
                pass
        assert server.watches == []


async def test_open_watches_end_with_the_server(server: APIServer) -> None:
    async with aiohttp.ClientSession() as session:
        async with server.serve() as url:
            answer = await session.get(f"{url}{_MAPS}", params=_WATCHING)
        assert await answer.content.read() == b""
        answer.close()


async def test_in_process_there_are_no_watches(server: APIServer) -> None:
    with pytest.raises(NotImplementedError):
        await server.in_process().call_api("GET", f"http://simulated{_MAPS}?watch=true", {})
    assert server.watches == []
