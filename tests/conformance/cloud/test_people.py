"""Users, projects and roles: what each may read, and what becomes of a user who is disabled.

Source: keystone/common/policies, keystone/api/role_assignments.py.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cloud.stack import Stack, User

FORBIDDEN = "You are not authorized to perform the requested action: identity:{}."
PASSWORD = "not-a-secret"


@pytest.fixture
def guest(stack: Stack) -> Iterator[User]:
    """Give a user of a project of its own, both made for the case."""
    name = f"{stack.prefix}-{uuid.uuid4().hex[:6]}"
    project = stack.admin.keystone("POST", "/projects", {"project": {"name": name, "domain_id": "default"}})
    body = {"name": name, "password": PASSWORD, "domain_id": "default"}
    user = stack.admin.keystone("POST", "/users", {"user": body})
    assert (project.code, user.code) == (201, 201), (project.body, user.body)
    project_id, user_id = project.body["project"]["id"], user.body["user"]["id"]
    role = stack.admin.keystone("GET", "/roles?name=member").body["roles"][0]["id"]
    grant = f"/projects/{project_id}/users/{user_id}/roles/{role}"
    assert stack.admin.keystone("PUT", grant).code == 204
    yield User(stack.admin.auth_url, name, PASSWORD, name)
    stack.admin.keystone("DELETE", f"/users/{user_id}")
    stack.admin.keystone("DELETE", f"/projects/{project_id}")


def _scoped(user: User) -> int:
    return user.token_for(user.identity(), {"project": {"id": user.project_id}}).code


def test_a_user_reads_itself_with_its_address(stack: Stack) -> None:
    user = stack.alice.keystone("GET", f"/users/{stack.alice.user_id}").body["user"]
    assert (user["name"], user["email"], user["domain_id"], user["enabled"]) == (
        "alice",
        "alice@example.com",
        "default",
        True,
    )


def test_an_administrator_reads_any_user(stack: Stack) -> None:
    answer = stack.admin.keystone("GET", f"/users/{stack.bob.user_id}")
    assert (answer.code, answer.body["user"]["email"]) == (200, "bob@example.com")


def test_a_user_may_lack_an_address(stack: Stack, guest: User) -> None:
    assert "email" not in stack.admin.keystone("GET", f"/users/{guest.user_id}").body["user"]


def test_a_user_may_not_read_another(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", f"/users/{stack.anna.user_id}")
    assert (answer.code, answer.kind, answer.words) == (403, "error", FORBIDDEN.format("get_user"))


def test_an_unknown_user_is_404_for_administrators(stack: Stack) -> None:
    user_id = uuid.uuid4().hex
    answer = stack.admin.keystone("GET", f"/users/{user_id}")
    assert (answer.code, answer.words) == (404, f"Could not find user: {user_id}.")


def test_an_unknown_user_is_403_for_members(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", f"/users/{uuid.uuid4().hex}")
    assert (answer.code, answer.words) == (403, FORBIDDEN.format("get_user"))


def test_users_are_found_by_name(stack: Stack) -> None:
    users = stack.admin.keystone("GET", "/users?name=alice").body["users"]
    assert [(user["id"], user["email"]) for user in users] == [(stack.alice.user_id, "alice@example.com")]


@pytest.mark.parametrize("kind", ["users", "projects"])
def test_a_member_may_not_list(stack: Stack, kind: str) -> None:
    answer = stack.alice.keystone("GET", f"/{kind}")
    assert (answer.code, answer.words) == (403, FORBIDDEN.format(f"list_{kind}"))


def test_a_member_reads_its_project(stack: Stack) -> None:
    project = stack.alice.keystone("GET", f"/projects/{stack.alice.project_id}").body["project"]
    assert (project["name"], project["domain_id"], project["enabled"], project["tags"]) == (
        "alice",
        "default",
        True,
        [],
    )


def test_a_member_may_not_read_another_project(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", f"/projects/{stack.bob.project_id}")
    assert (answer.code, answer.words) == (403, FORBIDDEN.format("get_project"))


def test_an_unknown_project_is_404_for_administrators(stack: Stack) -> None:
    project_id = uuid.uuid4().hex
    answer = stack.admin.keystone("GET", f"/projects/{project_id}")
    assert (answer.code, answer.words) == (404, f"Could not find project: {project_id}.")


def test_a_user_lists_the_projects_that_are_open_to_it(stack: Stack) -> None:
    projects = stack.alice.keystone("GET", "/auth/projects").body["projects"]
    assert [project["id"] for project in projects] == [stack.alice.project_id]


def test_role_assignments_name_the_members_of_a_project(stack: Stack) -> None:
    path = f"/role_assignments?scope.project.id={stack.alice.project_id}&include_names"
    found = stack.admin.keystone("GET", path).body["role_assignments"]
    assert sorted((each["user"]["name"], each["role"]["name"]) for each in found) == [
        ("alice", "member"),
        ("alice", "reader"),
        ("anna", "member"),
        ("anna", "reader"),
    ]
    assert {each["scope"]["project"]["name"] for each in found} == {"alice"}


def test_role_assignments_have_no_names_unless_asked(stack: Stack) -> None:
    path = f"/role_assignments?scope.project.id={stack.alice.project_id}"
    found = stack.admin.keystone("GET", path).body["role_assignments"]
    assert {tuple(each["user"]) for each in found} == {("id",)}


def test_effective_role_assignments_hold_the_implied_ones(stack: Stack) -> None:
    path = f"/role_assignments?scope.project.id={stack.admin.project_id}&user.id={stack.admin.user_id}"
    plain = stack.admin.keystone("GET", f"{path}&include_names").body["role_assignments"]
    effective = stack.admin.keystone("GET", f"{path}&effective&include_names").body["role_assignments"]
    assert {each["role"]["name"] for each in plain} == {"admin"}
    assert {"admin", "member", "reader"} <= {each["role"]["name"] for each in effective}


def test_a_member_may_not_list_role_assignments(stack: Stack) -> None:
    answer = stack.alice.keystone("GET", f"/role_assignments?scope.project.id={stack.alice.project_id}")
    assert (answer.code, answer.words) == (403, FORBIDDEN.format("list_role_assignments"))


def test_a_role_brings_those_that_it_implies(stack: Stack, guest: User) -> None:
    del stack
    assert {role["name"] for role in guest.login()["roles"]} == {"member", "reader"}


def test_a_disabled_user_gets_no_token_and_its_old_one_ends(stack: Stack, guest: User) -> None:
    assert _scoped(guest) == 201
    changed = stack.admin.keystone("PATCH", f"/users/{guest.user_id}", {"user": {"enabled": False}})
    assert changed.code == 200
    assert _scoped(guest) == 401
    stack.wait(lambda: guest.keystone("GET", f"/users/{guest.user_id}").code == 401, "the end of its token")


def test_a_disabled_project_gives_no_token(stack: Stack, guest: User) -> None:
    stack.admin.keystone("PATCH", f"/projects/{guest.project_id}", {"project": {"enabled": False}})
    assert _scoped(guest) == 401


def test_a_role_that_is_taken_away_ends_the_tokens(stack: Stack, guest: User) -> None:
    role = stack.admin.keystone("GET", "/roles?name=member").body["roles"][0]["id"]
    path = f"/projects/{guest.project_id}/users/{guest.user_id}/roles/{role}"
    assert stack.admin.keystone("DELETE", path).code == 204
    assert _scoped(guest) == 401
    stack.wait(
        lambda: guest.keystone("GET", f"/projects/{guest.project_id}").code in {401, 403}, "the end of its token"
    )


def test_a_deleted_user_is_404_and_gets_no_token(stack: Stack, guest: User) -> None:
    assert stack.admin.keystone("DELETE", f"/users/{guest.user_id}").code == 204
    assert stack.admin.keystone("GET", f"/users/{guest.user_id}").code == 404
    assert _scoped(guest) == 401


def test_the_name_of_a_user_is_taken_once(stack: Stack) -> None:
    body: dict[str, Any] = {"user": {"name": "alice", "password": PASSWORD, "domain_id": "default"}}
    answer = stack.admin.keystone("POST", "/users", body)
    assert answer.code == 409
    assert (
        answer.words
        == "Conflict occurred attempting to store user - Duplicate entry found with name alice at domain ID default."
    )
