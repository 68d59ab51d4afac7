"""One turn over one object: the pass from memory, the pass with the cloud, the writes, and when to come back.

One turn at a time for a uid; a wake-up that comes meanwhile makes another turn of it. What a pass over a kind needs
besides stands in `passes` (InstanceLease) and `leasepasses` (Lease).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from lessor.model import names
from lessor.model.conditions import ConditionType, Disposition, Fault
from lessor.model.instancelease import InstanceLease, InstanceLeaseStatus
from lessor.model.lease import Lease, LeaseStatus, OutputStatus
from lessor.model.meta import OwnerReference
from lessor.model.names import Kind
from lessor.model.plans import ConfigMap, FinalizerChange, Outcome
from lessor.ports.leading import NotLeading
from lessor.ports.objects import ClusterUnavailable
from lessor.runtime import pauses
from lessor.runtime.cache import Entry
from lessor.runtime.cluster import ClusterError, Conflict, NotThere, Refused
from lessor.runtime.gate import Urgency
from lessor.runtime.heat import Heat
from lessor.runtime.parts import Parts
from lessor.runtime.writer import NotOurs

log = logging.getLogger(__name__)

_MOST_ROUNDS = 12
_REST = timedelta(seconds=30)
Served = InstanceLease | Lease
Status = InstanceLeaseStatus | LeaseStatus


@dataclass(frozen=True, slots=True)
class Known:
    """The object as a round of a turn knows it. `fresh`: it is the answer of our own last write."""

    lease: Any  # one of Served, the kind that the passes are for
    problem: Fault | None
    fresh: bool = False


class Passes(Protocol):
    """What is particular to one kind."""

    kind: Kind

    def read(self, body: bytes) -> tuple[Served, Fault | None]:
        """Read an object of the kind."""

    async def passed(self, known: Known) -> tuple[Outcome, bool]:
        """Make the pass from memory, and the one with the cloud if that asks for more; tells whether it did."""

    def wrote(self, lease: Any, outcome: Outcome) -> None:  # noqa: ANN401 (one of Served)
        """Take note that the finalizer or the status was written."""

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""


class Turns:
    """The turns over the objects of one kind."""

    def __init__(self, parts: Parts, passes: Passes) -> None:
        self._parts = parts
        self._passes = passes
        self._kind = passes.kind
        self._failures: dict[str, int] = {}
        self._heat = Heat(parts.clock)

    async def turn(self, uid: str) -> None:
        """Make one turn over the object; raises nothing that a cluster or a cloud may do.

        Raises:
            NotLeading: this process does not lead any more; the turn is not made again.
        """
        parts = self._parts
        entry = parts.cache.get(uid)
        if entry is None:
            self.forget(uid)
            return
        if self._heat.is_hot(uid):
            log.warning("written too often; it rests", extra={"object": f"{entry.namespace}/{entry.name}"})
            parts.deadlines.set(uid, parts.clock.now() + _REST)
            return
        try:
            outcome = await self._rounds(entry)
        except (ClusterError, ClusterUnavailable) as error:
            log.warning(
                "a turn could not be finished", extra={"object": f"{entry.namespace}/{entry.name}", "why": str(error)}
            )
            self._retry(uid)
            return
        except NotLeading:
            raise
        except Exception:
            log.exception("a turn broke", extra={"object": f"{entry.namespace}/{entry.name}"})
            parts.metrics.failed(self._kind)
            self._retry(uid)
            return
        if outcome is not None:
            self._come_back(uid, outcome)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._parts.deadlines.set(uid, None)
        self._passes.forget(uid)
        self._failures.pop(uid, None)
        self._heat.forget(uid)

    # ------------------------------------------------------------ rounds

    async def _rounds(self, entry: Entry) -> Outcome | None:
        """Look, write, and go on from the answer while there is something to go on with."""
        known = Known(*self._passes.read(entry.body))
        for _ in range(_MOST_ROUNDS):
            outcome, visited = await self._passed(known)
            try:
                answer = await self._written(known.lease, outcome)
            except Conflict:
                refreshed = await self._reread(known.lease)
                if refreshed is None:
                    return None
                known = refreshed
                continue
            except NotThere:
                self._gone(known.lease)
                return None
            if visited and outcome.again and answer is None:
                refreshed = await self._reread(known.lease)
                if refreshed is None:
                    return None
                known = refreshed
                continue
            if answer is None or not self._goes_on(outcome):
                return outcome
            known = answer
        return Outcome(wake_at=self._parts.clock.now() + timedelta(seconds=5))

    def _goes_on(self, outcome: Outcome) -> bool:
        due = outcome.wake_at is not None and outcome.wake_at <= self._parts.clock.now()
        put_on = outcome.finalizer is FinalizerChange.PUT_ON or outcome.annotations is not None
        return outcome.claim or due or put_on

    async def _passed(self, known: Known) -> tuple[Outcome, bool]:
        began = self._parts.clock.elapsed()
        outcome, visited = await self._passes.passed(known)
        self._parts.metrics.passed(self._kind, outcome, self._parts.clock.elapsed() - began)
        log.debug("a pass", extra=_extras(known.lease, outcome, visited=visited))
        return outcome, visited

    # ------------------------------------------------------------ writes

    async def _written(self, lease: Served, outcome: Outcome) -> Known | None:
        """Write what the pass asked for; gives the object after it, None when the object itself was not written."""
        parts = self._parts
        answer = None
        meta = outcome.finalizer is not FinalizerChange.KEEP or outcome.annotations is not None
        if meta or outcome.status is not None:
            self._heat.wrote(lease.metadata.uid)
        if meta:
            raw = await parts.writer.metadata(self._kind, lease.metadata, outcome.finalizer, outcome.annotations or {})
            answer = self._answered(raw)
        elif outcome.status is not None:
            status = await self._output(lease, outcome.status, outcome.config_map)
            urgency = Urgency.CLAIM if outcome.claim else Urgency.REPORT
            raw_status = await parts.writer.status(self._kind, lease, status, urgency)
            answer = self._answered(raw_status) if raw_status is not None else None
        if meta or outcome.status is not None:
            self._passes.wrote(lease, outcome)
        await self._decide(lease, outcome)
        for event in outcome.events:
            parts.events.say(self._kind, lease.metadata, event, parts.clock.now())
        return answer

    async def _output(self, lease: Served, status: Status, wanted: ConfigMap | None) -> Status:
        """Write the ConfigMap before the status says so; gives the status, which says why where it could not be."""
        if wanted is None or not isinstance(status, LeaseStatus):
            return status
        try:
            await self._parts.writer.config_map(lease.metadata, self._owner(lease), wanted)
        except (Refused, NotOurs) as error:
            told = OutputStatus(config_map_name=wanted.name, message=str(error))
            return msgspec.structs.replace(status, output=told)
        return status

    async def _decide(self, lease: Served, outcome: Outcome) -> None:
        """Write the answers of the LeaseRenewals; one that changed meanwhile is answered in the next turn."""
        for decision in outcome.decisions:
            try:
                raw = await self._parts.writer.decision(decision, self._owner(lease))
            except (Conflict, NotThere) as error:
                log.info(
                    "a LeaseRenewal changed meanwhile",
                    extra={"object": decision.renewal.metadata.key, "why": str(error)},
                )
                continue
            if raw is not None:
                self._parts.cache.put(Kind.LEASE_RENEWAL, raw)
            granted = next((c for c in decision.status.conditions if c.type == ConditionType.GRANTED), None)
            if granted is not None and not decision.renewal.decided:
                self._parts.metrics.renewed(granted.reason)

    def _owner(self, lease: Served) -> OwnerReference:
        meta = lease.metadata
        return OwnerReference(api_version=names.API_VERSION, kind=self._kind.value, name=meta.name, uid=meta.uid)

    def _answered(self, raw: dict[str, object]) -> Known | None:
        self._parts.cache.put(self._kind, raw)
        entry = self._parts.cache.get(str(raw["metadata"]["uid"]))  # type: ignore[index]
        if entry is None:
            return None
        fresh = str(entry.version) == raw["metadata"]["resourceVersion"]  # type: ignore[index]
        return Known(*self._passes.read(entry.body), fresh=fresh)

    async def _reread(self, lease: Served) -> Known | None:
        """Somebody else wrote: read the object again, and go on from there. None: it is gone."""
        meta, known = lease.metadata, self._parts.cache.get(lease.metadata.uid)
        before = known.version if known is not None else 0
        try:
            raw = await self._parts.cluster.read(self._kind, meta.namespace, meta.name)
        except NotThere:
            raw = {}
        if raw.get("metadata", {}).get("uid") != meta.uid:
            self._gone(lease)
            return None
        if int(raw["metadata"]["resourceVersion"]) < before:  # etcd was restored: what we know never was
            self._parts.cache.gone(meta.uid)
        return self._answered(raw)

    def _gone(self, lease: Served) -> None:
        self._parts.cache.gone(lease.metadata.uid)
        self.forget(lease.metadata.uid)

    # ------------------------------------------------------------ coming back

    def _come_back(self, uid: str, outcome: Outcome) -> None:
        now = self._parts.clock.now()
        if outcome.disposition is Disposition.RETRY:
            self._failures[uid] = self._failures.get(uid, 0) + 1
            pause = timedelta(seconds=pauses.growing(self._failures[uid]))
            self._parts.deadlines.set(uid, _sooner(outcome.wake_at, now + pause))
            return
        self._failures.pop(uid, None)
        if outcome.disposition is Disposition.ASK:
            pause = timedelta(seconds=pauses.jittered(pauses.ASK))
            self._parts.deadlines.set(uid, _sooner(outcome.wake_at, now + pause))
            return
        self._parts.deadlines.set(uid, outcome.wake_at, urgent=outcome.urgent)

    def _retry(self, uid: str) -> None:
        self._failures[uid] = self._failures.get(uid, 0) + 1
        pause = timedelta(seconds=pauses.growing(self._failures[uid]))
        self._parts.deadlines.set(uid, self._parts.clock.now() + pause)


def _extras(lease: Served, outcome: Outcome, *, visited: bool) -> dict[str, object]:
    """What the log line of a pass tells."""
    return {
        "object": lease.metadata.key,
        "version": lease.metadata.resource_version,
        "asked_cloud": visited,
        "status": "changed" if outcome.status is not None else "same",
        "finalizer": outcome.finalizer.value,
        "claim": outcome.claim,
        "again": outcome.again,
        "wake_at": outcome.wake_at,
    }


def _sooner(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
