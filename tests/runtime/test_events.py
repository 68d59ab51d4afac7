"""Kubernetes Events: one series for each object, reason and note, never in the way, never tried twice."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec
import pytest

from lessor.model.meta import ObjectMeta
from lessor.model.names import Kind
from lessor.model.plans import Event, EventReason
from lessor.ports.leading import NotLeading
from lessor.runtime.cluster import Cluster
from lessor.runtime.events import Events
from lessor.runtime.gate import Gate, Urgency
from lessor.simulated.cluster import server as simulated
from lessor.simulated.cluster.wire import Request
from tests.runtime.apiserver import APIServer
from tests.runtime.clock import START, SetClock
from tests.runtime.jumping import jumps, settled

EVENTS = "/apis/events.k8s.io/v1/namespaces/team-a/events"
VM1 = ObjectMeta(name="vm1", namespace="team-a", uid="uid-1", resource_version="7", creation_timestamp=START)
MINUTE = timedelta(minutes=1)


class Saying:
    """A writer of Events that runs while the block does."""

    def __init__(self, api: Any, gate: Gate | None = None, before_write: Callable[[], None] = lambda: None) -> None:
        self.gate = gate if gate is not None else Gate(16)
        cluster = Cluster(api, SetClock(), lambda *_: None, lambda *_: None)
        self.events = Events(cluster.guarded(before_write), self.gate)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.events.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def say(
        self,
        reason: EventReason = EventReason.STOPPED,
        note: str = "The server was stopped.",
        meta: ObjectMeta = VM1,
        now: datetime = START,
    ) -> None:
        self.events.say(Kind.INSTANCE_LEASE, meta, Event(reason, note), now)
        await settled()


def stored(api: APIServer) -> list[dict[str, Any]]:
    return [body for path, body in api.objects.items() if path.startswith(EVENTS)]


@jumps
async def test_an_event_tells_who_what_why_and_when() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say()
    (event,) = stored(api)
    assert api.lines() == [f"POST {EVENTS}"]
    assert event["eventTime"] == "2026-03-01T08:00:00.000000Z"
    assert (event["reason"], event["type"], event["note"]) == ("Stopped", "Normal", "The server was stopped.")
    assert event["reportingController"] == "lessor.dev/lessor"
    assert event["regarding"] == {
        "apiVersion": "lessor.dev/v1alpha1",
        "kind": "InstanceLease",
        "name": "vm1",
        "namespace": "team-a",
        "uid": "uid-1",
        "resourceVersion": "7",
    }
    # Source: kubernetes/pkg/apis/core/validation/events.go: what an Event must have, and how long it may be
    assert all(event[key] for key in ("action", "reportingInstance"))


@jumps
async def test_the_same_again_is_one_series() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        for minute in range(3):
            await saying.say(now=START + minute * MINUTE)
    (event,) = stored(api)
    assert event["series"] == {"count": 3, "lastObservedTime": "2026-03-01T08:02:00.000000Z"}
    assert event["eventTime"] == "2026-03-01T08:00:00.000000Z"
    assert [request.method for request in api.requests] == ["POST", "PATCH", "PATCH"]


@jumps
async def test_an_api_server_that_lets_nothing_change_but_the_series_takes_all_of_them() -> None:
    server = simulated.APIServer(now=lambda: START)
    server.create("/api/v1/namespaces", {"metadata": {"name": "team-a"}})
    async with Saying(server.in_process()) as saying:
        for note in ("It ends on Monday.", "It ends on Friday.", "It ends on Friday."):
            await saying.say(EventReason.RENEWED, note)
    items = json.loads(server.handle(Request("GET", EVENTS)).body)["items"]
    counts = {item["note"]: item.get("series", {}).get("count", 1) for item in items}
    assert counts == {"It ends on Monday.": 1, "It ends on Friday.": 2}


@jumps
async def test_another_reason_note_or_object_is_another_series() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say()
        await saying.say(EventReason.RENEWED)
        await saying.say(EventReason.RENEWED, "until Monday")
        await saying.say(meta=msgspec.structs.replace(VM1, uid="uid-2"))
    assert len(stored(api)) == 4
    assert {event["metadata"]["name"].split(".")[0] for event in stored(api)} == {"vm1"}


@jumps
async def test_a_series_goes_on_after_a_restart() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        for _ in range(4):
            await saying.say()
    api.requests.clear()
    async with Saying(api) as saying:
        await saying.say()
        await saying.say()
    (event,) = stored(api)
    assert event["series"]["count"] == 6
    assert [request.method for request in api.requests] == ["POST", "GET", "PATCH", "PATCH"]


@jumps
async def test_an_event_that_was_written_once_before_a_restart_counts_two_after_it() -> None:
    api = APIServer()
    for _ in range(2):
        async with Saying(api) as saying:
            await saying.say()
    (event,) = stored(api)
    assert event["series"]["count"] == 2


@jumps
async def test_a_series_that_the_api_server_has_forgotten_begins_anew() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say()
        await saying.say()
        api.objects.clear()
        await saying.say()
        (event,) = stored(api)
        assert "series" not in event
        await saying.say()
    (event,) = stored(api)
    assert event["series"]["count"] == 2


@pytest.mark.parametrize("fault", [403, 422, 429, 500, OSError("away")])
@jumps
async def test_what_is_refused_is_dropped_and_holds_up_nothing(fault: int | Exception) -> None:
    api = APIServer()
    api.breaks(f"POST {EVENTS}", fault, fault)
    async with Saying(api) as saying:
        await saying.say()
        await saying.say(EventReason.RENEWED)
        posts = len(api.lines("POST"))
        await saying.say(EventReason.DELETED)
    assert len(api.lines("POST")) == posts + 1
    assert [event["reason"] for event in stored(api)] == ["Deleted"]


@jumps
async def test_a_warning_is_told_as_one() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say(EventReason.ACTION_FAILED)
    assert [event["type"] for event in stored(api)] == ["Warning"]


@jumps
async def test_a_note_is_cut_to_what_an_event_may_hold() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say(note="x" * 5000)
        await saying.say(note="x" * 5001)
    (event,) = stored(api)
    assert event["note"] == "x" * 1024


@jumps
async def test_a_cluster_scoped_object_s_events_lie_in_default() -> None:
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say(meta=msgspec.structs.replace(VM1, namespace=""))
    assert api.lines() == ["POST /apis/events.k8s.io/v1/namespaces/default/events"]


@jumps
async def test_events_go_behind_every_other_write() -> None:
    api, order = APIServer(), list[str]()
    async with Saying(api, Gate(1)) as saying:
        async with saying.gate.through(Urgency.CLAIM):
            await saying.say()

            async def report() -> None:
                async with saying.gate.through(Urgency.REPORT):
                    order.extend(["report", *api.lines()])

            later = asyncio.create_task(report())
            await settled()
        await later
        await settled()
    assert order == ["report"]
    assert len(stored(api)) == 1


@jumps
async def test_too_many_that_wait_are_dropped_and_say_never_blocks() -> None:
    api = APIServer()
    events = Events(api.cluster(), Gate(1))
    for number in range(20_100):
        events.say(Kind.INSTANCE_LEASE, VM1, Event(EventReason.STOPPED, str(number)), START)
    assert events._queue.qsize() == 20_000


@pytest.mark.parametrize("name", ["a" * 199 + ".b", "a" * 198 + "-.b", "a" * 199 + "-b"])
@jumps
async def test_an_event_s_name_is_one_that_the_api_server_takes(name: str) -> None:
    """Source: apimachinery, validation.IsDNS1123Subdomain: no part may begin or end with a hyphen, none is empty."""
    api = APIServer()
    async with Saying(api) as saying:
        await saying.say(meta=msgspec.structs.replace(VM1, name=name))
    (event,) = stored(api)
    part = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    assert re.fullmatch(rf"{part}(\.{part})*", event["metadata"]["name"])


@jumps
async def test_who_does_not_lead_says_nothing_and_is_not_ended_by_it() -> None:
    api = APIServer()
    leads = False

    def assure() -> None:
        if not leads:
            raise NotLeading

    async with Saying(api, before_write=assure) as saying:
        await saying.say()
        assert stored(api) == []
        leads = True
        await saying.say()
        assert len(stored(api)) == 1
