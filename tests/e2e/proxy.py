"""A proxy in front of the API server or of Nova: passes everything on, remembers it, and strikes where it is told to.

It runs on an event loop of its own in a thread, so that a test may block. Plain HTTP towards the operator; TLS towards
the API server.
"""

import asyncio
import re
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

_GOODBYE = 0.1  # what is aborted closes in the turns of the loop that follow
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host", "te", "upgrade"}


class Fate(Enum):
    """What becomes of a request."""

    PASS = auto()
    BEFORE = auto()  # struck before it is passed on
    AFTER = auto()  # struck after the operator has its answer
    CUT = auto()  # passed on, struck, and the answer never given
    HANG = auto()  # never answered
    REFUSE = auto()  # answered with the status that `Proxy.refusal` says


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as it came: method, path with its query, body."""

    method: str
    path: str
    body: bytes


Judge = Callable[[Seen], Fate]


class Proxy:
    """Passes requests on to one server. `judge` says what becomes of each; `strike` is called at the place it names."""

    def __init__(self, upstream: str, *, verify: ssl.SSLContext | bool = True) -> None:
        self.upstream = upstream
        self.judge: Judge = lambda _: Fate.PASS
        self.strike: Callable[[], None] = lambda: None
        self.refusal: tuple[int, dict[str, str], bytes] = (503, {}, b"unavailable")
        self.seen: list[Seen] = []
        self.cut_off = threading.Event()
        self.url = ""
        self._verify = verify
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._session: ClientSession | None = None
        self._runner: web.ServerRunner | None = None
        self._streams: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut(self) -> None:
        """Cut the operator off: nothing is passed on, open streams end."""
        self.cut_off.set()
        self._loop.call_soon_threadsafe(lambda: [stream.cancel() for stream in tuple(self._streams)])

    def open(self) -> None:
        """Pass requests on again."""
        self.cut_off.clear()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        connector = TCPConnector(ssl=self._verify, limit=0)
        self._session = ClientSession(connector=connector, timeout=ClientTimeout(total=None), auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        for transport in tuple(self._loop._transports.values()):  # type: ignore[attr-defined]  # those cut half way
            transport.abort()
        await asyncio.sleep(_GOODBYE)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(request.method, request.path_qs, body)
        if self.cut_off.is_set():
            return _dropped(request)
        fate = self.judge(seen)
        self.seen.append(seen)
        if fate is Fate.REFUSE:
            status, headers, text = self.refusal
            return web.Response(status=status, headers=headers, body=text)
        if fate is Fate.HANG:
            await asyncio.sleep(3600)
        if fate is Fate.BEFORE:
            self.strike()
            return _dropped(request)
        task = asyncio.current_task()
        if task is not None:
            self._streams.add(task)
        try:
            return await self._pass_on(request, seen, fate)
        except (ClientError, ConnectionError):  # one of the two is gone
            return _dropped(request)
        finally:
            if task is not None:
                self._streams.discard(task)

    async def _pass_on(self, request: web.BaseRequest, seen: Seen, fate: Fate) -> web.StreamResponse:
        assert self._session is not None
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        async with self._session.request(
            seen.method, self.upstream + seen.path, data=seen.body or None, headers=headers, allow_redirects=False
        ) as answer:
            kept = {
                key: value for key, value in answer.headers.items() if key.lower() not in _HOP - {"content-encoding"}
            }
            if "watch=true" in seen.path or "watch=1" in seen.path:
                return await self._stream(request, answer.status, kept, answer.content)
            data = await answer.read()
        if fate is Fate.CUT:
            self.strike()
            return _dropped(request)
        response = web.Response(status=answer.status, headers=kept, body=data)
        if fate is Fate.AFTER:
            await response.prepare(request)
            await response.write_eof()
            self.strike()
        return response

    async def _stream(
        self, request: web.BaseRequest, status: int, headers: dict[str, str], content: Any
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        async for chunk in content.iter_any():
            await response.write(chunk)
        return response


def _dropped(request: web.BaseRequest) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def matches(pattern: str) -> Callable[[Seen], bool]:
    """Make a test of `METHOD path body` by a regular expression."""
    compiled = re.compile(pattern, re.DOTALL)
    return lambda seen: bool(compiled.search(f"{seen.method} {seen.path} {seen.body.decode(errors='replace')}"))
