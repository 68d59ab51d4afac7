"""What goes over the wire: a request, its answer, and the JSON in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from lessor.simulated.cluster.watches import Watch
from lessor.simulated.faults import What

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. The path is decoded; header names are matched without case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """Give a header; empty: it was not sent."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    @property
    def watching(self) -> bool:
        """Tell whether it asks for a stream of changes."""
        return self.method == "GET" and self.query.get("watch", "") in {"true", "1"}

    @property
    def line(self) -> str:
        """The line that faults are matched with: `PATCH /apis/...`, `WATCH /apis/...`."""
        return f"{'WATCH' if self.watching else self.method} {self.path}"

    @property
    def dry(self) -> bool:
        """Tell whether nothing may change."""
        return self.query.get("dryRun") == "All"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        code: the HTTP status.
        body: what is sent; empty while `watch` is open.
        headers: beside `Date` and `Content-Type`.
        content_type: of the body.
        watch: the stream that follows.
        fate: HANG, CUT_BEFORE or CUT_AFTER: what becomes of the connection instead of an answer.
    """

    code: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    watch: Watch | None = None
    fate: What | None = None


def encoded(value: object) -> bytes:
    """Give JSON as it is sent."""
    return msgspec.json.encode(value)


def answered(value: object, code: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON."""
    return Answer(code=code, body=encoded(value), headers=headers or {})
