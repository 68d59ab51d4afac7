"""DELETE: preconditions, finalizers, and what goes with a namespace.

Owners take nothing with them: ownerReferences are not looked at. Source:
k8s.io/apiserver/pkg/registry/rest/delete.go and pkg/registry/generic/registry/store.go,
k8s.io/kubernetes/pkg/controller/namespace.
"""

from collections.abc import Callable
from datetime import datetime

from lessor.simulated.cluster import bodies, refusals, resources
from lessor.simulated.cluster.registry import Registry, Target
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.store import Change, Store
from lessor.simulated.cluster.wire import JSON, Request


class Deleting:
    """Who deletes from one store."""

    def __init__(self, store: Store, registry: Registry, now: Callable[[], datetime]) -> None:
        """Stamp by this clock; a namespace that is empty at last goes by itself."""
        self._store = store
        self._registry = registry
        self._now = now
        store.listen(self._after)

    def delete(self, target: Target, request: Request) -> Object:
        """Delete one object; gives the Status, or the object while it is still there.

        Raises:
            Refusal: 404, 409.
        """
        resource = target.resource
        old = self._store.get(resource.storage, target.key)
        if old is None:
            raise refusals.not_found(resource.qualified, target.name)
        options = _options(request)
        _check(resource, old, options.get("preconditions") or {})
        dry = request.dry or options.get("dryRun") == ["All"]
        left = self._delete(resource, old, dry=dry)
        return resource.view(left) if left is not None else _gone(resource, old)

    def delete_all(self, target: Target, request: Request, meant: Callable[[Object], bool]) -> list[Object]:
        """Delete the objects of a collection that are meant; gives them as they were."""
        resource = target.resource
        dry = request.dry or _options(request).get("dryRun") == ["All"]
        found = [old for old in self._store.all(resource.storage, target.namespace) if meant(resource.view(old))]
        return [resource.view(self._delete(resource, old, dry=dry) or old) for old in found]

    def _delete(self, resource: Resource, old: Object, *, dry: bool) -> Object | None:
        """Delete, or begin to; gives what is left."""
        is_namespace = resource.storage == "namespaces"
        if not is_namespace and not old["metadata"].get("finalizers"):
            if not dry:
                self._store.remove(resource.storage, resources.key(old))
            return None
        if old["metadata"].get("deletionTimestamp"):
            return old
        new = self._dying(old, grace={} if is_namespace else {"deletionGracePeriodSeconds": 0})
        if is_namespace:
            new["status"] = {**old.get("status", {}), "phase": "Terminating"}
        if not dry:
            new = self._store.put(resource.storage, new)
            if is_namespace:
                self._empty(old["metadata"]["name"])
        return new

    def _dying(self, old: Object, grace: Object) -> Object:
        metadata = {**old["metadata"], "deletionTimestamp": resources.stamp(self._now()), **grace}
        if "generation" in metadata:
            metadata["generation"] += 1
        return {**old, "metadata": metadata}

    # ------------------------------------------------------------ namespaces

    def _empty(self, namespace: str) -> None:
        for resource in {each.storage: each for each in self._registry if each.namespaced}.values():
            for old in self._store.all(resource.storage, namespace):
                self._delete(resource, old, dry=False)
        self._finish(namespace)

    def _after(self, change: Change) -> None:
        """Look whether a namespace can go when something in it went, or its own finalizers did."""
        if (
            change.storage == "namespaces"
            and change.new is not None
            and change.new["metadata"].get("deletionTimestamp")
        ):
            if change.old is not None and change.old["metadata"].get("deletionTimestamp"):
                self._finish(change.new["metadata"]["name"])
        elif change.new is None and change.last["metadata"].get("namespace"):
            self._finish(change.last["metadata"]["namespace"])

    def _finish(self, name: str) -> None:
        namespace = self._store.get("namespaces", ("", name))
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return
        kinds = {each.storage for each in self._registry if each.namespaced}
        if not namespace["metadata"].get("finalizers") and not any(self._store.all(kind, name) for kind in kinds):
            self._store.remove("namespaces", ("", name))


def _options(request: Request) -> Object:
    if not request.body:
        return {}
    if bodies.media_type(request) != JSON:
        raise refusals.unsupported((JSON,))
    options = bodies.json(request)
    return options if isinstance(options, dict) else {}


def _check(resource: Resource, old: Object, wanted: Object) -> None:
    metadata = old["metadata"]
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    if uid and uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({uid}) does not match the UID in record ({metadata['uid']})."
            " The object might have been deleted and then recreated"
        )
        raise refusals.conflict(resource.qualified_kind, metadata["name"], why)
    if version and version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record"
            f" ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise refusals.conflict(resource.qualified_kind, metadata["name"], why)


def _gone(resource: Resource, old: Object) -> Object:
    metadata = old["metadata"]
    group = {"group": resource.group} if resource.group else {}
    details = {"name": metadata["name"], **group, "kind": resource.plural, "uid": metadata["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
