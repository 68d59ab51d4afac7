"""A request as it came and the answer to it, without sockets; and what a fault does to a list."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from lessor.simulated.cloud.fleet import Page
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Service
from lessor.simulated.faults import Fault, What

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request.

    Attributes:
        root: the URL of the cloud, as the client wrote it.
        url: of the request, without its query.
        parts: the variable parts of the path.
        headers: by names in small letters.
        body: decoded JSON; None: there is none.
        fault: what goes wrong with it, None: nothing.
    """

    root: str
    url: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    fault: Fault | None = None

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.parts["id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; `body` is bytes, or what becomes JSON."""

    code: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else msgspec.json.encode(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One kind of request.

    Attributes:
        path: with `{id}` for the id that the fault's line names.
        operation: the first word of that line; "" takes the action in the body.
        handle: deals with it; is called with the core's lock held.
        is_open: no token is needed; `handle` gets that of nobody.
    """

    service: Service
    method: str
    path: str
    operation: str
    handle: Callable[[Asked, Token], Reply]
    is_open: bool = False


def line(operation: str, what: str) -> str:
    """Give the line by which faults know a request."""
    return f"{operation} {what}".strip()


def shortened(found: tuple[T, ...], fault: Fault | None) -> tuple[T, ...]:
    """Give what a list that lies still shows."""
    if fault is not None and fault.what is What.EMPTY:
        return ()
    if fault is not None and fault.what is What.TRUNCATE:
        return found[: len(found) // 2]
    return found


def lying(page: Page, fault: Fault | None) -> Page:
    """Give a page as it is under this fault: a list that lies never says that there is more."""
    if fault is None or fault.what not in {What.EMPTY, What.TRUNCATE}:
        return page
    return Page(servers=shortened(page.servers, fault), full=False)


# method, path, operation, what answers, whether it asks for no token
Line = tuple[str, str, str, Callable[[Asked, Token], Reply], bool]


def routes(service: Service, prefix: str, table: Iterable[Line]) -> list[Route]:
    """Give the routes of a service, whose paths all begin with the prefix."""
    return [
        Route(
            service=service, method=method, path=f"{prefix}{path}", operation=operation, handle=handle, is_open=is_open
        )
        for method, path, operation, handle, is_open in table
    ]
