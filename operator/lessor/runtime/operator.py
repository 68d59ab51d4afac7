"""The operator: its parts put together, what the watches tell handed on, the loops that keep it going."""

import asyncio
import gc
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from lessor import __version__
from lessor.decide import wakeup
from lessor.decide.lease import wakeup as lease_wakeup
from lessor.metrics import Metrics
from lessor.model import names, reading
from lessor.model.marks import Seal
from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.ports.leading import NotLeading
from lessor.reconcile import leaserenewals, unserved
from lessor.runtime.bridge import Bridge
from lessor.runtime.cache import Cache, Entry
from lessor.runtime.clouds import Clouds, Connect
from lessor.runtime.cluster import Cluster, ClusterError, NotThere
from lessor.runtime.comparison import Comparison
from lessor.runtime.deadlines import Deadlines
from lessor.runtime.events import Events
from lessor.runtime.fleet import Counting
from lessor.runtime.gate import Gate
from lessor.runtime.leading import Leading
from lessor.runtime.leasepasses import LeasePasses
from lessor.runtime.pacing import Pacing
from lessor.runtime.parts import Parts, Stamp
from lessor.runtime.passes import InstanceLeasePasses
from lessor.runtime.probes import Probes
from lessor.runtime.queue import Queue
from lessor.runtime.registry import Registry
from lessor.runtime.source import KINDS
from lessor.runtime.timekeeping import Timekeeping
from lessor.runtime.turns import Turns
from lessor.runtime.writer import Writer
from lessor.settings import Settings

log = logging.getLogger(__name__)

WRITES_AT_ONCE = 16
_PASSES_AT_ONCE = 32
_WORKERS = {True: 16, False: 32}
_LONGEST_SLEEP = 10.0
_ALIVE = 60.0
_STAMP_EVERY = 600.0
_NOT_LEADING = timedelta(seconds=1)


class Operator:
    """One running operator. `put` and `gone` are its source; all is used on one event loop."""

    def __init__(  # noqa: PLR0913 (the parts that the process makes)
        self,
        *,
        cluster: Cluster,
        clock: Clock,
        connect: Connect,
        seal: Seal,
        settings: Settings,
        metrics: Metrics,
        timekeeping: Timekeeping,
        leading: Leading,
    ) -> None:
        self._cluster = cluster
        self._leading = leading
        self._clock = clock
        self._settings = settings
        self._metrics = metrics
        self._cache = Cache()
        self._moved = asyncio.Event()
        self._stamp = Stamp()
        self._deadlines = Deadlines(self._moved.set)
        self._loop = loop = asyncio.get_running_loop()

        def wake_from_thread(uid: str) -> None:
            loop.call_soon_threadsafe(self._wake, (uid,))

        self._registry = Registry(wake_from_thread)
        self._clouds = Clouds(cluster, clock, connect, self._wake, timekeeping.forget)
        gate = Gate(WRITES_AT_ONCE)
        self._writer = Writer(cluster, gate)
        self._events = Events(cluster, gate)
        self._threads = ThreadPoolExecutor(_PASSES_AT_ONCE, thread_name_prefix="pass")
        parts = Parts(
            clock=clock,
            cache=self._cache,
            cluster=cluster,
            clouds=self._clouds,
            registry=self._registry,
            deadlines=self._deadlines,
            writer=self._writer,
            events=self._events,
            metrics=metrics,
            timekeeping=timekeeping,
            pacing=Pacing(settings.max_deletions_per_hour, clock),
            threads=self._threads,
            leading=leading,
            seal=seal,
            frozen=settings.freeze,
            bridge=Bridge(cluster, loop),
            stamp=self._stamp,
        )
        passes = (InstanceLeasePasses(parts), LeasePasses(parts))
        self._turns = {one.kind: Turns(parts, one) for one in passes}
        self._queue = Queue(self._turn, clock, metrics.queue_lag)
        self._comparison = Comparison(cluster, self._cache, clock, settings.namespaces, put=self.put, gone=self._gone)
        self._begun = False
        self._ticked = loop.time()
        counting = Counting(
            clock=clock,
            cache=self._cache,
            clouds=self._clouds,
            deadlines=self._deadlines,
            queue=self._queue,
            timekeeping=timekeeping,
        )
        metrics.watch(counting.fleet)
        self._probes = Probes(self._alive, self._ready, metrics.text)

    # ------------------------------------------------------------ the source

    def put(self, kind: Kind, raw: dict[str, Any]) -> None:
        """Take an object that is there; one that is known already, as our own write is, is no news."""
        entry = self._cache.put(kind, raw)
        self._ticked = self._loop.time()
        if entry is not None:
            self._news(entry)

    def gone(self, kind: Kind, raw: dict[str, Any]) -> None:
        """Take an object that was deleted."""
        del kind
        self._gone(raw["metadata"]["uid"])

    def _news(self, entry: Entry) -> None:
        if self._begun:
            self._wake((entry.uid,))
        elif entry.kind in self._turns:
            self._arm(entry)

    def _gone(self, uid: str) -> None:
        entry = self._cache.gone(uid)
        if entry is None:
            return
        if entry.kind in self._turns:
            self._turns[entry.kind].forget(uid)
            self._wake(entry.uid for entry in self._cache.renewals(entry.namespace, entry.name))

    def _arm(self, entry: Entry) -> None:
        """Set the deadline of an object that another serves, or that was there before us; no pass yet.

        Its claim and its credentials are entered: who begins to act knows all that is due, and who holds what.
        """
        if entry.kind is Kind.LEASE:
            self._arm_lease(entry)
            return
        lease, problem = reading.instance_lease(entry.body)
        now = self._clock.now()
        at = now if problem is not None else wakeup.at(lease, now)
        self._deadlines.set(entry.uid, at, urgent=wakeup.urgent(lease, at))
        self._registry.restore(lease)
        if at is None or at > now:
            self._clouds.enter(lease)

    def _arm_lease(self, entry: Entry) -> None:
        lease, problem = reading.lease(entry.body)
        now = self._clock.now()
        at = now if problem is not None else lease_wakeup.at(lease, now)
        self._deadlines.set(entry.uid, at)
        if at is None or at > now:
            self._clouds.enter(lease)

    def _wake(self, uids: Iterable[str]) -> None:
        """Ask for turns; a request for renewal asks for one over its lease."""
        if not self._begun:
            return
        for uid in uids:
            self._queue.put(self._target(uid))

    def _target(self, uid: str) -> str:
        entry = self._cache.get(uid)
        if entry is None or entry.kind is not Kind.LEASE_RENEWAL or entry.lease_name is None:
            return uid
        request = reading.lease_renewal(entry.body)
        kind = next((kind for kind in self._turns if request is not None and request.spec.lease_ref.kind == kind), None)
        lease = self._cache.named(kind, entry.namespace, entry.lease_name) if kind is not None else None
        return lease.uid if lease is not None else uid

    # ------------------------------------------------------------ for whoever moves the clock

    @property
    def idle(self) -> bool:
        """Whether it serves, and everything in it waits for news or for the clock."""
        parts = (self._queue, self._events, self._clouds, self._comparison)
        return self._begun and all(part.idle for part in parts)

    def knows(self, uid: str, version: int) -> bool:
        """Tell whether the watches have brought this version of the object, or a later one."""
        entry = self._cache.get(uid)
        return entry is not None and entry.version >= version

    def wakes_at(self) -> datetime | None:
        """Give when it looks at one of its objects next, by the clock; None: it is not known."""
        instants = (self._deadlines.soonest(), self._clouds.expects_at())
        return min((at for at in instants if at is not None), default=None)

    def acts_at(self) -> datetime | None:
        """Give when it looks next at what must not be seen late.

        That is an object whose stage, or its undoing, may be due then, and a lease that is about to change in Blazar.
        """
        instants = (self._deadlines.soonest_urgent(), self._clouds.expects_at())
        return min((at for at in instants if at is not None), default=None)

    # ------------------------------------------------------------ turns

    async def _turn(self, uid: str) -> None:
        try:
            self._leading.assure()
            await self._turned(uid)
        except NotLeading as error:
            log.warning("a turn was ended: another may act now", extra={"uid": uid, "why": str(error)})
            self._deadlines.set(uid, self._clock.now() + _NOT_LEADING)

    async def _turned(self, uid: str) -> None:
        entry = self._cache.get(uid)
        if entry is None:
            for turns in self._turns.values():
                turns.forget(uid)
            return
        if entry.kind in self._turns:
            await self._turns[entry.kind].turn(uid)
            return
        try:
            if entry.kind is Kind.LEASE_RENEWAL:
                await self._renewal(entry)
            else:
                await self._unserved(entry)
        except NotThere:
            self._cache.gone(uid)
        except ClusterError as error:
            log.info(
                "an answer was not written", extra={"object": f"{entry.namespace}/{entry.name}", "why": str(error)}
            )
            self._deadlines.set(uid, self._clock.now() + timedelta(seconds=_LONGEST_SLEEP))

    async def _renewal(self, entry: Entry) -> None:
        request = reading.lease_renewal(entry.body)
        decision = leaserenewals.without_lease(request, self._clock.now()) if request is not None else None
        if decision is not None:
            raw = await self._writer.decision(decision, None)
            if raw is not None:
                self._cache.put(Kind.LEASE_RENEWAL, raw)

    async def _unserved(self, entry: Entry) -> None:
        answer = unserved.answer(entry.kind.value, entry.body, self._clock.now())
        if answer is None:
            return
        meta, patch = answer
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": patch}
        raw = await self._cluster.patch(entry.kind, entry.namespace, entry.name, body, status=True)
        self._cache.put(entry.kind, raw)

    # ------------------------------------------------------------ loops

    async def run(self) -> None:
        """Serve until cancelled, and act from when this process leads; raises when a part of it breaks."""
        await self._probes.start(self._settings.probe_port)
        log.info("probes and metrics", extra={"port": self._probes.port, "version": __version__})
        kinds = (
            KINDS if not self._settings.namespaces else tuple(kind for kind in KINDS if kind is not Kind.LEASE_POLICY)
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick())
                tasks.create_task(self._events.run())
                await self._comparison.first(kinds)
                await self._look_for_stamp()
                self._known()
                tasks.create_task(self._comparison.run(kinds))
                tasks.create_task(self._stamp_loop())
                await self._leading.taken.wait()
                self._begin()
                await self._leading.acting()
                for urgent, count in _WORKERS.items():
                    for _ in range(count):
                        tasks.create_task(self._queue.work(urgent=urgent))
                tasks.create_task(self._deadline_loop())
        finally:
            await self._probes.stop()

    async def drained(self, within: float) -> bool:
        """Wait so many seconds for the passes in threads, once `run` has ended; False: some still ask their cloud."""
        ended = asyncio.Event()
        draining = self._loop.run_in_executor(None, partial(self._threads.shutdown, cancel_futures=True))
        draining.add_done_callback(lambda _: ended.set())
        return await self._clock.wait(ended, within)

    def _known(self) -> None:
        """The first list of all kinds is through: this process may lead."""
        gc.freeze()  # what a large fleet has made by now stays: the collector need not walk it again and again
        leases = sum(len(self._cache.uids(kind)) for kind in self._turns)
        log.info("all objects are known", extra={"leases": leases, "objects": len(self._cache)})
        self._leading.listed.set()

    def _begin(self) -> None:
        """This process leads: from here on there are turns, and requests to clouds."""
        self._begun = True
        self._clouds.begin()
        for kind in KINDS:
            if kind not in self._turns:
                self._wake(self._cache.uids(kind))

    async def _deadline_loop(self) -> None:
        while True:
            now = self._clock.now()
            for uid, urgent in self._deadlines.due(now):
                self._queue.put(uid, urgent=urgent)
            soonest = self._deadlines.soonest()
            left = (soonest - self._clock.now()).total_seconds() if soonest is not None else _LONGEST_SLEEP
            self._moved.clear()
            await self._clock.wait(self._moved, min(max(left, 0.0), _LONGEST_SLEEP))

    async def _tick(self) -> None:
        """Note how late the loop is, and that it lives."""
        while True:
            began = self._loop.time()
            await asyncio.sleep(1.0)
            self._ticked = self._loop.time()
            self._metrics.loop_lag(self._ticked - began - 1.0)

    async def _stamp_loop(self) -> None:
        while True:
            await self._clock.sleep(_STAMP_EVERY)
            await self._look_for_stamp()

    async def _look_for_stamp(self) -> None:
        """See whether the cluster stamps who asks for a renewal; without it every requester reads `unverified`."""
        try:
            for kind, name in names.STAMPING:
                path = f"/apis/admissionregistration.k8s.io/v1/{kind}/{name}"
                await self._cluster.request("GET", path, resource=kind)
            self._stamp.on = True
        except ClusterError:
            self._stamp.on = False

    # ------------------------------------------------------------ probes

    def _alive(self) -> str | None:
        age = self._loop.time() - self._ticked
        return None if age < _ALIVE else f"nothing has moved for {age:.0f} s"

    def _ready(self) -> str | None:
        return None if self._leading.listed.is_set() else "the first list of all kinds is not through"
