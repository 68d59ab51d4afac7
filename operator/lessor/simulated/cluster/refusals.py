"""How the API server says no: one exception that carries a `Status`, in the real one's words.

Source: k8s.io/apimachinery/pkg/api/errors/errors.go.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_GENERIC = {
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    422: "the server rejected our request due to an error in our request",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong with an object. `field` is its path, such as `spec.stages[0].after`."""

    reason: str
    message: str
    field: str

    @property
    def line(self) -> str:
        """What the message of the whole says of it."""
        return f"{self.field}: {self.message}"


class Refusal(Exception):
    """A request that is refused."""

    def __init__(self, code: int, message: str, *, reason: str = "", **details: object) -> None:
        """Say why; `details` are those of the Status."""
        super().__init__(message)
        self.code = code
        self.status = status(code, message, reason=reason, **details)


def status(code: int, message: str, *, reason: str = "", **details: object) -> dict[str, Any]:
    """Give the Status of a failure; without a reason the one that belongs to the code."""
    said = {key: value for key, value in details.items() if value not in ("", None)}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason or _REASONS.get(code, ""),
        **({"details": said} if said else {}),
        "code": code,
    }


def not_found(qualified: str, name: str) -> Refusal:
    """No such object of this resource, `plural` or `plural.group`."""
    return Refusal(404, f'{qualified} "{name}" not found', **_details(qualified, name))


def already_exists(qualified: str, name: str) -> Refusal:
    """The name is taken."""
    return Refusal(409, f'{qualified} "{name}" already exists', reason="AlreadyExists", **_details(qualified, name))


def conflict(qualified: str, name: str, why: str = "") -> Refusal:
    """Somebody else was there; without a reason: the resourceVersion is not the stored one."""
    modified = "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {qualified} "{name}": {why or modified}'
    return Refusal(409, message, **_details(qualified, name))


def forbidden(qualified: str, name: str, why: str, causes: Iterable[Cause] = ()) -> Refusal:
    """Not allowed, whoever asks."""
    named = f' "{name}"' if name else ""
    return Refusal(403, f"{qualified}{named} is forbidden: {why}", **_details(qualified, name), causes=_listed(causes))


def invalid(kind: str, name: str, causes: Iterable[Cause]) -> Refusal:
    """The object does not keep the rules; `kind` is `Kind` or `Kind.group`."""
    every = list(causes)
    lines = list(dict.fromkeys(cause.line for cause in every))
    words = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    return Refusal(422, f'{kind} "{name}" is invalid: {words}', **_details(kind, name), causes=_listed(every))


def bad_request(message: str) -> Refusal:
    """It cannot be read, or contradicts itself."""
    return Refusal(400, message)


def expired(message: str, continued: str | None = None) -> Refusal:
    """The state that was asked for is forgotten."""
    refusal = Refusal(410, message)
    if continued is not None:
        refusal.status["metadata"] = {"continue": continued}
    return refusal


def generic(code: int) -> Refusal:
    """405, 404 or 422 in the words for what no part of the server knows more of: their details are empty."""
    refusal = Refusal(code, _GENERIC[code])
    refusal.status["details"] = {}
    return refusal


def unsupported(accepted: Iterable[str]) -> Refusal:
    """The body is in a form that this resource does not take."""
    words = "the body of the request was in an unknown format - accepted media types include: "
    return Refusal(415, words + ", ".join(accepted))


def shown(value: object) -> str:
    """Give a value as messages print it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _details(qualified: str, name: str) -> dict[str, str]:
    kind, _, group = qualified.partition(".")
    return {"name": name, "group": group, "kind": kind}


def _listed(causes: Iterable[Cause]) -> list[dict[str, str]] | None:
    listed = [{"reason": each.reason, "message": each.message, "field": each.field} for each in causes]
    return listed or None
