"""Keystone over HTTP: version 3.

Source: the Identity API reference v3; keystone/api.
"""

from collections.abc import Mapping
from typing import Any

from lessor.simulated.cloud import exchange, records
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import Asked, Reply, Route
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service

PREFIX = "/identity"
# The type of each service, its name, and the path of its endpoint.
_CATALOGUE = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("reservation", "blazar", "/reservation/v1"),
    ("network", "neutron", "/network"),
)
_NAMED = frozenset({"", "1", "true", "True"})


class IdentityApi:
    """The requests that Keystone answers."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._identity = core.identity

    def routes(self) -> list[Route]:
        """Give them all."""
        table: list[exchange.Line] = [
            ("GET", "", "keystone.versions", self._versions, True),
            ("GET", "/", "keystone.versions", self._versions, True),
            ("GET", "/v3", "keystone.version", self._version, True),
            ("GET", "/v3/", "keystone.version", self._version, True),
            ("POST", "/v3/auth/tokens", "token", self._token, True),
            ("GET", "/v3/auth/tokens", "token.show", self._show, False),
            ("DELETE", "/v3/auth/tokens", "token.revoke", self._revoke, False),
            ("GET", "/v3/auth/projects", "auth.projects", self._own_projects, False),
            ("GET", "/v3/auth/catalog", "auth.catalog", self._catalog, False),
            ("GET", "/v3/users", "users.list", self._users, False),
            ("GET", "/v3/users/{id}", "users.get", self._user, False),
            ("GET", "/v3/projects", "projects.list", self._projects, False),
            ("GET", "/v3/projects/{id}", "projects.get", self._project, False),
            ("GET", "/v3/role_assignments", "role_assignments.list", self._assignments, False),
            ("POST", "/v3/users/{id}/application_credentials", "credentials.create", self._credential, False),
            ("GET", "/v3/users/{id}/application_credentials/{other}", "credentials.get", self._read, False),
            ("DELETE", "/v3/users/{id}/application_credentials/{other}", "credentials.delete", self._forget, False),
        ]
        return exchange.routes(Service.KEYSTONE, PREFIX, table)

    # ------------------------------------------------------------ versions and tokens

    def _versions(self, asked: Asked, _: Token) -> Reply:
        return Reply(code=300, body={"versions": {"values": [self._v3(asked)]}})

    def _version(self, asked: Asked, _: Token) -> Reply:
        return Reply(body={"version": self._v3(asked)})

    def _v3(self, asked: Asked) -> Mapping[str, Any]:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{asked.root}{PREFIX}/v3/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"},
            ],
        }

    def _token(self, asked: Asked, _: Token) -> Reply:
        if not isinstance(asked.body, dict) or "auth" not in asked.body:
            words = "Expecting to find auth in request body. The server could not comply with the request since it is"
            raise Refused(Service.KEYSTONE, 400, f"{words} either malformed or otherwise incorrect.")
        token = self._identity.authenticate(asked.body["auth"])
        catalog = "nocatalog" not in asked.query
        return Reply(code=201, body={"token": self._shown(asked, token, catalog=catalog)}, headers=_subject(token))

    def _show(self, asked: Asked, who: Token) -> Reply:
        subject = self._subject(asked, who)
        return Reply(body={"token": self._shown(asked, subject, catalog=True)}, headers=_subject(subject))

    def _subject(self, asked: Asked, who: Token) -> Token:
        try:
            subject = self._identity.token(asked.headers.get("x-subject-token", who.id))
        except Refused:
            raise Refused(Service.KEYSTONE, 404, "Could not find token: the one that was named.") from None
        if not who.admin and subject.user_id != who.user_id:
            raise Refused(
                Service.KEYSTONE,
                403,
                "You are not authorized to perform the requested action: identity:validate_token.",
            )
        return subject

    def _revoke(self, asked: Asked, who: Token) -> Reply:
        self._identity.end(self._subject(asked, who))
        return Reply(code=204)

    def _shown(self, asked: Asked, token: Token, *, catalog: bool) -> Mapping[str, Any]:
        known = self._identity.people
        user = known.users[token.user_id]
        shown: dict[str, Any] = {
            "methods": list(token.methods),
            "user": {
                "id": user.id,
                "name": user.name,
                "domain": records.domain(),
                "password_expires_at": None,
            },
            "audit_ids": [token.id[-22:]],
            "issued_at": records.micro(token.issued),
            "expires_at": records.micro(token.expires),
        }
        if token.project_id is None:
            return shown
        project = known.projects[token.project_id]
        shown |= {
            "is_domain": False,
            "project": {"id": project.id, "name": project.name, "domain": records.domain()},
            "roles": [{"id": known.role_ids[role], "name": role} for role in token.roles],
        }
        if token.credential_id is not None:
            credential = known.credentials[token.credential_id]
            shown["application_credential"] = {
                "id": credential.id,
                "name": credential.name,
                "restricted": not credential.unrestricted,
            }
        return shown | {"catalog": self._services(asked)} if catalog else shown

    def _services(self, asked: Asked) -> list[Mapping[str, Any]]:
        region = self._core.region
        return [
            {
                "id": f"{name}-service",
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": f"{name}-{interface}",
                        "interface": interface,
                        "region": region,
                        "region_id": region,
                        "url": f"{asked.root}{path}",
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for kind, name, path in _CATALOGUE
            if Service(name) not in self._core.absent
        ]

    def _catalog(self, asked: Asked, _: Token) -> Reply:
        return Reply(body={"catalog": self._services(asked), "links": {"self": asked.url}})

    # ------------------------------------------------------------ people

    def _own_projects(self, _: Asked, who: Token) -> Reply:
        known = self._identity.people
        own = [each for each in known.projects.values() if known.roles(who.user_id, each.id)]
        return Reply(body={"projects": [records.project(each) for each in own], "links": {}})

    def _users(self, asked: Asked, who: Token) -> Reply:
        self._identity.as_admin(who, "list_users")
        named = asked.query.get("name")
        found = [user for user in self._identity.people.users.values() if named in {None, user.name}]
        return Reply(body={"users": [records.user(user) for user in found], "links": {}})

    def _user(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"user": records.user(self._identity.user(who, asked.id))})

    def _projects(self, asked: Asked, who: Token) -> Reply:
        self._identity.as_admin(who, "list_projects")
        named = asked.query.get("name")
        found = [each for each in self._identity.people.projects.values() if named in {None, each.name}]
        return Reply(body={"projects": [records.project(each) for each in found], "links": {}})

    def _project(self, asked: Asked, who: Token) -> Reply:
        return Reply(body={"project": records.project(self._identity.project(who, asked.id))})

    def _assignments(self, asked: Asked, who: Token) -> Reply:
        self._identity.as_admin(who, "list_role_assignments")
        known, query = self._identity.people, asked.query
        every = known.effective() if _said(query, "effective") else iter(known.assignments)
        found = [
            each
            for each in every
            if query.get("scope.project.id") in {None, each.project_id}
            and query.get("user.id") in {None, each.user_id}
            and query.get("role.id") in {None, known.role_ids[each.role]}
        ]
        names = _said(query, "include_names")
        return Reply(
            body={"role_assignments": [records.assignment(each, known, names=names) for each in found], "links": {}}
        )

    def _credential(self, asked: Asked, who: Token) -> Reply:
        made = self._identity.new_credential(who, asked.id, asked.body["application_credential"])
        shown = records.credential(made, self._identity.people)
        return Reply(code=201, body={"application_credential": shown | {"secret": made.secret}})

    def _read(self, asked: Asked, who: Token) -> Reply:
        found = self._identity.credential(who, asked.id, asked.parts["other"])
        return Reply(body={"application_credential": records.credential(found, self._identity.people)})

    def _forget(self, asked: Asked, who: Token) -> Reply:
        self._identity.delete_credential(who, asked.id, asked.parts["other"])
        return Reply(code=204)


def _said(query: Mapping[str, str], key: str) -> bool:
    return query.get(key, "0") in _NAMED


def _subject(token: Token) -> Mapping[str, str]:
    return {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"}
