"""The small server of /healthz, /readyz and /metrics."""

import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from lessor import metrics


class PortTaken(Exception):
    """The port cannot be listened on."""


def _listen(port: int) -> socket.socket:
    """Take one port of all addresses, of both families where the machine has them."""
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise PortTaken(f"port {port} of the probes cannot be used: {error.strerror}; set --probe-port") from error


class Probes:
    """The server. `alive` and `ready` answer with None, or with why not."""

    def __init__(
        self, alive: Callable[[], str | None], ready: Callable[[], str | None], text: Callable[[], bytes]
    ) -> None:
        self._alive = alive
        self._ready = ready
        self._text = text
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on all addresses; port 0 takes any free one, which `port` then tells.

        Raises:
            PortTaken: the port is taken, or may not be used.
        """
        app = web.Application()
        app.router.add_get("/healthz", self._answer(self._alive))
        app.router.add_get("/readyz", self._answer(self._ready))
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        listener = _listen(port)
        await web.SockSite(self._runner, listener).start()
        self.port = listener.getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _answer(check: Callable[[], str | None]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(_: web.Request) -> web.StreamResponse:
            why_not = check()
            return web.Response(text="ok\n") if why_not is None else web.Response(text=f"{why_not}\n", status=503)

        return handler

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._text(), headers={"Content-Type": metrics.CONTENT_TYPE})
