"""Letting go: what happens when an InstanceLease is deleted.

Retain (the default): our lock and marks come off, the power state stays; never held up by a missing Secret or a cloud
that is gone. Delete: the server is deleted first, under the same respect for locks, marks and freezes as a stage.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.decide import locks, marking, pauses
from lessor.decide.facts import Facts, Look
from lessor.decide.finding import Finding
from lessor.model import conditions, names
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import OnDelete
from lessor.model.plans import Deed, Effect, Event, EventReason, Purpose

_PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is to be done before the object may go. `verdict`: of Ready, while it may not."""

    let_go: bool = False
    effect: Effect | None = None
    verdict: Verdict | None = None
    look_closer: bool = False
    event: Event | None = None
    wake_at: datetime | None = None
    disposition: Disposition = Disposition.DONE


def release(facts: Facts, finding: Finding) -> Release:
    """Say what is left to do before our finalizer comes off."""
    lease = facts.lease
    if lease.metadata.annotations.get(names.FORCE_FORGET) == "true":
        return _gone("The object was let go by force: the server, its lock and its mark were left as they are.")
    if lease.status.marked_time is None and not _perhaps_marked(facts):
        return Release(let_go=True)
    if not facts.live and facts.fault is None:
        return Release(look_closer=True)
    if lease.spec.on_delete == OnDelete.DELETE and not lease.spec.suspend:
        return _delete(facts, finding)
    return _retain(facts, finding)


def _perhaps_marked(facts: Facts) -> bool:
    """The mark is written before the first status: it may be there until the server was read without it."""
    declared, resolved = facts.lease.spec.server, facts.lease.status.server_id
    if resolved is None and (declared is None or declared.id is None):
        return False
    return not facts.live or facts.fault is not None or marking.own(facts) is not None


def _gone(message: str) -> Release:
    return Release(let_go=True, event=Event(EventReason.RELEASED, message))


def _patient(facts: Facts) -> bool:
    asked = facts.lease.metadata.deletion_timestamp
    return asked is not None and facts.now - asked < _PATIENCE


# ---------------------------------------------------------------- Retain


def _retain(facts: Facts, finding: Finding) -> Release:
    if facts.fault is not None:
        return _unreachable(facts, facts.fault.message)
    if facts.server is not None and not facts.server.over and not facts.server.known:
        return _unreachable(facts, "Nova cannot tell the state of the server now.")
    if finding.accepted.reason is Reason.CLOUD_CHANGED or (facts.lease.status.marked_time is None and not _ours(facts)):
        return _gone("The server was not touched.")
    effect = _taken_off(facts)
    if effect is None:
        return _gone("The server keeps its power state; our lock and mark are off.")
    failed = facts.refusal(effect.deed)
    if failed is None:
        return Release(effect=effect)
    return _unreachable(facts, failed.fault.message)


def _unreachable(facts: Facts, message: str) -> Release:
    """Try for a minute, then let go: a lease that is deleted with Retain never hangs."""
    missing = facts.fault is not None and facts.fault.reason is not Reason.CLOUD_UNAVAILABLE
    if missing or not _patient(facts):
        return _gone(f"The server was left as it is, perhaps with our lock and mark: {message}")
    return Release(wake_at=facts.now + timedelta(seconds=5))


def _ours(facts: Facts) -> bool:
    return marking.own(facts) is not None


def _taken_off(facts: Facts) -> Effect | None:
    """What is ours and still on the server; a mark with our seal proves it, whatever becomes of the spec."""
    server = facts.server
    if server is None or not _ours(facts):
        return None
    if locks.seen(facts) is locks.Lock.OURS and Deed.UNLOCK not in facts.done:
        return Effect(deed=Deed.UNLOCK, purpose=Purpose.RELEASE, server_id=server.id)
    # the mark last: without it nothing else on the server is ours
    key = names.EXPIRES_KEY if names.EXPIRES_KEY in (server.metadata or {}) else names.MARK_KEY
    return Effect(deed=Deed.REMOVE_MARK, purpose=Purpose.RELEASE, server_id=server.id, text=key)


# ---------------------------------------------------------------- Delete


def _delete(facts: Facts, finding: Finding) -> Release:
    if facts.fault is None and finding.is_accepted and (facts.look is Look.ABSENT or _over(facts)):
        return _gone("The server is deleted.")
    if facts.fault is None and _is_being_deleted(facts):
        return Release(wake_at=pauses.while_under_way(facts.lease.metadata.deletion_timestamp, facts.now))
    blocked = _blocked(facts, finding)
    if blocked is not None:
        again = facts.now + timedelta(minutes=1)
        return Release(verdict=blocked, wake_at=again, disposition=blocked.disposition)
    return _deleting(facts)


def _is_being_deleted(facts: Facts) -> bool:
    return facts.server is not None and facts.server.task_state in {"deleting", "soft-deleting"}


def _over(facts: Facts) -> bool:
    return facts.server is not None and facts.server.over


def _blocked(facts: Facts, finding: Finding) -> Verdict | None:
    way_out = f'To let the object go without deleting the server, set the annotation {names.FORCE_FORGET} to "true".'
    if facts.fault is not None or not finding.is_found:
        said = facts.fault.message if facts.fault is not None else _first_message(finding)
        return conditions.false(Reason.RELEASE_BLOCKED, f"The server cannot be deleted: {said} {way_out}")
    if marking.own(facts) is None:
        return conditions.false(Reason.RELEASE_BLOCKED, f"The server does not carry the mark of this lease. {way_out}")
    if facts.frozen or not facts.may_delete or not facts.clock_certain:
        why = "Lessor is frozen" if facts.frozen else "too many deletions at once, or an uncertain clock"
        return conditions.false(Reason.DELETION_HELD, f"The server is to be deleted, and waits: {why}.")
    if locks.seen(facts) is locks.Lock.FOREIGN:
        return conditions.false(
            Reason.SERVER_LOCKED, f"The server is locked by somebody else, so it is not deleted. {way_out}"
        )
    return None


def _first_message(finding: Finding) -> str:
    found = finding.found
    return found.message if finding.is_accepted and found is not None else finding.accepted.message


def _deleting(facts: Facts) -> Release:
    server = facts.server
    deed = Deed.UNLOCK if locks.seen(facts) is locks.Lock.OURS else Deed.DELETE
    failed = facts.refusal(deed)
    if failed is not None:
        verdict = conditions.false(Reason.ACTION_FAILED, f"The server could not be deleted: {failed.fault.message}")
        return Release(verdict=verdict, disposition=Disposition.RETRY)
    if server is None or deed in facts.done:
        return Release(wake_at=pauses.while_under_way(facts.lease.metadata.deletion_timestamp, facts.now))
    return Release(effect=Effect(deed=deed, purpose=Purpose.RELEASE, server_id=server.id))
