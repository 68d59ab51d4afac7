"""The passes over Leases: the session of their credentials, what is known of Blazar, the claims of this process."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lessor.decide.lease import making
from lessor.model import reading
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import Lease, LeaseStatus
from lessor.model.names import Kind
from lessor.model.plans import FinalizerChange, Outcome
from lessor.reconcile.lease import leases, observe
from lessor.reconcile.lease.given import Given, Ports, Remembered
from lessor.runtime.clouds import Session
from lessor.runtime.parts import Parts
from lessor.runtime.turns import Known

_LONGEST_REQUEST = 90.0  # to Blazar


class LeasePasses:
    """`turns.Passes` for Leases."""

    kind = Kind.LEASE

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # What this process claimed and has sent no POST for. A claim of another process, or of an earlier life, may
        # have been followed by a POST whose answer was lost.
        self._claimed: dict[str, datetime] = {}

    def read(self, body: bytes) -> tuple[Lease, Fault | None]:
        """Read a Lease."""
        return reading.lease(body)

    async def passed(self, known: Known) -> tuple[Outcome, bool]:
        """Make the pass from memory, and the one with Blazar if that asks for more; tells whether it did."""
        parts, lease = self._parts, known.lease
        session = await parts.clouds.session(lease)
        given = self._given(known, session)
        outcome = leases.glance(given)
        if outcome.again and session is not None and session.fault is not None:
            given = replace(given, fault=session.fault)
            outcome = leases.glance(given)
        if session is not None and given.fault is not None:
            session.waiting.add(lease.metadata.uid)
        cloud = session.usable if session is not None else None
        if session is None or not outcome.again or cloud is None:
            self._expect(lease, outcome, session)
            return outcome, False
        pace = parts.pacing.of(cloud.identity)
        ports = Ports(blazar=cloud.reservations, objects=parts.bridge, pace=pace, leading=parts.leading)
        claim = self._claimed.pop(lease.metadata.uid, None)
        outcome = await asyncio.get_running_loop().run_in_executor(parts.threads, leases.visit, given, ports)
        if claim is not None and not outcome.posted:
            self._claimed[lease.metadata.uid] = claim
        self._learn(lease, outcome, session)
        self._expect(lease, outcome, session)
        return outcome, True

    def wrote(self, lease: Any, outcome: Outcome) -> None:  # noqa: ANN401 (a Lease)
        """Remember the claim that was written: this process, and no other, may send the POST for it."""
        status = outcome.status
        before = lease.status.create_requested_time
        if outcome.claim and isinstance(status, LeaseStatus) and status.create_requested_time not in {None, before}:
            self._claimed[lease.metadata.uid] = status.create_requested_time
        if outcome.finalizer is FinalizerChange.TAKE_OFF:
            self._claimed.pop(lease.metadata.uid, None)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._claimed.pop(uid, None)
        self._parts.clouds.leave(uid)

    def _learn(self, lease: Lease, outcome: Outcome, session: Session) -> None:
        """Remember what was read by its id: it is newer than any list."""
        now = self._parts.clock.now()
        if outcome.fault is not None:
            self._parts.clouds.report(session, lease.metadata.uid, outcome.fault)
            if outcome.fault.reason is Reason.CLOUD_UNAVAILABLE:
                session.leasekeeper.wait(lease.metadata.uid)
        if outcome.looked and outcome.seen_lease is not None:
            session.leasekeeper.learn(outcome.seen_lease.id, outcome.seen_lease, now)
        elif lease.status.lease_id is not None and (outcome.looked or outcome.changed):
            session.leasekeeper.learn(lease.status.lease_id, None, now)

    def _expect(self, lease: Lease, outcome: Outcome, session: Session | None) -> None:
        if session is None:
            return
        seen = outcome.seen_lease.id if outcome.seen_lease is not None else lease.status.lease_id
        session.leasekeeper.expect(lease.metadata.uid, seen, outcome.look_at)

    def _given(self, known: Known, session: Session | None) -> Given:
        parts, lease = self._parts, known.lease
        cloud = session.cloud if session is not None else None
        pace = parts.pacing.of(cloud.identity) if cloud is not None else None
        given = Given(
            lease=lease,
            problem=known.problem,
            fresh=known.fresh,
            claimed=self._claimed.get(lease.metadata.uid),
            now=parts.clock.now(),
            identity=cloud.identity if cloud is not None else None,
            # a cloud that is away for now is no news to a lease that has nothing to ask it
            fault=session.fault if session is not None and cloud is None else None,
            edits_from=self._edits_from(),
            renewals=parts.renewals(self.kind, lease.metadata),
            stamped=parts.stamp.on,
            clock_certain=parts.timekeeping.certain(session.source if session is not None else ""),
            frozen=parts.frozen,
            may_delete=pace is None or pace.left() > 0,
        )
        return replace(given, remembered=self._remembered(given, session))

    def _edits_from(self) -> datetime | None:
        """A POST twice makes one lease; but an older end that comes last would stand."""
        left = self._parts.leading.unsettled(_LONGEST_REQUEST)
        return self._parts.clock.now() + timedelta(seconds=left) if left > 0 else None

    def _remembered(self, given: Given, session: Session | None) -> Remembered | None:
        target = making.target(observe.glance(given))
        if session is None or session.cloud is None or target is None:
            return None
        return session.leasekeeper.get(target)
