"""One pass over a LeaseRenewal whose lease is not there to answer it."""

from datetime import datetime

from lessor.decide import requests
from lessor.model import conditions
from lessor.model.conditions import Reason
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.names import Kind
from lessor.model.plans import RenewalDecision


def without_lease(request: LeaseRenewal, now: datetime) -> RenewalDecision | None:
    """Say what an open request waits for; None when it says so already, or is decided."""
    if request.decided:
        return None
    ref = request.spec.lease_ref
    if ref.kind not in {Kind.INSTANCE_LEASE, Kind.LEASE}:
        verdict = conditions.false(
            Reason.WAITING, f"This version renews no {ref.kind} yet. The request waits for one that does."
        )
    else:
        verdict = conditions.false(
            Reason.LEASE_NOT_FOUND,
            f"There is no {ref.kind} {ref.name} in this namespace yet. The request waits for it.",
        )
    return requests.unanswered(request, verdict, now)
