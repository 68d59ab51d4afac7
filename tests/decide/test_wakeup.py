"""When an object needs its next pass, from its spec and status alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from lessor.decide import wakeup
from lessor.decide.facts import Facts
from lessor.model import names
from lessor.model.conditions import Condition
from lessor.model.instancelease import Before, InstanceLease, InstanceLeaseStatus
from tests import strategies
from tests.builders import DAY, END, HOUR, START, begun, claim, condition, lease, spec

NOW = START + DAY
EXPIRING = START + 10 * DAY * 2 / 3
SETTLED = tuple(condition(kind, "True", "Accepted") for kind in ("Accepted", "ServerFound", "Marked"))
OVER = (*SETTLED, condition("Expiring", "True", "EndsSoon"), condition("Expired", "True", "EndReached"))


def settled(*more: Condition, **changes: Any) -> InstanceLeaseStatus:
    return begun(*SETTLED, *more, **changes)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    lease: InstanceLease
    now: datetime
    want: datetime | None


OPEN = (
    Case("new", "It has not been looked at.", lease(), NOW, NOW),
    Case("edited", "Its spec has changed since.", lease(seen=settled(), generation=2), NOW, NOW),
    Case("deleted", "It is to be let go.", lease(seen=settled(), deletion_timestamp=NOW), NOW, NOW),
    Case("asked", "A person asked to look.",
         lease(seen=settled(), annotations={names.RECONCILE_REQUESTED_AT: "now"}), NOW, NOW),
    Case("not-marked", "It is not marked yet.", lease(seen=begun(*SETTLED[:2])), NOW, NOW),
    Case("not-found", "Its server is looked for.",
         lease(seen=begun(SETTLED[0], condition("ServerFound", "False", "Missing"), SETTLED[2])), NOW, NOW),
    Case("no-start", "It never began.", lease(seen=settled(start_time=None)), NOW, NOW),
    Case("to-restore", "Its server is to be brought back.",
         lease(seen=settled(before=Before(vm_state="active", locked=False))), NOW, NOW),
    Case("due", "A stage is due since long.", lease(seen=begun(*OVER, next_action=claim("Stop", END))),
         END + DAY, END + DAY),
)  # fmt: skip
QUIET = (
    Case("answered", "The question was answered.",
         lease(seen=settled(last_handled_reconcile_at="now"), annotations={names.RECONCILE_REQUESTED_AT: "now"}),
         NOW, EXPIRING),
    Case("young", "Nothing is to come before Expiring.", lease(seen=settled()), NOW, EXPIRING),
    Case("expiring", "The end is next.", lease(seen=settled(condition("Expiring", "True", "EndsSoon"))), NOW, END),
    Case("stage", "A stage is next.", lease(seen=begun(*OVER, next_action=claim("Delete", END + 9 * DAY))),
         END + DAY, END + 9 * DAY),
    Case("exempt", "The exemption ends before all else.",
         lease(spec(exemption={"until": "2026-03-03T08:00:00Z"}), settled()), NOW, START + 2 * DAY),
    Case("was-exempt", "An exemption that has ended is nothing to wait for.",
         lease(spec(exemption={"until": "2026-03-01T08:00:00Z"}), settled()), NOW, EXPIRING),
    Case("suspended", "The conditions of a suspended lease still change with time.",
         lease(spec(suspend=True), begun(SETTLED[0])), NOW, EXPIRING),
    Case("server-gone", "A deleted server's lease still comes to its end.",
         lease(seen=begun(SETTLED[0], condition("ServerFound", "False", "Missing"), server_status="DELETED")), NOW,
         EXPIRING),
    Case("all-done", "Nothing is to come.", lease(seen=begun(*OVER)), END + DAY, None),
    Case("restored-late", "After the end nothing is brought back.",
         lease(seen=begun(*OVER, before=Before(vm_state="active", locked=False))), END + DAY, None),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in OPEN])
def test_what_is_open_is_looked_at_now(case: Case) -> None:
    assert wakeup.at(case.lease, case.now) == case.want == case.now, case.why


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in QUIET])
def test_what_is_settled_waits_for_the_next_instant_that_matters(case: Case) -> None:
    at = wakeup.at(case.lease, case.now)
    assert (None if at is None else at - case.now) == (None if case.want is None else case.want - case.now), case.why


@pytest.mark.parametrize(
    ("at", "want"),
    [
        pytest.param(None, False, id="never"),
        pytest.param(END - HOUR, False, id="before the stage"),
        pytest.param(END, True, id="at the stage"),
        pytest.param(END + HOUR, True, id="after the stage"),
    ],
)
def test_an_instant_is_urgent_when_a_stage_is_due_by_then(at: datetime | None, want: bool) -> None:
    assert wakeup.urgent(lease(seen=begun(next_action=claim("Stop", END))), at) is want


def test_without_a_stage_nothing_is_urgent() -> None:
    assert not wakeup.urgent(lease(seen=begun()), END)


@given(strategies.facts())
def test_no_wake_up_lies_in_the_past(facts: Facts) -> None:
    at = wakeup.at(facts.lease, facts.now)
    assert at is None or at >= facts.now
