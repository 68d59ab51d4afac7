"""Versions and microversions, and what every answer carries.

Source: nova/api/openstack/wsgi.py, keystone/api/discovery.py, glance/api/versions.py.
"""

from email.utils import parsedate_to_datetime

import pytest

from tests.conformance.cloud.stack import Stack


def test_keystone_says_its_version_without_a_token(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", "", X_Auth_Token="")
    assert answer.code == 200
    assert answer.body["version"]["id"].startswith("v3.")
    assert answer.body["version"]["status"] == "stable"


def test_the_root_of_keystone_lists_its_versions(stack: Stack) -> None:
    root = stack.alice.auth_url.removesuffix("/v3")
    answer = stack.alice.send("GET", f"{root}/", headers={"X-Auth-Token": ""})
    assert answer.code == 300
    assert [version["id"][:3] for version in answer.body["versions"]["values"]] == ["v3."]


def test_nova_says_its_version(stack: Stack) -> None:
    answer = stack.alice.nova("GET", "/")
    version = answer.body["version"]
    assert answer.code == 200
    assert (version["id"], version["status"], version["min_version"]) == ("v2.1", "CURRENT", "2.1")
    assert int(version["version"].partition(".")[2]) >= 73


def test_the_root_of_nova_lists_its_versions(stack: Stack) -> None:
    root = stack.alice.endpoints["compute"].removesuffix("/v2.1")
    answer = stack.alice.send("GET", f"{root}/", headers={"X-Auth-Token": ""})
    assert answer.code == 200
    assert "v2.1" in [version["id"] for version in answer.body["versions"]]


def test_the_root_of_glance_lists_its_versions(stack: Stack) -> None:
    answer = stack.alice.send("GET", f"{stack.alice.endpoints['image']}/", headers={"X-Auth-Token": ""})
    assert answer.code == 300
    assert "CURRENT" in {version["status"] for version in answer.body["versions"]}


@pytest.mark.parametrize("path", ["/servers?limit=1", "/servers/none"])
def test_nova_says_which_microversion_answers(stack: Stack, path: str) -> None:
    headers = stack.alice.nova("GET", path).headers
    assert headers["OpenStack-API-Version"] == "compute 2.73"
    assert headers["X-OpenStack-Nova-API-Version"] == "2.73"
    assert "OpenStack-API-Version" in headers["Vary"]


def test_the_older_header_is_taken_too(stack: Stack) -> None:
    answer = stack.alice.nova(
        "GET", "/servers?limit=1", OpenStack_API_Version=None, X_OpenStack_Nova_API_Version="2.60"
    )
    assert answer.headers["OpenStack-API-Version"] == "compute 2.60"


def test_without_a_microversion_it_is_the_oldest(stack: Stack) -> None:
    answer = stack.alice.nova("GET", "/servers?limit=1", OpenStack_API_Version=None)
    assert answer.headers["OpenStack-API-Version"] == "compute 2.1"


def test_a_microversion_that_is_not_served_is_406(stack: Stack) -> None:
    answer = stack.alice.nova("GET", "/servers", OpenStack_API_Version="compute 2.999")
    assert (answer.code, answer.kind) == (406, "computeFault")
    assert answer.words.startswith("Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.")


def test_a_microversion_without_a_form_is_400(stack: Stack) -> None:
    answer = stack.alice.nova("GET", "/servers", OpenStack_API_Version="compute new")
    words = "API Version String new is of invalid format. Must be of format MajorNum.MinorNum."
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", words)


@pytest.mark.only(
    "simulated",
    because="uWSGI, which serves the real parts, adds no Date; a proxy before them does: RFC 9110, section 6.6.1",
)
@pytest.mark.parametrize("service", ["nova", "keystone", "glance"])
def test_an_answer_has_a_date(stack: Stack, service: str) -> None:
    paths = {"nova": "/servers?limit=1", "keystone": f"/users/{stack.alice.user_id}", "glance": "/images?limit=1"}
    answer = getattr(stack.alice, service)("GET", paths[service])
    assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None
