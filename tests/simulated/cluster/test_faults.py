"""What goes wrong on purpose: with requests, with lists, with the events of watches."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from lessor.simulated.cluster.server import APIServer
from lessor.simulated.cluster.watches import Ending, Watch
from lessor.simulated.cluster.wire import Request
from lessor.simulated.faults import Fault, Faults, What

_MAPS = "/api/v1/namespaces/default/configmaps"


def _send(server: APIServer, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    data = b"" if body is None else json.dumps(body).encode()
    answer = server.handle(Request(method, path, query, body=data))
    return answer.code, json.loads(answer.body) if answer.body else None


def _make(server: APIServer, *names: str) -> None:
    for name in names:
        server.create(_MAPS, {"metadata": {"name": name}})


def _watch(server: APIServer, **query: str) -> Watch:
    watch = server.handle(Request("GET", _MAPS, {"watch": "true", **query})).watch
    assert watch is not None
    return watch


def _told(watch: Watch) -> list[tuple[str, str]]:
    events = [json.loads(line) for line in watch.take().splitlines()]
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (409, "Conflict"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
        (504, "Timeout"),
    ],
)
def test_a_request_is_refused_and_nothing_is_done(server: APIServer, faults: Faults, code: int, reason: str) -> None:
    faults.add(f"POST {_MAPS}", Fault(what=What.REFUSE, code=code, message="not now"))
    refused, status = _send(server, "POST", _MAPS, {"metadata": {"name": "a"}})
    assert (refused, status["reason"], status["message"]) == (code, reason, "not now")
    assert _send(server, "GET", f"{_MAPS}/a")[0] == 404
    assert _send(server, "POST", _MAPS, {"metadata": {"name": "a"}})[0] == 201


def test_too_many_requests_say_when_to_come_again(server: APIServer, faults: Faults) -> None:
    faults.add("GET", Fault(what=What.REFUSE, code=429, message="slow down", headers={"Retry-After": "3"}))
    answer = server.handle(Request("GET", _MAPS))
    assert (answer.code, answer.headers) == (429, {"Retry-After": "3"})
    assert json.loads(answer.body)["details"] == {"retryAfterSeconds": 3}


@pytest.mark.parametrize(("what", "done"), [(What.CUT_BEFORE, 404), (What.CUT_AFTER, 200), (What.HANG, 404)])
def test_a_cut_comes_before_or_after_the_effect(server: APIServer, faults: Faults, what: What, done: int) -> None:
    faults.add("POST", Fault(what=what))
    answer = server.handle(Request("POST", _MAPS, body=b'{"metadata": {"name": "a"}}'))
    assert answer.fate is what
    assert _send(server, "GET", f"{_MAPS}/a")[0] == done


@pytest.mark.parametrize(("what", "want"), [(What.TRUNCATE, ["a", "b"]), (What.EMPTY, [])])
def test_a_list_is_cut_and_does_not_say_so(server: APIServer, faults: Faults, what: What, want: list[str]) -> None:
    _make(server, "a", "b", "c", "d")
    faults.add(f"GET {_MAPS}$", Fault(what=what))
    listed = _send(server, "GET", _MAPS)[1]
    assert [each["metadata"]["name"] for each in listed["items"]] == want
    assert "continue" not in listed["metadata"]


# ------------------------------------------------------------ watches


def test_a_watch_can_be_refused(server: APIServer, faults: Faults) -> None:
    faults.add(f"WATCH {_MAPS}", Fault(what=What.REFUSE, code=403))
    assert _send(server, "GET", _MAPS, watch="true")[0] == 403


def test_a_refusal_with_410_comes_as_an_event(server: APIServer, faults: Faults) -> None:
    faults.add(f"WATCH {_MAPS}", Fault(what=What.REFUSE, code=410, message="too old"))
    watch = _watch(server, resourceVersion=str(10**6))
    event = json.loads(watch.take())
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert watch.ending is Ending.CLEAN


def test_a_late_event_comes_with_the_next(server: APIServer, faults: Faults) -> None:
    watch = _watch(server)
    _told(watch)
    faults.add("EVENT ADDED .*/a$", Fault(what=What.LATE))
    _make(server, "a")
    assert (_told(watch), server.quiet) == ([], True)
    _make(server, "b")
    assert _told(watch) == [("ADDED", "a"), ("ADDED", "b")]


def test_a_late_event_is_told_to_who_comes_again(server: APIServer, faults: Faults) -> None:
    _make(server, "a")
    version = _send(server, "GET", _MAPS)[1]["metadata"]["resourceVersion"]
    watch = _watch(server, resourceVersion=version, allowWatchBookmarks="true")
    faults.add("EVENT .*/b$", Fault(what=What.LATE))
    _make(server, "b")
    server.bookmark(watch)
    assert _told(watch) == []
    assert _told(_watch(server, resourceVersion=version)) == [("ADDED", "b")]


def test_an_event_is_repeated(server: APIServer, faults: Faults) -> None:
    watch = _watch(server)
    faults.add("EVENT ADDED .*/a$", Fault(what=What.REPEAT))
    _make(server, "a")
    assert _told(watch) == [("ADDED", "a"), ("ADDED", "a")]


def test_a_deletion_in_a_gap_is_never_told(server: APIServer, faults: Faults) -> None:
    _make(server, "a", "b")
    watch = _watch(server)
    _told(watch)
    faults.add("EVENT DELETED .*/a$", Fault(what=What.REFUSE, code=410, message="too old"))
    _send(server, "DELETE", f"{_MAPS}/a")
    _make(server, "c")
    assert _told(watch) == [("ERROR", "")]
    assert _told(_watch(server)) == [("ADDED", "b"), ("ADDED", "c")]


@pytest.mark.parametrize(
    ("what", "ending", "told"),
    [
        (What.CUT_BEFORE, Ending.CUT, []),
        (What.CUT_AFTER, Ending.CUT, [("ADDED", "a")]),
        (What.HANG, Ending.SILENT, []),
    ],
)
def test_a_watch_is_lost(
    server: APIServer, faults: Faults, what: What, ending: Ending, told: list[tuple[str, str]]
) -> None:
    watch = _watch(server)
    faults.add("EVENT", Fault(what=what))
    _make(server, "a", "b")
    assert (_told(watch), watch.ending) == (told, ending)


def test_a_watch_ends_in_the_middle_of_an_event(server: APIServer, faults: Faults) -> None:
    watch = _watch(server)
    faults.add("EVENT", Fault(what=What.TRUNCATE))
    _make(server, "a")
    line = watch.take()
    assert line.startswith(b'{"type":"ADDED"')
    assert not line.endswith(b"\n")
    assert watch.ending is Ending.CLEAN


def test_after_a_compaction_open_watches_go_on_and_older_ones_are_gone(server: APIServer) -> None:
    watch = _watch(server)
    _make(server, "a")
    server.forget_history()
    _make(server, "b")
    assert _told(watch) == [("ADDED", "a"), ("ADDED", "b")]
    assert _told(_watch(server, resourceVersion="101")) == [("ERROR", "")]


def test_after_a_compaction_the_rest_of_a_list_is_gone(server: APIServer) -> None:
    _make(server, "a", "b", "c")
    first = _send(server, "GET", _MAPS, limit="1")[1]
    server.forget_history()
    token = first["metadata"]["continue"]
    code, status = _send(server, "GET", _MAPS, limit="1", **{"continue": token})
    assert (code, status["reason"]) == (410, "Expired")
    rest = _send(server, "GET", _MAPS, **{"continue": status["metadata"]["continue"]})[1]
    assert [each["metadata"]["name"] for each in rest["items"]] == ["b", "c"]


def test_after_a_restart_all_begin_anew(server: APIServer) -> None:
    _make(server, "a")
    version = json.loads(_watch(server).take())["object"]["metadata"]["resourceVersion"]
    watch = _watch(server, resourceVersion=version)
    server.restart()
    assert watch.ending is Ending.CUT
    _send(server, "DELETE", f"{_MAPS}/a")
    assert _told(_watch(server, resourceVersion=version)) == [("ERROR", "")]


# ------------------------------------------------------------ over HTTP


@pytest.mark.parametrize("what", [What.CUT_BEFORE, What.CUT_AFTER])
async def test_over_http_a_cut_loses_the_connection(server: APIServer, faults: Faults, what: What) -> None:
    faults.add("POST", Fault(what=what))
    async with server.serve() as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{url}{_MAPS}", json={"metadata": {"name": "a"}})
        async with session.get(f"{url}{_MAPS}") as answer:
            assert answer.status == 200


async def test_over_http_a_request_hangs_until_its_client_goes(server: APIServer, faults: Faults) -> None:
    faults.add("GET", Fault(what=What.HANG))
    async with server.serve() as url, aiohttp.ClientSession() as session:
        with pytest.raises(TimeoutError):
            await session.get(f"{url}{_MAPS}", timeout=aiohttp.ClientTimeout(total=0.05))
        assert server.quiet


async def test_over_http_a_watch_is_cut(server: APIServer, faults: Faults) -> None:
    faults.add("EVENT ADDED .*/b$", Fault(what=What.CUT_BEFORE))
    watching = {"watch": "true"}
    async with (
        server.serve() as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}{_MAPS}", params=watching) as answer,
    ):
        _make(server, "a", "b")
        assert b'"a"' in await answer.content.readline()
        with pytest.raises(aiohttp.ClientError):
            await answer.content.readline()


async def test_in_process_a_request_hangs(server: APIServer, faults: Faults) -> None:
    faults.add("GET", Fault(what=What.HANG))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await server.in_process().call_api("GET", f"http://simulated{_MAPS}", {})
    assert server.quiet
