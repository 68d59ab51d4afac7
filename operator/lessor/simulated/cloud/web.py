"""The cloud over HTTP: one aiohttp application for all services, with the faults that only a wire has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec
from aiohttp import web

from lessor.simulated.cloud.blazar.http import BlazarApi
from lessor.simulated.cloud.compute_http import ComputeApi
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route, line
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.identity_http import PREFIX as IDENTITY
from lessor.simulated.cloud.identity_http import IdentityApi
from lessor.simulated.cloud.images_http import ImagesApi
from lessor.simulated.cloud.networks_http import NetworksApi
from lessor.simulated.cloud.people_http import PeopleApi
from lessor.simulated.cloud.refusals import Refused, Service, incomplete, no_json, unauthenticated
from lessor.simulated.faults import Fault, What

_MOST_BYTES = 16 << 20
_END_SECONDS = 1.0
_NOBODY = Token(
    id="",
    user_id="",
    project_id=None,
    roles=(),
    methods=(),
    issued=datetime.min.replace(tzinfo=UTC),
    expires=datetime.min.replace(tzinfo=UTC),
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(core: Core, port: int) -> AsyncIterator[str]:
    """Serve on the loopback while the block runs; gives the URL. Port 0 takes a free one."""
    runner = web.AppRunner(application(core), access_log=None, handler_cancellation=True, shutdown_timeout=_END_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application(core: Core) -> web.Application:
    """Give the cloud as an application."""
    app = web.Application(client_max_size=_MOST_BYTES)
    for api in (
        IdentityApi(core),
        PeopleApi(core),
        ComputeApi(core),
        ImagesApi(core),
        BlazarApi(core),
        NetworksApi(core),
    ):
        for route in api.routes():
            app.router.add_route(route.method, route.path, _handler(core, route))
    return app


def _handler(core: Core, route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        core.flight += 1
        try:
            return await _answer(core, route, request)
        finally:
            core.flight -= 1

    return handle


async def _answer(core: Core, route: Route, request: web.Request) -> web.StreamResponse:
    if route.service in core.away:
        return _cut(request)
    raw = await request.read()
    with core.lock:
        core.settle()
        reply, fault = _reply(core, route, request, raw)
        date = core.now()
    match fault.what if fault is not None else None:
        case What.HANG:
            await asyncio.Event().wait()
        case What.CUT_BEFORE | What.CUT_AFTER:
            return _cut(request)
    headers = {"Date": format_datetime(date.replace(microsecond=0), usegmt=True), **reply.headers}
    if reply.code == 401:
        headers["WWW-Authenticate"] = f'Keystone uri="{request.scheme}://{request.host}{IDENTITY}/v3"'
    headers.setdefault("Content-Type", "application/json")
    return web.Response(status=reply.code, body=reply.content, headers=headers)


def _reply(core: Core, route: Route, request: web.Request, raw: bytes) -> tuple[Reply, Fault | None]:
    """Deal with the request; gives the answer, and the fault that strikes it."""
    try:
        body = msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        return _said(no_json(route.service)), None
    held, refusal = _holder(core, route, request.headers)
    fault = core.asked(_line(route, request.match_info, body), held)
    if fault is not None and fault.what in {What.HANG, What.CUT_BEFORE}:
        return Reply(), fault
    if fault is not None and fault.what is What.REFUSE:
        return _said(Refused(route.service, fault.code, fault.message, fault.headers)), fault
    if refusal is not None:
        return _said(refusal), fault
    try:
        reply = route.handle(_asked(request, body, fault), held or _NOBODY)
    except Refused as refused:
        reply = _said(refused)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, StopIteration) as error:
        reply = _said(incomplete(route.service, error))
    if fault is not None and fault.what is What.REFUSE_AFTER:
        return _said(Refused(route.service, fault.code, fault.message, fault.headers)), fault
    return reply, fault


def _holder(core: Core, route: Route, headers: Mapping[str, str]) -> tuple[Token | None, Refused | None]:
    """Give whose the token is, or how a request without a good one is refused."""
    if route.is_open:
        return None, None
    try:
        token = core.identity.token(headers.get("X-Auth-Token", ""), route.service)
    except Refused as refused:
        return None, refused
    if token.project_id is None and route.service is not Service.KEYSTONE:
        return None, unauthenticated(route.service)
    return token, None


def _line(route: Route, parts: Mapping[str, str], body: Any) -> str:  # noqa: ANN401 (JSON)
    operation = route.operation
    if not operation:
        operation = next(iter(body)) if isinstance(body, dict) and body else "action"
    return line(operation, parts.get("id", ""))


def _asked(request: web.Request, body: Any, fault: Fault | None) -> Asked:  # noqa: ANN401 (JSON)
    return Asked(
        root=f"{request.scheme}://{request.host}",
        url=f"{request.scheme}://{request.host}{request.path}",
        parts=request.match_info,
        query=request.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        fault=fault,
    )


def _said(refused: Refused) -> Reply:
    headers = {"Content-Type": refused.content_type, **refused.headers}
    return Reply(code=refused.code, body=refused.body, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
