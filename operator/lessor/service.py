"""`lessor run` as a process: the parts put together, signals, and the exit code.

Crash-only: asked to stop, it ends with 0; a part that broke ends it with 1, to be started again; what a person must
mend first ends it with 2 and one sentence.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from lessor import __version__, logs
from lessor.handlers import watch
from lessor.live import sessions
from lessor.metrics import Metrics
from lessor.model import names
from lessor.model.marks import Seal
from lessor.ports.clock import Clock, SystemClock
from lessor.ports.cloud import ListedCloud
from lessor.runtime import seal
from lessor.runtime.clouds import Key
from lessor.runtime.cluster import Cluster, ClusterError, NoCluster, NotThere, Refused
from lessor.runtime.operator import Operator
from lessor.runtime.probes import PortTaken
from lessor.runtime.timekeeping import Timekeeping
from lessor.settings import Settings

log = logging.getLogger("lessor")

STOPPED, RESTART, WRONG = 0, 1, 2


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
    stop = _stop_at_signals()
    async with made(settings, SystemClock()) as operator:
        await until_stopped(operator, settings, stop)


@asynccontextmanager
async def made(settings: Settings, clock: Clock) -> AsyncIterator[Operator]:
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
    try:
        await _check_crds(cluster)
        installation = await _seal(cluster, settings.operator_namespace)

        def connect(clouds_yaml: bytes, cacert: bytes | None, key: Key) -> ListedCloud:
            def answered(source: str, date: datetime, sent: float, received: float) -> None:
                timekeeping.answered(f"{'/'.join(key)} {source}", date, sent, received)

            return sessions.connect(
                clouds_yaml,
                cacert,
                key[-1],
                allow_loopback=settings.allow_loopback,
                clock=clock,
                observe=metrics.openstack,
                answered=answered,
            )

        yield Operator(
            cluster=cluster,
            clock=clock,
            connect=connect,
            seal=installation,
            settings=settings,
            metrics=metrics,
            timekeeping=timekeeping,
        )
    finally:
        await cluster.close()


async def until_stopped(operator: Operator, settings: Settings, stop: asyncio.Event) -> None:
    """Run the watches and the operator side by side; the first that ends, ends both.

    Raises:
        Wrong: the port of the probes is taken.
        Exception: what a part broke of.
    """
    serving = asyncio.create_task(operator.run(), name="operator")
    watching = asyncio.create_task(
        watch.watch(operator, settings.namespaces, stop, url=settings.api_server), name="watches"
    )
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({serving, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        for task in (serving, stopping, watching):
            task.cancel()
        await asyncio.gather(serving, watching, stopping, return_exceptions=True)
        raise
    # Kopf takes the signals over: its watches that end without a fault were asked to
    asked = stop.is_set() or (watching.done() and not watching.cancelled() and watching.exception() is None)
    stop.set()
    serving.cancel()
    results = await asyncio.gather(serving, watching, stopping, return_exceptions=True)
    faults = [result for result in results if isinstance(result, Exception)]
    if faults and isinstance(faults[0], PortTaken):
        raise Wrong(str(faults[0]))
    if faults:
        raise faults[0]
    if not asked:
        raise RuntimeError("the operator ended without being asked to")


def _stop_at_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _check_crds(cluster: Cluster) -> None:
    try:
        await cluster.request("GET", f"/apis/{names.GROUP}/{names.VERSION}", resource="discovery")
    except NotThere:
        raise Wrong("the CRDs are not installed; run: lessor crds | kubectl apply -f -") from None


async def _seal(cluster: Cluster, namespace: str) -> Seal:
    try:
        return await seal.ensure(cluster, namespace)
    except seal.NoNamespace as error:
        raise Wrong(str(error)) from None
    except Refused as error:
        raise Wrong(f"the Secret {names.SEAL_SECRET} cannot be read or made: {error}") from None
