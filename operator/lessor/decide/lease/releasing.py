"""Letting go of a Lease that is deleted.

Delete (the default): Blazar deletes the lease, and with it the servers on what it reserved; the object stays until
Blazar has, for nobody else would know of it. Retain (the default of an imported one, and of a suspended one): nothing
is touched.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.decide.lease import making, states
from lessor.decide.lease.facts import Delete, Effect, Facts
from lessor.model import conditions, names, times
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import OnDelete
from lessor.model.plans import Event, EventReason
from lessor.model.reservations import LeaseState, ObservedLease

_ANSWER_LOST_FOR = timedelta(seconds=90)  # the time that a request to Blazar has in all
_TRIED_AGAIN = timedelta(minutes=1)
_STUCK = timedelta(minutes=20)  # Blazar waits for the servers, ten minutes at most
_PASSING = frozenset({LeaseState.STARTING, LeaseState.TERMINATING, LeaseState.DELETING, LeaseState.UPDATING})
WAY_OUT = (
    f'To let the object go and leave the lease in Blazar as it is, set the annotation {names.FORCE_FORGET} to "true".'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is to be done before the object may go. `verdict`: of Ready, while it may not."""

    let_go: bool = False
    effect: Effect | None = None
    verdict: Verdict | None = None
    look_closer: bool = False
    event: Event | None = None
    wake_at: datetime | None = None
    look_at: datetime | None = None
    disposition: Disposition = Disposition.DONE


def retains(facts: Facts) -> bool:
    """Tell whether the lease stays in Blazar when the object goes."""
    spec = facts.lease.spec
    if spec.suspend:
        return True
    if spec.on_delete is not None:
        return spec.on_delete != OnDelete.DELETE
    return spec.import_ is not None


def release(facts: Facts, refused: Verdict | None) -> Release:
    """Say what is left to do before our finalizer comes off. `refused`: why the Lease is not accepted."""
    if facts.lease.metadata.annotations.get(names.FORCE_FORGET) == "true":
        return _gone("The object was let go by force: the lease was left in Blazar as it is.")
    if _never_asked_for(facts):
        return Release(let_go=True)
    if retains(facts):
        return _gone(f"The lease {making.target(facts)} stays in Blazar.")
    if refused is not None or facts.fault is not None:
        return _blocked(facts, refused)
    if not facts.live:
        return Release(look_closer=True)
    if facts.seen is None:
        return _absent(facts)
    return _delete(facts, facts.seen)


def _never_asked_for(facts: Facts) -> bool:
    """The claim is in the status before anything is asked for, and comes off when Blazar refused it."""
    status = facts.lease.status
    made = status.create_requested_time is not None or status.start_time is not None
    return not made and making.target(facts) in {None, making.own_id(facts)}


def _gone(message: str) -> Release:
    return Release(let_go=True, event=Event(EventReason.RELEASED, message))


def _blocked(facts: Facts, refused: Verdict | None) -> Release:
    """The object stays: a lease that nobody knows of would hold its hosts to its end."""
    said = refused.message if refused is not None else facts.fault.message if facts.fault is not None else ""
    message = f"The lease {making.target(facts)} cannot be deleted in Blazar: {said} {WAY_OUT}"
    away = facts.fault is not None and facts.fault.reason is Reason.CLOUD_UNAVAILABLE
    verdict = conditions.false(Reason.CLOUD_UNAVAILABLE if away else Reason.RELEASE_BLOCKED, message)
    return Release(verdict=verdict, wake_at=facts.now + _TRIED_AGAIN, disposition=verdict.disposition)


def _absent(facts: Facts) -> Release:
    """It is gone, or not yet there: a POST whose answer was lost may still come about."""
    asked = facts.lease.status.create_requested_time
    never_seen = facts.lease.status.start_time is None
    if asked is not None and never_seen and facts.now - asked < _ANSWER_LOST_FOR:
        verdict = conditions.false(
            Reason.UNCERTAIN, "Whether Blazar made the lease is not known yet. If it did, it is deleted then."
        )
        return Release(verdict=verdict, wake_at=min(facts.now + timedelta(seconds=5), asked + _ANSWER_LOST_FOR))
    return _gone(f"The lease {making.target(facts)} is deleted in Blazar.")


def _delete(facts: Facts, seen: ObservedLease) -> Release:
    if seen.state in _PASSING or any(isinstance(done, Delete) for done in facts.done):
        return _passing(facts)
    # the servers of one that is over went with its end, unless that failed
    harms = seen.state != LeaseState.TERMINATED and states.has_started(seen)
    if harms and (facts.frozen or not facts.may_delete):
        why = "Lessor is frozen" if facts.frozen else "too many leases and servers were deleted in the last hour"
        verdict = conditions.false(Reason.DELETION_HELD, f"The lease is to be deleted in Blazar, and waits: {why}.")
        return Release(verdict=verdict, wake_at=facts.now + _TRIED_AGAIN, disposition=Disposition.WAIT)
    if facts.failed is not None:
        return _failed(facts, seen)
    return Release(effect=Delete(lease_id=seen.id, harms=harms))


def _passing(facts: Facts) -> Release:
    """Read it again at short pauses at first: ending a lease takes seconds, or up to ten minutes."""
    since = facts.lease.metadata.deletion_timestamp
    age = max(times.ZERO, facts.now - since) if since is not None else times.ZERO
    words = "Blazar is ending the lease, and the servers on what it reserved."
    if age >= _STUCK:
        words = f"{words} That takes longer than it can: its administrator must look. {WAY_OUT}"
    pause = min(max(age / 8, timedelta(seconds=2)), timedelta(seconds=30))
    return Release(verdict=conditions.false(Reason.RELEASED, words), look_at=facts.now + pause)


def _failed(facts: Facts, seen: ObservedLease) -> Release:
    """A DELETE of an ACTIVE lease waits for its servers, longer than Blazar's own RPC: its 500 says little."""
    failed = facts.failed
    words = failed.fault.message if failed is not None else ""
    verdict = conditions.false(Reason.RELEASE_BLOCKED, f"Blazar did not delete the lease {seen.id}: {words} {WAY_OUT}")
    return Release(verdict=verdict, disposition=Disposition.RETRY)
