"""The comparison with a LIST: finds what the watch forgot.

After a restart of the API server Kopf never tells of the objects that were deleted meanwhile; and the end of its first
list cannot be seen.
"""

import asyncio
import logging
from collections.abc import Callable

from lessor.model.names import Kind
from lessor.ports.clock import Clock
from lessor.runtime.cache import Cache
from lessor.runtime.cluster import Cluster, ClusterError, NotThere

log = logging.getLogger(__name__)

EVERY = 600.0
_POLL = 0.05
_LIST_AGAIN = 5.0


class Comparison:
    """Compares what is known with what is there, by uid. `idle`: it waits for its time."""

    def __init__(  # noqa: PLR0913 (the parts that it stands on)
        self,
        cluster: Cluster,
        cache: Cache,
        clock: Clock,
        namespaces: tuple[str, ...],
        *,
        put: Callable[[Kind, dict[str, object]], None],
        gone: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)
        self._put = put
        self._gone = gone
        self.idle = False

    async def first(self, kinds: tuple[Kind, ...]) -> None:
        """Return when every object of these kinds that is there is known."""
        for kind in kinds:
            while True:
                try:
                    missing = set(await self._there(kind))
                except ClusterError as error:
                    log.warning("the objects could not be listed", extra={"kind": kind.value, "why": str(error)})
                    await asyncio.sleep(1.0)
                    continue
                if await self._arrived(missing):
                    break

    async def _arrived(self, missing: set[str]) -> bool:
        """Wait a while for these; False: list again, for some may be deleted by now."""
        waited = 0.0
        while waited < _LIST_AGAIN:
            missing = {uid for uid in missing if self._cache.get(uid) is None}
            if not missing:
                return True
            await asyncio.sleep(_POLL)
            waited += _POLL
        return False

    async def run(self, kinds: tuple[Kind, ...]) -> None:
        """Compare every ten minutes until cancelled."""
        while True:
            self.idle = True
            await self._clock.sleep(EVERY)
            self.idle = False
            for kind in kinds:
                try:
                    await self.compare(kind)
                except ClusterError as error:
                    log.warning("the comparison was put off", extra={"kind": kind.value, "why": str(error)})

    async def compare(self, kind: Kind) -> None:
        """Drop what is gone, take in what was missed."""
        known = set(self._cache.uids(kind))
        there = await self._there(kind)
        for uid in known - there.keys():
            log.info("an object was deleted unseen", extra={"kind": kind.value, "uid": uid})
            self._gone(uid)
        for uid in there.keys() - set(self._cache.uids(kind)):
            namespace, name = there[uid]
            try:
                raw = await self._cluster.read(kind, namespace, name)
            except NotThere:
                continue
            log.info("an object was made unseen", extra={"kind": kind.value, "uid": uid})
            self._put(kind, raw)

    async def _there(self, kind: Kind) -> dict[str, tuple[str, str]]:
        there = {}
        for namespace in self._namespaces:
            async for uid, where, name in self._cluster.metadata(kind, namespace):
                there[uid] = (where, name)
        return there
