"""Neutron, as far as leases lean on it: networks by name and id, floating IPs by tags.

Source: the Network API reference v2.
"""

import pytest

from tests.conformance.cloud.stack import Stack


def test_a_network_is_found_by_its_name_and_its_id(stack: Stack) -> None:
    (found,) = stack.alice.neutron("/networks?name=public").body["networks"]
    assert (found["name"], found["router:external"]) == ("public", True)
    (again,) = stack.alice.neutron(f"/networks?id={found['id']}&router:external=true").body["networks"]
    assert again["id"] == found["id"]


@pytest.mark.parametrize("query", ["name=nosuch", "id=nosuch", "name=private&router:external=true"])
def test_a_network_that_is_not_there_is_an_empty_list(stack: Stack, query: str) -> None:
    answer = stack.alice.neutron(f"/networks?{query}")
    assert (answer.code, answer.body["networks"]) == (200, [])


def test_a_shared_network_is_seen_by_all(stack: Stack) -> None:
    for user in (stack.alice, stack.bob):
        (found,) = user.neutron("/networks?name=private").body["networks"]
        assert (found["router:external"], found["shared"]) == (False, True)


@pytest.mark.parametrize("query", ["tags=reservation:none", "tags-any=reservation:none,reservation:other"])
def test_tags_that_nobody_has_give_an_empty_list(stack: Stack, query: str) -> None:
    answer = stack.alice.neutron(f"/floatingips?{query}")
    assert (answer.code, answer.body["floatingips"]) == (200, [])


def test_the_catalogue_leads_to_blazar_and_neutron(stack: Stack) -> None:
    catalog = {service["type"]: service for service in stack.alice.login()["catalog"]}
    assert (catalog["reservation"]["name"], catalog["network"]["name"]) == ("blazar", "neutron")
    (url,) = {each["url"] for each in catalog["reservation"]["endpoints"]}
    assert url.endswith("/v1")
