"""The project's own informer and client on the simulated server, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lessor.handlers import watch
from lessor.model.names import Kind
from lessor.runtime.cluster import MERGE, Cluster, Conflict, NotThere, Unavailable, list_path, object_path
from lessor.simulated.cluster.server import APIServer
from lessor.simulated.faults import Fault, Faults, What
from tests.runtime.clock import SetClock

_LEASES = list_path(Kind.INSTANCE_LEASE, "default")
_SPEC = {
    "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
    "server": {"name": "db-1"},
    "duration": "90d",
}


class Seen:
    """What the informer told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self._told = asyncio.Event()

    def put(self, kind: Kind, raw: dict[str, Any]) -> None:
        self._tell("put", kind, raw)

    def gone(self, kind: Kind, raw: dict[str, Any]) -> None:
        self._tell("gone", kind, raw)

    async def until(self, *event: str) -> None:
        async with asyncio.timeout(10):
            while tuple(event) not in self.events:
                self._told.clear()
                await self._told.wait()

    def _tell(self, what: str, kind: Kind, raw: dict[str, Any]) -> None:
        self.events.append((what, f"{kind.plural}/{raw['metadata']['name']}"))
        self._told.set()


@pytest.fixture
async def url(server: APIServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[str]:
    async with server.serve() as url:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(server.kubeconfig(url))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield url


@pytest.fixture
async def cluster(url: str) -> AsyncIterator[Cluster]:
    del url
    found = await Cluster.connect(SetClock(), lambda *_: None, lambda *_: None)
    yield found
    await found.close()


async def _make(cluster: Cluster, name: str) -> dict[str, Any]:
    body = {"apiVersion": "lessor.dev/v1alpha1", "kind": "InstanceLease", "metadata": {"name": name}, "spec": _SPEC}
    return await cluster.request("POST", _LEASES, resource="instanceleases", body=body)


@pytest.mark.filterwarnings("default")
async def test_the_informer_tells_what_is_there_what_comes_and_what_goes(cluster: Cluster) -> None:
    seen, stop = Seen(), asyncio.Event()
    uid = (await _make(cluster, "early"))["metadata"]["uid"]
    watching = asyncio.create_task(watch.watch(seen, (), stop=stop, started=asyncio.Event()))
    await seen.until("put", "instanceleases/early")
    await _make(cluster, "late")
    await seen.until("put", "instanceleases/late")
    await cluster.delete(Kind.INSTANCE_LEASE, "default", "early", uid)
    await seen.until("gone", "instanceleases/early")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.filterwarnings("default")
async def test_the_informer_forgets_a_deletion_whose_watch_ended_with_410(cluster: Cluster, faults: Faults) -> None:
    seen = Seen()
    uid = (await _make(cluster, "early"))["metadata"]["uid"]
    watching = asyncio.create_task(watch.watch(seen, (), stop=asyncio.Event(), started=asyncio.Event()))
    await seen.until("put", "instanceleases/early")
    faults.add("EVENT DELETED .*/early", Fault(what=What.REFUSE, code=410, message="too old resource version"))
    await cluster.delete(Kind.INSTANCE_LEASE, "default", "early", uid)
    await _make(cluster, "late")
    await seen.until("put", "instanceleases/late")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert ("gone", "instanceleases/early") not in seen.events


async def test_the_client_reads_and_writes(cluster: Cluster) -> None:
    made = await _make(cluster, "db-1")
    status = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "status": {"serverID": "x"}}
    written = await cluster.patch(Kind.INSTANCE_LEASE, "default", "db-1", status, status=True)
    assert written["status"] == {"serverID": "x"}
    with pytest.raises(Conflict):
        await cluster.patch(Kind.INSTANCE_LEASE, "default", "db-1", status, status=True)
    assert await cluster.read(Kind.INSTANCE_LEASE, "default", "db-1") == written
    listed = [each async for each in cluster.metadata(Kind.INSTANCE_LEASE, None)]
    assert listed == [(made["metadata"]["uid"], "default", "db-1")]
    await cluster.delete(Kind.INSTANCE_LEASE, "default", "db-1", made["metadata"]["uid"])
    with pytest.raises(NotThere):
        await cluster.read(Kind.INSTANCE_LEASE, "default", "db-1")


async def test_in_process_the_client_sees_the_same(server: APIServer, faults: Faults) -> None:
    api: Any = server.in_process()
    cluster = Cluster(api, SetClock(), lambda *_: None, lambda *_: None)
    made = await _make(cluster, "db-1")
    patched = await cluster.request(
        "PATCH",
        object_path(Kind.INSTANCE_LEASE, "default", "db-1"),
        resource="instanceleases",
        body={"spec": {"duration": "1d"}},
        content_type=MERGE,
    )
    assert (made["metadata"]["generation"], patched["metadata"]["generation"]) == (1, 2)
    for fault in (Fault(what=What.CUT_BEFORE), Fault(what=What.REFUSE, code=503)):
        faults.add("GET .*/db-1", fault)
        with pytest.raises(Unavailable):
            await cluster.read(Kind.INSTANCE_LEASE, "default", "db-1")
    assert await cluster.read(Kind.INSTANCE_LEASE, "default", "db-1") == patched
    assert server.quiet
