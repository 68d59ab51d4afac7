"""The cluster as a pass in a thread sees it: each question goes to the event loop, the thread waits for the answer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from lessor.model import reading
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import ObjectMeta
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

    def reread(self, kind: Kind, meta: ObjectMeta) -> ObjectMeta | None:
        """Read the object again; None when it is gone, or another one has its name."""
        try:
            raw = self._ask(self._cluster.read(kind, meta.namespace, meta.name))
        except NotThere:
            return None
        seen = reading.metadata(small(raw))
        return seen if seen.uid == meta.uid else None

    def renewals(self, kind: Kind, meta: ObjectMeta) -> tuple[LeaseRenewal, ...]:
        """List the object's renewals from the quorum."""
        items = self._ask(self._cluster.renewals_of(meta.namespace, meta.name))
        read = (reading.lease_renewal(small(raw)) for raw in items)
        return tuple(request for request in read if request is not None and request.spec.lease_ref.kind == kind)

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return answer.result(_PATIENCE)
        except TimeoutError as error:
            answer.cancel()
            raise Unavailable("the API server did not answer in time") from error
        except Refused as error:
            raise Unavailable(str(error)) from error
