"""What the adapters of the services share: how a request is sent, and how an answer is read."""

from typing import Any, Protocol, TypeVar

import msgspec

from lessor.live.services import Service
from lessor.model.observed import CloudIdentity
from lessor.ports import cloud

T = TypeVar("T")


class Sender(Protocol):
    """Sends requests; `sessions.Session`."""

    identity: CloudIdentity

    def send(self, service: Service, verb: str, method: str, path: str, body: Any = None) -> bytes:  # noqa: ANN401 (JSON)
        """Send one request and give the body of its answer."""


def decoded(data: bytes, wanted: type[T]) -> T:
    """Read an answer. One that cannot be read is no answer."""
    try:
        return msgspec.json.decode(data, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise cloud.CloudUnavailable(f"An answer of the cloud cannot be read: {error}") from error
