"""POST, PUT and PATCH: how an object comes to be, and how it changes.

Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go and pkg/endpoints/handlers/patch.go,
k8s.io/apiextensions-apiserver/pkg/registry/customresource/{strategy,status_strategy}.go.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lessor.simulated.cluster import bodies, metadata, patches, refusals, resources, validation
from lessor.simulated.cluster.bodies import Shaped
from lessor.simulated.cluster.refusals import Cause, Refusal
from lessor.simulated.cluster.registry import Target
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.store import Store
from lessor.simulated.cluster.wire import Request

_CUSTOM_PATCHES = (patches.JSON, patches.MERGE)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, as it is stored. `made`: it was not there before."""

    raw: Object
    made: bool = False
    warnings: tuple[str, ...] = ()


class Writing:
    """Who writes to one store."""

    def __init__(self, store: Store, now: Callable[[], datetime], ids: random.Random) -> None:
        """Stamp by this clock, and name by this source."""
        self._store = store
        self._now = now
        self._ids = ids
        self._checks: dict[int, tuple[Resource, validation.Check]] = {}

    def create(self, target: Target, request: Request) -> Written:
        """Make the object in the body.

        Raises:
            Refusal: as everywhere here.
        """
        resource = target.resource
        raw = bodies.read(request, resource)
        if resource.custom and raw["metadata"].get("resourceVersion"):
            raise Refusal(500, "resourceVersion should not be set on objects to be created", reason="")
        metadata.check_place(raw, Target(resource, target.namespace))
        shaped = bodies.shaped(raw, resource, request)
        bodies.check_strict(shaped, request, partial(bodies.undecodable, resource))
        return self._create(target, shaped, request)

    def replace(self, target: Target, request: Request) -> Written:
        """Put the object in the body in the place of the stored one."""
        resource = target.resource
        raw = bodies.read(request, resource)
        metadata.check_place(raw, target)
        shaped = bodies.shaped(raw, resource, request)
        bodies.check_strict(shaped, request, partial(bodies.undecodable, resource))
        old = self._store.get(resource.storage, target.key)
        if old is None:
            if not resource.creates:
                raise refusals.not_found(resource.qualified, target.name)
            return self._create(target, shaped, request)
        if not shaped.raw["metadata"].get("resourceVersion") and not resource.unconditional:
            cause = Cause(
                "FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"
            )
            raise refusals.invalid(resource.qualified, target.name, [cause])
        uid, was = shaped.raw["metadata"].get("uid"), old["metadata"]["uid"]
        if uid and uid != was:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {was}"
            raise refusals.conflict(resource.qualified, target.name, why)
        return self._change(target, shaped, old, request)

    def patch(self, target: Target, request: Request) -> Written:
        """Apply the patch in the body to the stored object, in the form that this version shows."""
        resource = target.resource
        apply = _way(resource, bodies.media_type(request))
        patch = bodies.json(request)
        old = self._store.get(resource.storage, target.key)
        if old is None:
            raise refusals.not_found(resource.qualified, target.name)
        raw = apply(resource.view(old), patch)
        if not isinstance(raw, dict) or not isinstance(raw.get("metadata"), dict):
            raise refusals.generic(422)
        metadata.check_place(raw, target)
        shaped = bodies.shaped(raw, resource, request)
        bodies.check_strict(shaped, request, partial(_unfit, raw))
        return self._change(target, shaped, old, request)

    # ------------------------------------------------------------ the same for all ways

    def _create(self, target: Target, shaped: Shaped, request: Request) -> Written:
        resource = target.resource
        new = {**shaped.raw, "metadata": metadata.born(shaped.raw, target, self._now(), self._ids)}
        if resource.custom and resource.status:
            new.pop("status", None)
        new = self._settled(target, new, None)
        if not resource.storage:
            return Written(new, made=True)
        self._check_namespace(target, new)
        if self._store.get(resource.storage, resources.key(new)) is not None:
            raise refusals.already_exists(resource.qualified, new["metadata"]["name"])
        if not request.dry:
            new = self._store.put(resource.storage, new)
        return Written(new, made=True, warnings=shaped.unknown)

    def _change(self, target: Target, shaped: Shaped, old: Object, request: Request) -> Written:
        resource = target.resource
        sent = shaped.raw["metadata"].get("resourceVersion")
        if sent and sent != old["metadata"]["resourceVersion"]:
            raise refusals.conflict(resource.qualified, target.name)
        new = self._settled(target, _merged(target, shaped.raw, resource.view(old), old), old)
        if _content(new) != _content(old) and target.subresource != "status" and resource.generations:
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if new != old and not request.dry:
            new = self._write(target, new)
        return Written(new, warnings=shaped.unknown)

    def _write(self, target: Target, new: Object) -> Object:
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            if target.resource.plural == "namespaces" and not target.resource.group:
                return self._store.put(target.resource.storage, new)  # what is in it goes first
            return self._store.remove(target.resource.storage, target.key, new)
        return self._store.put(target.resource.storage, new)

    def _settled(self, target: Target, new: Object, old: Object | None) -> Object:
        """Let the server fill in what is its own, then check all; gives the form that is stored."""
        resource = target.resource
        causes = metadata.faults(new, target, old) if resource.storage else []
        checked = self._check(resource)(new)
        if causes or checked:
            raise refusals.invalid(resource.qualified_kind, new["metadata"].get("name", ""), [*causes, *checked])
        settled = resource.prepare(resource.kept(new), old)
        return {**settled, "apiVersion": resource.api_version, "kind": resource.kind}

    def _check(self, resource: Resource) -> validation.Check:
        kept = self._checks.get(id(resource))
        if kept is None:
            kept = self._checks[id(resource)] = (resource, validation.check(resource.schema))
        return kept[1]

    def _check_namespace(self, target: Target, new: Object) -> None:
        if not target.resource.namespaced:
            return
        namespace = self._store.get("namespaces", ("", target.namespace))
        if namespace is None:
            raise refusals.not_found("namespaces", target.namespace)
        if namespace["metadata"].get("deletionTimestamp"):
            words = f"namespace {target.namespace} is being terminated"
            cause = Cause("NamespaceTerminating", words, "metadata.namespace")
            why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
            raise refusals.forbidden(target.resource.qualified, new["metadata"]["name"], why, [cause])


def _unfit(raw: Object, words: str) -> Refusal:
    """Say that a patch makes an object that cannot be read."""
    value = refusals.shown(refusals.shown(raw))
    return refusals.invalid("", "", [Cause("FieldValueInvalid", f"Invalid value: {value}: {words}", "patch")])


def _merged(target: Target, sent: Object, shown: Object, old: Object) -> Object:
    """Give the object to be: through `status` only the status changes, and through the object all but the status."""
    if target.subresource == "status":
        kept = {name: value for name, value in shown.items() if name != "status"}
        status = {"status": sent["status"]} if "status" in sent else {}
        return {**kept, **status, "metadata": dict(old["metadata"])}
    new = {**sent, "metadata": metadata.changed(sent, old)}
    if target.resource.status:
        new.pop("status", None)
        new |= {"status": old["status"]} if "status" in old else {}
    return new


def _content(raw: Object) -> Object:
    return {name: value for name, value in raw.items() if name not in {"metadata", "apiVersion", "kind"}}


def _way(resource: Resource, kind: str) -> Callable[[Object, object], object]:
    if kind == patches.JSON:
        return patches.stepped
    if kind == patches.MERGE:
        return partial(_by_fields, patches.merged)
    if kind == patches.STRATEGIC and not resource.custom:
        return partial(_by_fields, patches.strategic)
    raise refusals.unsupported(_CUSTOM_PATCHES if resource.custom else (*_CUSTOM_PATCHES, patches.STRATEGIC))


def _by_fields(apply: Callable[[object, object], object], old: Object, patch: object) -> object:
    if not isinstance(patch, dict):
        raise refusals.bad_request("error decoding patch: it is no object")
    return apply(old, patch)
