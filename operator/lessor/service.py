"""`lessor run` as a process: the parts put together, signals, and the exit code.

Crash-only: asked to stop, it ends with 0; a part that broke, or the leader lock lost, ends it with 1, to be started
again; what a person must mend first ends it with 2 and one sentence.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from lessor import __version__, logs
from lessor.handlers import watch
from lessor.live import sessions
from lessor.live.addresses import Reach
from lessor.metrics import Metrics
from lessor.model import names
from lessor.ports.clock import Clock, SystemClock
from lessor.ports.cloud import ListedCloud
from lessor.runtime import seal
from lessor.runtime.clouds import Key
from lessor.runtime.cluster import Cluster, ClusterError, NoCluster, NotThere, Refused
from lessor.runtime.election import Election
from lessor.runtime.leaderlock import LeaderLock
from lessor.runtime.leading import Leading
from lessor.runtime.operator import Operator
from lessor.runtime.probes import PortTaken
from lessor.runtime.timekeeping import Timekeeping
from lessor.settings import Settings

log = logging.getLogger("lessor")

STOPPED, RESTART, WRONG = 0, 1, 2
_A_MOMENT = 0.01
_DRAIN = sessions.SECONDS + 2.0  # a request to a cloud, and those to the API server around it


class Wrong(Exception):
    """A person must mend something before a start makes sense."""


def main(settings: Settings) -> int:
    """Run until asked to stop; gives the exit code."""
    logs.configure(settings.log_format, settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except Wrong as error:
        sys.stderr.write(f"lessor: {error}\n")
        return WRONG
    except ClusterError as error:
        log.error("the API server cannot be used", extra={"why": str(error)})  # noqa: TRY400 (the sentence says it all)
        return RESTART
    except BaseExceptionGroup as group:
        for fault in group.exceptions:
            log.error("the operator broke", exc_info=fault)  # noqa: TRY400 (each of the group)
        return RESTART
    except Exception:
        log.exception("the operator broke")
        return RESTART
    return STOPPED


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed: a sixth less CPU at the start of a large fleet."""
    try:
        import uvloop  # noqa: PLC0415 (an extra)
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    _stop_at_signals(stop)
    async with made(settings, SystemClock()) as running:
        await running.until(stop)


@asynccontextmanager
async def made(settings: Settings, clock: Clock) -> AsyncIterator["Running"]:
    """Give an operator that is ready to run, connected to its cluster while the block lasts.

    Raises:
        Wrong: a person must mend something before a start makes sense.
        ClusterError: the API server cannot be used.
    """
    metrics, timekeeping = Metrics(__version__), Timekeeping(clock)
    try:
        cluster = await Cluster.connect(clock, metrics.kubernetes, timekeeping.answered, url=settings.api_server)
    except NoCluster as error:
        raise Wrong(str(error)) from None
    leading = Leading(clock, metrics.leads)
    try:
        await _check_crds(cluster)
        installation = await _seal(cluster, settings.operator_namespace)
        election = await _election(cluster, clock, leading, settings, first=installation.made)

        def connect(clouds_yaml: bytes, cacert: bytes | None, key: Key) -> ListedCloud:
            def answered(source: str, date: datetime, sent: float, received: float) -> None:
                timekeeping.answered(f"{'/'.join(key)} {source}", date, sent, received)

            return sessions.connect(
                clouds_yaml,
                cacert,
                key[-1],
                reach=_reach(settings),
                clock=clock,
                observe=metrics.openstack,
                answered=answered,
                before_change=leading.assure,
            )

        operator = Operator(
            cluster=cluster.guarded(leading.assure),
            clock=clock,
            connect=connect,
            seal=installation.seal,
            settings=settings,
            metrics=metrics,
            timekeeping=timekeeping,
            leading=leading,
        )
        yield Running(operator, leading, election, settings)
    finally:
        await cluster.close()


def _reach(settings: Settings) -> Reach:
    """What belongs to a pretend cluster reaches no real cloud, whatever a visitor puts into a Secret."""
    if settings.api_server is not None:
        return Reach.LOOPBACK_ONLY
    return Reach.LOOPBACK_TOO if settings.allow_loopback else Reach.NETWORK


async def _election(
    cluster: Cluster, clock: Clock, leading: Leading, settings: Settings, *, first: bool
) -> Election | None:
    """Give the election of the leader; None: there is none, and this process leads."""
    if not settings.leader_elect:
        leading.take_alone()
        return None
    namespace = settings.operator_namespace
    lock = LeaderLock(cluster, clock, leading, namespace=namespace, pause=sessions.SECONDS, first=first)
    try:
        await lock.look()
    except NotThere:
        pass
    except Refused as error:
        raise Wrong(f"the leader lock in namespace {namespace} cannot be read: {error}") from None
    return Election(lock, leading, clock)


class Running:
    """The operator, its watches and its candidacy, side by side."""

    def __init__(self, operator: Operator, leading: Leading, election: Election | None, settings: Settings) -> None:
        self.operator = operator
        self._leading = leading
        self._election = election
        self._settings = settings

    async def until(self, stop: asyncio.Event) -> None:
        """Run until one of them ends, which ends all. The signals that end a process set `stop`.

        Cancelled, it ends at once, and releases no lock.

        Raises:
            Wrong: the port of the probes is taken.
            Exception: what a part broke of.
        """
        started = asyncio.Event()
        served, url = self._settings.namespaces, self._settings.api_server
        watching = watch.watch(self.operator, served, stop=stop, started=started, url=url)
        tasks = _Tasks(
            serving=asyncio.create_task(self.operator.run(), name="operator"),
            watching=asyncio.create_task(watching, name="watches"),
            electing=asyncio.create_task(self._elected(), name="election"),
            stopping=asyncio.create_task(stop.wait(), name="stop"),
            signals=asyncio.create_task(_keep_signals(started, stop), name="signals"),
        )
        try:
            await self._until(stop, tasks)
        except asyncio.CancelledError:
            await tasks.cancel()
            raise

    async def _until(self, stop: asyncio.Event, tasks: "_Tasks") -> None:
        first = {tasks.serving, tasks.watching, tasks.electing, tasks.stopping}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if tasks.electing.done():
            _end_at_once(tasks.electing.exception())
        # Kopf has the signals for a moment: its watches that end without a fault were asked to
        ended = tasks.watching.done() and not tasks.watching.cancelled() and tasks.watching.exception() is None
        asked = stop.is_set() or ended
        stop.set()
        tasks.serving.cancel()
        await asyncio.wait({tasks.serving})
        await self._resign(tasks.electing)
        tasks.signals.cancel()
        results = await asyncio.gather(*tasks.others(), return_exceptions=True)
        faults = [result for result in results if isinstance(result, Exception)]
        if faults and isinstance(faults[0], PortTaken):
            raise Wrong(str(faults[0]))
        if faults:
            raise faults[0]
        if not asked:
            raise RuntimeError("the operator ended without being asked to")

    async def _elected(self) -> None:
        await (self._election.run() if self._election is not None else asyncio.Event().wait())

    async def _resign(self, electing: "asyncio.Task[None]") -> None:
        """Release the lock when no request of ours is under way any more; until then it is renewed."""
        self._leading.close()
        drained = self._election is None or await self.operator.drained(_DRAIN)
        electing.cancel()
        await asyncio.gather(electing, return_exceptions=True)
        if not drained:
            log.warning("a request is still under way: the leader lock is left to run out")
        elif self._election is not None:
            await self._election.resign()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tasks:
    serving: "asyncio.Task[None]"
    watching: "asyncio.Task[None]"
    electing: "asyncio.Task[None]"
    stopping: "asyncio.Task[Any]"
    signals: "asyncio.Task[None]"

    def others(self) -> tuple["asyncio.Task[Any]", ...]:
        """Give all but the election, which ends in its own way."""
        return (self.serving, self.watching, self.stopping, self.signals)

    async def cancel(self) -> None:
        """End all; Kopf last, for it ends by cancelling whatever was begun after it."""
        for task in (self.electing, self.serving, self.stopping, self.signals, self.watching):
            task.cancel()
        await asyncio.gather(self.electing, *self.others(), return_exceptions=True)


def _end_at_once(why: BaseException | None) -> NoReturn:
    """End: another may lead within seconds, and neither Kopf nor a thread that waits for a cloud is waited for."""
    log.error("this process ends: it does not lead any more", extra={"why": str(why)})
    os._exit(RESTART)


async def _keep_signals(started: asyncio.Event, stop: asyncio.Event) -> None:
    """Take the signals back from Kopf, which would end its watches, for five seconds, before anybody is told."""
    await started.wait()
    await asyncio.sleep(_A_MOMENT)  # Kopf takes them within the next turns of the loop
    _stop_at_signals(stop)


def _stop_at_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _check_crds(cluster: Cluster) -> None:
    try:
        await cluster.request("GET", f"/apis/{names.GROUP}/{names.VERSION}", resource="discovery")
    except NotThere:
        raise Wrong("the CRDs are not installed; run: lessor crds | kubectl apply -f -") from None


async def _seal(cluster: Cluster, namespace: str) -> seal.Ensured:
    try:
        return await seal.ensure(cluster, namespace)
    except seal.NoNamespace as error:
        raise Wrong(str(error)) from None
    except Refused as error:
        raise Wrong(f"the Secret {names.SEAL_SECRET} cannot be read or made: {error}") from None
