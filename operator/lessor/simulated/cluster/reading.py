"""GET: one object, a list in pages, or a watch.

Source: k8s.io/apiserver/pkg/storage/{cacher,continue.go}, the "Kubernetes API Concepts" page.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence

from lessor.simulated.cluster import refusals, selectors
from lessor.simulated.cluster.refusals import Cause, Refusal
from lessor.simulated.cluster.registry import Target
from lessor.simulated.cluster.resources import Object
from lessor.simulated.cluster.shapes import Shape
from lessor.simulated.cluster.store import Store
from lessor.simulated.cluster.watches import Draw, Watch
from lessor.simulated.cluster.wire import Request

_SNAPSHOTS = 64
_FORGOTTEN = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
    " Continuing with the provided token results in an inconsistent list - objects that were created, modified, or"
    " deleted between the time the first chunk was returned and now may show up in the list."
)
_TOO_LARGE = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


class Reading:
    """Who reads from one store. The pages of a list show the state of its first page."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: dict[tuple[int, str, str], tuple[Object, ...]] = {}

    def get(self, target: Target) -> Object:
        """Give one object as the resource shows it.

        Raises:
            Refusal: 404.
        """
        found = self._store.get(target.resource.storage, target.key)
        if found is None:
            raise refusals.not_found(target.resource.qualified, target.name)
        return target.resource.view(found)

    def list(
        self, target: Target, request: Request, shape: Shape, cut: Callable[[list[Object]], list[Object]]
    ) -> Object:
        """Give the objects that are meant, or a page of them, after a fault cut the list.

        Raises:
            Refusal: a selector or a token is wrong, or too old.
        """
        meant = selectors.selector(target.resource, request.query)
        version, start, stored = self._from(target, request)
        found = [shown for shown in map(target.resource.view, stored) if meant(shown)]
        rest = [shown for shown in found if _key(shown) > start]
        limit = _number(request.query, "limit")
        metadata: Object = {"resourceVersion": str(version)}
        page = cut(rest[:limit] if limit else rest)
        if limit and len(rest) > limit:
            metadata["continue"] = _token(version, _key(rest[limit - 1]))
            if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(rest) - limit
            self._keep(version, target, stored)
        return shape.many(target.resource, page, metadata)

    def watch(self, target: Target, request: Request, shape: Shape, draw: Draw) -> Watch:
        """Open a watch: what is there now, or what changed since a version, then all that changes.

        Raises:
            Refusal: a parameter is wrong.
        """
        resource, query = target.resource, request.query
        watch = Watch(
            resource,
            namespace=target.namespace,
            selector=selectors.selector(resource, query),
            render=shape.events(resource),
            draw=draw,
        )
        watch.seconds = _number(query, "timeoutSeconds") or watch.seconds
        watch.bookmarks = query.get("allowWatchBookmarks") in {"true", "1"}
        version = _version(query.get("resourceVersion", ""))
        streamed = _streamed(query)
        if streamed or version == 0:
            for stored in self._store.all(resource.storage, target.namespace):
                watch.begin(stored)
            if streamed or query.get("resourceVersion") == "0":
                watch.bookmark(self._store.version, **_INITIAL_END)
        else:
            self._resume(watch, version)
        return watch

    def forget(self) -> None:
        """Forget the states that pages show."""
        self._snapshots.clear()

    def _resume(self, watch: Watch, version: int) -> None:
        changes = self._store.since(version)
        if changes is None:
            watch.fail(410, f"too old resource version: {version} ({self._store.version})")
            return
        for change in changes:
            watch.see(change)

    def _from(self, target: Target, request: Request) -> tuple[int, str, Sequence[Object]]:
        token = request.query.get("continue", "")
        if not token:
            wanted = _version(request.query.get("resourceVersion", ""))
            if wanted > self._store.version:
                words = f"Timeout: Too large resource version: {wanted}, current: {self._store.version}"
                raise Refusal(504, words, causes=[_TOO_LARGE], retryAfterSeconds=1)
            return self._store.version, "", self._store.all(target.resource.storage, target.namespace)
        version, start = _read_token(token)
        if version == -1:  # the remainder, inconsistent
            return self._store.version, start, self._store.all(target.resource.storage, target.namespace)
        kept = self._snapshots.get((version, target.resource.storage, target.namespace))
        if kept is None:
            raise refusals.expired(_FORGOTTEN, _token(-1, start))
        return version, start, kept

    def _keep(self, version: int, target: Target, stored: Sequence[Object]) -> None:
        self._snapshots[version, target.resource.storage, target.namespace] = tuple(stored)
        while len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.pop(next(iter(self._snapshots)))


def _key(shown: Object) -> str:
    metadata = shown["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _version(text: str) -> int:
    if not text:
        return 0
    if not text.isdigit():
        raise refusals.bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}"')
    return int(text)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not text.isdigit():
        raise refusals.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _streamed(query: Mapping[str, str]) -> bool:
    wanted = query.get("sendInitialEvents") in {"true", "1"}
    if wanted and query.get("resourceVersionMatch") != "NotOlderThan":
        words = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        cause = Cause("FieldValueForbidden", words, "resourceVersionMatch")
        raise refusals.invalid("ListOptions.meta.k8s.io", "", [cause])
    return wanted


def _token(version: int, start: str) -> str:
    data = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        data = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(data["rv"]), str(data["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise refusals.bad_request("invalid continue token: continue key is not valid: " + str(error)) from error
