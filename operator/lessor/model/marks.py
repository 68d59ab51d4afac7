"""The mark on a server: one sealed metadata value that says which object of which installation leases it.

Why: a lease acts only on a server that carries its mark, so that an old backup of the cluster cannot stop anything.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.model import times

_VERSION = "1"
_FIELDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a mark says. `count` and `extended` are the number and the sum of the grants."""

    installation: str
    object: str
    server: str
    start: datetime
    count: int = 0
    extended: timedelta = times.ZERO


@dataclass(frozen=True, slots=True)
class Seal:
    """The installation's id and its secret key; both lie in the Secret `lessor-seal`."""

    installation: str
    key: bytes

    def write(self, mark: Mark) -> str:
        """Give the sealed value, at most 255 characters: what Nova takes as a metadata value."""
        seconds = int(mark.extended.total_seconds())
        body = ";".join(
            (
                _VERSION,
                mark.installation,
                mark.object,
                mark.server,
                times.text(mark.start),
                str(mark.count),
                str(seconds),
            )
        )
        return f"{body};{self._mac(body)}"

    def read(self, value: str) -> Mark | None:
        """Read a sealed value. None: it is no mark, or one of ours whose seal is broken.

        A mark that names another installation is given as it stands, for its seal is not ours to check.
        """
        body, _, mac = value.rpartition(";")
        parts = body.split(";")
        if len(parts) != _FIELDS - 1 or parts[0] != _VERSION:
            return None
        _, installation, uid, server, start, count, seconds = parts
        if installation == self.installation and not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        try:
            return Mark(
                installation=installation,
                object=uid,
                server=server,
                start=times.parse(start),
                count=int(count),
                extended=timedelta(seconds=int(seconds)),
            )
        except (ValueError, OverflowError):
            return None

    def _mac(self, body: str) -> str:
        digest = hmac.new(self.key, body.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
