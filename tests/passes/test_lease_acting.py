"""What a pass over a Lease makes of Blazar's no."""

from datetime import timedelta
from typing import Any

import pytest

from lessor.decide.lease.facts import Failed
from lessor.model.conditions import Fault, Reason
from lessor.model.reservations import LeaseChange
from lessor.ports.cloud import CloudError, CloudUnavailable, NotFound
from lessor.ports.reservations import LeaseRefused, NotEnoughResources, NotExtendableYet
from lessor.reconcile.lease import act
from lessor.reconcile.lease.given import Ports
from tests.decide.lease.builders import END, HOUR, active, change, facts

ASKED = change(end=END + HOUR)
NOES = (
    (NotEnoughResources("No room"), Reason.NOT_ENOUGH_RESOURCES, "No room."),
    (LeaseRefused("Bad."), Reason.REFUSED, "Bad."),
    (CloudUnavailable("Gone"), Reason.CLOUD_UNAVAILABLE, "Gone."),
    (NotFound("No such lease"), Reason.UNCERTAIN, "No such lease."),
    (
        NotExtendableYet("Too early", timedelta(hours=3)),
        Reason.TOO_EARLY,
        "Too early. Ask from 2026-03-02T05:00:00Z on.",
    ),
)


class Saying:
    """A Blazar that says no to every change, while we lead."""

    def __init__(self, error: CloudError) -> None:
        self._error = error

    def change(self, lease_id: str, change: LeaseChange) -> None:
        del lease_id, change
        raise self._error

    def assure(self) -> None:
        """We lead."""


def saying(error: CloudError) -> Ports:
    blazar: Any = Saying(error)
    return Ports(blazar=blazar, objects=blazar, pace=blazar, leading=blazar)


@pytest.mark.parametrize(("error", "reason", "words"), NOES, ids=lambda value: str(value)[:20])
def test_a_no_is_a_fact_in_blazars_words(error: CloudError, reason: Reason, words: str) -> None:
    after = act.attempt(active(), ASKED, saying(error))
    assert after.failed == Failed(effect=ASKED, fault=Fault(reason, words))
    assert after.done == ()


def test_of_a_lease_that_was_not_seen_no_instant_is_known() -> None:
    after = act.attempt(facts(), ASKED, saying(NotExtendableYet("Too early", timedelta(hours=3))))
    assert after.failed is not None
    assert after.failed.fault.message == "Too early."
