"""What there is to ask for: one resource of one API version, and the parts of its objects that say who they are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lessor.simulated.cluster.jsonpath import Path

Object = dict[str, Any]
Key = tuple[str, str]  # namespace, empty for what is cluster-scoped; name

VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A printer column. `cell` gives its value, at an instant; None: nothing to print."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    cell: Callable[[Object, datetime], object]


def _same(stored: Object) -> Object:
    return stored


def _fresh(new: Object, _old: Object | None) -> Object:
    return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource.

    Attributes:
        storage: what its objects are kept under; two versions of one resource, or two views, share it.
        custom: it comes from a CRD.
        status: it has the status subresource.
        generations: metadata.generation counts the changes.
        unconditional: PUT needs no resourceVersion.
        creates: PUT makes what is not there.
        schema: structural, of the whole object.
        fields: the field selectors, by label.
        shown, kept: from the stored form to this version's and back.
        prepare: settles what the server itself fills in, from the new and the old object.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    storage: str
    custom: bool = False
    status: bool = False
    generations: bool = False
    unconditional: bool = True
    creates: bool = False
    schema: Object = field(repr=False)
    columns: tuple[Column, ...] = field(default=(), repr=False)
    fields: dict[str, Path] = field(default_factory=dict, repr=False)
    shown: Callable[[Object], Object] = _same
    kept: Callable[[Object], Object] = _same
    prepare: Callable[[Object, Object | None], Object] = _fresh

    @property
    def api_version(self) -> str:
        """As objects say it: `v1`, `lessor.dev/v1alpha1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As messages name it: `secrets`, `leases.coordination.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """As messages name the kind: `Secret`, `Lease.coordination.k8s.io`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def root(self) -> str:
        """Where its API version is served."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str, name: str) -> str:
        """Where one object is served."""
        middle = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.root}{middle}/{self.plural}/{name}"

    def view(self, stored: Object) -> Object:
        """Give a stored object as this version shows it; the stored one stays as it is."""
        return {"apiVersion": self.api_version, "kind": self.kind, **self._without_type(self.shown(stored))}

    @staticmethod
    def _without_type(raw: Object) -> Object:
        return {key: value for key, value in raw.items() if key not in {"apiVersion", "kind"}}


def key(raw: Object) -> Key:
    """Give the namespace and the name of an object."""
    return raw["metadata"].get("namespace", ""), raw["metadata"]["name"]


def stamp(now: datetime) -> str:
    """Give an instant as metadata holds it: whole seconds, UTC."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
