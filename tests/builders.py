"""Values with defaults for tests of a single decision: a test states only what it is about.

`START` is when the lease began; it lasts ten days unless its spec says otherwise.
"""

from datetime import datetime, timedelta
from typing import Any

from lessor.decide.facts import Facts, Look
from lessor.model import names, wire
from lessor.model.conditions import Condition, Fault, Reason, Verdict
from lessor.model.instancelease import (
    CloudStatus,
    Grant,
    InstanceLease,
    InstanceLeaseSpec,
    InstanceLeaseStatus,
    NextAction,
    RenewalsStatus,
    StageStatus,
)
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalSpec, LeaseRenewalStatus, RenewalLeaseRef
from lessor.model.marks import Mark
from lessor.model.meta import ObjectMeta
from lessor.model.observed import ObservedServer, ServerEvent
from lessor.model.times import Duration
from tests.passes.world import SEAL, SERVER, START, US

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
END = START + 10 * DAY
DOWN = Fault(Reason.CLOUD_UNAVAILABLE, "Nova gave 503.")
CLOUD = CloudStatus(auth_url=US.auth_url, region=US.region, project_id=US.project_id)


def spec(**declared: Any) -> InstanceLeaseSpec:
    """Give a spec from its fields as they stand in a manifest; None leaves a default out."""
    body = {
        "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
        "server": {"id": SERVER},
        **({} if "expireTime" in declared else {"duration": "10d"}),
        **declared,
    }
    return wire.from_builtins({key: value for key, value in body.items() if value is not None}, InstanceLeaseSpec)


def stages(*declared: tuple[str, str] | tuple[str, str, bool]) -> dict[str, Any]:
    """Give an `expiry` of stages, each as (after, action) or (after, action, lock)."""
    return {"stages": [{"after": each[0], "action": each[1], "lock": each[2:] == (True,)} for each in declared]}


def meta(**changes: Any) -> ObjectMeta:
    known: dict[str, Any] = {
        "name": "vm1",
        "namespace": "team-a",
        "uid": "uid-1",
        "generation": 1,
        "resource_version": "1",
        "creation_timestamp": START,
        "finalizers": (names.FINALIZER,),
    }
    return ObjectMeta(**{**known, **changes})


def lease(
    declared: InstanceLeaseSpec | None = None, seen: InstanceLeaseStatus | None = None, **metadata: Any
) -> InstanceLease:
    return InstanceLease(
        metadata=meta(**metadata),
        spec=declared if declared is not None else spec(),
        status=seen if seen is not None else InstanceLeaseStatus(),
    )


def begun(*said: Condition, **changes: Any) -> InstanceLeaseStatus:
    """Give the status of a lease that was accepted at `START` and whose server was found and marked."""
    known: dict[str, Any] = {
        "observed_generation": 1,
        "server_id": SERVER,
        "server_name": "db-1",
        "server_status": "ACTIVE",
        "cloud": CLOUD,
        "start_time": START,
        "expire_time": END,
        "marked_time": START,
        "conditions": said,
    }
    return InstanceLeaseStatus(**{**known, **changes})


def condition(type_: str, status: str, reason: str, since: datetime = START) -> Condition:
    return Condition(type=type_, status=status, reason=reason, message="said before", last_transition_time=since)


def claim(action: str, time: datetime, claimed: datetime | None = None) -> NextAction:
    return NextAction(action=action, time=time, claimed_time=claimed if claimed is not None else time)


def seen_done(action: str, time: datetime) -> StageStatus:
    return StageStatus(done=action, time=time)


def server(**changes: Any) -> ObservedServer:
    """Give a running server of our project, without a mark."""
    known: dict[str, Any] = {
        "id": SERVER,
        "name": "db-1",
        "project_id": US.project_id,
        "status": "ACTIVE",
        "created": START - DAY,
        "metadata": {},
        "locked": False,
        "vm_state": "active",
    }
    return ObservedServer(**{**known, **changes})


def event(action: str, user: str = US.user_id, time: datetime = START) -> ServerEvent:
    """Give an entry of os-instance-actions as Nova writes it: without a zone."""
    return ServerEvent(action=action, user_id=user, start_time=f"{time:%Y-%m-%dT%H:%M:%S}.000000")


def marked(**changes: Any) -> dict[str, str]:
    """Give the metadata of a server that carries the mark of `lease()`."""
    known: dict[str, Any] = {
        "installation": SEAL.installation,
        "object": "uid-1",
        "server": SERVER,
        "start": START,
    }
    return {names.MARK_KEY: SEAL.write(Mark(**{**known, **changes}))}


def facts(seen: InstanceLease | None = None, **changes: Any) -> Facts:
    """Give the facts of a visit at `START` that found the server."""
    known: dict[str, Any] = {
        "lease": seen if seen is not None else lease(),
        "now": START,
        "seal": SEAL,
        "live": True,
        "identity": US,
        "look": Look.FOUND,
        "server": server(),
        "stamped": True,
    }
    return Facts(**{**known, **changes})


def request(name: str = "more", extend_by: str | None = "1d", **metadata: Any) -> LeaseRenewal:
    """Give a LeaseRenewal that is open."""
    known = {"name": name, "uid": f"uid-of-{name}", "finalizers": (), **metadata}
    return LeaseRenewal(
        metadata=meta(**known),
        spec=LeaseRenewalSpec(
            lease_ref=RenewalLeaseRef(kind="InstanceLease", name="vm1"),
            extend_by=Duration(extend_by) if extend_by is not None else None,
        ),
    )


def decided(name: str = "old", **metadata: Any) -> LeaseRenewal:
    """Give a LeaseRenewal that was answered."""
    asked = request(name, **metadata)
    completed = condition("Completed", "True", "Decided")
    return LeaseRenewal(metadata=asked.metadata, spec=asked.spec, status=LeaseRenewalStatus(conditions=(completed,)))


def grant(length: str, until: datetime, name: str = "earlier", time: datetime = START) -> Grant:
    return Grant(name=name, uid=f"uid-of-{name}", time=time, granted=Duration(length), granted_until=until)


def granted(*grants: Grant, **changes: Any) -> RenewalsStatus:
    """Give the sum of these grants."""
    total = sum((each.granted.delta for each in grants), timedelta())
    known: dict[str, Any] = {"count": len(grants), "extended": Duration.of(total), "history": grants}
    return RenewalsStatus(**{**known, **changes})


def answer(verdict: Verdict | None) -> tuple[str, Reason] | None:
    """Give what matters of a verdict: its status and its reason."""
    return None if verdict is None else (verdict.status.value, verdict.reason)
