"""The face to the `kubernetes` client in the same process: what `ApiClient` does, without a socket."""

import asyncio
import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import aiohttp

from lessor.simulated.cluster.wire import Answer, Request, encoded
from lessor.simulated.faults import What

if TYPE_CHECKING:
    from lessor.simulated.cluster.server import APIServer


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as the client's own."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    async def read(self) -> bytes:
        """Give the body."""
        return self.data


class InProcess:
    """Stands in for an `ApiClient`. Watches are for HTTP: they are refused here."""

    def __init__(self, server: "APIServer") -> None:
        """Lead to this server."""
        self.configuration = SimpleNamespace(host="http://simulated")
        self._server = server

    async def update_params_for_auth(self, *_: object) -> None:
        """Add nothing: nobody is refused."""

    async def close(self) -> None:
        """Close nothing."""

    async def call_api(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: object = None,
        *,
        _request_timeout: float | None = None,
    ) -> Response:
        """Answer one request.

        Raises:
            ServerDisconnectedError: a fault cut the connection.
        """
        where = urlsplit(url)
        query = dict(parse_qsl(where.query, keep_blank_values=True))
        data = b"" if body is None else body if isinstance(body, bytes) else encoded(body)
        request = Request(method, unquote(where.path), query, headers, data)
        self._server.in_flight += 1
        try:
            await asyncio.sleep(0)  # as on the wire: others may run in between
            answer = self._server.handle(request)
        finally:
            self._server.in_flight -= 1
        return await self._response(answer)

    async def _response(self, answer: Answer) -> Response:
        if answer.fate is What.HANG:
            await asyncio.Event().wait()
        if answer.fate is not None:
            raise aiohttp.ServerDisconnectedError
        if answer.watch is not None:
            self._server.close(answer.watch)
            raise NotImplementedError("watches are served over HTTP")
        date = email.utils.format_datetime(self._server.now(), usegmt=True)
        return Response(answer.code, {**answer.headers, "Date": date, "Content-Type": answer.content_type}, answer.body)
