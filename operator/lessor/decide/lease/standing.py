"""What is said of a lease that is there: Reserved, Active, Degraded, and whether it is ready."""

from dataclasses import dataclass

from lessor.decide.lease import refusals, states
from lessor.decide.lease.changing import Changing
from lessor.decide.lease.facts import Facts
from lessor.decide.lease.states import Trouble
from lessor.model import conditions, times
from lessor.model.conditions import ConditionType, Reason, Verdict
from lessor.model.lease import LeaseStatus, Refusal
from lessor.model.reservations import EventState, EventType, LeaseState, ObservedLease


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is said of three conditions; `degraded` None: nothing was ever wrong."""

    reserved: Verdict
    active: Verdict
    degraded: Verdict | None
    ready: Verdict


def stand(facts: Facts, seen: ObservedLease, changing: Changing) -> Standing:
    """Say how the lease stands."""
    reserved, active = _reserved(seen), _active(facts, seen)
    degraded = _degraded(facts, seen, changing)
    return Standing(
        reserved=reserved, active=active, degraded=degraded, ready=_ready(facts, seen, changing, reserved, active)
    )


def _holds(seen: ObservedLease) -> Verdict:
    until = times.text(seen.end)
    return conditions.true(Reason.RESERVED, f"Blazar holds the lease {seen.name!r} ({seen.id}) until {until}.")


def _reserved(seen: ObservedLease) -> Verdict:
    trouble = states.trouble(seen)
    if trouble is Trouble.START:
        return conditions.false(
            Reason.REFUSED,
            f"Blazar could not start the lease {seen.name!r} ({seen.id}), and will not try again. Delete this object "
            "and create another; the administrator finds the cause in Blazar's log.",
        )
    if states.is_over(seen):
        return conditions.false(Reason.ENDED, f"The lease ended at {times.text(seen.end)}.")
    if seen.state == LeaseState.CREATING:
        return conditions.false(Reason.CREATING, "Blazar is making the lease.")
    if seen.state == LeaseState.DELETING:
        return conditions.false(Reason.RELEASED, "Blazar is deleting the lease.")
    return _holds(seen)


def _active(facts: Facts, seen: ObservedLease) -> Verdict:
    trouble = states.trouble(seen)
    if trouble is Trouble.START or seen.state in {LeaseState.CREATING, LeaseState.DELETING}:
        return conditions.false(Reason.NOT_RESERVED, "Nothing is reserved that could be used.")
    if states.is_over(seen):
        return conditions.false(Reason.EXPIRED, f"The lease ended at {times.text(seen.end)}.")
    if states.has_started(seen):
        return conditions.true(Reason.IN_WINDOW, f"What is reserved can be used until {times.text(seen.end)}.")
    if seen.start > facts.now:
        return conditions.false(Reason.NOT_STARTED, f"The lease starts at {times.text(seen.start)}.")
    return conditions.false(
        Reason.STARTING, "Blazar starts the lease; that takes some seconds, on a busy cloud minutes."
    )


# ---------------------------------------------------------------- Degraded


def _degraded(facts: Facts, seen: ObservedLease, changing: Changing) -> Verdict | None:
    found = (
        _in_error(seen, changing)
        or _resources(changing.status)
        or _drifted(seen, changing)
        or _before_end(seen)
        or _foreign_trust(facts, seen)
    )
    if found is not None:
        return found
    if conditions.find(facts.lease.status.conditions, ConditionType.DEGRADED) is None:
        return None
    return conditions.false(Reason.HEALED, "All is as it was asked for.")


def _in_error(seen: ObservedLease, changing: Changing) -> Verdict | None:
    trouble = states.trouble(seen)
    if trouble is None:
        return None
    if trouble is Trouble.START:
        words = "its start failed in Blazar."
    elif trouble is Trouble.END:
        words = (
            "its end failed in Blazar, and servers may still run on what it held. Deleting this object asks Blazar to "
            "end it again."
        )
    else:
        tried = " The rename that heals it did not help so far." if changing.effect is None else ""
        words = f"an update failed in Blazar. It holds what it held.{tried}"
    return conditions.true(Reason.BLAZAR_ERROR, f"The lease is in ERROR: {words}")


def _resources(status: LeaseStatus) -> Verdict | None:
    missing = [one.name for one in status.reservations if one.missing_resources]
    if missing:
        return conditions.true(
            Reason.MISSING_RESOURCES,
            f"A host failed, and Blazar found no other for {', '.join(missing)}: fewer are reserved than were "
            "asked for.",
        )
    changed = [one.name for one in status.reservations if one.resources_changed]
    if changed:
        return conditions.true(
            Reason.RESOURCES_CHANGED,
            f"A host failed, and Blazar moved {', '.join(changed)} to another: what ran on the old one is no "
            "part of it.",
        )
    return None


def _drifted(seen: ObservedLease, changing: Changing) -> Verdict | None:
    """What Blazar shows else than it was told was changed outside."""
    told = changing.status.requested
    # while an extension is under way it may be our own search for the longest end that moved it
    ours = changing.effect is not None or changing.status.extension is not None
    if told is None or ours or states.is_over(seen):
        return None
    if seen.end != told.end_time:
        return conditions.true(
            Reason.END_CHANGED,
            f"Somebody moved the end in Blazar from {times.text(told.end_time)} to {times.text(seen.end)}. It is left "
            "so; another end in the spec moves it again.",
        )
    if seen.name != told.lease_name:
        return conditions.true(
            Reason.RENAMED,
            f"Somebody renamed the lease in Blazar from {told.lease_name!r} to {seen.name!r}. It is left so.",
        )
    return None


def _before_end(seen: ObservedLease) -> Verdict | None:
    event = seen.event(EventType.BEFORE_END)
    if event is None or event.state != EventState.ERROR:
        return None
    return conditions.true(
        Reason.BEFORE_END_FAILED,
        "What was to be done before the end failed in Blazar, as a snapshot does for users who are no administrators. "
        "The lease ends in its time all the same: save what is needed.",
    )


def _foreign_trust(facts: Facts, seen: ObservedLease) -> Verdict | None:
    ours = facts.identity
    if ours is None or not seen.user_id or seen.user_id == ours.user_id:
        return None
    return conditions.true(
        Reason.TRUST_OF_OTHER_USER,
        f"The lease was made by another user ({seen.user_id}): Blazar starts and ends it in that user's name, and "
        "cannot once that user is disabled or leaves the project.",
    )


# ---------------------------------------------------------------- Ready


def _ready(facts: Facts, seen: ObservedLease, changing: Changing, reserved: Verdict, active: Verdict) -> Verdict:
    """Say whether what is declared is so, in the words of the condition that decides it."""
    if states.is_over(seen):
        return conditions.true(Reason.EXPIRED, reserved.message)
    if reserved.status is not conditions.ConditionStatus.TRUE:
        return reserved
    if (fault := _output(facts)) is not None:
        return fault
    if changing.healing:
        return conditions.false(Reason.UNCERTAIN, "An update failed in Blazar; the lease is being brought back.")
    if changing.refusal is not None:
        return _unchanged(seen, changing.refusal)
    if active.status is conditions.ConditionStatus.TRUE or active.reason is not Reason.NOT_STARTED:
        return active
    return conditions.true(Reason.RESERVED, f"Blazar holds the lease; it starts at {times.text(seen.start)}.")


def _output(facts: Facts) -> Verdict | None:
    """The ConfigMap that was asked for could not be written."""
    asked, told = facts.lease.spec.output, facts.lease.status.output
    if asked is None or told is None or told.message is None or told.config_map_name != asked.config_map_name:
        return None
    return conditions.false(Reason.INVALID_SPEC, told.message)


def _unchanged(seen: ObservedLease, refusal: Refusal) -> Verdict:
    if refusal.reason in refusals.UNDECIDED:
        return conditions.false(
            Reason.UNCERTAIN,
            f"Whether Blazar changed the lease is not known: {refusal.message} It is read, and asked for again at "
            "longer pauses.",
        )
    again = "It is asked for again when the spec changes."
    if refusal.reason not in refusals.FINAL:
        again = "It is asked for again on and on."
    reason = Reason.NOT_ENOUGH_RESOURCES if refusal.reason == Reason.NOT_ENOUGH_RESOURCES else Reason.REFUSED
    until = times.text(seen.end)
    return conditions.false(reason, f"The lease stays as it is, until {until}: {refusal.message} {again}")
