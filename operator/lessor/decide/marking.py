"""The mark on the server: whether it is ours, and what must be written.

Written at the first visit, also over an own mark whose object is gone. Once it was there, a lost one is rewritten
only when a person asks: else an old backup could stop a server that nobody leases any more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.decide import locks
from lessor.decide.facts import Facts
from lessor.decide.window import Term
from lessor.model import conditions, names, times
from lessor.model.conditions import ConditionType, Reason, Verdict
from lessor.model.instancelease import InstanceLeaseStatus, RenewalsStatus
from lessor.model.marks import Mark
from lessor.model.observed import ObservedServer
from lessor.model.plans import Deed, Effect, Purpose
from lessor.model.times import Duration

_PAUSE = timedelta(hours=1)
# Source: nova/compute/api.py, update_instance_metadata: check_instance_state, task_state None.
_WRITABLE = frozenset({"active", "paused", "suspended", "stopped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """What is said of Marked, and what must be written.

    Attributes:
        verdict: of Marked; None: nothing is said yet.
        valid: the server carries our mark, if perhaps an old one: the lease may act.
        effect: the metadata to write.
        look_closer: the server must be read before anything is said: what is remembered of it may be old.
        again: when to try again.
    """

    verdict: Verdict | None = None
    valid: bool = False
    effect: Effect | None = None
    look_closer: bool = False
    again: datetime | None = None


def read(facts: Facts) -> Mark | None:
    """Give the mark on the server, None when there is none that can be read."""
    server = facts.server
    if server is None or server.metadata is None:
        return None
    value = server.metadata.get(names.MARK_KEY)
    return facts.seal.read(value) if value is not None else None


def own(facts: Facts) -> Mark | None:
    """Give the mark on the server if it names this object and this server."""
    mark, server = read(facts), facts.server
    if mark is None or server is None:
        return None
    named = (mark.installation, mark.object, mark.server)
    return mark if named == (facts.seal.installation, facts.lease.metadata.uid, server.id) else None


def grants(facts: Facts) -> RenewalsStatus | None:
    """Give the grants: the larger of what the status and the mark hold."""
    known, mark = facts.lease.status.renewals, own(facts)
    if mark is None or mark.extended <= (known.sum if known is not None else times.ZERO):
        return known
    before = known if known is not None else RenewalsStatus()
    return RenewalsStatus(
        count=max(before.count, mark.count),
        extended=Duration.of(mark.extended),
        history=before.history,
    )


def mark(facts: Facts, server: ObservedServer, status: InstanceLeaseStatus, term: Term) -> Marking:
    """Say whether the server is marked as ours, and what is to be written; the server is found."""
    seen, ours = read(facts), own(facts)
    if ours is None:
        refusal = _unclaimable(facts, seen)
        if refusal is not None and not facts.live:
            return Marking(verdict=_kept(facts), look_closer=True)
        if refusal is not None:
            return Marking(verdict=refusal)
    effect = _writing(facts, server, status, term)
    if effect is None:
        return Marking(verdict=_marked(), valid=True)
    return _write(facts, server, effect, valid=ours is not None)


def _unclaimable(facts: Facts, seen: Mark | None) -> Verdict | None:
    """Why a server without our mark does not get it."""
    if seen is not None and seen.installation != facts.seal.installation:
        return conditions.false(
            Reason.OTHER_INSTALLATION,
            f"The server carries the mark of another installation of Lessor ({seen.installation}). Nothing is done. "
            f"If that one is gone, remove the server's metadata key {names.MARK_KEY}.",
        )
    if facts.lease.status.marked_time is not None:
        if facts.asked:
            return None
        return conditions.false(
            Reason.MARK_MISSING,
            "The server no longer carries the mark of this lease, so no stage is run on it. If it is still the right "
            f"server, set the annotation {names.RECONCILE_REQUESTED_AT} to the present time: it is written anew.",
        )
    if seen is not None and facts.mark_lives:
        return conditions.false(
            Reason.NOT_WRITABLE, "The server carries the mark of another InstanceLease that is there."
        )
    return None


def _writing(facts: Facts, server: ObservedServer, status: InstanceLeaseStatus, term: Term) -> Effect | None:
    """The metadata that differs from what it should be."""
    granted = status.renewals if status.renewals is not None else RenewalsStatus()
    mark = Mark(
        installation=facts.seal.installation,
        object=facts.lease.metadata.uid,
        server=server.id,
        start=term.start,
        count=granted.count,
        extended=granted.sum,
    )
    wanted = {names.MARK_KEY: facts.seal.write(mark), names.EXPIRES_KEY: times.text(term.end)}
    there = server.metadata or {}
    items = {key: value for key, value in wanted.items() if there.get(key) != value}
    if not items:
        return None
    return Effect(deed=Deed.WRITE_MARK, purpose=Purpose.MARK, server_id=server.id, items=items)


def _write(facts: Facts, server: ObservedServer, effect: Effect, *, valid: bool) -> Marking:
    failed = facts.refusal(Deed.WRITE_MARK)
    if failed is not None:
        return _refused(facts, failed.fault.message, valid=valid)
    if server.task_state is not None or Deed.WRITE_MARK in facts.done:
        return Marking(verdict=_kept(facts), valid=valid, again=facts.now + timedelta(seconds=15))
    if server.vm_state not in _WRITABLE:
        return _refused(facts, f"Nova takes no metadata while the server is {server.vm_state}.", valid=valid)
    if (
        valid and locks.seen(facts) is not locks.Lock.NONE
    ):  # the old mark still counts; the new one goes on after the unlock
        return Marking(verdict=_kept(facts), valid=True)
    return Marking(verdict=_kept(facts), valid=valid, effect=effect)


def _refused(facts: Facts, message: str, *, valid: bool) -> Marking:
    verdict = conditions.false(Reason.NOT_WRITABLE, f"The mark could not be written on the server: {message}")
    return Marking(verdict=verdict, valid=valid, again=facts.now + _PAUSE)


def _kept(facts: Facts) -> Verdict | None:
    """What was said of Marked before, while nothing new can be said."""
    return conditions.kept(facts.lease.status.conditions, ConditionType.MARKED)


def _marked() -> Verdict:
    return conditions.true(Reason.MARKED, "The server carries the mark of this lease.")
