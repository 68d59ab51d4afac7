"""What Hypothesis draws for Leases: facts that may be, built from choices at an instant, so that they can be shifted.

A drawing is a list of choices; `facts(chosen, start)` builds it with everything counted from `start`. So the same
choices at another start are the same facts later, digests of instants and all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from lessor.decide.lease import leases
from lessor.decide.lease.facts import Change, Create, Delete, Effect, Facts, Look, Plan
from lessor.model import names, times
from lessor.model.conditions import Fault, Reason
from lessor.model.lease import LeaseStatus
from lessor.model.plans import FinalizerChange
from lessor.model.reservations import EventState, LeaseChange, LeaseState, ObservedLease, ObservedReservation
from tests.decide.lease import builders
from tests.decide.lease.builders import DAY, HOUR, ID, MINUTE, SAID, START, US, a_lease, condition

SECOND = timedelta(seconds=1)
Built = Callable[[datetime], Facts]
shifts: SearchStrategy[timedelta] = st.integers(-10_000_000, 10_000_000).map(lambda count: count * MINUTE)

_SPANS = (2 * MINUTE, 90 * SECOND, HOUR, DAY, 7 * DAY)
_AGES = (-DAY, -SECOND, 0 * SECOND, SECOND, 59 * SECOND, MINUTE, 10 * MINUTE, 8 * HOUR, DAY - HOUR, DAY, 8 * DAY)
_RENEWALS = (
    None,
    None,
    {"extendBy": "6h"},
    {"maxTotal": "26h"},
    {"mode": "Auto", "extendBy": "6h", "maxTotal": "14d"},
    {"mode": "Auto", "extendBy": "12h", "maxTotal": "14d"},
)
_RESERVED: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    (dict(builders.HOST), {}),
    ({"name": "nodes", "host": {"minCount": 3}}, {}),
    (
        {"name": "nodes", "floatingIP": {"network": "pub"}},
        {"resource_type": "virtual:floatingip", "values": {"amount": 1, "network_id": "n"}},
    ),
    (
        {"name": "nodes", "flavor": {"flavor": "m1"}},
        {"resource_type": "flavor:instance", "values": {"amount": 1, "flavor_id": "res-1"}},
    ),
)
_FAULTS = (
    Reason.CLOUD_UNAVAILABLE,
    Reason.UNCERTAIN,
    Reason.NOT_ENOUGH_RESOURCES,
    Reason.REFUSED,
    Reason.TOO_EARLY,
    Reason.ACTION_FAILED,
)
_AWAY = (Reason.CLOUD_UNAVAILABLE, Reason.CREDENTIALS_MISSING, Reason.PERMISSION_DENIED)


@dataclass(frozen=True)
class Chosen:
    """The choices of one drawing; every instant is a span after the start."""

    declared: dict[str, Any]
    starts: timedelta | None
    ends: timedelta | None
    state: str | None
    age: timedelta
    drift: timedelta
    name: str
    event: str
    flags: tuple[bool, bool]
    odd: frozenset[str]
    granted: int
    requests: tuple[tuple[int, str | None, bool], ...]
    reserved: int
    live: bool
    fault: Reason
    no: Reason


_ODD = (
    "suspend",
    "deletion",
    "finalizer",
    "identity",
    "annotation",
    "fault",
    "asked",
    "force",
    "extension",
    "extension asked",
    "failed",
    "requested",
    "trust",
    "frozen",
    "spec fault",
    "claim",
    "conditions",
    "import",
    "refusal",
    "output",
    "claimed long ago",
    "elsewhere",
)


@st.composite
def chosen(draw: DrawFn) -> Chosen:
    """Draw a life that is well but for up to four things that are odd."""
    return Chosen(
        declared={
            "duration": draw(st.sampled_from([None, None, "24h", "30h", "90s", "1h"])),
            "beforeEnd": draw(st.sampled_from([None, None, "1h", "90s", "7d"])),
            "renewal": draw(st.sampled_from(_RENEWALS)),
            "onDelete": draw(st.sampled_from([None, None, "Retain", "Delete"])),
            "leaseName": draw(st.sampled_from([None, None, None, "other"])),
        },
        starts=draw(st.none() | st.sampled_from((-2 * DAY, HOUR, 3 * DAY))),
        ends=draw(st.none() | st.none() | st.sampled_from((-DAY, HOUR + SECOND, 3 * DAY))),
        state=draw(st.sampled_from([None, None, "claimed", *LeaseState, *[LeaseState.ACTIVE] * 6, LeaseState.PENDING])),
        age=draw(st.sampled_from(_AGES)) + draw(st.sampled_from([0, 0, 1, 500_000])) * timedelta(microseconds=1),
        drift=draw(st.sampled_from([times.ZERO] * 6 + [HOUR, 6 * HOUR, -HOUR])),
        name=draw(st.sampled_from([builders.NAME] * 4 + ["theirs", "other"])),
        event=draw(st.sampled_from([EventState.DONE, EventState.UNDONE, EventState.ERROR])),
        flags=(draw(st.booleans()), draw(st.booleans())),
        odd=frozenset(draw(st.sets(st.sampled_from(_ODD), max_size=4))),
        granted=draw(st.integers(0, 2)),
        requests=tuple(
            draw(
                st.lists(
                    st.tuples(st.integers(0, 5), st.sampled_from([None, "1h", "90s", "9h"]), st.booleans()),
                    max_size=3,
                    unique_by=lambda one: one[0],
                )
            )
        ),
        reserved=draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        live=draw(st.booleans()),
        fault=draw(st.sampled_from(_AWAY)),
        no=draw(st.sampled_from(_FAULTS)),
    )


def facts(one: Chosen, start: datetime = START) -> Facts:
    """Build what was chosen."""
    facts = _quiet(one, start)
    if "failed" in one.odd and facts.live and facts.fault is None:
        facts = _tried(facts, one)
    return facts


def _spec(one: Chosen, start: datetime) -> Any:
    declared = {**one.declared, "reservations": [_RESERVED[one.reserved][0]]}
    if one.starts is not None:
        declared["startTime"] = times.text(start + one.starts)
    if one.ends is not None and (one.starts is None or one.starts < one.ends):
        declared |= {"duration": None, "endTime": times.text(start + one.ends)}
    if "suspend" in one.odd:
        declared["suspend"] = True
    if "spec fault" in one.odd:
        declared["onDelete"] = "Perhaps"
    if "import" in one.odd:
        declared["import"] = {"id": ID}
    if "output" in one.odd:
        declared["output"] = {"configMapName": "out"}
    return builders.spec(**declared)


def _metadata(one: Chosen, start: datetime) -> dict[str, Any]:
    meta: dict[str, Any] = {"generation": 2, "creation_timestamp": start}
    annotations = builders.introduced("former" if "identity" in one.odd else ID, start)
    if "annotation" in one.odd:
        annotations = {}
    if "asked" in one.odd:
        annotations = {**annotations, names.RECONCILE_REQUESTED_AT: "now"}
    if "force" in one.odd:
        annotations = {**annotations, names.FORCE_FORGET: "true"}
    if "finalizer" in one.odd:
        meta["finalizers"] = ()
    if "deletion" in one.odd:
        meta["deletion_timestamp"] = start + MINUTE
    return {**meta, "annotations": annotations}


def _end(one: Chosen, start: datetime) -> datetime:
    return start + DAY + one.granted * HOUR


def _status(one: Chosen, start: datetime) -> LeaseStatus:
    grants = [builders.grant("1h", start + DAY + (n + 1) * HOUR, f"r{n}", time=start) for n in range(one.granted)]
    told = builders.told(_end(one, start))
    refusal = builders.refusal("x", one.no, since=start, time=start) if "refusal" in one.odd else None
    elsewhere = builders.CLOUD if "elsewhere" not in one.odd else msgspec.structs.replace(builders.CLOUD, region="Two")
    shared: dict[str, Any] = {"cloud": elsewhere, "requested": told, "observed_generation": 1, "refusal": refusal}
    if one.state is None:
        return LeaseStatus(refusal=refusal)
    if one.state == "claimed":
        return builders.claimed(start, **shared)
    extension = None
    if "extension" in one.odd:
        uid = "" if one.flags[0] else "uid-of-r5"
        extension = builders.grant("1h", _end(one, start) + HOUR, "r5", uid=uid, time=start)
    said = SAID if "conditions" not in one.odd else (condition("Ready", "Perhaps", "Smudged"),)
    return builders.known(
        one.state,
        start_time=start,
        end_time=_end(one, start),
        create_requested_time=None if "import" in one.odd else start,
        renewals=builders.granted(*grants) if grants else None,
        extension=extension,
        conditions=tuple(msgspec.structs.replace(each, last_transition_time=start) for each in said),
        **{**shared, "requested": None if "requested" in one.odd else told},
    )


def _seen(one: Chosen, start: datetime, lease_id: str) -> ObservedLease | None:
    if one.state is None or one.state == "claimed":
        return None
    end = max(start + MINUTE, _end(one, start) + one.drift + ("extension asked" in one.odd) * HOUR)
    values = _RESERVED[one.reserved][1]
    missing, changed = one.flags if "trust" in one.odd else (False, False)
    reservation: ObservedReservation = builders.host(missing_resources=missing, resources_changed=changed, **values)
    parts: dict[str, Any] = {}
    if one.state == LeaseState.ERROR:
        ended = EventState.ERROR if one.flags == (True, True) else EventState.UNDONE
        parts["events"] = builders.events(start, end, started=one.event, ended=ended)
    return builders.seen(
        one.state,
        id=lease_id,
        name=one.name,
        start=start,
        end=end,
        updated=start,
        user_id="another" if "trust" in one.odd else US.user_id,
        reservations=(reservation,),
        **parts,
    )


def _requests(one: Chosen, start: datetime) -> tuple[Any, ...]:
    found = []
    for number, by, decided in one.requests:
        make = builders.decided if decided else builders.request
        request = make(f"r{number}", creation_timestamp=start + number * SECOND)
        spec = msgspec.structs.replace(request.spec, extend_by=times.Duration(by) if by else None)
        conditions = tuple(
            msgspec.structs.replace(each, last_transition_time=start) for each in request.status.conditions
        )
        status = msgspec.structs.replace(request.status, conditions=conditions)
        found.append(msgspec.structs.replace(request, spec=spec, status=status))
    return tuple(found)


def _quiet(one: Chosen, start: datetime) -> Facts:
    """What is known before anything was tried in this pass."""
    status = _status(one, start)
    lease = a_lease(_spec(one, start), status, **_metadata(one, start))
    lease_id = status.lease_id or ("former" if "identity" in one.odd else ID)
    there = _seen(one, start, lease_id) if "claim" not in one.odd else None
    away = "fault" in one.odd
    look = Look.FOUND if there is not None else Look.ABSENT if one.live else Look.LISTED_NOT
    claimed = start if one.state == "claimed" and "claimed long ago" not in one.odd else None
    ids = {"m1": "f", "pub": None if "trust" in one.odd else "n"}
    return builders.facts(
        lease,
        there,
        now=start + (one.age if one.state is not None or one.age >= times.ZERO else times.ZERO),
        live=one.live and not away,
        look=look if not away else Look.NOT_LOOKED,
        identity=US,
        fault=Fault(one.fault, "no answer") if away else None,
        claimed=claimed,
        ids=ids if one.live else {},
        floating_ips={"res-1": ("203.0.113.9",)} if one.flags[1] and one.live else {} if one.live else None,
        renewals=_requests(one, start),
        frozen="frozen" in one.odd,
    )


def _tried(facts: Facts, one: Chosen) -> Facts:
    """What is known after Blazar said no to what the first plan of the pass asked for, or did it."""
    effect = leases.plan(facts).effect
    if effect is None:
        return facts
    if one.flags[0]:
        return replace(facts, failed=builders.no(effect, one.no))
    return replace(facts, done=(effect,), **_came_of(facts, effect))


def _came_of(facts: Facts, effect: Effect) -> dict[str, Any]:
    match effect:
        case Delete():
            return {"look": Look.ABSENT, "seen": None}
        case Create(wanted=wanted):
            start = (wanted.start or facts.now).replace(second=0, microsecond=0)
            parts = {"id": wanted.id, "name": wanted.name, "start": start, "end": wanted.end}
            return {"look": Look.FOUND, "seen": builders.seen(LeaseState.PENDING, **parts)}
        case Change(change=change):
            return {"seen": _changed(facts.seen, change)}


def _changed(seen: ObservedLease | None, change: LeaseChange) -> ObservedLease | None:
    if seen is None:
        return None
    healed = LeaseState.ACTIVE if seen.state == LeaseState.ERROR else seen.state
    return replace(
        seen,
        state=healed,
        name=change.name or seen.name,
        start=change.start or seen.start,
        end=change.end or seen.end,
        reservations=tuple(
            replace(one, values={**one.values, **change.reservations.get(one.id, {})}) for one in seen.reservations
        ),
    )


def written(known: Facts, plan: Plan) -> Facts:
    """Give the facts after what the plan asks to be written was written, at the same instant, in another pass."""
    meta = known.lease.metadata
    if plan.finalizer is FinalizerChange.PUT_ON:
        meta = msgspec.structs.replace(meta, finalizers=tuple({*meta.finalizers, names.FINALIZER}))
    if plan.annotations is not None:
        meta = msgspec.structs.replace(meta, annotations={**meta.annotations, **plan.annotations})
    wrote = plan.finalizer is not FinalizerChange.KEEP or plan.annotations is not None
    lease = msgspec.structs.replace(known.lease, metadata=meta, status=known.lease.status if wrote else plan.status)
    requests = {request.metadata.uid: request for request in known.renewals}
    for decision in plan.decisions:
        uid = decision.renewal.metadata.uid
        owned = builders.owned(decision.renewal, known.lease) if decision.adopt else decision.renewal
        requests[uid] = msgspec.structs.replace(owned, status=decision.status)
        if decision.delete:
            del requests[uid]
    tried = (*known.done, *([known.failed.effect] if known.failed is not None else []))
    claimed = None if any(isinstance(effect, Create) for effect in tried) else known.claimed
    if plan.claim:
        claimed = plan.status.create_requested_time
    asked = tuple(requests.values())
    return replace(known, lease=lease, renewals=asked, claimed=claimed, done=(), failed=None, longest=None)
