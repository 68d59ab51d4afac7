"""The small server of /healthz, /readyz and /metrics."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from lessor import metrics


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
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/healthz", self._answer(self._alive))
        app.router.add_get("/readyz", self._answer(self._ready))
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, None, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

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
