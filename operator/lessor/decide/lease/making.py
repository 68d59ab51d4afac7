"""Making the lease: exactly one in Blazar for an object and attempt, whatever dies when.

1. The finalizer goes on, with the annotation that says which lease is this object's.
2. The claim: the id and the time of the request are written into the status.
3. The POST, with that id, by the process that wrote the claim, once.
4. Whatever came of it is read by that id. 409: it is there. A lost answer: it is looked for, and asked for again after
   a minute at the earliest, under a new claim: until then Blazar may still be at it (its own RPC takes 60 s at most).
   Where answers are lost again and again the pauses grow: each POST leaves a trust in Keystone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from lessor.decide.lease import refusals, wanted, window
from lessor.decide.lease.facts import Create, Facts, Look
from lessor.decide.lease.window import Window
from lessor.model import identity, times, wire
from lessor.model.conditions import Fault, Reason
from lessor.model.identity import Identity
from lessor.model.instancelease import CloudStatus
from lessor.model.lease import LeaseStatus, Refusal, Requested, ReservationStatus
from lessor.model.plans import FinalizerChange

UNCERTAIN_FOR = timedelta(seconds=60)
_LOOK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is to be done about a lease that is not there.

    Attributes:
        status: the new status but for conditions.
        annotations, finalizer, claim, effect, look_closer, wake_at: as in `Plan`.
        refusal: Blazar's no that stands.
        uncertain: the lease may be there, or come, all the same.
        ended: its time was over before it could be made.
    """

    status: LeaseStatus
    annotations: dict[str, str] | None = None
    finalizer: FinalizerChange = FinalizerChange.KEEP
    claim: bool = False
    effect: Create | None = None
    look_closer: bool = False
    wake_at: datetime | None = None
    refusal: Refusal | None = None
    uncertain: bool = False
    ended: bool = False


def own_id(facts: Facts) -> str:
    """Give the id of the lease that this object and attempt ask for."""
    return identity.lease_id(facts.lease.metadata.uid, max(1, facts.lease.status.attempt))


def target(facts: Facts) -> str | None:
    """Give the id to look for: the recorded one, else what the object says of itself, as a restored one does."""
    known = facts.lease.status.lease_id
    if known is not None:
        return known
    said = identity.of(facts.lease.metadata)
    return said.lease_id if said is not None else None


def request(facts: Facts) -> str:
    """Give the digest of what is asked for: the spec's part that Blazar sees."""
    spec = facts.lease.spec
    parts = (spec.reservations, spec.lease_name, spec.start_time, spec.duration, spec.end_time, spec.before_end)
    return wanted.request_digest(wire.to_builtins(parts))


def is_certain(facts: Facts) -> bool:
    """Tell whether there is no lease, and none can come of what was asked for so far."""
    asked = facts.lease.status.create_requested_time
    if facts.live and facts.look is Look.ABSENT and not _has_asked(facts):
        return asked in {None, facts.claimed} or facts.now - asked >= UNCERTAIN_FOR
    return asked is None and target(facts) in {None, own_id(facts)}


def _has_asked(facts: Facts) -> bool:
    """Whether a POST went out in this pass."""
    tried = facts.failed.effect if facts.failed is not None else None
    return any(isinstance(effect, Create) for effect in (*facts.done, tried))


def make(facts: Facts, time: Window) -> Making:
    """Say what is next on the way to the lease, which is not there as far as is known."""
    status = facts.lease.status
    if not facts.lease.metadata.held or identity.of(facts.lease.metadata) is None:
        return _introduce(facts, time)
    if target(facts) != own_id(facts) or status.create_requested_time not in {None, facts.claimed}:
        return _looked_for(facts, time)
    if status.create_requested_time is None:
        return _claim(facts, time)
    return _post(facts, time)


def _introduce(facts: Facts, time: Window) -> Making:
    """Put the finalizer on, and say which lease is this object's; a restored one says so already."""
    said = identity.of(facts.lease.metadata)
    return Making(
        status=facts.lease.status,
        finalizer=FinalizerChange.PUT_ON,
        annotations=introduction(facts, own_id(facts), time.start) if said is None else None,
    )


def introduction(facts: Facts, lease_id: str, start: datetime) -> dict[str, str]:
    """Give the annotation by which the object is known again when it is restored under another uid."""
    meta = facts.lease.metadata
    said = Identity(namespace=meta.namespace, name=meta.name, lease_id=lease_id, start=start)
    return {"lessor.dev/identity": identity.text(said)}


def _looked_for(facts: Facts, time: Window) -> Making:
    """It was asked for by a process that is no more, or by the object of which this one is a copy: look first."""
    status = facts.lease.status
    if facts.look in {Look.NOT_LOOKED, Look.LISTED_NOT}:
        return Making(status=status, look_closer=not facts.live and facts.fault is None, uncertain=True)
    asked = status.create_requested_time
    if asked is not None and facts.now - asked < UNCERTAIN_FOR:
        again = min(facts.now + _LOOK_AGAIN, asked + UNCERTAIN_FOR)
        return Making(status=status, uncertain=True, wake_at=again, refusal=refusals.standing(facts, request(facts)))
    if time.end <= facts.now:
        return Making(status=status, ended=True)
    if target(facts) != own_id(facts):  # the lease of the object that this one was restored from is gone
        return Making(status=status, annotations=introduction(facts, own_id(facts), times.whole_second(facts.now)))
    return _claim(facts, time)


def _claim(facts: Facts, time: Window) -> Making:
    """Write what is about to be asked for, unless Blazar said no to just this a moment ago."""
    status, asked_for = facts.lease.status, request(facts)
    if time.end <= facts.now:
        return Making(status=status, ended=True)
    if (held := refusals.holding(facts, asked_for)) is not None:
        return Making(status=taken_back(status), refusal=held, wake_at=refusals.again_at(held))
    if facts.identity is None:
        return Making(status=status, look_closer=facts.fault is None, uncertain=facts.fault is not None)
    # what Blazar said before stands until it says something else
    return Making(status=_claimed(facts), claim=True, refusal=refusals.standing(facts, asked_for))


def _unknown_name(facts: Facts) -> Fault | None:
    """A flavor or network that the cloud does not have under that name, or has more than once."""
    if facts.unfit is not None:
        return facts.unfit
    flavors, networks = wanted.names_to_look_up(facts.lease)
    for what, names in (("flavor", flavors), ("external network", networks)):
        for name in names:
            if name in facts.ids and facts.ids[name] is None:
                message = f"The cloud has no {what} {name!r} that these credentials see. Name one that it has."
                return Fault(Reason.REFUSED, message)
    return None


def _claimed(facts: Facts) -> LeaseStatus:
    status, ours = facts.lease.status, facts.identity
    at = times.whole_second(facts.now)
    claimed = msgspec.structs.replace(
        status,
        observed_generation=facts.lease.metadata.generation,
        lease_id=own_id(facts),
        attempt=max(1, status.attempt),
        create_requested_time=at,
        state=None,
        start_time=None,
        end_time=None,
        cloud=_cloud(facts) if ours is not None else status.cloud,
    )
    time = window.at(msgspec.structs.replace(facts.lease, status=claimed), None, facts.now)
    return msgspec.structs.replace(
        claimed,
        requested=Requested(
            lease_name=wanted.lease_name(facts.lease),
            end_time=time.end,
            start_time=time.asked_start,
            before_end_time=time.before_end,
        ),
        reservations=tuple(
            ReservationStatus(name=one.name, requested=wanted.digest(one)) for one in facts.lease.spec.reservations
        ),
    )


def _cloud(facts: Facts) -> CloudStatus | None:
    ours = facts.identity
    return CloudStatus(auth_url=ours.auth_url, region=ours.region, project_id=ours.project_id) if ours else None


def _post(facts: Facts, time: Window) -> Making:
    """Ask for it, once: what came of that decides what is next."""
    status, failed = facts.lease.status, facts.failed
    if not facts.live:
        return Making(status=status, look_closer=facts.fault is None, uncertain=facts.fault is not None)
    unknown = _unknown_name(facts)
    if unknown is not None:
        return _refused(facts, unknown)
    if failed is None and not facts.done:
        return Making(status=status, effect=Create(wanted=wanted.lease(facts.lease, time, own_id(facts), facts.ids)))
    if failed is None:
        return Making(status=status, uncertain=True, wake_at=facts.now + _LOOK_AGAIN)
    if failed.fault.reason not in refusals.UNDECIDED:
        return _refused(facts, failed.fault)
    lost = _unsuitable(facts) or Fault(Reason.UNCERTAIN, failed.fault.message)
    refusal = refusals.of(facts, request(facts), lost)
    kept = msgspec.structs.replace(status, refusal=refusal)
    return Making(status=kept, uncertain=True, wake_at=facts.now + _LOOK_AGAIN, refusal=refusal)


def taken_back(status: LeaseStatus) -> LeaseStatus:
    """Give the status without the claim: nothing is under way, and the time of the lease counts from the next one."""
    return msgspec.structs.replace(status, create_requested_time=None, requested=None, reservations=())


def _refused(facts: Facts, fault: Fault) -> Making:
    """A no is an answer: nothing is under way any more, and the next try needs no pause but that of the refusal."""
    refusal = refusals.of(facts, request(facts), fault)
    status = msgspec.structs.replace(taken_back(facts.lease.status), refusal=refusal)
    return Making(status=status, refusal=refusal, wake_at=refusals.again_at(refusal))


def _unsuitable(facts: Facts) -> Fault | None:
    """Keystone lets no application credential make the trust that Blazar needs, and Blazar does not say so.

    Source: keystone/api/trusts.py (bug 2150089): 403 for every delegated token; Blazar answers 500.
    """
    ours, failed = facts.identity, facts.failed
    if ours is None or not ours.application_credential or failed is None or failed.fault.reason is not Reason.UNCERTAIN:
        return None
    if facts.look is not Look.ABSENT:
        return None
    message = (
        "Blazar answered with a fault of its own, as it does when Keystone lets an application credential make no "
        "trust. Use the password of a service user in the Secret instead; application credentials can read leases only."
    )
    return Fault(Reason.CREDENTIALS_UNSUITABLE, message)
