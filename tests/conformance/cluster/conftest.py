"""The same raw HTTP for both sides: the simulated API server in a thread, the real one of `make e2e`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lessor.model.names import Kind
from lessor.ports.clock import SystemClock
from lessor.simulated.cluster.server import APIServer
from tests.conformance.cluster.client import CRDS, Client, Object, fresh, gadgets
from tests.contract import schemas
from tests.simulated.cluster import threaded

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="session")
def client(side: str) -> Iterator[Client]:
    """Give the API server of one side, with the CRDs of the cases and of Lessor."""
    with _simulated() if side == "simulated" else _real() as client:
        for crd in (*CRDS, *map(schemas.definition, Kind)):
            _define(client, crd)
        yield client
        client.session.close()


@pytest.fixture
def namespace(client: Client) -> Iterator[str]:
    """Give a namespace of the case's own."""
    name = fresh()
    client.make("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    for left in client.get(gadgets(name)).body["items"]:
        if left["metadata"].get("finalizers"):
            client.merge(gadgets(name, left["metadata"]["name"]), {"metadata": {"finalizers": None}})
    client.delete(f"/api/v1/namespaces/{name}")


@contextmanager
def _simulated() -> Iterator[Client]:
    server = APIServer(now=SystemClock().now)
    with threaded.serving(server) as url:
        yield Client(server.kubeconfig(url))


@contextmanager
def _real() -> Iterator[Client]:
    kubeconfig = os.environ.get("LESSOR_E2E_KUBECONFIG", "")
    if not kubeconfig or not Path(kubeconfig).exists():
        pytest.fail("no API server: the real parts are started by tests/e2e/run.sh", pytrace=False)
    yield Client(Path(kubeconfig).read_text())


def _define(client: Client, crd: Object) -> None:
    """Install a CRD and wait until it is served; a new one answers 404 and 429 at first.

    It is never taken away again: one that still goes when it is made again would fail all cases.
    """
    reply = client.send("POST", _DEFINITIONS, crd)
    if reply.code == 409:
        reply = client.merge(f"{_DEFINITIONS}/{crd['metadata']['name']}", {"spec": crd["spec"]})
    assert reply.code in {200, 201}, reply.body
    spec = crd["spec"]
    version, plural = spec["versions"][0]["name"], spec["names"]["plural"]
    client.patient(404, 429, 503)
    assert client.get(f"/apis/{spec['group']}/{version}/{plural}").code == 200
    client.patient(429)
