"""Between an operator and its world: counts its requests, and cuts one: before it, after it, or only its answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import aiohttp

from lessor.ports import cloud


class How(Enum):
    """What happens at the request."""

    DIES_BEFORE = "the process dies right before it"
    DIES_AFTER = "the process dies right after it"
    LOST = "it is done, and the answer is lost"


@dataclass
class Guard:
    """Strikes one request of one operator. Once the operator is dead nothing that it asks for is done any more.

    Attributes:
        at: which request is struck, the first is 1; None: none.
        dead: the process has died.
        requests: what was asked for so far, without what only looks at nothing of the object's own.
    """

    at: int | None = None
    how: How = How.DIES_BEFORE
    dead: bool = False
    requests: list[str] = field(default_factory=list)

    def before(self, what: str, lost: type[Exception]) -> bool:
        """Note a request; tells whether it is the one that is struck after it is done."""
        if self.dead:
            raise lost("the process is dead")
        self.requests.append(what)
        if len(self.requests) != self.at:
            return False
        if self.how is How.DIES_BEFORE:
            self.dead = True
            raise lost("the process died")
        return True

    def after(self, lost: type[Exception]) -> None:
        """Strike a request that was done."""
        self.dead = self.how is How.DIES_AFTER
        raise lost("the answer was cut")


class GuardedAPI:
    """The client's connection to the API server."""

    def __init__(self, api: Any, guard: Guard) -> None:
        self.configuration = api.configuration
        self._api = api
        self._guard = guard

    async def update_params_for_auth(self, *args: Any) -> None:
        await self._api.update_params_for_auth(*args)

    async def close(self) -> None:
        """Close nothing."""

    async def call_api(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        struck = self._guard.before(f"{method} {url.split('://', 1)[1]}", aiohttp.ServerDisconnectedError)
        answer = await self._api.call_api(method, url, *args, **kwargs)
        if struck:
            self._guard.after(aiohttp.ServerDisconnectedError)
        return answer


class GuardedCloud:
    """The port of the cloud."""

    def __init__(self, port: Any, guard: Guard) -> None:
        self._port = port
        self._guard = guard

    @property
    def identity(self) -> Any:
        return self._port.identity

    @property
    def reservations(self) -> "GuardedCloud":
        return GuardedCloud(self._port.reservations, self._guard)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        called = getattr(self._port, name)

        def call(*args: Any) -> Any:
            struck = self._guard.before(f"{name} {args[0] if args else ''}".strip(), cloud.CloudUnavailable)
            answer = called(*args)
            if struck:
                self._guard.after(cloud.CloudUnavailable)
            return answer

        return call
