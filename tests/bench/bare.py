"""The bare PATCHes: the same bodies on the same objects by the same client, sixteen at once, and nothing else."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from lessor.model import times, wire
from lessor.model.names import Kind
from lessor.runtime.cluster import Cluster
from lessor.runtime.operator import WRITES_AT_ONCE
from tests.bench import clock
from tests.bench.cost import Meter
from tests.bench.etcd import Revisions
from tests.bench.fleet import Fleet, Settled, expiring
from tests.bench.ground import Ground
from tests.bench.table import say

_Patch = tuple[str, str, dict[str, object]]


def seconds(ground: Ground, fleet: Fleet, count: int) -> float:
    """Write that many leases, send each the PATCH that begins `Expiring`, give the seconds that took."""
    at = times.whole_second(clock.now()) + timedelta(hours=1)
    leases = fleet.write(expiring(count, at, prefix="bare"))
    patches = [_patch(fleet, lease, at) for lease in leases]
    with Revisions(ground.kube.etcd) as revisions:
        began, meter = clock.wall(), Meter(time.process_time)
        ground.kube.with_client(lambda cluster: _send(cluster, patches))
        say(f"a bare PATCH costs: {meter.each(count)}")
    last = max(stored.revision for stored in fleet.stored())
    fleet.clear()
    return revisions.time_of(last) - began


def _patch(fleet: Fleet, settled: Settled, at: datetime) -> _Patch:
    lease = settled.lease
    patch = wire.merge_patch(wire.to_builtins(lease.status), wire.to_builtins(fleet.after(settled, at)))
    body = {"metadata": {"resourceVersion": lease.metadata.resource_version}, "status": patch}
    return lease.metadata.namespace, lease.metadata.name, body


async def _send(cluster: Cluster, patches: Sequence[_Patch]) -> None:
    left = iter(patches)

    async def work() -> None:
        for namespace, name, body in left:
            await cluster.patch(Kind.INSTANCE_LEASE, namespace, name, body, status=True)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(WRITES_AT_ONCE):
            tasks.create_task(work())
