"""Changing the lease: what differs between the spec and what Blazar was last told, one request after the other.

What Blazar shows else than it was told was changed by somebody outside: that is reported, not fought. Each request
names what is to be, never a difference: asked twice, it comes to the same, so no claim goes before it.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from lessor.decide.lease import refusals, states, wanted
from lessor.decide.lease.facts import Change, Facts, Why
from lessor.decide.lease.states import Trouble
from lessor.decide.lease.window import MINUTE, Window, minute_up
from lessor.model import times
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import LeaseStatus, Refusal, Requested, Reservation, ReservationStatus, ResourceType
from lessor.model.reservations import LeaseChange, LeaseState, ObservedLease

replace = msgspec.structs.replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """What is to be done about a lease that is there.

    Attributes:
        status: the new status but for conditions: what Blazar was told, and what it refused.
        effect: the next request; None: there is none, or not now.
        refusal: the no that stands to what the spec says now.
        settled: Blazar was told all that the spec says.
        healing: the lease is in ERROR after an update, and is to be renamed.
        wake_at: when to ask again.
    """

    status: LeaseStatus
    effect: Change | None = None
    refusal: Refusal | None = None
    settled: bool = False
    healing: bool = False
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """One difference: the change to ask for, and the status once Blazar has it."""

    change: LeaseChange
    after: LeaseStatus
    there: bool = False  # Blazar has it already: an answer of ours was lost
    fault: Fault | None = None  # why it is not even asked for

    @property
    def digest(self) -> str:
        change = self.change
        return wanted.request_digest(
            [change.name, change.start, change.end, change.before_end, sorted(change.reservations.items())]
        )


def change(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Changing:
    """Say what is next. `status`: the new one so far, with its reservations matched."""
    if states.trouble(seen) is Trouble.UPDATE:
        return _heal(facts, seen, status)
    while (step := _step(facts, seen, status, time)) is not None:
        if step.there or _just_done(facts, step):
            status = replace(step.after, refusal=None)
            continue
        return _ask(facts, seen, status, step)
    return Changing(status=status, settled=True)


def told(seen: ObservedLease) -> Requested:
    """Give what Blazar shows as what it was told: of a lease that we take over."""
    return Requested(lease_name=seen.name, end_time=seen.end, start_time=seen.start)


def _just_done(facts: Facts, step: _Step) -> bool:
    return any(isinstance(done, Change) and done.why is Why.EDIT and done.change == step.change for done in facts.done)


def _ask(facts: Facts, seen: ObservedLease, status: LeaseStatus, step: _Step) -> Changing:
    fault = step.fault or _failure(facts, seen, step)
    if fault is not None:
        refusal = _noted(facts, step, fault)
        return Changing(status=replace(status, refusal=refusal), refusal=refusal, wake_at=refusals.again_at(refusal))
    if (held := refusals.holding(facts, step.digest)) is not None:
        return Changing(status=status, refusal=held, wake_at=refusals.again_at(held))
    if facts.lease.spec.suspend or not states.takes_changes(seen):
        return Changing(status=status)
    return Changing(status=status, effect=Change(lease_id=seen.id, change=step.change, why=Why.EDIT))


def _failure(facts: Facts, seen: ObservedLease, step: _Step) -> Fault | None:
    """How this was refused in this pass. A busy lease is read again; a stable one after a lost answer has its pause."""
    failed = facts.failed
    if failed is None or not isinstance(failed.effect, Change) or failed.effect.change != step.change:
        return None
    if failed.fault.reason in refusals.UNDECIDED and not states.takes_changes(seen):
        return None
    return refusals.told(facts, failed.fault)


def _noted(facts: Facts, step: _Step, fault: Fault) -> Refusal:
    """Give the refusal that stands: a fault that we find ourselves is the same in each pass, and is written once."""
    standing = refusals.standing(facts, step.digest)
    if step.fault is not None and standing is not None and standing.message == fault.message:
        return standing
    return refusals.of(facts, step.digest, fault)


def _heal(facts: Facts, seen: ObservedLease, status: LeaseStatus) -> Changing:
    """A rename to its own name brings a lease whose update failed back. Source: blazar/status.py; ran on Blazar 18."""
    refused = facts.failed
    if refused is not None and isinstance(refused.effect, Change) and refused.effect.why is Why.EDIT:
        digest = _Step(refused.effect.change, status).digest
        status = replace(status, refusal=refusals.of(facts, digest, refusals.told(facts, refused.fault)))
    tried = any(isinstance(done, Change) and done.why is Why.HEAL for done in facts.done)
    failed = refused is not None and isinstance(refused.effect, Change) and refused.effect.why is Why.HEAL
    if tried or failed or facts.lease.spec.suspend:
        return Changing(status=status, healing=True, wake_at=facts.now + MINUTE)
    effect = Change(lease_id=seen.id, change=LeaseChange(name=seen.name), why=Why.HEAL)
    return Changing(status=status, effect=effect, healing=True)


# ---------------------------------------------------------------- differences


def _step(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> _Step | None:
    requested = status.requested
    if (
        requested is None
        or seen.state in {LeaseState.TERMINATED, LeaseState.TERMINATING}
        or states.trouble(seen) is not None
    ):
        return None
    return (
        _name(facts, seen, status, requested)
        or _start(facts, seen, status, requested, time)
        or _end(facts, seen, status, requested, time)
        or _reservations(facts, seen, status)
    )


def _name(facts: Facts, seen: ObservedLease, status: LeaseStatus, requested: Requested) -> _Step | None:
    spec = facts.lease.spec
    name = wanted.lease_name(facts.lease)
    if (spec.import_ is not None and spec.lease_name is None) or name == requested.lease_name:
        return None
    after = replace(status, requested=replace(requested, lease_name=name))
    return _Step(LeaseChange(name=name), after, there=seen.name == name)


def _start(facts: Facts, seen: ObservedLease, status: LeaseStatus, requested: Requested, time: Window) -> _Step | None:
    declared = facts.lease.spec.start_time
    if declared is None or requested.start_time is None or time.asked_start in {None, requested.start_time}:
        return None
    asked = time.asked_start
    after = replace(status, requested=replace(requested, start_time=asked))
    fault = None
    if states.has_started(seen):
        fault = Fault(
            Reason.REFUSED,
            f"The lease started at {times.text(seen.start)}, and Blazar does not move a start that is past. Put the "
            "old spec.startTime back, or delete this Lease and create another.",
        )
    return _Step(LeaseChange(start=asked), after, there=seen.start == asked, fault=fault or unchangeable(seen))


def _end(facts: Facts, seen: ObservedLease, status: LeaseStatus, requested: Requested, time: Window) -> _Step | None:
    spec = facts.lease.spec
    end = _reachable(time.end, requested.end_time, facts.now)
    moved = end != requested.end_time
    before = time.before_end if spec.before_end is not None else None
    if not moved and before == requested.before_end_time:
        return None
    if before is not None and not seen.start < before < end:
        before = None
    after = replace(status, requested=replace(requested, end_time=end, before_end_time=time.before_end))
    asked = LeaseChange(end=end if moved else None, before_end=before)
    if asked == LeaseChange():
        return None
    return _Step(asked, after, there=moved and seen.end == end and before is None, fault=unchangeable(seen))


def _reachable(end: datetime, requested: datetime, now: datetime) -> datetime:
    """An end that is moved into the past is the next minute; one that comes by then anyway stays."""
    if end >= requested or end > now:
        return end
    return min(requested, minute_up(now))


def unchangeable(seen: ObservedLease) -> Fault | None:
    """Say why the dates and amounts of this lease cannot change; None: they can.

    Blazar turns a lease with a flavor reservation to ERROR at whatever change but a rename.

    Source: blazar/manager/service.py and plugins/flavor/flavor_plugin.py, update_reservation; ran on Blazar 18.
    """
    if all(one.resource_type != ResourceType.FLAVOR for one in seen.reservations):
        return None
    return Fault(
        Reason.REFUSED,
        "Blazar cannot change a lease that reserves a flavor, but for its name. Put the old values back, or create "
        "another Lease for the time after this one's end.",
    )


def _reservations(facts: Facts, seen: ObservedLease, status: LeaseStatus) -> _Step | None:
    known = {one.name: one for one in status.reservations}
    for one in facts.lease.spec.reservations:
        entry = known.get(one.name)
        if entry is not None and entry.id is not None and entry.requested != wanted.digest(one):
            return _reservation(facts, seen, status, one, entry)
    return None


def _reservation(
    facts: Facts, seen: ObservedLease, status: LeaseStatus, one: Reservation, entry: ReservationStatus
) -> _Step:
    values = dict(wanted.reservation(one, facts.ids).values)
    for fixed in ("network_id", "flavor_id", "before_end"):
        values.pop(fixed, None)
    changed = tuple(
        replace(other, requested=wanted.digest(one)) if other.name == entry.name else other
        for other in status.reservations
    )
    fault = None
    if one.network is not None:
        fault = Fault(
            Reason.REFUSED,
            f"Blazar cannot change the network reservation {one.name!r}. Put the old values back, or delete this Lease "
            "and create another.",
        )
    change_of_one = LeaseChange(reservations={str(entry.id): values})
    return _Step(change_of_one, replace(status, reservations=changed), fault=fault or unchangeable(seen))
