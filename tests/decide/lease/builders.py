"""Values with defaults for tests of the decisions over Leases: a test states only what it is about.

`START` is when the lease was asked for; it lasts a day, `END`, unless its spec says otherwise. `NOW` is an hour in.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from lessor.decide.lease import leases, wanted, window
from lessor.decide.lease.facts import Change, Effect, Facts, Failed, Look, Plan, Why
from lessor.decide.lease.window import Window
from lessor.model import identity, names, wire
from lessor.model.conditions import Condition, ConditionType, Fault, Reason, find
from lessor.model.identity import Identity
from lessor.model.instancelease import CloudStatus, Grant, RenewalsStatus
from lessor.model.lease import Lease, LeaseSpec, LeaseStatus, Refusal, Requested, ReservationStatus
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalSpec, LeaseRenewalStatus, RenewalLeaseRef
from lessor.model.meta import ObjectMeta, OwnerReference
from lessor.model.observed import CloudIdentity
from lessor.model.plans import EventReason
from lessor.model.reservations import (
    EventState,
    EventType,
    LeaseChange,
    LeaseEvent,
    LeaseState,
    ObservedLease,
    ObservedReservation,
)
from lessor.model.times import Duration

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime.fromisoformat("2026-03-01T08:00:00Z")
END = START + DAY
NOW = START + HOUR
UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ID = identity.lease_id(UID, 1)
NAME = "team-a.training.0f8fad5b"
RESERVATION = "res-1"
US = CloudIdentity(auth_url="http://keystone/v3", region="RegionOne", project_id="p1", user_id="lessor")
CLOUD = CloudStatus(auth_url=US.auth_url, region=US.region, project_id=US.project_id)
HOST: Mapping[str, Any] = {"name": "nodes", "host": {"minCount": 2}}
HOST_VALUES: Mapping[str, Any] = {
    "min": 2,
    "max": 2,
    "hypervisor_properties": "",
    "resource_properties": "",
    "before_end": "default",
}
replace = msgspec.structs.replace


# ---------------------------------------------------------------- declared


def spec(**declared: Any) -> LeaseSpec:
    """Give a spec from its fields as they stand in a manifest; None leaves a default out."""
    body = {
        "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
        "reservations": [HOST],
        **declared,
    }
    return wire.from_builtins({key: value for key, value in body.items() if value is not None}, LeaseSpec)


def introduced(lease_id: str = ID, start: datetime = START, **changes: str) -> dict[str, str]:
    """Give the annotation of an object that says which lease is its own."""
    known = {"namespace": "team-a", "name": "training", **changes}
    return {names.IDENTITY: identity.text(Identity(lease_id=lease_id, start=start, **known))}


def meta(**changes: Any) -> ObjectMeta:
    known: dict[str, Any] = {
        "name": "training",
        "namespace": "team-a",
        "uid": UID,
        "generation": 1,
        "resource_version": "1",
        "creation_timestamp": START,
        "finalizers": (names.FINALIZER,),
        "annotations": introduced(),
    }
    return ObjectMeta(**{**known, **changes})


def a_lease(declared: LeaseSpec | None = None, status: LeaseStatus | None = None, **metadata: Any) -> Lease:
    """Give a Lease that holds our finalizer and knows its own lease; nothing is known of Blazar."""
    declared = declared if declared is not None else spec()
    metadata.setdefault("annotations", introduced(start=declared.start_time or START))
    return Lease(
        metadata=meta(**metadata),
        spec=declared,
        status=status if status is not None else LeaseStatus(),
    )


def window_of(lease: Lease, now: datetime = NOW) -> Window:
    """Give the time of a lease that was not made yet."""
    return window.at(lease, None, now)


# ---------------------------------------------------------------- what was said before


def condition(kind: str, status: str, reason: str, since: datetime = START) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message="said before",
        last_transition_time=since,
        observed_generation=1,
    )


def claimed(at: datetime = START, **changes: Any) -> LeaseStatus:
    """Give the status in which a lease is about to be asked for."""
    known: dict[str, Any] = {
        "observed_generation": 1,
        "lease_id": ID,
        "attempt": 1,
        "create_requested_time": at,
        "cloud": CLOUD,
        "requested": told(),
        "reservations": (ReservationStatus(name="nodes", requested=wanted.digest(spec().reservations[0])),),
    }
    return LeaseStatus(**{**known, **changes})


def told(end: datetime = END, **changes: Any) -> Requested:
    """Give what Blazar was told of a lease that was to start at once."""
    return Requested(**{"lease_name": NAME, "end_time": end, **changes})


SAID = (
    condition("Accepted", "True", "Accepted"),
    condition("Reserved", "True", "Reserved"),
    condition("Active", "True", "InWindow"),
    condition("Ready", "True", "InWindow"),
)


def known(state: str | None = LeaseState.ACTIVE, **changes: Any) -> LeaseStatus:
    """Give the status of a lease that was seen in this state."""
    parts: dict[str, Any] = {
        "lease_name": NAME,
        "state": state,
        "start_time": START,
        "end_time": END,
        "trustor_user_id": US.user_id,
        "conditions": SAID,
        "reservations": (
            ReservationStatus(
                name="nodes",
                id=RESERVATION,
                resource_type="physical:host",
                state="active",
                requested=wanted.digest(spec().reservations[0]),
            ),
        ),
    }
    return claimed(**{**parts, **changes})


def refusal(request: str, reason: Reason = Reason.REFUSED, **changes: Any) -> Refusal:
    known: dict[str, Any] = {"message": "Blazar said no.", "since": NOW - MINUTE, "time": NOW - MINUTE}
    return Refusal(**{"request": request, "reason": reason.value, **known, **changes})


def grant(length: str, until: datetime, name: str = "earlier", **changes: Any) -> Grant:
    known: dict[str, Any] = {"uid": f"uid-of-{name}", "time": START, "requested_by": "unverified", **changes}
    return Grant(name=name, granted=Duration(length), granted_until=until, **known)


def granted(*grants: Grant) -> RenewalsStatus:
    total = sum((each.granted.delta for each in grants), timedelta())
    return RenewalsStatus(count=len(grants), extended=Duration.of(total), history=grants)


# ---------------------------------------------------------------- what is seen


def host(**changes: Any) -> ObservedReservation:
    parts: dict[str, Any] = {
        "id": RESERVATION,
        "resource_type": "physical:host",
        "state": "active",
        "values": dict(HOST_VALUES),
    }
    return ObservedReservation(**{**parts, **changes})


def events(
    start: datetime = START,
    end: datetime = END,
    *,
    started: str = EventState.DONE,
    ended: str = EventState.UNDONE,
    before: str | None = EventState.UNDONE,
) -> tuple[LeaseEvent, ...]:
    """Give the events of a lease; `before` None: nothing comes before the end."""
    two = (
        LeaseEvent(type=EventType.START, state=started, time=start),
        LeaseEvent(type=EventType.END, state=ended, time=end),
    )
    if before is None:
        return two
    return (*two, LeaseEvent(type=EventType.BEFORE_END, state=before, time=max(start, end - HOUR)))


_STARTED = {
    LeaseState.CREATING: EventState.UNDONE,
    LeaseState.PENDING: EventState.UNDONE,
    LeaseState.STARTING: EventState.IN_PROGRESS,
}
_ENDED = {LeaseState.TERMINATING: EventState.IN_PROGRESS, LeaseState.TERMINATED: EventState.DONE}


def seen(state: str = LeaseState.ACTIVE, **changes: Any) -> ObservedLease:
    """Give the lease as Blazar shows it in this state, its events as they are then."""
    known: dict[str, Any] = {"id": ID, "name": NAME, "start": START, "end": END, "user_id": US.user_id, **changes}
    known.setdefault("project_id", US.project_id)
    known.setdefault("reservations", (host(),))
    known.setdefault(
        "events",
        events(
            known["start"],
            known["end"],
            started=_STARTED.get(LeaseState(state), EventState.DONE),
            ended=_ENDED.get(LeaseState(state), EventState.UNDONE),
        ),
    )
    return ObservedLease(state=state, **known)


def facts(lease: Lease | None = None, there: ObservedLease | None = None, **changes: Any) -> Facts:
    """Give the facts of a visit at `NOW`; without a lease that was seen, 404 came of looking for it."""
    known: dict[str, Any] = {
        "lease": lease if lease is not None else a_lease(),
        "now": NOW,
        "live": True,
        "identity": US,
        "look": Look.FOUND if there is not None else Look.ABSENT,
        "seen": there,
        "stamped": True,
    }
    return Facts(**{**known, **changes})


def active(declared: LeaseSpec | None = None, status: LeaseStatus | None = None, **changes: Any) -> Facts:
    """Give the facts of a lease that is ACTIVE, as it was asked for, but for what is named."""
    lease = a_lease(declared, status if status is not None else known())
    return facts(lease, changes.pop("there", seen()), **changes)


def no(effect: Effect, reason: Reason = Reason.REFUSED, message: str = "Blazar said no.") -> Failed:
    """Give an effect that Blazar did not do."""
    return Failed(effect=effect, fault=Fault(reason, message))


def change(**parts: Any) -> Change:
    """Give a request to change the lease."""
    why = parts.pop("why", Why.EDIT)
    return Change(lease_id=ID, change=LeaseChange(**parts), why=why)


# ---------------------------------------------------------------- requests for more time


def request(name: str = "more", extend_by: str | None = "1h", **metadata: Any) -> LeaseRenewal:
    """Give a LeaseRenewal that is open."""
    parts: dict[str, Any] = {"name": name, "uid": f"uid-of-{name}", "finalizers": (), "annotations": {}, **metadata}
    return LeaseRenewal(
        metadata=meta(**parts),
        spec=LeaseRenewalSpec(
            lease_ref=RenewalLeaseRef(kind="Lease", name="training"),
            extend_by=Duration(extend_by) if extend_by is not None else None,
        ),
    )


def decided(name: str = "old", **metadata: Any) -> LeaseRenewal:
    """Give a LeaseRenewal that was answered."""
    asked = request(name, **metadata)
    completed = condition("Completed", "True", "Decided")
    return LeaseRenewal(metadata=asked.metadata, spec=asked.spec, status=LeaseRenewalStatus(conditions=(completed,)))


def owned(renewal: LeaseRenewal, lease: Lease) -> LeaseRenewal:
    """Give the request as it is once it is bound to the lease."""
    ours = OwnerReference(api_version=names.API_VERSION, kind="Lease", name=lease.metadata.name, uid=lease.metadata.uid)
    return replace(renewal, metadata=replace(renewal.metadata, owner_references=(ours,)))


ONE = grant("1h", END + HOUR, "more", time=NOW)
ASKED = change(end=END + HOUR)


def under_way(**changes: Any) -> Facts:
    """Give the facts of a visit after the claim of one hour more."""
    status = changes.pop("status", known(extension=ONE))
    return active(changes.pop("declared", None), status, **{"renewals": (request(),), **changes})


# ---------------------------------------------------------------- what came of it


def said(plan: Plan, kind: ConditionType = ConditionType.READY) -> tuple[str, str] | None:
    """Give the status and reason of a condition; None: it is absent."""
    found = find(plan.status.conditions, kind)
    return (found.status, found.reason) if found is not None else None


def words(plan: Plan, kind: ConditionType = ConditionType.READY) -> str:
    found = find(plan.status.conditions, kind)
    assert found is not None
    return found.message


def answers(plan: Plan) -> dict[str, tuple[str, str]]:
    """Give what each LeaseRenewal is told: `Granted` where it is decided, else `Completed`."""
    found = {}
    for decision in plan.decisions:
        each = find(decision.status.conditions, ConditionType.GRANTED)
        each = each or find(decision.status.conditions, ConditionType.COMPLETED)
        assert each is not None
        found[decision.renewal.metadata.name] = (each.status, each.reason)
    return found


def told_of(plan: Plan) -> list[EventReason]:
    return [event.reason for event in plan.events]


def plan(known: Facts) -> Plan:
    """Give the plan, as every test reads it."""
    return leases.plan(known)


def after(before: Facts, **changes: Any) -> Facts:
    """Give the facts of a later pass, which starts from what the plan before wrote."""
    return dataclasses.replace(before, lease=replace(before.lease, status=plan(before).status), **changes)
