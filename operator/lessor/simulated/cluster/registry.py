"""What is served: the builtin resources and those of the CRDs, found by path."""

from collections.abc import Iterator
from dataclasses import dataclass

from lessor.simulated.cluster import definitions
from lessor.simulated.cluster.builtins import BUILTIN
from lessor.simulated.cluster.resources import Object, Resource

GroupVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path is about. An empty name: the collection; an empty namespace: all, or cluster-scoped."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The key of the object in the store."""
        return self.namespace, self.name


class Registry:
    """All resources."""

    def __init__(self, crds: Resource) -> None:
        """Begin with the builtin ones and this one, of the CRDs."""
        self.crds = crds
        self._custom: dict[str, list[Resource]] = {}

    def define(self, crd: Object) -> None:
        """Serve what a CRD says, in place of what it said before."""
        self._custom[crd["metadata"]["name"]] = definitions.served(crd)

    def undefine(self, crd: Object) -> None:
        """Serve it no more."""
        del self._custom[crd["metadata"]["name"]]

    def __iter__(self) -> Iterator[Resource]:
        yield from BUILTIN
        yield self.crds
        for resources in self._custom.values():
            yield from resources

    def groups(self) -> dict[str, list[str]]:
        """Give the versions of each group but the core's, the preferred one first."""
        found: dict[str, list[str]] = {}
        for resource in self:
            if resource.group and resource.version not in found.setdefault(resource.group, []):
                found[resource.group].append(resource.version)
        return found

    def of(self, group: str, version: str) -> list[Resource]:
        """Give the resources of an API version; empty: it is not served."""
        return [each for each in self if (each.group, each.version) == (group, version)]

    def find(self, path: str) -> Target | None:
        """Give what a path is about; None: nothing is served there."""
        parts = [part for part in path.split("/") if part]
        match parts:
            case ["api", version, *rest]:
                return self._target(self.of("", version), rest)
            case ["apis", group, version, *rest]:
                return self._target(self.of(group, version), rest)
        return None

    @staticmethod
    def _target(resources: list[Resource], rest: list[str]) -> Target | None:
        by_plural = {each.plural: each for each in resources}
        match rest:
            case ["namespaces", namespace, plural, *more] if plural in by_plural and by_plural[plural].namespaced:
                return _named(by_plural[plural], namespace, more)
            case [plural, *more] if plural in by_plural and (not more or not by_plural[plural].namespaced):
                return _named(by_plural[plural], "", more)
        return None


def _named(resource: Resource, namespace: str, more: list[str]) -> Target | None:
    match more:
        case []:
            return Target(resource, namespace)
        case [name]:
            return Target(resource, namespace, name)
        case [name, "status"] if resource.status:
            return Target(resource, namespace, name, "status")
    return None
