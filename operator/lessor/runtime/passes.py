"""The passes over InstanceLeases: the session of their credentials, the inventory of their servers, who holds which."""

import asyncio
from dataclasses import replace
from typing import Any

from lessor.model import reading
from lessor.model.conditions import ConditionType, Fault, is_true
from lessor.model.instancelease import InstanceLease
from lessor.model.names import Kind
from lessor.model.plans import FinalizerChange, Outcome
from lessor.reconcile import instanceleases
from lessor.reconcile.given import Given, Ports
from lessor.runtime.clouds import Session
from lessor.runtime.parts import Parts
from lessor.runtime.turns import Known


class InstanceLeasePasses:
    """`turns.Passes` for InstanceLeases."""

    kind = Kind.INSTANCE_LEASE

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def read(self, body: bytes) -> tuple[InstanceLease, Fault | None]:
        """Read an InstanceLease."""
        return reading.instance_lease(body)

    async def passed(self, known: Known) -> tuple[Outcome, bool]:
        """Make the pass from memory, and the one with the cloud if that asks for more; tells whether it did."""
        parts = self._parts
        session = await self._parts.clouds.session(known.lease)
        given = self._given(known, session)
        outcome = instanceleases.glance(given)
        if outcome.again and session is not None and session.fault is not None:
            given = replace(given, fault=session.fault)
            outcome = instanceleases.glance(given)
        if session is not None and given.fault is not None:
            session.waiting.add(known.lease.metadata.uid)
        cloud = session.usable if session is not None else None
        if not outcome.again or session is None or cloud is None:
            return outcome, False
        pace = parts.pacing.of(cloud.identity)
        ports = Ports(cloud=cloud, objects=parts.bridge, pace=pace, leading=parts.leading)
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(parts.threads, instanceleases.visit, given, ports)
        self._learn(known.lease, outcome, session)
        return outcome, True

    def wrote(self, lease: Any, outcome: Outcome) -> None:  # noqa: ANN401 (an InstanceLease)
        """Let the server go when the object lets go, or is not in force."""
        if outcome.finalizer is FinalizerChange.TAKE_OFF:
            self._parts.registry.release(lease.metadata.uid)
        status = outcome.status
        if status is not None and (not is_true(status.conditions, ConditionType.ACCEPTED) or lease.spec.suspend):
            self._stand_down(lease, outcome)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._parts.registry.release(uid)
        self._parts.clouds.leave(uid)

    def _stand_down(self, lease: InstanceLease, outcome: Outcome) -> None:
        """A lease that is not accepted holds no server, but one that waits for its turn stays in line."""
        status = outcome.status
        waits = status is not None and any(
            condition.type == ConditionType.ACCEPTED and condition.reason == "AlreadyLeased"
            for condition in status.conditions
        )
        if not waits:
            self._parts.registry.release(lease.metadata.uid)

    def _learn(self, lease: InstanceLease, outcome: Outcome, session: Session) -> None:
        """Remember what was read by its id: it is newer than any list."""
        if outcome.fault is not None:
            self._parts.clouds.report(session, lease.metadata.uid, outcome.fault)
        if not outcome.looked:
            return
        if outcome.seen is not None and not outcome.seen.over:
            session.inventory.learn(outcome.seen)
        elif lease.status.server_id is not None:
            session.inventory.forget(lease.status.server_id)

    def _given(self, known: Known, session: Session | None) -> Given:
        parts, lease = self._parts, known.lease
        pace = parts.pacing.of(session.cloud.identity) if session is not None and session.cloud is not None else None
        remembered = None
        if session is not None and session.cloud is not None and lease.status.server_id is not None:
            remembered = session.inventory.get(lease.status.server_id)
        return Given(
            lease=lease,
            problem=known.problem,
            fresh=known.fresh,
            now=parts.clock.now(),
            seal=parts.seal,
            registry=parts.registry,
            identity=session.cloud.identity if session is not None and session.cloud is not None else None,
            # a cloud that is away for now is no news to a lease that has nothing to ask it
            fault=session.fault if session is not None and session.cloud is None else None,
            remembered=remembered,
            renewals=parts.renewals(self.kind, lease.metadata),
            stamped=parts.stamp.on,
            clock_certain=parts.timekeeping.certain(session.source if session is not None else ""),
            frozen=parts.frozen,
            may_delete=pace is None or pace.left() > 0,
        )
