"""OpenAPI v3: a document for each API version, so that `kubectl explain` and kubectl's validation have what they need.

Source: k8s.io/kube-openapi/pkg/{handler3,builder3}, k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder.
"""

import hashlib

import msgspec

from lessor.simulated.cluster import patches
from lessor.simulated.cluster.registry import Registry
from lessor.simulated.cluster.resources import Object, Resource

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_META_TEXT = "Standard object's metadata."
_QUERY = ("dryRun", "fieldManager", "fieldValidation")
_VERB_ACTIONS = {"get": "get", "put": "put", "patch": "patch", "delete": "delete"}


def index(registry: Registry) -> Object:
    """Give the document that names all others."""
    paths = {}
    for where in sorted({each.root.lstrip("/") for each in registry}):
        digest = hashlib.sha256(msgspec.json.encode(document(registry, where))).hexdigest()[:16].upper()
        paths[where] = {"serverRelativeURL": f"/openapi/v3/{where}?hash={digest}"}
    return {"paths": paths}


def document(registry: Registry, where: str) -> Object | None:
    """Give the document of one API version, such as `apis/lessor.dev/v1alpha1`; None: it is not served."""
    resources = [each for each in registry if each.root == f"/{where}"]
    if not resources:
        return None
    found = {_name(each): _schema(each) for each in resources}
    paths: Object = {}
    for each in resources:
        paths |= _paths(each)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "components": {"schemas": {**found, _META: _metadata(resources[0])}},
    }


def _name(resource: Resource) -> str:
    group = resource.group or "core"
    return ".".join([*reversed(group.split(".")), resource.version, resource.kind])


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _schema(resource: Resource) -> Object:
    metadata = {"description": _META_TEXT, "allOf": [{"$ref": f"#/components/schemas/{_META}"}], "default": {}}
    properties = {**resource.schema["properties"], "metadata": metadata}
    return {**resource.schema, "properties": properties, "x-kubernetes-group-version-kind": [_kind(resource)]}


def _metadata(resource: Resource) -> Object:
    return {**resource.schema["properties"]["metadata"], "description": _META_TEXT}


def _paths(resource: Resource) -> Object:
    one = resource.path("{namespace}", "{name}")
    every = one.rsplit("/", 1)[0]
    found = {one: {verb: _operation(resource, verb) for verb in _VERB_ACTIONS}}
    found[every] = {"get": _operation(resource, "list"), "post": _operation(resource, "post")}
    if resource.status:
        found[f"{one}/status"] = {verb: _operation(resource, verb) for verb in ("get", "put", "patch")}
    return found


def _operation(resource: Resource, action: str) -> Object:
    reference = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_name(resource)}"}}}
    operation: Object = {
        "responses": {"200": {"description": "OK", "content": reference}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _kind(resource),
    }
    if action in {"post", "put", "patch", "delete"}:
        operation["parameters"] = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _QUERY]
    if action == "patch":
        kinds = (patches.JSON, patches.MERGE) if resource.custom else (patches.JSON, patches.MERGE, patches.STRATEGIC)
        operation["requestBody"] = {"content": {kind: {"schema": {"type": "object"}} for kind in kinds}}
    return operation
