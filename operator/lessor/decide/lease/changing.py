"""Changing the lease: what differs between the spec and what Blazar was last told, one request after the other.

What Blazar shows else than it was told was changed by somebody outside: that is reported, not fought. Each request
names what is to be, never a difference: asked twice, it comes to the same, so no claim goes before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from lessor.decide.lease import matching, refusals, states, wanted
from lessor.decide.lease.facts import Change, Facts, Why
from lessor.decide.lease.states import Trouble
from lessor.decide.lease.window import MINUTE, Window, minute_up
from lessor.model import times
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import LeaseStatus, Refusal, Requested, Reservation, ResourceType
from lessor.model.reservations import EventType, LeaseChange, ObservedLease, ObservedReservation

replace = msgspec.structs.replace
_NEVER = frozenset({"network_id", "flavor_id", "before_end"})  # what the plugins do not change


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
    key: tuple[object, ...]  # what is declared: by it a refusal knows what it was about, whatever the time is
    there: bool = False  # Blazar has it already: an answer of ours was lost
    fault: Fault | None = None  # why it is not even asked for

    @property
    def digest(self) -> str:
        return wanted.request_digest(self.key)


def change(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Changing:
    """Say what is next. `status`: the new one so far, with its reservations matched."""
    if states.trouble(seen) is Trouble.UPDATE:
        return _heal(facts, seen, status, time)
    if states.is_over(seen) or states.trouble(seen) is not None:
        return Changing(status=status, settled=True)
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
    if facts.edits_from is not None and facts.now < facts.edits_from:
        return Changing(status=status, wake_at=facts.edits_from)
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


def _heal(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Changing:
    """A rename to its own name brings a lease whose update failed back. Source: blazar/status.py; ran on Blazar 18."""
    refused, step = facts.failed, _step(facts, seen, status, time)
    if step is not None and (fault := _failure(facts, seen, step)) is not None:
        status = replace(status, refusal=refusals.of(facts, step.digest, fault))
    tried = any(isinstance(done, Change) and done.why is Why.HEAL for done in facts.done)
    failed = refused is not None and isinstance(refused.effect, Change) and refused.effect.why is Why.HEAL
    if facts.lease.spec.suspend:
        return Changing(status=status, healing=True)
    if tried or failed:
        return Changing(status=status, healing=True, wake_at=facts.now + MINUTE)
    effect = Change(lease_id=seen.id, change=LeaseChange(name=seen.name), why=Why.HEAL)
    return Changing(status=status, effect=effect, healing=True)


# ---------------------------------------------------------------- differences


def _step(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> _Step | None:
    requested = status.requested or told(seen)
    return (
        _name(facts, seen, status, requested)
        or _dates(facts, seen, status, requested, time)
        or _reservations(facts, seen, status)
    )


def _name(facts: Facts, seen: ObservedLease, status: LeaseStatus, requested: Requested) -> _Step | None:
    spec = facts.lease.spec
    name = wanted.lease_name(facts.lease)
    if (spec.import_ is not None and spec.lease_name is None) or name == requested.lease_name:
        return None
    after = replace(status, requested=replace(requested, lease_name=name))
    return _Step(LeaseChange(name=name), after, key=(name,), there=seen.name == name)


def _dates(facts: Facts, seen: ObservedLease, status: LeaseStatus, requested: Requested, time: Window) -> _Step | None:
    """The start and the end in one request: one after the other, the lease might end before it starts, or be too long.

    Where one of them moves, what comes before the end is told again, for Blazar keeps its distance to the old one.
    """
    start, end = _start(facts, requested, time), _end(facts, requested, time)
    before = time.before_end
    if start is None and end is None and before == requested.before_end_time:
        return None
    if before is not None and not (start or seen.start) < before < (end or requested.end_time):
        before = None
    asked = LeaseChange(start=start, end=end, before_end=before)
    if asked == LeaseChange():
        return None
    told = replace(
        requested,
        start_time=start or requested.start_time,
        end_time=end or requested.end_time,
        before_end_time=time.before_end,
    )
    return _Step(
        asked,
        replace(status, requested=told),
        key=(time.asked_start, time.end, time.before_end),
        there=_shows(seen, asked),
        fault=_has_begun(seen, start) or unchangeable(seen),
    )


def _start(facts: Facts, requested: Requested, time: Window) -> datetime | None:
    """The start to ask for; None: it stays. One that is to be at once now is two minutes from now at the latest."""
    spec = facts.lease.spec
    if spec.start_time is None and spec.import_ is not None:
        return None
    if time.asked_start is not None:
        return time.asked_start if time.asked_start != requested.start_time else None
    soon = times.later(minute_up(facts.now), MINUTE)
    return soon if requested.start_time is not None and soon < requested.start_time else None


def _end(facts: Facts, requested: Requested, time: Window) -> datetime | None:
    end = _reachable(time.end, requested.end_time, facts.now)
    return end if end != requested.end_time else None


def _has_begun(seen: ObservedLease, start: datetime | None) -> Fault | None:
    if start is None or not states.has_started(seen):
        return None
    return Fault(
        Reason.REFUSED,
        f"The lease started at {times.text(seen.start)}, and Blazar does not move a start that is past. Put the old "
        "spec.startTime back, or delete this Lease and create another.",
    )


def _shows(seen: ObservedLease, asked: LeaseChange) -> bool:
    """Whether Blazar has these dates already."""
    event = seen.event(EventType.BEFORE_END)
    pairs = ((asked.start, seen.start), (asked.end, seen.end), (asked.before_end, event.time if event else None))
    return all(wish is None or wish == has for wish, has in pairs)


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
    entries = {one.name: one for one in status.reservations}
    there = {one.id: one for one in seen.reservations}
    for one in facts.lease.spec.reservations:
        entry = entries.get(one.name)
        if entry is None or entry.id is None or entry.requested == wanted.digest(one):
            continue
        if (known := there.get(entry.id)) is not None:
            return _reservation(facts, seen, status, one, known)
        if states.takes_changes(seen):
            return _Step(LeaseChange(), status, key=(one.name, wanted.digest(one)), fault=_gone(one))
    return None


def _gone(one: Reservation) -> Fault:
    return Fault(
        Reason.REFUSED,
        f"Blazar does not show the reservation {one.name!r} any more, so it cannot be changed. Put the old values "
        "back, or delete this Lease and create another.",
    )


def _reservation(
    facts: Facts, seen: ObservedLease, status: LeaseStatus, one: Reservation, known: ObservedReservation
) -> _Step:
    wants = wanted.reservation(one, facts.ids).values
    values = {key: value for key, value in wants.items() if key not in _NEVER}
    changed = tuple(
        replace(other, requested=wanted.digest(one)) if other.name == one.name else other
        for other in status.reservations
    )
    fault = _fixed(one, wants, known) or unchangeable(seen)
    return _Step(
        LeaseChange(reservations={known.id: values}),
        replace(status, reservations=changed),
        key=(one.name, wanted.digest(one)),
        there=fault is None and all(matching.same(value, known.values.get(key)) for key, value in values.items()),
        fault=fault,
    )


def _fixed(one: Reservation, wants: Mapping[str, Any], known: ObservedReservation) -> Fault | None:
    """Say what of a reservation Blazar cannot change. Source: the plugins' update_reservation."""
    before_end = wants.get("before_end")
    if one.network is not None:
        what = f"the network reservation {one.name!r}"
    elif not matching.same(before_end, known.values.get("before_end", before_end)):
        what = f"what is done before the end of the reservation {one.name!r}"
    else:
        return None
    return Fault(
        Reason.REFUSED,
        f"Blazar cannot change {what}. Put the old values back, or delete this Lease and create another.",
    )
