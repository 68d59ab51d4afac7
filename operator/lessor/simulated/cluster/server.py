"""The API server: one request in, one answer out. It never waits, and is the event loop's alone."""

import random
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import yaml

from lessor.simulated.cluster import definitions, documents, http, refusals, selectors
from lessor.simulated.cluster.deleting import Deleting
from lessor.simulated.cluster.inprocess import InProcess
from lessor.simulated.cluster.reading import Reading
from lessor.simulated.cluster.refusals import Refusal
from lessor.simulated.cluster.registry import Registry, Target
from lessor.simulated.cluster.resources import Object
from lessor.simulated.cluster.shapes import Shape
from lessor.simulated.cluster.store import Change, Store
from lessor.simulated.cluster.watches import Ending, Watch
from lessor.simulated.cluster.wire import Answer, Request, answered, encoded
from lessor.simulated.cluster.writing import Writing, Written
from lessor.simulated.faults import Fault, Faults, What

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_CUTS = {What.HANG, What.CUT_BEFORE}


class APIServer:
    """One cluster."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        faults: Faults | None = None,
        crds: Iterable[Object] = (),
        seed: int | None = None,
    ) -> None:
        """Begin with the usual namespaces.

        Args:
            now: its clock, for timestamps, ages and `Date`.
            faults: what goes wrong; drawn for each request and each event of a watch.
            crds: CustomResourceDefinitions to begin with.
            seed: with one, uids and generated names are the same each time.
        """
        self.now = now
        self.faults = faults if faults is not None else Faults()
        self.in_flight = 0
        self.watches: list[Watch] = []
        self._store = Store()
        self._registry = Registry(definitions.resource(now))
        self._reading = Reading(self._store)
        self._writing = Writing(self._store, now, random.Random(seed))  # noqa: S311 (names, no secrets)
        self._deleting = Deleting(self._store, self._registry, now)
        self._store.listen(self._seen)
        self._observers: list[Callable[[str, Object], None]] = []
        for name in NAMESPACES:
            self.create("/api/v1/namespaces", {"metadata": {"name": name}})
        for crd in crds:
            self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)

    # ------------------------------------------------------------ for who holds it

    def create(self, path: str, raw: Object) -> None:
        """Make an object, past all faults.

        Raises:
            Refusal: as a request would be refused.
        """
        target = self._registry.find(path)
        if target is None:
            raise refusals.not_found("", path)
        self._writing.create(target, Request("POST", path, body=encoded(raw)))

    def serve(self, port: int = 0) -> AbstractAsyncContextManager[str]:
        """Serve HTTP on 127.0.0.1 while the context is open; gives the URL.

        Raises:
            PortTaken: somebody else listens there.
        """
        return http.serve(self, port)

    def in_process(self) -> InProcess:
        """Give what stands in for the client's connection, without a socket."""
        return InProcess(self)

    @staticmethod
    def kubeconfig(url: str, user: str = "lessor") -> str:
        """Give a kubeconfig for a server at this URL; the token is the user's name."""
        name = "lessor-demo"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": url}}],
            "users": [{"name": user, "user": {"token": user}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": "default"}}],
        }
        return yaml.safe_dump(config, sort_keys=False)

    @property
    def quiet(self) -> bool:
        """Tell whether no request is in flight, and all that open watches are told of is handed over.

        A request that hangs is not waited for, nor an event that a fault holds back.
        """
        return self.in_flight == 0 and not any(watch.waiting for watch in self.watches)

    def observe(self, callback: Callable[[str, Object], None]) -> None:
        """Tell of each change: its type, and the object, which must not be changed."""
        self._observers.append(callback)

    def forget_history(self) -> None:
        """Forget what changed: open watches go on, one that resumes from before is told 410. As etcd's compaction."""
        self._store.forget_history()
        self._reading.forget()

    def restart(self) -> None:
        """Lose all watches and the history, as when the process starts anew: whoever resumes is told 410."""
        self._store.begin_anew()
        self._reading.forget()
        for watch in tuple(self.watches):
            watch.end(Ending.CUT)

    # ------------------------------------------------------------ one request

    def handle(self, request: Request) -> Answer:
        """Answer one request. Who takes the answer's `watch` gives it back to `close`."""
        fault = self.faults.draw(request.line)
        if fault is not None and fault.what in _CUTS:
            return Answer(fate=fault.what)
        try:
            if fault is not None and fault.what is What.REFUSE and not (request.watching and fault.code == 410):
                return _refused(fault)
            answer = self._answer(request, fault)
        except Refusal as refusal:
            return answered(refusal.status, refusal.code)
        if fault is not None and fault.what is What.CUT_AFTER:
            if answer.watch is not None:
                self.close(answer.watch)
            return Answer(fate=fault.what)
        return answer

    def close(self, watch: Watch) -> None:
        """Let go of a watch; it may be gone already."""
        if watch in self.watches:
            self.watches.remove(watch)

    def bookmark(self, watch: Watch) -> None:
        """Tell a watch that it was told all so far, if its client wants to know."""
        watch.bookmark(self._store.version)

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        document = documents.answer(self._registry, request)
        if document is not None:
            return document
        target = self._registry.find(request.path)
        return self._asked(target, request, fault) if target is not None else self._not_served(request.path)

    def _asked(self, target: Target, request: Request, fault: Fault | None) -> Answer:
        if not target.resource.storage and request.method != "POST":
            raise refusals.generic(405)
        match request.method:
            case "GET" if request.watching and not target.name:
                return self._watch(target, request, fault)
            case "GET":
                return self._get(target, request, fault)
            case "POST" if not target.name:
                return self._written(target, request, self._writing.create)
            case "PUT" if target.name:
                return self._written(target, request, self._writing.replace)
            case "PATCH" if target.name:
                return self._written(target, request, self._writing.patch)
            case "DELETE" if not target.subresource and (target.name or "deletecollection" in target.resource.verbs):
                return self._delete(target, request)
            case "PUT" | "PATCH" if target.resource.custom:
                raise refusals.bad_request("name must be provided")
        raise refusals.generic(405)

    def _not_served(self, path: str) -> Answer:
        """Answer 404: as JSON below a builtin API version, else in plain text. Source: tried on Kubernetes 1.36."""
        if any(path.startswith(f"{resource.root}/") and not resource.custom for resource in self._registry):
            raise refusals.generic(404)
        return Answer(code=404, body=b"404 page not found\n", content_type="text/plain; charset=utf-8")

    def _get(self, target: Target, request: Request, fault: Fault | None) -> Answer:
        shape = Shape(request, self.now)
        if target.name:
            return answered(shape.one(target.resource, self._reading.get(target)))
        return answered(self._reading.list(target, request, shape, _cut(fault)))

    def _watch(self, target: Target, request: Request, fault: Fault | None) -> Answer:
        watch = self._reading.watch(target, request, Shape(request, self.now), self.faults.draw)
        if fault is not None and fault.what is What.REFUSE:
            watch.take()
            watch.fail(fault.code, fault.message)
        self.watches.append(watch)
        return Answer(watch=watch)

    def _written(self, target: Target, request: Request, write: Callable[[Target, Request], Written]) -> Answer:
        shape = Shape(request, self.now)
        written = write(target, request)
        shown = shape.one(target.resource, target.resource.view(written.raw))
        warnings = {"Warning": ", ".join(_warning(words) for words in written.warnings)} if written.warnings else {}
        return answered(shown, 201 if written.made else 200, warnings)

    def _delete(self, target: Target, request: Request) -> Answer:
        if target.name:
            return answered(self._deleting.delete(target, request))
        meant = selectors.selector(target.resource, request.query)
        deleted = self._deleting.delete_all(target, request, meant)
        version = {"resourceVersion": str(self._store.version)}
        return answered(Shape(request, self.now).many(target.resource, deleted, version))

    # ------------------------------------------------------------ what changed

    def _seen(self, change: Change) -> None:
        for watch in tuple(self.watches):
            watch.see(change)
        for callback in tuple(self._observers):
            callback(change.type, change.last)
        if change.storage == self._registry.crds.storage:
            self._redefine(change)

    def _redefine(self, change: Change) -> None:
        if change.new is not None:
            self._registry.define(change.new)
            return
        storage = definitions.storage(change.last)
        for raw in self._store.all(storage):
            metadata = raw["metadata"]
            self._store.remove(storage, (metadata.get("namespace", ""), metadata["name"]))
        self._registry.undefine(change.last)
        for watch in tuple(self.watches):
            if watch.resource.storage == storage:
                watch.end(Ending.CLEAN)


def _cut(fault: Fault | None) -> Callable[[list[Object]], list[Object]]:
    match fault.what if fault is not None else None:
        case What.EMPTY:
            return lambda _: []
        case What.TRUNCATE:
            return lambda items: items[: len(items) // 2]
    return lambda items: items


def _refused(fault: Fault) -> Answer:
    seconds = fault.headers.get("Retry-After")
    details: dict[str, int] = {"retryAfterSeconds": int(seconds)} if seconds and seconds.isdigit() else {}
    return answered(refusals.status(fault.code, fault.message, reason="", **details), fault.code, fault.headers)


def _warning(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'
