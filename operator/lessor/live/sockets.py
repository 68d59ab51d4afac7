"""Sockets that keep to the deadline of the call at hand, and the only way by which one is connected.

`settimeout` bounds one `recv`, not an answer: here each `recv` and `send` gets what is left of the whole call.
"""

import socket
import ssl
from typing import TYPE_CHECKING

from lessor.live import addresses, calls
from lessor.ports import cloud

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Plain(socket.socket):
    """A TCP socket with the deadline of the call."""

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """Receive, at most until the deadline."""
        self.settimeout(calls.current().left())
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        """Send all, at most until the deadline. Source: Python's socket.sendall: its timeout is a total since 3.5."""
        self.settimeout(calls.current().left())
        super().sendall(data, flags)


class TLS(ssl.SSLSocket):
    """The same under TLS; `SSLContext.sslsocket_class` makes it. `sendall` calls `send` for each part."""

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        """Receive, at most until the deadline."""
        self.settimeout(calls.current().left())
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Send a part, at most until the deadline."""
        self.settimeout(calls.current().left())
        return super().send(data, flags)


def dial(host: str, port: int) -> socket.socket:
    """Connect to the first address of the host that answers, each an equal share of the time that is left.

    Raises:
        InvalidCredentials: the host leads where it may not.
        CloudUnavailable: none answered.
    """
    call = calls.current()
    every = addresses.resolve(host.strip("[]"), port, call.reach)
    fault = "it has no address"
    for tried, (family, where) in enumerate(every):
        connection = Plain(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(call.left() / (len(every) - tried))
            connection.connect(where)
            connection.settimeout(call.left())  # the handshake of TLS is bounded by it
        except OSError as error:
            connection.close()
            fault = error.strerror or str(error)
        else:
            return connection
    raise cloud.CloudUnavailable(f"No connection to {host} at port {port}: {fault}.")
