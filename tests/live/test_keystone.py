"""Credentials that keystoneauth does not take as they are, and answers of Keystone that are no tokens."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lessor.ports import cloud
from tests.live.openstack import PASSWORD, Answer, OpenStack, clouds_yaml, connect, fault
from tests.live.test_sessions import TOKEN, configured


@pytest.mark.parametrize(
    ("auth_type", "auth"),
    [
        ("password", {"username": "u", "password": PASSWORD}),
        ("password", {"username": "u", "password": PASSWORD, "user_domain_name": "D", "project_name": "p"}),
        ("v3applicationcredential", {"application_credential_id": "ac"}),
        ("v3applicationcredential", {"application_credential_secret": PASSWORD}),
        ("v3oidcclientcredentials", {"identity_provider": "sso", "protocol": "openid", "client_id": "c"}),
        ("v3oidcclientcredentials", {"access_token_endpoint": "https://sso/token", "client_secret": PASSWORD}),
    ],
)
def test_options_that_are_missing_are_named_and_are_an_error_of_the_tree(
    stack: OpenStack, auth_type: str, auth: dict[str, str]
) -> None:
    if "project_name" in auth:
        stack.says(TOKEN, fault(400, "Expecting to find domain in project."))
    with pytest.raises(cloud.CredentialsFault) as raised:
        connect(configured(stack, auth, auth_type=auth_type))
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(("key", "value"), [("default_domain_id", "default"), ("default_domain_name", "Default")])
def test_a_default_domain_stands_for_the_user_s_and_the_project_s(stack: OpenStack, key: str, value: str) -> None:
    """openstacksdk's `password` takes it, the v3 plugin of keystoneauth does not."""
    auth = {"username": "u", "password": PASSWORD, "project_name": "demo", key: value}
    assert connect(configured(stack, auth)).identity.project_id == "p1"
    asked = stack.asked[0].body["auth"]
    what = key.removeprefix("default_domain_")
    assert asked["identity"]["password"]["user"]["domain"] == {what: value}
    assert asked["scope"]["project"]["domain"] == {what: value}


def test_a_default_domain_beside_the_named_ones_does_no_harm(stack: OpenStack) -> None:
    auth = {"username": "u", "password": PASSWORD, "project_name": "demo", "default_domain_id": "default"}
    auth |= {"user_domain_name": "Users", "project_domain_name": "Projects"}
    connect(configured(stack, auth))
    assert stack.asked[0].body["auth"]["scope"]["project"]["domain"] == {"name": "Projects"}


def test_the_scope_of_openid_can_be_chosen(stack: OpenStack) -> None:
    """keystoneauth knows the option as `scope`; in a clouds.yaml it is `openid_scope`."""
    stack.says("POST /idp/token", Answer(body={"access_token": "a"}))
    stack.says("POST /v3/OS-FEDERATION/identity_providers/sso/protocols/openid/auth", stack.given())
    auth = {"identity_provider": "sso", "protocol": "openid", "client_id": "c", "client_secret": PASSWORD}
    auth |= {"access_token_endpoint": f"{stack.url}/idp/token", "project_id": "p1", "openid_scope": "openid mine"}
    connect(configured(stack, auth, auth_type="v3oidcclientcredentials"))
    assert "scope=openid+mine" in stack.asked[0].body


def changed(stack: OpenStack, change: Callable[[dict[str, Any]], object]) -> Answer:
    given = stack.given()
    body = copy.deepcopy(given.body)
    change(body["token"])
    return Answer(code=201, body=body, headers=given.headers)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Answer(code=200, body=b"<html>please log in</html>"),
        lambda _: Answer(code=201, body=b'{"token": {'),
        lambda _: Answer(code=201, body={}),
        lambda stack: Answer(code=201, body=stack.given().body),
        lambda _: Answer(code=201, body={"token": []}, headers={"X-Subject-Token": "t"}),
        lambda _: Answer(code=201, body={"token": None}, headers={"X-Subject-Token": "t"}),
        lambda _: Answer(code=201, body="token", headers={"X-Subject-Token": "t"}),
        lambda stack: changed(stack, lambda token: token.pop("user")),
        lambda stack: changed(stack, lambda token: token.update(catalog=None)),
        lambda stack: changed(stack, lambda token: token.update(catalog=[1])),
        lambda stack: changed(stack, lambda token: token.update(catalog=[{"type": "compute", "endpoints": None}])),
        lambda stack: changed(stack, lambda token: token.update(catalog=[{"type": "compute", "endpoints": [{}]}])),
        lambda _: Answer(code=201, body=b"[" * 100_000, headers={"X-Subject-Token": "t"}),
        lambda _: Answer(code=302, headers={"Location": "http://else/"}),
    ],
)
def test_what_is_no_token_is_no_answer_of_keystone(stack: OpenStack, answer: Callable[[OpenStack], Answer]) -> None:
    stack.says(TOKEN, answer(stack))
    with pytest.raises(cloud.CloudUnavailable):
        connect(clouds_yaml(stack.url))


def test_a_refusal_that_nests_without_end_is_one_all_the_same(stack: OpenStack) -> None:
    stack.says(TOKEN, Answer(code=401, body=b"[" * 100_000))
    with pytest.raises(cloud.CloudError):
        connect(clouds_yaml(stack.url))


def test_an_endpoint_that_is_no_url_is_an_error_of_the_tree(stack: OpenStack) -> None:
    stack.endpoints["compute"] = "http://[::1"
    with pytest.raises(cloud.CloudError):
        connect(clouds_yaml(stack.url)).stop("x")


def test_credentials_without_a_project_are_told_so(stack: OpenStack) -> None:
    """An unscoped token has no catalogue either: that is not what is wrong."""
    stack.scoped = False
    with pytest.raises(cloud.InvalidCredentials, match="project"):
        connect(clouds_yaml(stack.url))


def test_the_same_refusal_is_told_in_the_same_words(stack: OpenStack) -> None:
    """Keystone's answers carry a request id, which keystoneauth puts into its message: each try would be news."""
    said = set()
    for number in range(2):
        stack.says(
            TOKEN,
            Answer(code=401, body={"error": {"message": "No."}}, headers={"x-openstack-request-id": f"req-{number}"}),
        )
        with pytest.raises(cloud.CredentialsRefused) as raised:
            connect(clouds_yaml(stack.url))
        said.add(str(raised.value))
    assert said == {"Keystone refused the credentials (401): No."}


def test_413_of_keystone_is_no_refusal_of_the_credentials(stack: OpenStack) -> None:
    stack.says(TOKEN, fault(413, "Slow down."))
    with pytest.raises(cloud.CloudUnavailable):
        connect(clouds_yaml(stack.url))


def test_an_empty_ca_is_not_the_machine_s_own(stack: OpenStack) -> None:
    """Python would take the system's authorities, and SSL_CERT_FILE, for an empty text."""
    with pytest.raises(cloud.InvalidCredentials, match="holds no PEM certificate"):
        connect(clouds_yaml(stack.url), b"")
