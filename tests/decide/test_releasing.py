"""Letting go: what is left to do before an object that is being deleted may go."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from lessor.decide import instanceleases
from lessor.decide.facts import Facts, Failed, Look, Plan
from lessor.model import names
from lessor.model.conditions import ConditionType, Fault, Reason, find
from lessor.model.instancelease import InstanceLeaseStatus
from lessor.model.plans import Deed, Effect, EventReason, FinalizerChange, Purpose
from tests import builders, strategies
from tests.builders import DOWN, SERVER, START, begun, condition, event, lease, marked, server, spec

NOW = START + timedelta(days=1)
MARK = {**marked(), names.EXPIRES_KEY: "2026"}
LOCK = {"locked": True, "locked_reason": "Expired 2026. Renew: ask"}
DELETE = {"onDelete": "Delete"}
NO_SECRET = Fault(Reason.CREDENTIALS_MISSING, "No Secret clouds.")
FORCED = {names.FORCE_FORGET: "true"}


def plan(
    declared: dict[str, Any] | None = None,
    status: InstanceLeaseStatus | None = None,
    annotations: dict[str, str] | None = None,
    seconds: float = 0,
    **known: Any,
) -> Plan:
    """Give the plan for a lease that was deleted so many seconds ago; its server carries its mark."""
    held = lease(
        spec(**(declared or {})),
        status if status is not None else begun(condition("Ready", "True", "InTerm")),
        deletion_timestamp=NOW,
        annotations=annotations or {},
    )
    return instanceleases.plan(
        builders.facts(held, **{"now": NOW + timedelta(seconds=seconds), "server": server(metadata=MARK), **known})
    )


def refused(deed: Deed) -> tuple[Failed, ...]:
    effect = Effect(deed=deed, purpose=Purpose.RELEASE, server_id=SERVER)
    return (Failed(effect=effect, fault=Fault(Reason.ACTION_FAILED, "Nova said no.")),)


def ready(plan: Plan) -> tuple[str, str] | None:
    said = find(plan.status.conditions, ConditionType.READY)
    return None if said is None else (said.status, said.reason)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    known: dict[str, Any]


def go(id_: str, why: str, **known: Any) -> Case:
    return Case(id_, why, known)


UNMARKED = begun(marked_time=None)
NEVER_FOUND = InstanceLeaseStatus()
GOES = (
    go("forced", "A person takes the blame.", annotations=FORCED, live=False, fault=DOWN),
    go("never-marked", "We never touched it: it was read without our mark.", status=UNMARKED, server=server()),
    go("never-found", "No server was ever found by that name.", declared={"server": {"name": "db-1"}},
       status=NEVER_FOUND, server=None, look=Look.ABSENT),
    go("never-declared", "Nothing of its spec could be read, and it never was.", declared={"server": None},
       status=NEVER_FOUND, server=None, live=False, look=Look.NOT_LOOKED),
    go("gone", "The server is not there.", server=None, look=Look.ABSENT),
    go("clean", "Nothing of ours is on it.", server=server()),
    go("elsewhere", "The credentials lead to another cloud: it is not our server.",
       status=begun(cloud=builders.CloudStatus(auth_url="x", region="y", project_id="z"))),
    go("no-secret", "Retain never hangs on a Secret.", fault=NO_SECRET),
    go("down-long", "Nor on a cloud that is down.", fault=DOWN, seconds=61),
    go("refused-long", "Nor on a refusal.", failed=refused(Deed.REMOVE_MARK), seconds=61),
    go("deleted", "With Delete the server is gone.", declared=DELETE, server=None, look=Look.ABSENT),
    go("deleted-over", "Or over.", declared=DELETE, server=server(metadata=MARK, vm_state="soft-delete")),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in GOES])
def test_the_object_may_go(case: Case) -> None:
    answer = plan(**case.known)
    assert (answer.finalizer, answer.effect) == (FinalizerChange.TAKE_OFF, None), case.why
    assert all(told.reason is EventReason.RELEASED for told in answer.events)


OURS = {"server": server(metadata=MARK, **LOCK), "events": (event("lock"),)}
DEEDS = (
    ("our lock first", {}, OURS, Deed.UNLOCK, ""),
    ("what people read next", {}, {}, Deed.REMOVE_MARK, names.EXPIRES_KEY),
    ("the mark last", {}, {"server": server(metadata=marked())}, Deed.REMOVE_MARK, names.MARK_KEY),
    ("another's lock stays", {}, {"server": server(metadata=MARK, locked=True)}, Deed.REMOVE_MARK, names.EXPIRES_KEY),
    ("an unlock that does not show is not asked for again", {}, {**OURS, "done": frozenset({Deed.UNLOCK})},
     Deed.REMOVE_MARK, names.EXPIRES_KEY),
    ("a mark that was never reported", {}, {"status": UNMARKED}, Deed.REMOVE_MARK, names.EXPIRES_KEY),
    ("the server, when it is to go", DELETE, {}, Deed.DELETE, ""),
    ("our lock before the server", DELETE, OURS, Deed.UNLOCK, ""),
    ("no server while suspended", {**DELETE, "suspend": True}, {}, Deed.REMOVE_MARK, names.EXPIRES_KEY),
)  # fmt: skip


@pytest.mark.parametrize(("declared", "known", "deed", "text"), [pytest.param(*row[1:], id=row[0]) for row in DEEDS])
def test_what_is_ours_comes_off_one_after_the_other(
    declared: dict[str, Any], known: dict[str, Any], deed: Deed, text: str
) -> None:
    answer = plan(declared, **known)
    assert answer.finalizer is FinalizerChange.KEEP
    assert answer.effect is not None
    assert (answer.effect.deed, answer.effect.text, answer.effect.purpose) == (deed, text, Purpose.RELEASE)


HELD = (
    ("no Secret", {"fault": NO_SECRET}, "ReleaseBlocked"),
    ("a cloud that is down", {"fault": DOWN, "seconds": 3600}, "ReleaseBlocked"),
    ("a server of another project", {"server": server(metadata=MARK, project_id="p2")}, "ReleaseBlocked"),
    ("a lease that is not accepted", {"declared": {**DELETE, "duration": None}}, "ReleaseBlocked"),
    ("no mark", {"server": server()}, "ReleaseBlocked"),
    ("a freeze", {"frozen": True}, "DeletionHeld"),
    ("too many deletions", {"may_delete": False}, "DeletionHeld"),
    ("an uncertain clock", {"clock_certain": False}, "DeletionHeld"),
    ("another's lock", {"server": server(metadata=MARK, locked=True)}, "ServerLocked"),
    ("a refusal", {"failed": refused(Deed.DELETE)}, "ActionFailed"),
)  # fmt: skip


@pytest.mark.parametrize(("known", "reason"), [pytest.param(*row[1:], id=row[0]) for row in HELD])
def test_a_server_is_deleted_under_the_same_respect_as_by_a_stage(known: dict[str, Any], reason: str) -> None:
    answer = plan(**{"declared": DELETE, **known})
    assert (answer.effect, answer.finalizer) == (None, FinalizerChange.KEEP)
    assert ready(answer) == ("False", reason)


def test_a_deletion_that_is_held_names_the_way_out() -> None:
    said = find(plan(DELETE, fault=NO_SECRET).status.conditions, ConditionType.READY)
    assert said is not None
    assert "No Secret clouds." in said.message
    assert f'{names.FORCE_FORGET} to "true"' in said.message


UNDER_WAY = (
    ("nova is at it", DELETE, {"server": server(metadata=MARK, task_state="deleting")}),
    ("a delete that does not show yet", DELETE, {"done": frozenset({Deed.DELETE})}),
    ("a cloud that is down for a moment", {}, {"fault": DOWN, "seconds": 30}),
    ("a refusal for a moment", {}, {"failed": refused(Deed.REMOVE_MARK), "seconds": 30}),
)


@pytest.mark.parametrize(("declared", "known"), [pytest.param(*row[1:], id=row[0]) for row in UNDER_WAY])
def test_what_is_under_way_is_looked_at_again_soon(declared: dict[str, Any], known: dict[str, Any]) -> None:
    answer = plan(declared, **known)
    assert (answer.effect, answer.finalizer) == (None, FinalizerChange.KEEP)
    assert answer.wake_at is not None
    now = NOW + timedelta(seconds=known.get("seconds", 0))
    assert timedelta() < answer.wake_at - now <= timedelta(seconds=15)


@pytest.mark.parametrize("declared", [{}, DELETE], ids=["Retain", "Delete"])
def test_nothing_is_let_go_on_what_is_remembered(declared: dict[str, Any]) -> None:
    answer = plan(declared, live=False)
    assert (answer.look_closer, answer.finalizer, answer.effect) == (True, FinalizerChange.KEEP, None)


def test_an_object_that_others_hold_is_left_to_them() -> None:
    held = lease(seen=begun(), deletion_timestamp=NOW, finalizers=("foregroundDeletion",))
    answer = instanceleases.plan(builders.facts(held, now=NOW))
    assert answer == Plan(status=held.status)


@given(strategies.facts())
def test_letting_go_never_harms_a_server_that_is_to_be_retained(known: Facts) -> None:
    answer = instanceleases.plan(known)
    effect = answer.effect
    if effect is not None and effect.purpose is Purpose.RELEASE and effect.deed is Deed.DELETE:
        assert known.lease.spec.on_delete == "Delete"
        assert not known.lease.spec.suspend
        assert known.lease.metadata.deletion_timestamp is not None
