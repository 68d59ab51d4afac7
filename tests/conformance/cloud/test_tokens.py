"""Tokens: by password, by another token, by an application credential; what they say, and how they are refused.

Source: keystone/api/auth.py, keystonemiddleware/auth_token.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.conformance.cloud.stack import Stack

WORDS = "The request you have made requires authentication."


@pytest.fixture
def credential(stack: Stack) -> Iterator[dict[str, Any]]:
    """Give an application credential of alice."""
    path = f"/users/{stack.alice.user_id}/application_credentials"
    answer = stack.alice.keystone("POST", path, {"application_credential": {"name": f"{stack.prefix}-{uuid.uuid4()}"}})
    assert answer.code == 201, answer.body
    made = answer.body["application_credential"]
    yield made
    stack.alice.keystone("DELETE", f"{path}/{made['id']}")


def _by_credential(made: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given = {"id": made["id"], "secret": made["secret"], **changes}
    return {"methods": ["application_credential"], "application_credential": given}


def test_a_token_says_who_where_and_what(stack: Stack) -> None:
    token = stack.alice.login()
    assert token["user"]["name"] == "alice"
    assert token["project"]["name"] == "alice"
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["methods"] == ["password"]
    assert datetime.fromisoformat(token["expires_at"]) > datetime.fromisoformat(token["issued_at"])


def test_a_catalogue_leads_to_the_services_of_its_region(stack: Stack) -> None:
    catalog = {service["type"]: service for service in stack.alice.login()["catalog"]}
    for kind in ("identity", "compute", "image"):
        endpoints = catalog[kind]["endpoints"]
        assert {endpoint["interface"] for endpoint in endpoints} == {"public", "internal", "admin"}
        assert {(endpoint["region"], endpoint["region_id"]) for endpoint in endpoints} == {("RegionOne", "RegionOne")}


@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong"}, {"name": "nobody"}, {"domain": {"id": "none"}}],
    ids=["password", "user", "domain"],
)
def test_a_wrong_password_and_an_unknown_user_are_401(stack: Stack, changes: dict[str, Any]) -> None:
    answer = stack.alice.token_for(stack.alice.identity(**changes), {"project": {"id": stack.alice.project_id}})
    assert (answer.code, answer.kind, answer.words) == (401, "error", WORDS)
    assert answer.body["error"]["title"] == "Unauthorized"


@pytest.mark.parametrize("project", ["bob's", "none"])
def test_a_project_without_a_role_is_401(stack: Stack, project: str) -> None:
    project_id = stack.bob.project_id if project == "bob's" else uuid.uuid4().hex
    answer = stack.alice.token_for(stack.alice.identity(), {"project": {"id": project_id}})
    assert (answer.code, answer.words) == (401, WORDS)


def test_a_token_without_a_scope_has_no_project(stack: Stack) -> None:
    answer = stack.alice.token_for(stack.alice.identity())
    assert answer.code == 201
    assert not {"project", "roles", "catalog"} & set(answer.body["token"])


def test_a_token_without_a_project_is_refused_by_nova(stack: Stack) -> None:
    token = stack.alice.token_for(stack.alice.identity()).headers["X-Subject-Token"]
    assert stack.alice.nova("GET", "/servers", X_Auth_Token=token).code in {401, 403}


def test_a_token_is_scoped_by_another_one(stack: Stack) -> None:
    identity = {"methods": ["token"], "token": {"id": stack.alice.token}}
    answer = stack.alice.token_for(identity, {"project": {"id": stack.alice.project_id}})
    assert answer.code == 201
    assert set(answer.body["token"]["methods"]) == {"password", "token"}


def test_an_unknown_token_gets_no_other(stack: Stack) -> None:
    answer = stack.alice.token_for({"methods": ["token"], "token": {"id": uuid.uuid4().hex}})
    assert answer.code in {401, 404}


@pytest.mark.parametrize("token", ["", "unknown"])
@pytest.mark.parametrize("service", ["nova", "glance", "keystone"])
def test_a_request_without_a_good_token_is_401(stack: Stack, service: str, token: str) -> None:
    paths = {"nova": "/servers", "glance": "/images", "keystone": f"/users/{stack.alice.user_id}"}
    answer = getattr(stack.alice, service)("GET", paths[service], X_Auth_Token=token)
    assert answer.code == 401
    if service != "glance":
        assert (answer.kind, answer.words) == ("error", WORDS)
    assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


@pytest.mark.only(
    "simulated",
    because="a worker of Keystone that holds the token in its cache takes it: keystone/token/provider.py (MEMOIZE)",
)
def test_a_revoked_token_is_401(stack: Stack) -> None:
    answer = stack.alice.token_for(stack.alice.identity(), {"project": {"id": stack.alice.project_id}})
    token = answer.headers["X-Subject-Token"]
    gone = stack.alice.keystone("DELETE", "/auth/tokens", X_Auth_Token=token, X_Subject_Token=token)
    assert gone.code == 204
    assert stack.alice.keystone("GET", f"/users/{stack.alice.user_id}", X_Auth_Token=token).code == 401


def test_a_token_is_shown_to_its_holder(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", "/auth/tokens", X_Subject_Token=stack.alice.token)
    assert (answer.code, answer.body["token"]["user"]["id"]) == (200, stack.alice.user_id)


def test_a_body_without_auth_is_refused(stack: Stack) -> None:
    answer = stack.alice.keystone("POST", "/auth/tokens", {}, X_Auth_Token="")
    assert (answer.code, answer.kind) == (400, "error")


def test_an_application_credential_lets_in(stack: Stack, credential: dict[str, Any]) -> None:
    answer = stack.alice.token_for(_by_credential(credential))
    token = answer.body["token"]
    assert answer.code == 201
    assert (token["methods"], token["project"]["id"]) == (["application_credential"], stack.alice.project_id)
    assert token["application_credential"]["id"] == credential["id"]
    got = stack.alice.nova("GET", "/servers?limit=1", X_Auth_Token=answer.headers["X-Subject-Token"])
    assert got.code == 200


def test_an_application_credential_lets_in_by_name(stack: Stack, credential: dict[str, Any]) -> None:
    user = {"name": "alice", "domain": {"id": "default"}}
    given = {"name": credential["name"], "secret": credential["secret"], "user": user}
    answer = stack.alice.token_for({"methods": ["application_credential"], "application_credential": given})
    assert answer.code == 201


def test_a_wrong_secret_is_401(stack: Stack, credential: dict[str, Any]) -> None:
    answer = stack.alice.token_for(_by_credential(credential, secret="wrong"))
    assert (answer.code, answer.words) == (401, WORDS)


def test_an_application_credential_takes_no_scope(stack: Stack, credential: dict[str, Any]) -> None:
    answer = stack.alice.token_for(_by_credential(credential), {"project": {"id": stack.bob.project_id}})
    assert answer.code == 401


def test_a_deleted_application_credential_is_404(stack: Stack, credential: dict[str, Any]) -> None:
    path = f"/users/{stack.alice.user_id}/application_credentials/{credential['id']}"
    assert stack.alice.keystone("DELETE", path).code == 204
    answer = stack.alice.token_for(_by_credential(credential))
    words = f"Could not find Application Credential: {credential['id']}."
    assert (answer.code, answer.words) == (404, words)


def test_the_name_of_an_application_credential_is_taken_once(stack: Stack, credential: dict[str, Any]) -> None:
    path = f"/users/{stack.alice.user_id}/application_credentials"
    answer = stack.alice.keystone("POST", path, {"application_credential": {"name": credential["name"]}})
    assert answer.code == 409
    assert answer.words == (
        "Conflict occurred attempting to store application_credential - "
        f"Duplicate entry found with name {credential['name']}."
    )


def test_a_secret_is_shown_once(stack: Stack, credential: dict[str, Any]) -> None:
    path = f"/users/{stack.alice.user_id}/application_credentials/{credential['id']}"
    answer = stack.alice.keystone("GET", path)
    assert answer.code == 200
    assert "secret" not in answer.body["application_credential"]
