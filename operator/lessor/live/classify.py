"""The one table from (code, text) of an answer to the error that passes know; and how foreign text is shown.

Source: nova/api/openstack/compute/{servers,lock_server,shelve,server_metadata}.py and nova/exception.py, tried on
Nova 34; keystonemiddleware (401); RFC 9110, section 10.2.3 (Retry-After).
"""

import email.utils
import json
import re
from collections.abc import Mapping
from datetime import datetime

from lessor.live.services import NEUTRON, NOVA
from lessor.ports import cloud

_MOST = 256
_BAD, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT = 400, 401, 403, 404, 409
_SLOW_DOWN = frozenset({413, 429})
_SERVER_FAULT = 500
# What a 404 of the service itself has in its body. A balancer's, or an ingress's without a service behind it, says
# nothing of what was asked for. Source: nova/exception.py; neutron/api/v2/resource.py.
_OWN_404: Mapping[str, bytes] = {NOVA.title: b'"itemNotFound"', NEUTRON.title: b'"NeutronError"'}
_WORDS = ("message", "error_message")

# What the text of a 409 means: the first row that fits. The names are those of nova/exception.py.
_CONFLICTS: tuple[tuple[re.Pattern[str], type[cloud.CloudError]], ...] = (
    # InstanceIsLocked, "Instance ID is locked"
    (re.compile(r"\bis locked\b"), cloud.ServerLocked),
    # InstanceInvalidState, "Cannot 'stop' instance ID while it is in task_state powering-off"
    (re.compile(r"\btask_state\b"), cloud.ServerBusy),
    # the same, "... while it is in vm_state stopped"
    (re.compile(r"\bvm_state\b"), cloud.WrongState),
    # InstanceNotReady, "Instance ID is not ready", of a server without a host, as a shelved one
    (re.compile(r"\bis not ready\b"), cloud.WrongState),
)


def error(title: str, code: int, headers: Mapping[str, str], body: bytes) -> cloud.CloudError:
    """Give the error that an answer other than 2xx stands for.

    Args:
        title: of the service, for the sentence.
        code: the status of the answer.
        headers: of the answer.
        body: of the answer.
    """
    words = message(body)
    said = f"{title} answered {code}: {words}" if words else f"{title} answered {code}."
    if code == _UNAUTHORIZED:
        return cloud.CredentialsRefused(said)
    if code == _FORBIDDEN:
        return cloud.PermissionRefused(said)
    if code == _NOT_FOUND and _OWN_404.get(title, b"") in body:
        return cloud.NotFound(said)
    if code == _NOT_FOUND:
        return cloud.CloudUnavailable(f"{title} answered 404, and not as Nova does: {words}")
    if code == _CONFLICT:
        kind = next((kind for pattern, kind in _CONFLICTS if pattern.search(words)), cloud.RequestRefused)
        return kind(said)
    if code < _BAD:
        return cloud.CloudUnavailable(f"{title} answered {code}, a redirect, which is not followed.")
    if away(code):
        return cloud.CloudUnavailable(said, retry_after=retry_after(headers))
    return cloud.RequestRefused(said)


def message(body: bytes) -> str:
    """Give the words of an error's body: those of its JSON, else its beginning, printable and short."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return printable(re.sub(r"<[^>]*>", " ", body[:4096].decode(errors="replace")))
    return printable(_inner(data))


def _inner(data: object, depth: int = 4) -> str:
    """The `message` of `{"conflictingRequest": {"code": 409, "message": ...}}`, or Blazar's `error_message`."""
    if not isinstance(data, dict) or depth == 0:
        return ""
    for key in _WORDS:
        if isinstance(data.get(key), str):
            return str(data[key])
    return next((found for value in data.values() if (found := _inner(value, depth - 1))), "")


def away(code: int) -> bool:
    """Tell whether the code says that the service cannot answer now, and not that it refuses."""
    return code in _SLOW_DOWN or code >= _SERVER_FAULT


def printable(text: str) -> str:
    """Cut foreign text to 256 printable characters on one line."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= _MOST else line[: _MOST - 3] + "..."


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Give the pause in seconds that Retry-After asks for; a date needs `now`, else that of the answer's own `Date`."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
        base = now if now is not None else email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - base).total_seconds())
    except (TypeError, ValueError):
        return None
