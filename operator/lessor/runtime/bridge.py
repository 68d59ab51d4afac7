"""The cluster as a pass in a thread sees it: each question goes to the event loop, the thread waits for the answer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from lessor.model import reading
from lessor.model.instancelease import InstanceLease
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.names import Kind
from lessor.runtime.cache import small
from lessor.runtime.cluster import Cluster, NotThere, Refused, Unavailable

T = TypeVar("T")
_PATIENCE = 35.0


class Bridge:
    """`ports.objects.Objects` on the event loop's cluster. Called from threads only."""

    def __init__(self, cluster: Cluster, loop: asyncio.AbstractEventLoop) -> None:
        self._cluster = cluster
        self._loop = loop

    def reread(self, lease: InstanceLease) -> InstanceLease | None:
        """Read the object again; None when it is gone, or another one has its name."""
        meta = lease.metadata
        try:
            raw = self._ask(self._cluster.read(Kind.INSTANCE_LEASE, meta.namespace, meta.name))
        except NotThere:
            return None
        seen, problem = reading.instance_lease(small(raw))
        return seen if problem is None and seen.metadata.uid == meta.uid else None

    def renewals(self, lease: InstanceLease) -> tuple[LeaseRenewal, ...]:
        """List the lease's renewals from the quorum."""
        meta = lease.metadata
        items = self._ask(self._cluster.renewals_of(meta.namespace, meta.name))
        read = (reading.lease_renewal(small(raw)) for raw in items)
        return tuple(
            request for request in read if request is not None and request.spec.lease_ref.kind == Kind.INSTANCE_LEASE
        )

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return answer.result(_PATIENCE)
        except TimeoutError as error:
            answer.cancel()
            raise Unavailable("the API server did not answer in time") from error
        except Refused as error:
            raise Unavailable(str(error)) from error
