"""What a lease leans on: flavors by id or name, external networks by id or name, floating IPs by their tags."""

from typing import Any

import pytest

from lessor.ports import cloud
from lessor.ports.reservations import LeaseRefused, Reservations
from tests.live.openstack import RESERVATION, Answer, OpenStack, fault

FLAVORS, NETWORKS, FLOATING_IPS = "GET /v2.1/flavors", "GET /v2.0/networks", "GET /v2.0/floatingips"
OTHER = "3d3b1c2e-0000-4000-8000-000000000002"


def flavors(*named: tuple[str, str], more: bool = False) -> Answer:
    links = {"flavors_links": [{"rel": "next", "href": "http://else/"}]} if more else {}
    return Answer(body={"flavors": [{"id": one, "name": name, "links": []} for one, name in named], **links})


def networks(*listed: dict[str, Any]) -> Answer:
    return Answer(body={"networks": [{"router:external": True, **one} for one in listed]})


def address(ip: str, *reservations: str, **changes: Any) -> dict[str, Any]:
    tags = ["blazar", *(f"reservation:{one}" for one in reservations)]
    return {"id": f"of-{ip}", "floating_ip_address": ip, "project_id": "p1", "tags": tags, **changes}


# ------------------------------------------------------------ flavors


def test_a_flavor_is_looked_for_by_its_id_first(stack: OpenStack, blazar: Reservations) -> None:
    stack.says("GET /v2.1/flavors/m1.large", Answer(body={"flavor": {"id": "m1.large", "name": "another"}}))
    assert blazar.flavor_id("m1.large") == "m1.large"
    assert stack.lines() == ["GET /v2.1/flavors/m1.large"]


def test_then_by_its_exact_name_on_all_pages(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(
        FLAVORS,
        flavors(("1", "m1.tiny"), ("2", "m1.large2"), more=True),
        flavors(("3", "m1.large"), more=True),
        flavors(),
    )
    assert blazar.flavor_id("m1.large") == "3"
    assert [asked.query.get("marker") for asked in stack.asked[-3:]] == [None, "2", "3"]


@pytest.mark.parametrize("name", ["none", "M1.LARGE", "m1"])
def test_a_flavor_of_almost_that_name_is_none(stack: OpenStack, blazar: Reservations, name: str) -> None:
    stack.says(FLAVORS, flavors(("1", "m1.large")))
    assert blazar.flavor_id(name) is None


@pytest.mark.parametrize("name", ["gpu/large", "..", ".", "größe", "a?b"])
def test_a_name_that_is_no_id_is_put_into_no_path(stack: OpenStack, blazar: Reservations, name: str) -> None:
    stack.says(FLAVORS, flavors(("7", name)))
    assert blazar.flavor_id(name) == "7"
    assert stack.lines() == [FLAVORS]


def test_a_nova_that_is_away_is_not_a_flavor_that_is_not_there(stack: OpenStack, blazar: Reservations) -> None:
    stack.says("GET /v2.1/flavors/m1", Answer(code=404, body=b"default backend - 404"))
    with pytest.raises(cloud.CloudUnavailable):
        blazar.flavor_id("m1")


# ------------------------------------------------------------ networks


def test_a_network_is_looked_for_by_its_id_first(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(NETWORKS, networks({"id": "n1", "name": "x"}))
    assert blazar.network_id("n1") == "n1"
    assert [asked.query for asked in stack.asked[1:]] == [{"id": "n1", "router:external": "true"}]


def test_then_by_its_exact_name(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(NETWORKS, networks(), networks({"id": "n1", "name": "public"}))
    assert blazar.network_id("public") == "n1"
    assert stack.asked[-1].query == {"name": "public", "router:external": "true"}


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "n1", "name": "public", "router:external": False}],
        [{"id": "n1", "name": "another"}],
        [{"id": "n1", "name": None}],
        [],
    ],
)
def test_what_neutron_did_not_filter_is_filtered_here(
    stack: OpenStack, blazar: Reservations, listed: list[dict[str, Any]]
) -> None:
    stack.says(NETWORKS, networks(*listed))
    assert blazar.network_id("public") is None


def test_a_name_of_several_networks_is_no_name(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(NETWORKS, networks({"id": "n2", "name": "public"}, {"id": "n1", "name": "public"}))
    with pytest.raises(LeaseRefused, match="Several external networks have the name 'public': n1, n2"):
        blazar.network_id("public")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"networks": 1}', b'{"networks": null}', b'{"networks": [{}]}', b""])
def test_what_is_no_list_is_not_an_empty_one(stack: OpenStack, blazar: Reservations, body: bytes) -> None:
    stack.says(NETWORKS, Answer(body=body))
    with pytest.raises(cloud.CloudUnavailable):
        blazar.network_id("public")


def test_a_404_in_place_of_a_list_is_not_an_empty_one(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(NETWORKS, Answer(code=404, body=b"default backend - 404"))
    with pytest.raises(cloud.CloudUnavailable):
        blazar.network_id("public")


def test_neutrons_words_are_kept(stack: OpenStack, blazar: Reservations) -> None:
    words = "(rule:get_network) is disallowed by policy"
    body = {"NeutronError": {"type": "PolicyNotAuthorized", "message": words, "detail": ""}}
    stack.says(NETWORKS, Answer(code=403, body=body))
    with pytest.raises(cloud.PermissionRefused, match=r"Neutron answered 403: \(rule:get_network\) is disallowed"):
        blazar.network_id("public")


# ------------------------------------------------------------ floating IPs


def test_addresses_are_found_by_their_tags_in_order(stack: OpenStack, blazar: Reservations) -> None:
    listed = [
        address("203.0.113.101", RESERVATION),
        address("203.0.113.20", RESERVATION),
        address("203.0.113.30", OTHER),
        address("203.0.113.40", "of-another-lease"),
        address("203.0.113.50", RESERVATION, project_id="p2"),
        address("203.0.113.60", tags=["reservation"]),
        address("203.0.113.70", tags=[]),
    ]
    stack.says(FLOATING_IPS, Answer(body={"floatingips": listed}))
    found = blazar.floating_ips([RESERVATION, OTHER, "none-yet"])
    assert found == {
        RESERVATION: ("203.0.113.20", "203.0.113.101"),
        OTHER: ("203.0.113.30",),
        "none-yet": (),
    }
    assert stack.asked[-1].query == {
        "tags-any": f"reservation:{RESERVATION},reservation:{OTHER},reservation:none-yet",
        "project_id": "p1",
    }


def test_of_no_reservation_nobody_is_asked(stack: OpenStack, blazar: Reservations) -> None:
    assert blazar.floating_ips([]) == {}
    assert stack.lines() == []


def test_a_list_in_pages_is_read_to_its_end(stack: OpenStack, blazar: Reservations) -> None:
    link = {"floatingips_links": [{"rel": "next", "href": "http://else/"}, {"rel": "previous"}]}
    stack.says(
        FLOATING_IPS,
        Answer(body={"floatingips": [address("203.0.113.9", RESERVATION)], **link}),
        Answer(
            body={"floatingips": [address("203.0.113.10", RESERVATION)], "floatingips_links": [{"rel": "previous"}]}
        ),
    )
    assert blazar.floating_ips([RESERVATION]) == {RESERVATION: ("203.0.113.9", "203.0.113.10")}
    assert stack.asked[-1].query["marker"] == "of-203.0.113.9"


def test_a_list_whose_marker_does_not_move_is_given_up(stack: OpenStack, blazar: Reservations) -> None:
    link = {"floatingips_links": [{"rel": "next"}]}
    stack.says(FLOATING_IPS, Answer(body={"floatingips": [address("203.0.113.9", RESERVATION)], **link}))
    with pytest.raises(cloud.CloudUnavailable, match="has no end"):
        blazar.floating_ips([RESERVATION])
    assert len(stack.lines()) == 2


@pytest.mark.parametrize("code", [500, 503])
def test_a_neutron_that_is_away_is_no_list_without_addresses(stack: OpenStack, blazar: Reservations, code: int) -> None:
    stack.says(FLOATING_IPS, fault(code, "away"))
    with pytest.raises(cloud.CloudUnavailable):
        blazar.floating_ips([RESERVATION])
