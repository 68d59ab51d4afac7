"""The API server, by the `kubernetes` client: each request of ours goes through here, is measured, raises one tree.

ClusterError
+-- NotThere        404: the object, or the kind, is not there
+-- Conflict        409: somebody else wrote; read again, never send again
+-- Refused         4xx: what was sent is not acceptable, or not allowed
+-- Unavailable     no answer, 5xx, 429: try again later
"""

import asyncio
import copy
import email.utils
import json
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from kubernetes.aio import client, config

from lessor.model import names
from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.ports.objects import ClusterUnavailable

MERGE = "application/merge-patch+json"
_JSON = "application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_TIMEOUT = 30.0
_CONFLICT, _NOT_FOUND, _TOO_MANY, _SERVER_FAULT, _BAD = 409, 404, 429, 500, 400


class ClusterError(Exception):
    """The API server said no, or nothing."""


class NotThere(ClusterError):
    """404."""


class Conflict(ClusterError):
    """409."""


class Refused(ClusterError):
    """Another 4xx, in the API server's words."""


class Unavailable(ClusterError, ClusterUnavailable):
    """No answer, 5xx or 429."""


class NoCluster(Exception):
    """Nothing tells where the API server is."""


T = TypeVar("T")
Observe = Callable[[str, str, str, float], None]
Answered = Callable[[str, Any, float, float], None]


class Cluster:
    """One API server."""

    def __init__(self, api: client.ApiClient, clock: Clock, observe: Observe, answered: Answered) -> None:
        """Report each request to `observe` (verb, resource, code, seconds) and each `Date` to `answered`."""
        self._api = api
        self._clock = clock
        self._observe = observe
        self._answered = answered
        self._before_write: Callable[[], None] = _nothing

    def guarded(self, before_write: Callable[[], None]) -> "Cluster":
        """Give the same API server, where this is called right before each request that changes something."""
        other = copy.copy(self)
        other._before_write = before_write  # noqa: SLF001 (one of us)
        return other

    @classmethod
    async def connect(cls, clock: Clock, observe: Observe, answered: Answered, *, url: str | None = None) -> "Cluster":
        """Connect as the service account of the pod, else as KUBECONFIG says; to this URL, as nobody, when it is given.

        Raises:
            NoCluster: there is neither.
        """
        settings = client.Configuration()
        if url is not None:
            settings.host = url
        else:
            await _load(settings)
            settings.proxy = settings.proxy or _proxy(settings.host)
        settings.connection_pool_maxsize = 64
        # aiohttp would read ~/.netrc and ask for the proxies anew, each in a thread, at every request
        settings.client_session_kwargs = {"trust_env": False}
        return cls(client.ApiClient(settings), clock, observe, answered)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    # ------------------------------------------------------------ objects of ours

    async def read(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        """Read one object."""
        return await self.request("GET", object_path(kind, namespace, name), resource=kind.plural)

    async def renewals_of(self, namespace: str, lease_name: str) -> list[dict[str, Any]]:
        """List the LeaseRenewals of a lease, from the quorum: no resourceVersion is sent."""
        query = {"fieldSelector": f"spec.leaseRef.name={lease_name}"}
        path = list_path(Kind.LEASE_RENEWAL, namespace)
        answer = await self.request("GET", path, resource=Kind.LEASE_RENEWAL.plural, query=query, verb="list")
        return list(answer.get("items", ()))

    async def patch(
        self, kind: Kind, namespace: str, name: str, body: dict[str, Any], *, status: bool = False
    ) -> dict[str, Any]:
        """Send a merge patch, of the status subresource or of the object."""
        path = object_path(kind, namespace, name) + ("/status" if status else "")
        resource = f"{kind.plural}/status" if status else kind.plural
        return await self.request("PATCH", path, resource=resource, body=body, content_type=MERGE)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete one object, if it still has this uid."""
        body = {"preconditions": {"uid": uid}}
        await self.request("DELETE", object_path(kind, namespace, name), resource=kind.plural, body=body)

    async def metadata(self, kind: Kind, namespace: str | None) -> AsyncIterator[tuple[str, str, str]]:
        """List the objects of a kind as (uid, namespace, name), page by page."""
        query = {"limit": "500"}
        while True:
            data = await self._raw(
                "GET", list_path(kind, namespace), resource=kind.plural, query=query, accept=_METADATA_LIST, verb="list"
            )
            page = _read(_metadata.decode, data)
            for item in page.items or ():
                yield item.metadata.uid, item.metadata.namespace, item.metadata.name
            if not page.metadata.cont:
                return
            query = {"limit": "500", "continue": page.metadata.cont}

    # ------------------------------------------------------------ any request

    async def request(  # noqa: PLR0913 (the parts of one HTTP request)
        self,
        method: str,
        path: str,
        *,
        resource: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        content_type: str = _JSON,
        verb: str | None = None,
    ) -> dict[str, Any]:
        """Send one request and give its JSON.

        Raises:
            ClusterError: as its tree says.
        """
        data = await self._raw(
            method, path, resource=resource, query=query, body=body, content_type=content_type, verb=verb
        )
        return _read(_objects.decode, data) if data else {}

    async def _raw(  # noqa: PLR0913 (the parts of one HTTP request)
        self,
        method: str,
        path: str,
        *,
        resource: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        verb: str | None = None,
    ) -> bytes:
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "lessor"}
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        if method != "GET":
            self._before_write()
        sent = self._clock.elapsed()
        code = "none"
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._api.call_api(method, url, headers, body, _request_timeout=_TIMEOUT)
                data: bytes = await answer.read()
            code = str(answer.status)
            self._date(answer.headers.get("Date"), sent)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the API server did not answer: {type(error).__name__}") from error
        finally:
            self._observe(verb or method.lower(), resource, code, self._clock.elapsed() - sent)
        if answer.status >= _BAD:
            raise _error(answer.status, data)
        return data

    def _date(self, value: str | None, sent: float) -> None:
        try:
            date = email.utils.parsedate_to_datetime(value or "")
        except ValueError:
            return
        zoned = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        self._answered("kubernetes", zoned, sent, self._clock.elapsed())


async def _load(settings: client.Configuration) -> None:
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException:
        await _load_kubeconfig(settings)


def _nothing() -> None:
    """Hold nothing up."""


async def _load_kubeconfig(settings: client.Configuration) -> None:
    named = _kubeconfig()
    try:
        await config.load_kube_config(config_file=named, client_configuration=settings)
    except (config.ConfigException, OSError) as error:
        raise NoCluster(f"no cluster: the kubeconfig {named} cannot be used: {error}") from error


def _kubeconfig() -> str:
    """Give the path, or paths: the client itself reads the variable only once, when it is imported."""
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not any(Path(path).expanduser().is_file() for path in named.split(os.pathsep)):
        raise NoCluster(f"no cluster: this is no pod, and there is no kubeconfig {named}; set KUBECONFIG")
    return named


def _proxy(url: str) -> str | None:
    """Give the proxy that the environment names for this URL."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


class _Meta(msgspec.Struct):
    uid: str
    name: str
    namespace: str = ""


class _Item(msgspec.Struct):
    metadata: _Meta


class _ListMeta(msgspec.Struct):
    cont: str = msgspec.field(name="continue", default="")


class _MetadataList(msgspec.Struct):
    metadata: _ListMeta
    items: list[_Item] | None = None  # an empty list is sent as null


_metadata = msgspec.json.Decoder(_MetadataList)
_objects = msgspec.json.Decoder(dict[str, Any])


def _read(decode: Callable[[bytes], T], data: bytes) -> T:
    """Read JSON. What cannot be read is no answer of the API server: a proxy's, or one that was cut."""
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the answer is none of the API server's: it cannot be read") from error


def list_path(kind: Kind, namespace: str | None) -> str:
    """Give the path of a kind, in one namespace or in all."""
    middle = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{names.GROUP}/{names.VERSION}{middle}/{kind.plural}"


def object_path(kind: Kind, namespace: str, name: str) -> str:
    """Give the path of one object."""
    return f"{list_path(kind, namespace)}/{quote(name)}"


def _error(code: int, data: bytes) -> ClusterError:
    try:
        message = str(json.loads(data).get("message", ""))
    except (ValueError, AttributeError):
        message = data[:200].decode(errors="replace")
    if code == _NOT_FOUND:
        return NotThere(message)
    if code == _CONFLICT:
        return Conflict(message)
    if code == _TOO_MANY or code >= _SERVER_FAULT:
        return Unavailable(f"the API server answered {code}: {message}")
    return Refused(f"the API server answered {code}: {message}")
