"""What the turns work with: the parts of one operator."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lessor.metrics import Metrics
from lessor.model import reading
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.marks import Seal
from lessor.model.meta import ObjectMeta
from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.ports.leading import Leadership
from lessor.runtime.bridge import Bridge
from lessor.runtime.cache import Cache
from lessor.runtime.clouds import Clouds
from lessor.runtime.cluster import Cluster
from lessor.runtime.deadlines import Deadlines
from lessor.runtime.events import Events
from lessor.runtime.pacing import Pacing
from lessor.runtime.registry import Registry
from lessor.runtime.timekeeping import Timekeeping
from lessor.runtime.writer import Writer


@dataclass(slots=True)
class Stamp:
    """Whether the cluster stamps who asks for a renewal."""

    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts. `bridge`: the cluster as passes in threads see it."""

    clock: Clock
    cache: Cache
    cluster: Cluster
    clouds: Clouds
    registry: Registry
    deadlines: Deadlines
    writer: Writer
    events: Events
    metrics: Metrics
    timekeeping: Timekeeping
    pacing: Pacing
    threads: ThreadPoolExecutor
    leading: Leadership
    seal: Seal
    frozen: bool
    bridge: Bridge
    stamp: Stamp = field(default_factory=Stamp)

    def renewals(self, kind: Kind, meta: ObjectMeta) -> tuple[LeaseRenewal, ...]:
        """Give the LeaseRenewals of an object, as they are known."""
        entries = self.cache.renewals(meta.namespace, meta.name)
        read = (reading.lease_renewal(entry.body) for entry in entries)
        return tuple(request for request in read if request is not None and request.spec.lease_ref.kind == kind)
