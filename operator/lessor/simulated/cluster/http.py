"""The face to HTTP: kubectl, Kopf and all other clients, on 127.0.0.1."""

import asyncio
import email.utils
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from lessor.simulated.cluster.watches import Ending, Watch
from lessor.simulated.cluster.wire import JSON, Answer, Request
from lessor.simulated.faults import What

if TYPE_CHECKING:
    from lessor.simulated.cluster.server import APIServer

_BOOKMARK_EVERY = 60.0
_BOOKMARK_BEFORE_END = 2.0  # Source: k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go, nextBookmarkTime
_PATIENCE = 0.1  # seconds for what is in flight when serving ends
_LARGEST = 3 * 1024 * 1024  # Source: k8s.io/apiserver/pkg/server/config.go, MaxRequestBodyBytes


class PortTaken(OSError):
    """Somebody else listens on the port."""


@asynccontextmanager
async def serve(server: "APIServer", port: int) -> AsyncIterator[str]:
    """Serve while the context is open; gives the URL. Open watches end with it.

    Raises:
        PortTaken: somebody else listens there.
    """
    runner = web.ServerRunner(
        web.Server(Face(server).answer, handler_cancellation=True), handle_signals=False, shutdown_timeout=_PATIENCE
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    try:
        try:
            await site.start()
        except OSError as error:
            raise PortTaken(f"port {port} of 127.0.0.1 cannot be listened on: {error.strerror}") from error
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        for watch in tuple(server.watches):
            watch.end(Ending.CLEAN)
        await runner.cleanup()


class Face:
    """Turns HTTP into requests, and answers into HTTP."""

    def __init__(self, server: "APIServer") -> None:
        self._server = server

    async def answer(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        incoming._client_max_size = _LARGEST  # noqa: SLF001 (the low-level server has no setting for it)
        self._server.in_flight += 1
        try:
            request = Request(
                method=incoming.method,
                path=incoming.path,
                query=dict(incoming.query),
                headers=dict(incoming.headers),
                body=await incoming.read(),
            )
            answer = self._server.handle(request)
            if answer.fate is None and answer.watch is None:
                return await self._plain(incoming, answer)
        finally:
            self._server.in_flight -= 1
        if answer.watch is not None:
            return await self._stream(incoming, answer.watch)
        return await self._cut(incoming, answer.fate)

    async def _plain(self, incoming: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        headers = {**answer.headers, "Date": self._date(), "Content-Type": answer.content_type}
        response = web.Response(status=answer.code, body=answer.body, headers=headers)
        await response.prepare(incoming)
        await response.write_eof()
        return response

    def _date(self) -> str:
        return email.utils.format_datetime(self._server.now(), usegmt=True)

    @staticmethod
    async def _cut(incoming: web.BaseRequest, fate: What | None) -> web.StreamResponse:
        if fate is What.HANG:
            await asyncio.Event().wait()
        if incoming.transport is not None:
            incoming.transport.abort()
        return web.Response()

    async def _stream(self, incoming: web.BaseRequest, watch: Watch) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Date": self._date(), "Content-Type": JSON})
        response.enable_chunked_encoding()
        try:
            await response.prepare(incoming)
            await self._hand_over(watch, response)
            if watch.ending is Ending.SILENT:
                await asyncio.Event().wait()
            if watch.ending is Ending.CUT and incoming.transport is not None:
                incoming.transport.abort()
            else:
                await response.write_eof()
        finally:
            self._server.close(watch)
        return response

    async def _hand_over(self, watch: Watch, response: web.StreamResponse) -> None:
        """Write what comes until the watch is over or its time is."""
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        watch.arrived = arrived.set
        until = loop.time() + watch.seconds
        bookmarks = _bookmarks(loop.time(), until)
        next_bookmark = next(bookmarks, until)
        while True:
            arrived.clear()
            lines = watch.take()
            if lines:
                self._server.in_flight += 1
                try:
                    await response.write(lines)
                finally:
                    self._server.in_flight -= 1
                continue
            if watch.ending is not None:
                return
            pause = min(until, next_bookmark) - loop.time()
            if pause > 0:
                await _either(arrived, pause)
            elif loop.time() >= until:
                watch.end(Ending.CLEAN)
            else:
                next_bookmark = next(bookmarks, until)
                self._server.bookmark(watch)


def _bookmarks(start: float, until: float) -> Iterator[float]:
    """Give when bookmarks are due: each minute, and shortly before the end."""
    last = until - _BOOKMARK_BEFORE_END
    while start + _BOOKMARK_EVERY < last:
        start += _BOOKMARK_EVERY
        yield start
    if last > start:
        yield last


async def _either(arrived: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await arrived.wait()
    except TimeoutError:
        return
