"""From a service's refusal to the error of the port that an adapter over HTTP raises for the same answer.

The adapters cannot be asked: they know OpenStack's clients. A test holds the two to the same errors and sentences.
"""

import email.utils
import re

from lessor.ports import cloud
from lessor.simulated.cloud.refusals import Refused, Service

_MOST = 256
_SLOW_DOWN = frozenset({413, 429})
_CONFLICTS: tuple[tuple[str, type[cloud.CloudError]], ...] = (
    (r"\bis locked\b", cloud.ServerLocked),
    (r"\btask_state\b", cloud.ServerBusy),
    (r"\bvm_state\b", cloud.WrongState),
    (r"\bis not ready\b", cloud.WrongState),
)


def error(refused: Refused) -> cloud.CloudError:
    """Give the error for a refusal of Nova, Glance or Neutron."""
    title, code, words, said = refused.service.label, refused.code, _words(refused), sentence(refused)
    match code:
        case 401:
            return cloud.CredentialsRefused(said)
        case 403:
            return cloud.PermissionRefused(said)
        case 404:
            return cloud.NotFound(said)
        case 409:
            kinds = (kind for pattern, kind in _CONFLICTS if re.search(pattern, words))
            return next(kinds, cloud.RequestRefused)(said)
    if code < 400:
        return cloud.CloudUnavailable(f"{title} answered {code}, a redirect, which is not followed.")
    if code in _SLOW_DOWN or code >= 500:
        return cloud.CloudUnavailable(said, retry_after=retry_after(refused))
    return cloud.RequestRefused(said)


def sentence(refused: Refused) -> str:
    """Give what an error says of a refusal."""
    title, code, words = refused.service.label, refused.code, _words(refused)
    return f"{title} answered {code}: {words}" if words else f"{title} answered {code}."


def no_token(refused: Refused) -> cloud.CloudError:
    """Give the error for Keystone's refusal of a token."""
    words = _printable(refused.words)
    if refused.code in _SLOW_DOWN or refused.code >= 500:
        said = f"Keystone answered {refused.code}: {words}"
        return cloud.CloudUnavailable(said, retry_after=retry_after(refused))
    return cloud.CredentialsRefused(f"Keystone refused the credentials ({refused.code}): {words}")


def silent(service: Service) -> cloud.CloudError:
    """Give the error when no answer comes in time."""
    return cloud.CloudUnavailable(f"{service.label} did not answer: the time was over.")


def cut(service: Service) -> cloud.CloudError:
    """Give the error when the connection breaks, or is refused."""
    return cloud.CloudUnavailable(f"{service.label} did not answer: the connection failed.")


def _words(refused: Refused) -> str:
    if refused.content_type == "text/html":
        return _printable(re.sub(r"<[^>]*>", " ", refused.body.decode()))
    return _printable(refused.words)


def _printable(text: str) -> str:
    words = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return words if len(words) <= _MOST else words[: _MOST - 3] + "..."


def retry_after(refused: Refused) -> float | None:
    """Give the pause in seconds that a refusal asks for; None: it asks for none."""
    headers = refused.headers
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return float(value)
    try:
        until, base = (email.utils.parsedate_to_datetime(text) for text in (value, headers.get("Date", "")))
        return max(0.0, (until - base).total_seconds())
    except (TypeError, ValueError):
        return None
