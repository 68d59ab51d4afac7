"""The plan for one Lease: whether it is accepted, what is asked of Blazar, what is said of it, when to look again."""

import dataclasses
from datetime import datetime, timedelta

import msgspec

from lessor.decide.lease import (
    accepting,
    asking,
    changing,
    extending,
    making,
    matching,
    output,
    refusals,
    releasing,
    standing,
    states,
    summing,
    window,
)
from lessor.decide.lease.facts import Create, Facts, Look, Plan
from lessor.decide.lease.making import Making
from lessor.decide.lease.window import Window
from lessor.model import conditions, identity, times
from lessor.model.conditions import ConditionType, Disposition, Reason, Verdict
from lessor.model.instancelease import CloudStatus, RenewalsStatus
from lessor.model.lease import LeaseStatus, Refusal
from lessor.model.plans import FinalizerChange
from lessor.model.reservations import LeaseState, ObservedLease
from lessor.model.times import Duration

replace = msgspec.structs.replace
_ADDRESSES_EVERY, _ADDRESSES_FOR = timedelta(seconds=10), timedelta(minutes=5)
_KNOWN = 60.0  # seconds by which the annotation may differ from when the lease was asked for


def plan(facts: Facts) -> Plan:
    """Say what ought to be done now with this Lease. Same facts, same plan."""
    refused = accepting.fault(facts)
    if facts.lease.metadata.deletion_timestamp is not None:
        return _release(facts, refused)
    if accepting.needs_no_cloud(facts) is None and facts.asked and not facts.live and facts.fault is None:
        return Plan(status=facts.lease.status, look_closer=True)
    if refused is not None:
        return _not_accepted(facts, refused)
    if facts.fault is not None:
        return _unreachable(facts, facts.fault.message)
    if facts.look is Look.FOUND and facts.seen is not None:
        return _there(facts, facts.seen)
    if not _was_there(facts):
        return _make(facts)
    return _lost(facts) if facts.live else Plan(status=facts.lease.status, look_closer=True)


def _was_there(facts: Facts) -> bool:
    """Whether the lease was in Blazar once, or is to be taken over: then nothing is made in its place.

    One that was seen in CREATING and no more came to nothing: Blazar takes its row away. Source:
    blazar/manager/service.py, create_lease.
    """
    status = facts.lease.status
    seen = status.start_time is not None and status.state != LeaseState.CREATING
    return seen or facts.lease.spec.import_ is not None


# ---------------------------------------------------------------- not in force


def _not_accepted(facts: Facts, refused: Verdict) -> Plan:
    said = summing.whole(facts, accepted=refused)
    status = _answered(facts, facts.lease.status, said)
    why = f"The Lease {facts.lease.metadata.name} is not accepted: {refused.message}"
    return Plan(
        status=status,
        decisions=extending.waiting(facts, why),
        events=summing.events(facts, status),
        disposition=refused.disposition,
    )


def _unreachable(facts: Facts, message: str) -> Plan:
    """Blazar is away: what is known stands, and nobody says more."""
    unknown = conditions.unknown(Reason.CLOUD_UNAVAILABLE, message)
    said = summing.whole(facts, accepted=accepting.accepted(), reserved=unknown, ready=unknown)
    status = _answered(facts, facts.lease.status, said, handled=False)
    return Plan(status=status, disposition=Disposition.RETRY)


def _answered(
    facts: Facts, status: LeaseStatus, said: dict[ConditionType, Verdict], *, handled: bool = True
) -> LeaseStatus:
    meta = facts.lease.metadata
    return replace(
        status,
        observed_generation=meta.generation,
        last_handled_reconcile_at=facts.handled if handled else facts.lease.status.last_handled_reconcile_at,
        conditions=conditions.merged(facts.lease.status.conditions, said, meta.generation, facts.now),
    )


# ---------------------------------------------------------------- not there


def _make(facts: Facts) -> Plan:
    time = window.at(facts.lease, None, facts.now)
    if facts.lease.spec.suspend and making.is_certain(facts):
        return _held_back(facts)
    made = making.make(facts, time)
    if made.look_closer:
        return Plan(status=facts.lease.status, look_closer=True)
    if made.finalizer is not FinalizerChange.KEEP or made.annotations is not None:
        return Plan(status=facts.lease.status, finalizer=made.finalizer, annotations=made.annotations)
    verdict = _not_made(made, time)
    accepted = accepting.refused(made.refusal) or accepting.accepted()
    ready = _of_making(made, accepted, verdict)
    said = summing.whole(facts, accepted=accepted, reserved=verdict, ready=ready)
    status = _answered(facts, made.status, said)
    return Plan(
        status=status,
        effect=made.effect,
        claim=made.claim,
        decisions=extending.too_late(facts)
        if made.ended
        else extending.waiting(facts, "Blazar does not hold the lease yet. The request waits until it does."),
        events=summing.events(facts, status),
        wake_at=made.wake_at,
    )


def _held_back(facts: Facts) -> Plan:
    """A claim that nobody sent a POST for is taken back: the time of the lease counts from the next one."""
    waits = conditions.false(
        Reason.CREATING, "spec.suspend is set: no lease is asked for. Take it away to have one made."
    )
    said = summing.whole(facts, accepted=accepting.accepted(), reserved=waits, ready=waits)
    return Plan(
        status=_answered(facts, making.taken_back(facts.lease.status), said),
        decisions=extending.waiting(facts, "The lease is suspended before it was made. The request waits."),
    )


def _of_making(made: Making, accepted: Verdict, reserved: Verdict) -> Verdict:
    if made.ended:
        return conditions.true(Reason.EXPIRED, reserved.message)
    return accepted if accepted.status is not conditions.ConditionStatus.TRUE else reserved


def _not_made(made: Making, time: Window) -> Verdict:
    if made.ended:
        end = times.text(time.end)
        return conditions.false(
            Reason.ENDED,
            f"The time of the lease ended at {end}, and Blazar has none. Declare a later end, or delete this Lease.",
        )
    words = f" {made.refusal.message}" if made.refusal is not None else ""
    if made.uncertain and (made.refusal is None or made.refusal.reason in refusals.UNDECIDED):
        return conditions.unknown(
            Reason.UNCERTAIN,
            f"Whether Blazar made the lease is not known: its answer was lost.{words} It is looked for by its id.",
        )
    if made.refusal is not None:
        return _said_no(made.refusal)
    return conditions.false(Reason.CREATING, "The lease is asked for in Blazar.")


def _said_no(refusal: Refusal) -> Verdict:
    if refusal.reason == Reason.NOT_ENOUGH_RESOURCES:
        return conditions.false(
            Reason.NOT_ENOUGH_RESOURCES,
            f"{refusal.message} Waiting since {times.text(refusal.since)}; it is asked for again on and on, at longer "
            "pauses. Ask for fewer, for less time, or for a later start to get it sooner.",
        )
    if refusal.reason in refusals.UNDECIDED:
        return conditions.false(
            Reason.CREATING,
            f"{refusal.message} Blazar has no lease after that; it is asked for again at longer pauses. If that goes "
            "on, its administrator finds the cause in Blazar's log.",
        )
    if refusal.reason in refusals.FINAL:
        return conditions.false(Reason.REFUSED, f"{refusal.message} It is asked for again when the spec changes.")
    return conditions.false(Reason.CREATING, refusal.message)


def _lost(facts: Facts) -> Plan:
    """It was there, and is not any more: it ended and was cleared away, or somebody deleted it."""
    status = facts.lease.status
    over = status.end_time is not None and status.end_time <= facts.now
    if over or conditions.is_true(status.conditions, ConditionType.EXPIRED):
        at = f" at {times.text(status.end_time)}" if status.end_time is not None else ""
        verdict = conditions.false(Reason.ENDED, f"The lease ended{at}.")
        ready = conditions.true(Reason.EXPIRED, verdict.message)
    else:
        verdict = ready = conditions.false(
            Reason.LOST,
            f"The lease {status.lease_id} was deleted in Blazar, not by this object, before its end. Nothing is made "
            "in its place: delete this Lease and create another.",
        )
    said = summing.whole(facts, accepted=accepting.accepted(), reserved=verdict, ready=ready, end=status.end_time)
    gone = _answered(facts, replace(status, state=None, extension=None), said)
    return Plan(status=gone, decisions=extending.too_late(facts), events=summing.events(facts, gone))


# ---------------------------------------------------------------- there


def _there(facts: Facts, seen: ObservedLease) -> Plan:
    introduced = _introduced(facts, seen)
    if introduced is not None:
        return introduced
    renewals = _granted_before(facts, seen)
    old = replace(facts.lease, status=replace(facts.lease.status, renewals=renewals))
    time = window.at(old, seen, facts.now)
    status = replace(_seen(facts, seen, time), renewals=renewals)
    asked = asking.ask(facts, seen, status, time)
    changed, extended = asked.changing, asked.extending
    effect = changed.effect or extended.effect
    addresses = _addresses_at(facts, seen, status)
    if not facts.live and (effect is not None or (addresses is not None and addresses <= facts.now)):
        return Plan(status=facts.lease.status, look_closer=True)
    final = extended.status if asked.keeps_refusal else replace(extended.status, refusal=None)
    written, config_map = output.config_map(facts.lease, final)
    changed = dataclasses.replace(changed, status=replace(final, output=written), effect=effect)
    stood = standing.stand(facts, seen, changed)
    said = summing.whole(
        facts,
        accepted=accepting.accepted(),
        reserved=stood.reserved,
        active=stood.active,
        degraded=stood.degraded,
        ready=stood.ready,
        start=seen.start,
        end=seen.end,
    )
    whole = _answered(facts, changed.status, said)
    return Plan(
        status=whole,
        effect=effect,
        config_map=config_map,
        claim=extended.claim,
        decisions=extended.decisions,
        events=(*summing.events(facts, whole), *extended.events),
        wake_at=_soonest(facts, seen, (changed.wake_at, extended.wake_at, addresses, output.again_at(facts))),
        look_at=states.look_at(seen, facts.lease.status.create_requested_time, facts.now),
        disposition=stood.ready.disposition if stood.ready.disposition is Disposition.SPEC else Disposition.DONE,
    )


def _granted_before(facts: Facts, seen: ObservedLease) -> RenewalsStatus | None:
    """Give the grants; of a restored object, whose status is lost, by how much Blazar holds the lease longer.

    Else the lease would be cut to its declared end, and with it what was granted.
    """
    known, restored = facts.lease.status, facts.lease.spec.import_ is None and facts.lease.status.requested is None
    surplus = seen.end - window.at(facts.lease, seen, facts.now).end
    if not restored or known.renewals is not None or surplus <= times.ZERO:
        return known.renewals
    return RenewalsStatus(extended=Duration.of(surplus))


def _introduced(facts: Facts, seen: ObservedLease) -> Plan | None:
    """The finalizer and the annotation go on before all else; a start that moved since is noted in it."""
    said = identity.of(facts.lease.metadata)
    asked = facts.lease.spec.start_time or facts.lease.status.create_requested_time
    start = asked or (said.start if said is not None else seen.start)
    new = said is None or said.lease_id != seen.id or abs((said.start - start).total_seconds()) > _KNOWN
    other = seen.id != facts.lease.status.lease_id and any(isinstance(done, Create) for done in facts.done)
    if facts.lease.metadata.held and (not new or other):  # another id than we asked for goes into the status first
        return None
    change = FinalizerChange.KEEP if facts.lease.metadata.held else FinalizerChange.PUT_ON
    return Plan(status=facts.lease.status, finalizer=change, annotations=making.introduction(facts, seen.id, start))


def _seen(facts: Facts, seen: ObservedLease, time: Window) -> LeaseStatus:
    """The new status but for what is asked for now, and conditions."""
    old, ours = facts.lease.status, facts.identity
    said = identity.of(facts.lease.metadata)
    cloud = CloudStatus(auth_url=ours.auth_url, region=ours.region, project_id=ours.project_id) if ours else None
    return replace(
        old,
        lease_id=seen.id,
        lease_name=seen.name,
        attempt=max(1, old.attempt),
        create_requested_time=old.create_requested_time or _asked_by_former(facts, said.start if said else None),
        trustor_user_id=seen.user_id or None,
        cloud=old.cloud or cloud,
        state=seen.state,
        start_time=seen.start,
        end_time=seen.end,
        requested=old.requested or changing.told(seen),
        max_end_time=time.latest,
        reservations=matching.reservations(facts.lease, seen, facts.floating_ips),
    )


def _asked_by_former(facts: Facts, start: datetime | None) -> datetime | None:
    """When the object that this one was restored from asked for the lease; None: it was taken over by import."""
    return times.whole_second(start) if start is not None and facts.lease.spec.import_ is None else None


def _addresses_at(facts: Facts, seen: ObservedLease, status: LeaseStatus) -> datetime | None:
    """When to read the addresses of reserved floating IPs: right after the start, then for a while; None: not again."""
    if seen.state != LeaseState.ACTIVE or not matching.lacks_addresses(status, seen):
        return None
    if facts.floating_ips is None:
        return facts.now
    since = max(seen.start, facts.lease.status.create_requested_time or seen.start)
    return facts.now + _ADDRESSES_EVERY if facts.now - since < _ADDRESSES_FOR else None


def _soonest(facts: Facts, seen: ObservedLease, again: tuple[datetime | None, ...]) -> datetime | None:
    expiring = window.expiring(seen.start, seen.end)
    instants = [*again, expiring if expiring > facts.now else None, seen.end if seen.end > facts.now else None]
    return min((instant for instant in instants if instant is not None), default=None)


# ---------------------------------------------------------------- being deleted


def _release(facts: Facts, refused: Verdict | None) -> Plan:
    old = facts.lease.status
    if not facts.lease.metadata.held:
        return Plan(status=old)
    # what a spec declares is no matter any more: only that the credentials lead to the lease
    elsewhere = refused if refused is not None and refused.reason is Reason.CLOUD_CHANGED else None
    release = releasing.release(facts, elsewhere)
    if release.let_go:
        events = (release.event,) if release.event is not None else ()
        return Plan(status=old, finalizer=FinalizerChange.TAKE_OFF, events=events)
    status = old
    if release.verdict is not None:
        said = {**summing.re_said(old), ConditionType.READY: release.verdict}
        status = replace(
            old,
            observed_generation=facts.lease.metadata.generation,
            state=facts.seen.state if facts.seen is not None else old.state,
            conditions=conditions.merged(
                old.conditions, summing.with_kstatus(said), facts.lease.metadata.generation, facts.now
            ),
        )
    return Plan(
        status=status,
        effect=release.effect if facts.live else None,
        look_closer=not facts.live and (release.look_closer or release.effect is not None),
        wake_at=release.wake_at,
        look_at=release.look_at,
        disposition=release.disposition,
    )
