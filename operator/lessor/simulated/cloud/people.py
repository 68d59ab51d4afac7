"""Keystone's people: users, projects, roles, who has which, and what an application credential lets in.

Source: keystone/assignment (implied roles: admin, manager, member, reader).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DOMAIN = "default"
ROLES = ("admin", "manager", "member", "reader")
_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "admin": ("manager", "member", "reader"),
    "manager": ("member", "reader"),
    "member": ("reader",),
}


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A user; `email` is an extra of Keystone's that many lack."""

    id: str
    name: str
    password: str
    email: str | None = None
    enabled: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Project:
    """A project of the default domain."""

    id: str
    name: str
    enabled: bool = True
    tags: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One role of one user on one project, by ids and the role's name."""

    user_id: str
    project_id: str
    role: str


@dataclass(slots=True, kw_only=True, eq=False)
class ApplicationCredential:
    """Lets in as its user on one project, by a secret of its own."""

    id: str
    name: str
    secret: str
    user_id: str
    project_id: str
    roles: tuple[str, ...]
    unrestricted: bool = False


@dataclass(slots=True)
class People:
    """All of them, by id."""

    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    role_ids: dict[str, str] = field(default_factory=dict)
    assignments: dict[Assignment, None] = field(default_factory=dict)
    credentials: dict[str, ApplicationCredential] = field(default_factory=dict)

    def roles(self, user_id: str, project_id: str) -> tuple[str, ...]:
        """Give the roles of a user on a project, implied ones among them."""
        return expanded(
            each.role for each in self.assignments if (each.user_id, each.project_id) == (user_id, project_id)
        )

    def effective(self) -> Iterator[Assignment]:
        """Give every assignment, and those that it implies."""
        seen: dict[Assignment, None] = {}
        for each in self.assignments:
            for role in expanded((each.role,)):
                seen[Assignment(user_id=each.user_id, project_id=each.project_id, role=role)] = None
        return iter(seen)

    def user_named(self, name: str) -> User | None:
        """Find a user of the default domain."""
        return next((user for user in self.users.values() if user.name == name), None)

    def project_named(self, name: str) -> Project | None:
        """Find a project of the default domain."""
        return next((project for project in self.projects.values() if project.name == name), None)


def expanded(roles: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Give the roles and those that they imply, the strongest first."""
    have = {implied for role in roles for implied in (role, *_IMPLIED.get(role, ()))}
    ranked = (*ROLES, *sorted(have - set(ROLES)))
    return tuple(role for role in ranked if role in have)
