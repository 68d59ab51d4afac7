"""What administrators do to Keystone's people over HTTP.

Source: the Identity API reference v3; keystone/api/{users,projects,roles}.py.
"""

from collections.abc import Callable
from typing import Any

from lessor.simulated.cloud import records
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.identity_http import PREFIX
from lessor.simulated.cloud.people import Assignment, Project, User
from lessor.simulated.cloud.refusals import Refused, Service


class PeopleApi:
    """The requests by which people are made, changed and removed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known = core.identity.people

    def routes(self) -> list[Route]:
        """Give them all."""
        granted = "/v3/projects/{id}/users/{user}/roles/{role}"
        table: list[tuple[str, str, str, str, Callable[[Asked], Reply]]] = [
            ("POST", "/v3/users", "users.create", "create_user", self._new_user),
            ("PATCH", "/v3/users/{id}", "users.update", "update_user", self._change_user),
            ("DELETE", "/v3/users/{id}", "users.delete", "delete_user", self._remove_user),
            ("POST", "/v3/projects", "projects.create", "create_project", self._new_project),
            ("PATCH", "/v3/projects/{id}", "projects.update", "update_project", self._change_project),
            ("DELETE", "/v3/projects/{id}", "projects.delete", "delete_project", self._remove_project),
            ("GET", "/v3/roles", "roles.list", "list_roles", self._roles),
            ("PUT", granted, "roles.grant", "create_grant", self._grant),
            ("DELETE", granted, "roles.revoke", "revoke_grant", self._revoke),
        ]
        return [
            Route(
                service=Service.KEYSTONE,
                method=method,
                path=f"{PREFIX}{path}",
                operation=operation,
                handle=self._of_admins(rule, handle),
            )
            for method, path, operation, rule, handle in table
        ]

    def _of_admins(self, rule: str, handle: Callable[[Asked], Reply]) -> Callable[[Asked, Token], Reply]:
        def handled(asked: Asked, who: Token) -> Reply:
            self._core.identity.as_admin(who, rule)
            return handle(asked)

        return handled

    # ------------------------------------------------------------ users

    def _new_user(self, asked: Asked) -> Reply:
        given = asked.body["user"]
        if self._known.user_named(given["name"]) is not None:
            raise _taken("user", given["name"])
        made = self._core.add_user(given["name"], password=given["password"], email=given.get("email"))
        return Reply(code=201, body={"user": records.user(made)})

    def _change_user(self, asked: Asked) -> Reply:
        user = self._user(asked.id)
        _change(user, asked.body["user"], ("name", "password", "email", "enabled"))
        return Reply(body={"user": records.user(user)})

    def _remove_user(self, asked: Asked) -> Reply:
        user = self._user(asked.id)
        del self._known.users[user.id]
        self._forget(lambda each: each.user_id == user.id)
        return Reply(code=204)

    def _user(self, user_id: str) -> User:
        if user_id not in self._known.users:
            raise Refused(Service.KEYSTONE, 404, f"Could not find user: {user_id}.")
        return self._known.users[user_id]

    # ------------------------------------------------------------ projects and roles

    def _new_project(self, asked: Asked) -> Reply:
        given = asked.body["project"]
        if self._known.project_named(given["name"]) is not None:
            raise _taken("project", given["name"])
        made = self._core.add_project(given["name"], tags=tuple(given.get("tags", ())))
        return Reply(code=201, body={"project": records.project(made)})

    def _change_project(self, asked: Asked) -> Reply:
        project = self._project(asked.id)
        _change(project, asked.body["project"], ("name", "enabled", "description", "tags"))
        return Reply(body={"project": records.project(project)})

    def _remove_project(self, asked: Asked) -> Reply:
        project = self._project(asked.id)
        del self._known.projects[project.id]
        self._forget(lambda each: each.project_id == project.id)
        return Reply(code=204)

    def _project(self, project_id: str) -> Project:
        if project_id not in self._known.projects:
            raise Refused(Service.KEYSTONE, 404, f"Could not find project: {project_id}.")
        return self._known.projects[project_id]

    def _forget(self, concerns: Callable[[Assignment], bool]) -> None:
        for each in [each for each in self._known.assignments if concerns(each)]:
            del self._known.assignments[each]

    def _roles(self, asked: Asked) -> Reply:
        named = asked.query.get("name")
        found = [{"id": key, "name": name, "domain_id": None} for name, key in self._known.role_ids.items()]
        return Reply(body={"roles": [role for role in found if named in {None, role["name"]}], "links": {}})

    def _grant(self, asked: Asked) -> Reply:
        self._known.assignments[self._assignment(asked)] = None
        return Reply(code=204)

    def _revoke(self, asked: Asked) -> Reply:
        self._known.assignments.pop(self._assignment(asked), None)
        return Reply(code=204)

    def _assignment(self, asked: Asked) -> Assignment:
        by_id = {key: name for name, key in self._known.role_ids.items()}
        role = asked.parts["role"]
        if role not in by_id:
            raise Refused(Service.KEYSTONE, 404, f"Could not find role: {role}.")
        project, user = self._project(asked.id), self._user(asked.parts["user"])
        return Assignment(user_id=user.id, project_id=project.id, role=by_id[role])


def _change(thing: User | Project, given: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        if key in given:
            setattr(thing, key, given[key])


def _taken(kind: str, name: str) -> Refused:
    words = (
        f"Conflict occurred attempting to store {kind} - Duplicate entry found with name {name} at domain ID default."
    )
    return Refused(Service.KEYSTONE, 409, words)
