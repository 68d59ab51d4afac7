"""Services that a cloud may lack: what needs them says so, and all else goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.ports import cloud
from lessor.ports.reservations import UnsupportedResourceType
from tests.live.openstack import LEASE, PASSWORD, Answer, OpenStack, clouds_yaml, connect
from tests.live.test_blazar import DEEDS
from tests.live.test_sessions import configured


def test_a_cloud_without_blazar_serves_servers_and_says_what_it_lacks(stack: OpenStack) -> None:
    stack.lacking = frozenset({"reservation", "network"})
    stack.boots()
    nova = connect(clouds_yaml(stack.url))
    assert nova.server(stack.servers[0]["id"]) is not None
    asked: list[Callable[[], object]] = [
        nova.reservations.leases,
        lambda: nova.reservations.lease(LEASE),
        *(lambda deed=deed: deed.do(nova.reservations) for deed in DEEDS),
    ]
    for ask in asked:
        with pytest.raises(UnsupportedResourceType) as lack:
            ask()
        assert str(lack.value) == (
            "The catalogue of Keystone has no Blazar (reservation) in region RegionOne. Reservations need it."
        )
    with pytest.raises(UnsupportedResourceType, match=r"no Neutron \(network\)"):
        nova.reservations.network_id("public")
    assert len(stack.lines()) == 1


def test_a_cloud_that_gains_blazar_is_seen_by_the_next_session(stack: OpenStack) -> None:
    stack.lacking = frozenset({"reservation"})
    before = connect(clouds_yaml(stack.url)).reservations
    stack.lacking = frozenset()
    with pytest.raises(UnsupportedResourceType):
        before.leases()
    assert connect(clouds_yaml(stack.url)).reservations.leases() == ()


@pytest.mark.parametrize("url", [None, 7, "http://[::1"])
def test_an_entry_for_blazar_that_cannot_be_read_leaves_nova_as_it_is(stack: OpenStack, url: Any) -> None:
    stack.endpoints["reservation"] = url
    stack.boots()
    nova = connect(clouds_yaml(stack.url))
    assert nova.server(stack.servers[0]["id"]) is not None
    with pytest.raises(cloud.CloudError):
        nova.reservations.leases()


@pytest.mark.parametrize("config", [{}, {"region_name": "RegionOne"}])
def test_blazar_is_taken_from_the_region_of_nova(stack: OpenStack, config: dict[str, str]) -> None:
    stack.regions_of["reservation"] = ("west", "RegionOne")
    stack.endpoints["reservation"] = f"{stack.url}/REGION/v1"
    stack.says("GET /RegionOne/v1/leases", Answer(body={"leases": []}))
    assert connect(clouds_yaml(stack.url, **config)).reservations.leases() == ()


def test_a_blazar_of_another_region_is_none(stack: OpenStack) -> None:
    stack.regions_of["reservation"] = ("west",)
    with pytest.raises(UnsupportedResourceType, match="in region RegionOne"):
        connect(clouds_yaml(stack.url)).reservations.leases()


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/0123abcd"])
def test_blazar_is_found_whatever_its_url_ends_with(stack: OpenStack, ending: str) -> None:
    stack.endpoints["reservation"] = f"{stack.url}{ending}"
    assert connect(clouds_yaml(stack.url)).reservations.leases() == ()


def test_overrides_stand_in_for_what_the_catalogue_lacks(stack: OpenStack) -> None:
    stack.lacking = frozenset({"reservation", "network"})
    overrides = {"reservation_endpoint_override": f"{stack.url}/v1", "network_endpoint_override": stack.url}
    blazar = connect(clouds_yaml(stack.url, **overrides)).reservations
    stack.says("GET /v2.0/networks", Answer(body={"networks": []}))
    assert blazar.leases() == ()
    assert blazar.network_id("public") is None


def test_an_application_credential_is_known_for_one(stack: OpenStack, nova: Nova) -> None:
    auth = {"application_credential_id": "ac", "application_credential_secret": PASSWORD}
    other = connect(configured(stack, auth, auth_type="v3applicationcredential"))
    assert other.reservations.identity.application_credential
    assert not nova.reservations.identity.application_credential
