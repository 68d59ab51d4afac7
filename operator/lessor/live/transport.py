"""HTTP under the deadline, reach and size of the call at hand: what keystoneauth sends its requests with."""

import ssl
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter

from lessor.live import calls, sockets
from lessor.ports import cloud

_CHUNK = 65536


class _HTTPConnection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> Any:  # noqa: ANN401 (urllib3's seam)
        return sockets.dial(self.host, int(self.port or 80))


class _HTTPSConnection(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> Any:  # noqa: ANN401 (urllib3's seam)
        return sockets.dial(self.host, int(self.port or 443))


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    """Connects by `sockets.dial`, trusts the given CA only, and reads no more of a body than the call may."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(pool_connections=4, pool_maxsize=16, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002, ANN401 (requests' seam)
        """Make the pools."""
        self.poolmanager = urllib3.PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._trust
        )
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def cert_verify(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 (requests' seam)
        """Leave the trust as it was made: requests would add its own."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 (requests' seam)
        """Send, and read the whole body within its bound."""
        kwargs["stream"] = True
        response = super().send(request, *args, **kwargs)
        most, body = calls.current().most_bytes, bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > most:
                response.close()
                raise cloud.CloudUnavailable(f"The answer is larger than {most} bytes.")
        response._content = bytes(body)  # noqa: SLF001 (as requests does when it reads by itself)
        return response


def session(cacert: bytes | None) -> requests.Session:
    """Make a session that takes nothing from the environment: no proxy, no netrc, no CA but this or the public ones.

    Raises:
        InvalidCredentials: the CA cannot be read.
    """
    made = requests.Session()
    made.trust_env = False
    adapter = _Adapter(_trust(cacert))
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def _trust(cacert: bytes | None) -> ssl.SSLContext:
    if cacert is None:
        context = ssl.create_default_context(cafile=certifi.where())
    else:
        try:
            # an empty text would mean the machine's own authorities
            context = ssl.create_default_context(cadata=cacert.decode("ascii").strip() or "-")
        except (ssl.SSLError, ValueError):
            raise cloud.InvalidCredentials("The key cacert of the Secret holds no PEM certificate.") from None
    context.sslsocket_class = sockets.TLS
    return context
