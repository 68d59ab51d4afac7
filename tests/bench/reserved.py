"""Many Leases made at once until all are Active, and then the idling on them."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import requests

from lessor.model import names
from lessor.model.names import Kind
from lessor.runtime.cluster import Cluster, list_path
from tests.bench import clock, cost, quiet, region
from tests.bench.cost import Meter
from tests.bench.etcd import REGISTRY, Revisions
from tests.bench.ground import Ground
from tests.bench.kube import Kube
from tests.bench.table import Row, say
from tests.bench.watched import Watched

LEASE_CROWD, LEASE_IDLE = "lease-crowd", "lease-idle"
NAMES = (LEASE_CROWD, LEASE_IDLE)
_SHARE = 10  # of the size of a fleet: 1,000
_REQUESTS_EACH, _STATUS_WRITES = 4, 4
_REQUESTS_A_MINUTE = 2.0
_AT_ONCE = 16
_QUIET_SECONDS = 5.0
_NAMESPACE, _CALLS = "bench-leases", "leases."
_PLURAL = Kind.LEASE.plural
_STORED = f"{REGISTRY}{names.GROUP}/{_PLURAL}/{_NAMESPACE}/"
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class _Region:
    """The cloud in its process: whose credentials lead to it, where it tells its requests."""

    pid: int
    clouds_yaml: str
    url: str

    def calls(self) -> list[str]:
        """Give what it was asked since this was asked last."""
        answer = requests.get(self.url, timeout=_TIMEOUT)
        answer.raise_for_status()
        return [str(line) for line in answer.json()]


def rows(ground: Ground, wanted: Collection[str]) -> Iterator[Row]:
    """Measure the rows that are wanted."""
    count = ground.size // _SHARE
    with _running(count) as cloud:
        ground.kube.namespace(_NAMESPACE, cloud.clouds_yaml)
        with ground.operator("leases", "--namespace", _NAMESPACE) as operator:
            operator.until_known(ground.patience)
            crowd = _crowd(ground, cloud, operator, count)
            if LEASE_CROWD in wanted:
                yield crowd
            if LEASE_IDLE in wanted:
                yield _idle(ground, cloud, operator, count)
    ground.kube.etcd.delete(_STORED)


@contextmanager
def _running(count: int) -> Iterator[_Region]:
    say(f"start the simulated cloud with {count} hosts")
    command = [sys.executable, "-m", "tests.bench.region", str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated cloud did not start: see its words above")
        told = msgspec.json.decode(line, type=dict[str, str])
        yield _Region(process.pid, told["clouds_yaml"], told["calls"])
    finally:
        process.terminate()
        process.wait(_TIMEOUT)


# ------------------------------------------------------------ at once


def _crowd(ground: Ground, cloud: _Region, operator: Watched, count: int) -> Row:
    """The time is from before the first is made until the write by which the last one became Active."""
    say(f"make {count} Leases at once")
    cloud.calls()
    with Revisions(ground.kube.etcd) as revisions:
        meter, spent, began = Meter(operator.cpu_seconds), cost.cpu_seconds(cloud.pid), clock.wall()
        ground.kube.with_client(lambda cluster: _make(cluster, count))
        say(f"all are made after {clock.wall() - began:.1f} s")
        clock.until(lambda: _active(ground.kube) == count, "all Leases are Active", ground.patience, pause=1.0)
        say(f"a Lease costs: {meter.each(count)}, cloud {1000 * (cost.cpu_seconds(cloud.pid) - spent) / count:.1f} ms")
    stored = ground.kube.etcd.keys(_STORED)
    seconds = revisions.time_of(max(each.revision for each in stored)) - began
    asked = _of_leases(cloud.calls())
    say(f"requests to Blazar meanwhile: {dict(Counter(line.partition(' ')[0] for line in asked))}")
    patches, most = operator.patches(), max(each.version for each in stored)
    finalizers, statuses = patches.get(_PLURAL, 0), patches.get(f"{_PLURAL}/status", 0)
    return Row(
        f"{count} Leases made at once until all are Active",
        f"at most {_REQUESTS_EACH} requests to Blazar and 1 + {_STATUS_WRITES} writes each",
        f"{len(asked) / count:.1f} requests, {finalizers / count:.0f} + {statuses / count:.1f} writes, {seconds:.0f} s",
        len(asked) <= _REQUESTS_EACH * count
        and finalizers == count
        and most <= 1 + 1 + _STATUS_WRITES  # it is made, then written
        and statuses <= _STATUS_WRITES * count,
    )


async def _make(cluster: Cluster, count: int) -> None:
    left = iter(range(count))

    async def work() -> None:
        for index in left:
            await cluster.request("POST", list_path(Kind.LEASE, _NAMESPACE), resource=_PLURAL, body=_manifest(index))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_AT_ONCE):
            tasks.create_task(work())


def _manifest(index: int) -> dict[str, Any]:
    name = region.host(index)
    return {
        "apiVersion": names.API_VERSION,
        "kind": Kind.LEASE.value,
        "metadata": {"name": f"lease-of-{name}"},
        "spec": {
            "cloudCredentialsRef": {"secretName": "cloud", "cloudName": "openstack"},
            "duration": "30d",
            "reservations": [{"name": "nodes", "host": {"minCount": 1, "nodeName": name}}],
        },
    }


def _active(kube: Kube) -> int:
    return sum(_is_active(msgspec.json.decode(value)) for value in kube.etcd.values(_STORED))


def _is_active(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any((one["type"], one["status"]) == ("Active", "True") for one in conditions)


def _of_leases(calls: Sequence[str]) -> list[str]:
    """Give those that went to Blazar."""
    return [line for line in calls if line.startswith(_CALLS)]


# ------------------------------------------------------------ idle


def _idle(ground: Ground, cloud: _Region, operator: Watched, count: int) -> Row:
    _rest(ground, cloud)
    say(f"idle for {ground.idle_seconds:.0f} s")
    revision, began, cpu = ground.kube.etcd.revision(), clock.wall(), operator.cpu_seconds()
    clock.sleep(ground.idle_seconds)
    seconds, spent = clock.wall() - began, operator.cpu_seconds() - cpu
    calls, written = cloud.calls(), quiet.written_since(ground, revision + 1)
    asked, active = _of_leases(calls), _active(ground.kube)
    a_minute = len(asked) * 60 / seconds
    share = f"{100 * spent / seconds:.2f} % of a core"
    others = f", {len(calls) - len(asked)} other requests" if len(calls) > len(asked) else ""
    ended = f", {count - active} no longer Active" if active < count else ""
    return Row(
        f"idle with {count} Active Leases for {seconds:.0f} s",
        f"at most {_REQUESTS_A_MINUTE:.0f} requests to Blazar a minute, no write",
        f"{a_minute:.1f} requests a minute{others}, {len(written)} writes, {share}{ended}",
        a_minute <= _REQUESTS_A_MINUTE and not written and not ended,
    )


def _rest(ground: Ground, cloud: _Region) -> None:
    """Wait until nothing was written, and nothing asked, for some seconds."""

    def rests() -> bool:
        cloud.calls()
        revision = ground.kube.etcd.revision()
        clock.sleep(_QUIET_SECONDS)
        return not cloud.calls() and not quiet.written_since(ground, revision + 1)

    clock.until(rests, "the operator comes to rest", ground.patience)
