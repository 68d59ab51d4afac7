"""Keystone: who may have a token, for what, and how long; and what may be read with it.

Source: keystone/api/auth.py, keystone/auth/plugins, keystone/common/policies; tried on Keystone 30.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lessor.simulated.cloud import people
from lessor.simulated.cloud.people import ApplicationCredential, People, Project, User
from lessor.simulated.cloud.refusals import Refused, Service, unauthenticated

_KEYSTONE = Service.KEYSTONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token: who holds it, on which project (None: on none), with which roles."""

    id: str
    user_id: str
    project_id: str | None
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    issued: datetime
    expires: datetime
    credential_id: str | None = None

    @property
    def admin(self) -> bool:
        """Whether the services take its holder for an administrator."""
        return "admin" in self.roles


class Identity:
    """Keystone's core. `fresh` makes ids of 32 hexadecimal digits."""

    def __init__(self, now: Callable[[], datetime], fresh: Callable[[], str], life: timedelta) -> None:
        self.people = People()
        self.life = life
        self._now = now
        self._fresh = fresh
        self._tokens: dict[str, Token] = {}
        for role in (*people.ROLES, "service"):
            self.people.role_ids[role] = fresh()

    # ------------------------------------------------------------ tokens

    def authenticate(self, auth: Mapping[str, Any]) -> Token:
        """Give a token for the `auth` of a `POST /v3/auth/tokens`.

        Raises:
            Refused: 401 whatever is wrong with it but its form; 404 for an application credential that is gone.
        """
        identity = auth.get("identity", {})
        methods = tuple(identity.get("methods", ()))
        if not methods:
            raise Refused(_KEYSTONE, 400, "Expecting to find methods in identity.")
        if methods[0] == "application_credential":
            if auth.get("scope"):
                raise Refused(_KEYSTONE, 401, "Application credentials cannot request a scope.")
            return self._by_credential(identity["application_credential"])
        if methods[0] == "token":
            held = self.token(str(identity["token"].get("id")))
            user, before = self.people.users[held.user_id], held.methods
        else:
            user, before = self._by_password(identity.get("password", {})), ()
        project = self._scope(auth.get("scope"), user)
        return self.give(user, project, tuple(dict.fromkeys((*before, *methods))))

    def give(self, user: User, project: Project | None, methods: tuple[str, ...] = ("password",)) -> Token:
        """Give a token to this user.

        Raises:
            Refused: 401: the user or the project is disabled, or the user has no role there.
        """
        roles = self.people.roles(user.id, project.id) if project is not None else ()
        if not user.enabled or (project is not None and not (roles and project.enabled)):
            raise unauthenticated(_KEYSTONE)
        return self._new(user.id, project.id if project else None, roles, methods, None)

    def token(self, token_id: str, service: Service = _KEYSTONE) -> Token:
        """Give the token of this id.

        Raises:
            Refused: 401: there is none, it expired, or what it stands on is gone.
        """
        token = self._tokens.get(token_id)
        if token is None or token.expires <= self._now() or not self._stands(token):
            self._tokens.pop(token_id, None)
            raise unauthenticated(service)
        return token

    def revoke(self, user_id: str) -> None:
        """End all tokens of a user."""
        self._tokens = {key: token for key, token in self._tokens.items() if token.user_id != user_id}

    def end(self, token: Token) -> None:
        """End one token."""
        self._tokens.pop(token.id, None)

    def _stands(self, token: Token) -> bool:
        user = self.people.users.get(token.user_id)
        if user is None or not user.enabled:
            return False
        if token.credential_id is not None and token.credential_id not in self.people.credentials:
            return False
        project = self.people.projects.get(token.project_id or "")
        return token.project_id is None or (
            project is not None and project.enabled and bool(self.people.roles(user.id, project.id))
        )

    def _new(
        self,
        user_id: str,
        project_id: str | None,
        roles: tuple[str, ...],
        methods: tuple[str, ...],
        credential_id: str | None,
    ) -> Token:
        now = self._now()
        token = Token(
            id=f"gAAAAA{self._fresh()}{self._fresh()}",
            user_id=user_id,
            project_id=project_id,
            roles=roles,
            methods=methods,
            issued=now,
            expires=now + self.life,
            credential_id=credential_id,
        )
        self._tokens[token.id] = token
        return token

    def _by_password(self, method: Mapping[str, Any]) -> User:
        known = self._named(method.get("user", {}))
        if known is None or not known.enabled or known.password != method["user"].get("password"):
            raise unauthenticated(_KEYSTONE)
        return known

    def _named(self, given: Mapping[str, Any]) -> User | None:
        """Find a user by its id, or by its name in the one domain."""
        if "id" in given:
            return self.people.users.get(given["id"])
        domain = given.get("domain", {})
        if domain.get("id", people.DOMAIN) != people.DOMAIN or domain.get("name", "Default") != "Default":
            return None
        return self.people.user_named(given.get("name", ""))

    def _by_credential(self, given: Mapping[str, Any]) -> Token:
        credential = self._credential(given)
        user = self.people.users[credential.user_id]
        project = self.people.projects.get(credential.project_id)
        if credential.secret != given.get("secret") or not user.enabled or project is None or not project.enabled:
            raise unauthenticated(_KEYSTONE)
        return self._new(user.id, project.id, credential.roles, ("application_credential",), credential.id)

    def _credential(self, given: Mapping[str, Any]) -> ApplicationCredential:
        every = self.people.credentials
        if "id" in given:
            if given["id"] not in every:
                raise Refused(_KEYSTONE, 404, f"Could not find Application Credential: {given['id']}.")
            return every[given["id"]]
        user = self._named(given.get("user", {}))
        for credential in every.values():
            if user is not None and (credential.user_id, credential.name) == (user.id, given.get("name")):
                return credential
        raise unauthenticated(_KEYSTONE)

    def _scope(self, scope: Any, user: User) -> Project | None:  # noqa: ANN401 (JSON)
        if scope is None or scope == "unscoped":
            return None
        wanted = scope.get("project") if isinstance(scope, dict) else None
        if wanted is None:
            raise unauthenticated(_KEYSTONE)
        project = self.people.projects.get(wanted.get("id", "")) or self.people.project_named(wanted.get("name", ""))
        if project is None or not self.people.roles(user.id, project.id):
            raise unauthenticated(_KEYSTONE)
        return project

    # ------------------------------------------------------------ what may be read

    def user(self, who: Token, user_id: str) -> User:
        """Give a user: to itself, and to administrators."""
        if not who.admin and who.user_id != user_id:
            raise _forbidden("get_user")
        if user_id not in self.people.users:
            raise Refused(_KEYSTONE, 404, f"Could not find user: {user_id}.")
        return self.people.users[user_id]

    def project(self, who: Token, project_id: str) -> Project:
        """Give a project: to those whose token is of it, and to administrators."""
        if not who.admin and who.project_id != project_id:
            raise _forbidden("get_project")
        if project_id not in self.people.projects:
            raise Refused(_KEYSTONE, 404, f"Could not find project: {project_id}.")
        return self.people.projects[project_id]

    def as_admin(self, who: Token, rule: str) -> None:
        """Refuse everybody but administrators."""
        if not who.admin:
            raise _forbidden(rule)

    def new_credential(self, who: Token, user_id: str, given: Mapping[str, Any]) -> ApplicationCredential:
        """Make an application credential of the token's user on the token's project."""
        if who.user_id != user_id or who.project_id is None:
            raise _forbidden("create_application_credential")
        name = str(given["name"])
        if any((each.user_id, each.name) == (user_id, name) for each in self.people.credentials.values()):
            raise Refused(
                _KEYSTONE,
                409,
                "Conflict occurred attempting to store application_credential - "
                f"Duplicate entry found with name {name}.",
            )
        made = ApplicationCredential(
            id=self._fresh(),
            name=name,
            secret=str(given.get("secret") or self._fresh()),
            user_id=user_id,
            project_id=who.project_id,
            roles=who.roles,
            unrestricted=bool(given.get("unrestricted", False)),
        )
        self.people.credentials[made.id] = made
        return made

    def credential(self, who: Token, user_id: str, credential_id: str) -> ApplicationCredential:
        """Give an application credential to its user, and to administrators."""
        if who.user_id != user_id and not who.admin:
            raise _forbidden("get_application_credential")
        if credential_id not in self.people.credentials:
            raise Refused(_KEYSTONE, 404, f"Could not find Application Credential: {credential_id}.")
        return self.people.credentials[credential_id]

    def delete_credential(self, who: Token, user_id: str, credential_id: str) -> None:
        """Delete an application credential."""
        del self.people.credentials[self.credential(who, user_id, credential_id).id]


def _forbidden(rule: str) -> Refused:
    return Refused(_KEYSTONE, 403, f"You are not authorized to perform the requested action: identity:{rule}.")
