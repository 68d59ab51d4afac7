"""The installation's id and key: the Secret `lessor-seal` of the operator's namespace, made at the first start."""

import base64
import secrets
from typing import NamedTuple

from lessor.model import names
from lessor.model.marks import Seal
from lessor.runtime.cluster import Cluster, Conflict, NotThere

_KEY_BYTES = 32


class NoNamespace(Exception):
    """The operator's namespace is not there."""


class Ensured(NamedTuple):
    """The seal. `made`: by this process, so that there was no installation before it."""

    seal: Seal
    made: bool


async def ensure(cluster: Cluster, namespace: str) -> Ensured:
    """Give the seal; make it when there is none. Two that start at once get the same one.

    Raises:
        NoNamespace: the operator's namespace is not there.
        ClusterError: the API server said no, or nothing.
    """
    path = f"/api/v1/namespaces/{namespace}/secrets"
    try:
        return Ensured(await _found(cluster, path), made=False)
    except NotThere:
        pass
    body = await _new(cluster)
    try:
        return Ensured(_read(await cluster.request("POST", path, resource="secrets", body=body)), made=True)
    except Conflict:
        return Ensured(await _found(cluster, path), made=False)
    except NotThere:
        raise NoNamespace(
            f"there is no namespace {namespace}; make it, or name another with --operator-namespace"
        ) from None


async def _found(cluster: Cluster, path: str) -> Seal:
    return _read(await cluster.request("GET", f"{path}/{names.SEAL_SECRET}", resource="secrets"))


async def _new(cluster: Cluster) -> dict[str, object]:
    system = await cluster.request("GET", "/api/v1/namespaces/kube-system", resource="namespaces")
    data = {"installation": system["metadata"]["uid"].encode(), "key": secrets.token_bytes(_KEY_BYTES)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.SEAL_SECRET},
        "immutable": True,
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _read(secret: dict[str, dict[str, str]]) -> Seal:
    data = secret.get("data") or {}
    return Seal(base64.b64decode(data["installation"]).decode(), base64.b64decode(data["key"]))
