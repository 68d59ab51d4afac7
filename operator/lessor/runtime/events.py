"""Kubernetes Events: one series for each object, reason and note, written behind every PATCH, never in its way.

Source: the Kubernetes API reference, events.k8s.io/v1; kubernetes/pkg/apis/core/validation/events.go: nothing of an
Event but its series may change.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from lessor.model import names
from lessor.model.meta import ObjectMeta
from lessor.model.names import Kind
from lessor.model.plans import Event
from lessor.ports.leading import NotLeading
from lessor.runtime.cluster import MERGE, Cluster, ClusterError, Conflict, NotThere
from lessor.runtime.gate import Gate, Urgency

log = logging.getLogger(__name__)

_REMEMBERED = 10_000
_WAITING = 20_000
_NOTE = 1024
_INSTANCE = "lessor"


@dataclass(frozen=True, slots=True)
class _Report:
    kind: Kind
    meta: ObjectMeta
    event: Event
    now: datetime


class Events:
    """The writer of Events. What cannot be written after one try is dropped: Events are news, not truth."""

    def __init__(self, cluster: Cluster, gate: Gate) -> None:
        self._cluster = cluster
        self._gate = gate
        self._queue: asyncio.Queue[_Report] = asyncio.Queue(_WAITING)
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._left = 0

    def say(self, kind: Kind, meta: ObjectMeta, event: Event, now: datetime) -> None:
        """Put an Event in line; when the line is full it is dropped."""
        log.info(event.note, extra={"object": meta.key, "reason": event.reason.value})
        try:
            self._queue.put_nowait(_Report(kind, meta, event, now))
            self._left += 1
        except asyncio.QueueFull:
            log.warning("an Event was dropped: too many wait", extra={"object": meta.key})

    @property
    def idle(self) -> bool:
        """Whether no Event is left to write."""
        return self._left == 0

    async def run(self) -> None:
        """Write Events until cancelled."""
        while True:
            report = await self._queue.get()
            try:
                async with self._gate.through(Urgency.EVENT):
                    await self._write(report)
            except (ClusterError, NotLeading) as error:
                log.warning("an Event was not written", extra={"object": report.meta.key, "why": str(error)})
            finally:
                self._left -= 1

    async def _write(self, report: _Report) -> None:
        name = _name(report)
        if name not in self._counts:
            try:
                await self._create(name, report)
            except Conflict:
                self._counts[name] = await self._written(name, report)
            else:
                self._remember(name, 1)
                return
        try:
            await self._again(name, report)
        except NotThere:
            await self._create(name, report)
            self._remember(name, 1)

    async def _create(self, name: str, report: _Report) -> None:
        await self._cluster.request("POST", _path(report), resource="events", body=_body(name, report))

    async def _written(self, name: str, report: _Report) -> int:
        """The count of a series that was begun before our last start."""
        try:
            seen = await self._cluster.request("GET", f"{_path(report)}/{name}", resource="events")
        except NotThere:
            return 1
        series = seen.get("series") or {}
        return int(series.get("count", 1))

    async def _again(self, name: str, report: _Report) -> None:
        count = self._counts[name] + 1
        series = {"count": count, "lastObservedTime": _micro(report.now)}
        await self._cluster.request(
            "PATCH", f"{_path(report)}/{name}", resource="events", body={"series": series}, content_type=MERGE
        )
        self._remember(name, count)

    def _remember(self, name: str, count: int) -> None:
        self._counts[name] = count
        self._counts.move_to_end(name)
        while len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)


def _name(report: _Report) -> str:
    said = f"{report.meta.uid}/{report.event.reason}/{report.event.note[:_NOTE]}"
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return f"{report.meta.name[:200].rstrip('.-')}.{digest}"


def _path(report: _Report) -> str:
    return f"/apis/events.k8s.io/v1/namespaces/{report.meta.namespace or 'default'}/events"


def _micro(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _body(name: str, report: _Report) -> dict[str, object]:
    meta, event = report.meta, report.event
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": meta.namespace or "default"},
        "eventTime": _micro(report.now),
        "reportingController": names.CONTROLLER,
        "reportingInstance": _INSTANCE,
        "action": event.reason.value,
        "reason": event.reason.value,
        "type": event.type,
        "note": event.note[:_NOTE],
        "regarding": {
            "apiVersion": names.API_VERSION,
            "kind": report.kind.value,
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
        },
    }
