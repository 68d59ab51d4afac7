"""What is asked for that is no object: health, version, discovery, OpenAPI."""

from lessor.simulated.cluster import discovery, openapi
from lessor.simulated.cluster.registry import Registry
from lessor.simulated.cluster.resources import Object
from lessor.simulated.cluster.wire import Answer, Request, answered, encoded

_ALIVE = ("/readyz", "/livez", "/healthz")
_OPENAPI = "/openapi/v3"


def answer(registry: Registry, request: Request) -> Answer | None:
    """Answer a request for one of them; None: it asks for something else."""
    path = request.path.rstrip("/")
    if path.startswith(_ALIVE):
        return Answer(body=b"ok", content_type="text/plain; charset=utf-8")
    if path in {"/api", "/apis"} and discovery.wants_aggregated(request.header("accept")):
        named = {"": ["v1"]} if path == "/api" else registry.groups()
        whole = encoded(discovery.aggregated(registry, named))
        return Answer(body=whole, content_type=discovery.AGGREGATED)
    found = _document(registry, path)
    return answered(found) if found is not None else None


def _document(registry: Registry, path: str) -> Object | None:
    if path == _OPENAPI:
        return openapi.index(registry)
    if path.startswith(f"{_OPENAPI}/"):
        return openapi.document(registry, path.removeprefix(f"{_OPENAPI}/"))
    match path.strip("/").split("/"):
        case ["version"]:
            return discovery.VERSION
        case ["api"]:
            return discovery.core()
        case ["api", "v1"]:
            return discovery.resource_list("v1", registry.of("", "v1"))
        case ["apis"]:
            return discovery.groups(registry)
        case ["apis", group] if group in registry.groups():
            return {"kind": "APIGroup", "apiVersion": "v1", **discovery.group(group, registry.groups()[group])}
        case ["apis", group, version] if registry.of(group, version):
            return discovery.resource_list(f"{group}/{version}", registry.of(group, version))
    return None
