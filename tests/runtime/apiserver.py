"""The few requests of an API server that the runtime makes, in memory, behind the real `Cluster`.

It stands where the client's connection is: the paths, the codes, the resourceVersions and the JSON are those of the
wire. What it does not know it answers with 404, what a test tells it to break it breaks.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.runtime.cluster import Cluster, list_path, object_path
from tests.runtime.clock import SetClock

SECRETS = "/api/v1/namespaces/team-a/secrets"
_HOST = "http://apiserver"
_ANSWERED, _MADE, _NOT_FOUND, _CONFLICT = 200, 201, 404, 409


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class _Answer:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    async def read(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class APIServer:
    """What answers.

    Attributes:
        objects: by path, as they are stored.
        requests: everything that was asked, in order.
        page: how many items a list gives at once.
        asked: is told of each request before it is answered.
        changed: is told the path of each object that was written: a watch.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    page: int = 500
    version: int = 100
    configuration: Any = field(default_factory=lambda: SimpleNamespace(host=_HOST))
    asked: Callable[[Request], object] = lambda _: None
    changed: Callable[[str], object] = lambda _: None
    _broken: dict[str, list[int | Exception]] = field(default_factory=dict)
    _before: dict[str, list[Callable[[], object]]] = field(default_factory=dict)

    # ------------------------------------------------------------ what a test does and reads

    def cluster(self, clock: Clock | None = None) -> Cluster:
        """Give the cluster that leads here."""
        api: Any = self
        return Cluster(api, clock if clock is not None else SetClock(), lambda *_: None, lambda *_: None)

    def put(self, path: str, **body: Any) -> dict[str, Any]:
        """Store an object, or change it, as somebody else than us."""
        self.version += 1
        meta = {"uid": f"uid-of-{path.rsplit('/', 1)[-1]}", **self.objects.get(path, {}).get("metadata", {})}
        _, _, inside = path.partition("/namespaces/")
        meta |= {"name": path.rsplit("/", 1)[-1], **({"namespace": inside.split("/")[0]} if inside else {})}
        meta |= {"creationTimestamp": "2026-03-01T08:00:00Z", **body.pop("metadata", {})}
        meta["resourceVersion"] = str(self.version)
        self.objects[path] = {**self.objects.get(path, {}), **copy.deepcopy(body), "metadata": meta}
        self.changed(path)
        return copy.deepcopy(self.objects[path])

    def lease(self, name: str = "vm1", uid: str | None = None, **body: Any) -> dict[str, Any]:
        """Store an InstanceLease of team-a."""
        meta = {**body.pop("metadata", {}), **({} if uid is None else {"uid": uid})}
        return self.put(object_path(Kind.INSTANCE_LEASE, "team-a", name), metadata=meta, **body)

    def breaks(self, line: str, *faults: int | Exception) -> None:
        """Answer `METHOD /path` with these codes or exceptions, one after the other; then as always."""
        self._broken.setdefault(line, []).extend(faults)

    def before(self, line: str, do: Callable[[], object]) -> None:
        """Do something right before the next `METHOD /path` is answered: somebody else is quicker."""
        self._before.setdefault(line, []).append(do)

    def lines(self, method: str = "") -> list[str]:
        """Give all requests as `METHOD /path`."""
        return [request.line for request in self.requests if request.method.startswith(method)]

    # ------------------------------------------------------------ what `Cluster` uses of the client

    async def update_params_for_auth(self, *_: Any) -> None:
        """Add nothing."""

    async def call_api(self, method: str, url: str, headers: Any, body: Any, *, _request_timeout: float) -> _Answer:
        """Answer one request."""
        del _request_timeout
        where = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(where.query).items()}
        request = Request(method, where.path, query, json.loads(json.dumps(body)), dict(headers))
        self.requests.append(request)
        self.asked(request)
        if self._before.get(request.line):
            self._before[request.line].pop(0)()
        if self._broken.get(request.line):
            fault = self._broken[request.line].pop(0)
            if isinstance(fault, Exception):
                raise fault
            return _Answer(fault, {"kind": "Status", "code": fault, "message": f"broken: {fault}"})
        return self._answer(request)

    def _answer(self, request: Request) -> _Answer:
        match request.method:
            case "GET" if request.path in self.objects:
                return _Answer(_ANSWERED, self.objects[request.path])
            case "GET" if "limit" in request.query or "fieldSelector" in request.query:
                return _Answer(_ANSWERED, self._list(request))
            case "POST":
                return self._create(request)
            case "PUT" if request.path in self.objects:
                return self._replace(request)
            case "PATCH" if request.path.removesuffix("/status") in self.objects:
                return self._patch(request)
            case "DELETE" if request.path in self.objects:
                return self._delete(request)
        return _Answer(_NOT_FOUND, {"kind": "Status", "code": _NOT_FOUND, "message": f"{request.path} not found"})

    def _list(self, request: Request) -> dict[str, Any]:
        plural = request.path.rsplit("/", 1)[-1]
        version = request.path.split("/namespaces/")[0].removesuffix(f"/{plural}")
        inside = request.path if "/namespaces/" in request.path else f"/{plural}/"
        found = [
            body for path, body in sorted(self.objects.items()) if path.startswith(f"{version}/") and inside in path
        ]
        selector = request.query.get("fieldSelector", "")
        if selector:
            wanted = selector.removeprefix("spec.leaseRef.name=")
            found = [body for body in found if body["spec"]["leaseRef"]["name"] == wanted]
        first = int(request.query.get("continue", "0"))
        more = first + self.page < len(found)
        items = found[first : first + self.page]
        meta = {"resourceVersion": str(self.version), **({"continue": str(first + self.page)} if more else {})}
        # Source: tried on Kubernetes 1.36: an empty list of metadata is sent as null, one of objects as []
        as_metadata = "PartialObjectMetadataList" in request.headers.get("Accept", "")
        return {"metadata": meta, "items": items or (None if as_metadata else [])}

    def _create(self, request: Request) -> _Answer:
        path = f"{request.path}/{request.body['metadata']['name']}"
        if path in self.objects:
            return _Answer(_CONFLICT, {"kind": "Status", "code": _CONFLICT, "message": "already exists"})
        return _Answer(_MADE, self.put(path, **request.body))

    def _patch(self, request: Request) -> _Answer:
        path = request.path.removesuffix("/status")
        body, stored = dict(request.body), self.objects[path]
        sent = body.get("metadata", {}).get("resourceVersion")
        if sent is not None and sent != stored["metadata"]["resourceVersion"]:
            message = "the object has been modified; please apply your changes to the latest version"
            return _Answer(_CONFLICT, {"kind": "Status", "code": _CONFLICT, "message": message})
        self.version += 1
        changed = merged(stored, body)
        changed["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = changed
        if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
            del self.objects[path]
        else:
            self.changed(path)
        return _Answer(_ANSWERED, changed)

    def _replace(self, request: Request) -> _Answer:
        stored = self.objects[request.path]
        if request.body["metadata"].get("resourceVersion") not in {None, stored["metadata"]["resourceVersion"]}:
            return _Answer(_CONFLICT, {"kind": "Status", "code": _CONFLICT, "message": "the object has been modified"})
        self.version += 1
        meta = {**request.body["metadata"], "resourceVersion": str(self.version), "uid": stored["metadata"]["uid"]}
        self.objects[request.path] = {**request.body, "metadata": meta}
        self.changed(request.path)
        return _Answer(_ANSWERED, self.objects[request.path])

    def _delete(self, request: Request) -> _Answer:
        wanted = (request.body or {}).get("preconditions", {}).get("uid")
        if wanted not in {None, self.objects[request.path]["metadata"]["uid"]}:
            return _Answer(_CONFLICT, {"kind": "Status", "code": _CONFLICT, "message": "the UID is another"})
        return _Answer(_ANSWERED, self.objects.pop(request.path))


def merged(old: Any, patch: Any) -> Any:
    """Apply a JSON merge patch. Source: RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def lease_path(name: str = "vm1") -> str:
    """Give the path of an InstanceLease of team-a."""
    return object_path(Kind.INSTANCE_LEASE, "team-a", name)


def renewal_path(name: str = "more") -> str:
    """Give the path of a LeaseRenewal of team-a."""
    return object_path(Kind.LEASE_RENEWAL, "team-a", name)


def leases_path() -> str:
    """Give the path of all InstanceLeases."""
    return list_path(Kind.INSTANCE_LEASE, None)
