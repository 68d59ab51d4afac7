"""Which addresses a stranger's clouds.yaml, and the catalogue behind it, may lead us to.

A tenant's file runs in our pod: it must not reach the pod itself, the node's metadata service or a neighbour on the
link. The rule is applied to the address that is connected to, so a name that resolves anew, a redirect or an endpoint
of the catalogue is held to it as well.
"""

import ipaddress
import socket
from enum import Enum, auto
from typing import cast

from lessor.ports import cloud

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Where = tuple[str, int] | tuple[str, int, int, int]
SocketAddress = tuple[socket.AddressFamily, Where]

# Source: RFC 6052, section 2.1: an IPv4 address is the last 32 bits of one with this prefix.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Reach(Enum):
    """How far a call may go."""

    NETWORK = auto()
    LOOPBACK_TOO = auto()
    LOOPBACK_ONLY = auto()


def resolve(host: str, port: int, reach: Reach) -> tuple[SocketAddress, ...]:
    """Give the addresses of a host in the resolver's order, each one allowed.

    Raises:
        InvalidCredentials: one of them is not allowed, or the name cannot be one.
        CloudUnavailable: the name has no address now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise cloud.InvalidCredentials("A URL of the cloud has no valid host name.") from None
    except OSError as error:
        raise cloud.CloudUnavailable(f"The host {host} cannot be resolved: {error.strerror}.") from None
    addresses: list[SocketAddress] = []
    for family, _, _, _, where in found:
        check(host, str(where[0]), reach)
        addresses.append((family, cast("Where", where)))  # (int, bytes) only where Python is built without IPv6
    return tuple(addresses)


def check(host: str, text: str, reach: Reach) -> None:
    """Refuse an address that leads nowhere but to ourselves, to the link, or to many.

    Raises:
        InvalidCredentials: it is refused; the text says which and why.
    """
    address = ipaddress.ip_address(text)
    for each in (address, *_embedded(address)):
        fault = _fault(each, reach)
        if fault is not None:
            raise cloud.InvalidCredentials(
                f"{host} leads to the address {text}, which is {fault}: that is not allowed."
            )


def _fault(address: Address, reach: Reach) -> str | None:
    if address.is_loopback:
        return "a loopback address" if reach is Reach.NETWORK else None
    if reach is Reach.LOOPBACK_ONLY:
        return "no loopback address, in a pretend world"
    if address.is_link_local:
        return "a link-local address"
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        return "an address of many"
    return None


def _embedded(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Give the IPv4 addresses that an IPv6 address stands for: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    compatible = last if int(address) >> 32 == 0 and int(address) > 1 else None
    translated = last if address in _NAT64 else None
    teredo = address.teredo[1] if address.teredo is not None else None
    every = (address.ipv4_mapped, compatible, address.sixtofour, teredo, translated)
    return tuple(each for each in every if each is not None)
