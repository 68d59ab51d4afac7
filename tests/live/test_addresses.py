"""Where a stranger's clouds.yaml may lead us: not to ourselves, not to the link, not to many."""

import pytest

from lessor.live import addresses
from lessor.live.addresses import Reach
from lessor.ports import cloud

LOOPBACK = [
    ("127.0.0.1", "the pod itself"),
    ("127.8.9.10", "the whole of 127/8"),
    ("::1", "the same in IPv6"),
    ("::ffff:127.0.0.1", "mapped"),
    ("::127.0.0.1", "compatible"),
    ("2002:7f00:1::", "6to4"),
    ("64:ff9b::7f00:1", "NAT64"),
]
NEVER = [
    ("169.254.169.254", "the metadata service of most clouds"),
    ("169.254.0.1", "the whole of 169.254/16"),
    ("fe80::1", "the link in IPv6"),
    ("fe80::1%1", "the same with its zone"),
    ("::ffff:169.254.169.254", "mapped"),
    ("::169.254.169.254", "compatible"),
    ("2002:a9fe:a9fe::1", "6to4"),
    ("64:ff9b::a9fe:a9fe", "NAT64"),
    ("2001:0:0:0:0:0:5601:5601", "Teredo: its client is the last 32 bits, inverted"),
    ("0.0.0.0", "Linux takes it for the loopback"),  # noqa: S104 (nobody binds it)
    ("::", "the same in IPv6"),
    ("::ffff:0.0.0.0", "mapped"),
    ("224.0.0.1", "many"),
    ("255.255.255.255", "all"),
    ("ff02::1", "many in IPv6"),
]
ALLOWED = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "203.0.113.7",
    "fd00::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
]


@pytest.mark.parametrize("text", [pytest.param(text, id=f"{text}: {why}") for text, why in LOOPBACK])
def test_loopback_is_refused_unless_it_is_allowed(text: str) -> None:
    with pytest.raises(cloud.InvalidCredentials, match="a loopback address"):
        addresses.check("keystone", text, Reach.NETWORK)
    addresses.check("keystone", text, Reach.LOOPBACK_TOO)


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("text", [pytest.param(text, id=f"{text}: {why}") for text, why in NEVER])
def test_the_link_and_the_many_are_always_refused(text: str, reach: Reach) -> None:
    with pytest.raises(cloud.InvalidCredentials) as refusal:
        addresses.check("keystone", text, reach)
    assert f"keystone leads to the address {text}" in str(refusal.value)


@pytest.mark.parametrize("text", ALLOWED)
def test_a_private_or_public_network_is_allowed(text: str) -> None:
    addresses.check("keystone", text, Reach.NETWORK)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "localhost"])
def test_the_rule_is_applied_to_what_the_name_resolves_to(host: str) -> None:
    with pytest.raises(cloud.InvalidCredentials, match=r"leads to the address (127\.0\.0\.1|::1)"):
        addresses.resolve(host, 443, Reach.NETWORK)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "169.254.43518", "0251.0376.0251.0376"])
def test_the_metadata_service_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(cloud.InvalidCredentials, match=r"169\.254\.169\.254, which is a link-local address"):
        addresses.resolve(host, 80, Reach.LOOPBACK_TOO)


def test_an_allowed_host_gives_its_addresses_with_the_port() -> None:
    found = addresses.resolve("203.0.113.7", 5000, Reach.NETWORK)
    assert [where for _, where in found] == [("203.0.113.7", 5000)]


@pytest.mark.parametrize("host", ["a..b", ".", "x" * 64 + ".org"])
def test_a_name_that_cannot_be_one_is_the_file_s_fault(host: str) -> None:
    with pytest.raises(cloud.CloudError, match="host"):
        addresses.resolve(host, 80, Reach.NETWORK)


@pytest.mark.parametrize("text", ["192.0.2.7", "10.0.0.5", "2001:db8::7", "::ffff:192.0.2.7"])
def test_a_pretend_world_reaches_no_address_but_the_loopback(text: str) -> None:
    with pytest.raises(cloud.InvalidCredentials, match="in a pretend world"):
        addresses.check("cloud.example.org", text, Reach.LOOPBACK_ONLY)
    addresses.check("localhost", "127.0.0.1", Reach.LOOPBACK_ONLY)
    addresses.check("localhost", "::1", Reach.LOOPBACK_ONLY)
