"""When a Lease needs its next pass after a restart, from its spec and status alone."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from lessor.decide.lease import wakeup
from lessor.model import names
from lessor.model.conditions import Reason
from lessor.model.lease import Lease, LeaseSpec, LeaseStatus, ReservationStatus
from lessor.model.reservations import LeaseState
from tests.decide.lease.builders import (
    END,
    HOUR,
    MINUTE,
    NOW,
    START,
    a_lease,
    condition,
    grant,
    introduced,
    known,
    refusal,
    spec,
)

SOON = condition("Expiring", "True", "EndsSoon")
AUTO = spec(renewal={"mode": "Auto", "extendBy": "6h", "maxTotal": "30d"})
LATE = END - 5 * HOUR  # when Expiring has been True for three hours


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    status: LeaseStatus
    want: datetime | None
    declared: LeaseSpec | None = None
    now: datetime = NOW


ENDED = condition("Reserved", "False", "Ended")
STALLED = condition("Stalled", "True", "Refused")
NO_ROOM = refusal("x", Reason.NOT_ENOUGH_RESOURCES, time=NOW)
POOL = ReservationStatus(name="pub", id="r", resource_type="virtual:floatingip", state="active")
CASES = (
    Case("new", "Nothing was ever said.", LeaseStatus(), NOW),
    Case("edited", "Its spec is newer than its status.", known(observed_generation=0), NOW),
    Case("pending", "It starts.", known(LeaseState.PENDING, start_time=NOW + HOUR, end_time=NOW + 9 * HOUR),
         NOW + HOUR),
    Case("active", "It begins to be about to end.", known(), END - 8 * HOUR),
    Case("expiring", "Then it ends.", known(conditions=(SOON,)), END),
    Case("overdue", "What was missed is made up for.", known(conditions=(SOON,)), END + HOUR, now=END + HOUR),
    Case("over", "Nothing comes after the end.", known(LeaseState.TERMINATED, conditions=(ENDED,)), None),
    Case("lost", "Nor when it is gone.", known(conditions=(condition("Reserved", "False", "Lost"),)), None),
    Case("in-passage", "It is looked at.", known(LeaseState.UPDATING), NOW),
    Case("stalled", "A person must act.", known(LeaseState.ERROR, conditions=(STALLED,)), None),
    Case("refused", "Blazar is asked again.", known(refusal=NO_ROOM), NOW + MINUTE),
    Case("refused-before-it-was-there", "The same.", LeaseStatus(observed_generation=1, refusal=NO_ROOM), NOW + MINUTE),
    Case("under-way", "An extension was asked for; whether Blazar has it is not known.",
         known(conditions=(SOON,), extension=grant("1h", END + HOUR)), NOW),
    Case("auto", "It is extended by itself, a third of six hours before its end.",
         known(conditions=(SOON,)), END - 2 * HOUR, AUTO, LATE),
    Case("auto-overdue", "Also when that instant was slept through.",
         known(conditions=(SOON,)), END - HOUR, AUTO, END - HOUR),
    Case("auto-refused", "Blazar said no to that, and is asked again.",
         known(conditions=(SOON,), refusal=refusal("x", Reason.NOT_ENOUGH_RESOURCES, time=END - HOUR)),
         END - HOUR + MINUTE, AUTO, END - HOUR),
    Case("auto-at-the-limit", "There is nothing left to extend.",
         known(conditions=(SOON,)), END, spec(renewal={"mode": "Auto", "extendBy": "6h", "maxTotal": "24h"}), LATE),
    Case("no-addresses", "The addresses of its floating IPs were not read.",
         known(reservations=(POOL,)), NOW),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_next_pass_comes_when_something_is_due(case: Case) -> None:
    assert wakeup.at(a_lease(case.declared, case.status), case.now) == case.want, case.why


def test_a_request_to_look_that_was_not_answered_is_open() -> None:
    asked: Lease = a_lease(None, known(), annotations={**introduced(), names.RECONCILE_REQUESTED_AT: "1"})
    assert wakeup.at(asked, NOW) == NOW
    answered = a_lease(None, known(last_handled_reconcile_at="1"), annotations=asked.metadata.annotations)
    assert wakeup.at(answered, NOW) == END - 8 * HOUR


def test_one_that_is_being_deleted_is_open() -> None:
    assert wakeup.at(a_lease(None, known(LeaseState.TERMINATED), deletion_timestamp=START), NOW) == NOW
