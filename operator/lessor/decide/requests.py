"""The answers that LeaseRenewals get, whatever they ask for: each is decided once, and kept for a while."""

from collections.abc import Sequence
from datetime import datetime

from lessor.model import conditions
from lessor.model.conditions import ConditionType, Reason, Verdict
from lessor.model.instancelease import Grant
from lessor.model.leaserenewal import LeaseRenewal, LeaseRenewalStatus
from lessor.model.names import REQUESTED_BY
from lessor.model.plans import RenewalDecision

KEPT = 10
_NAME_LENGTH = 64
_TRACKED = (
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/instance",
    "app.kubernetes.io/instance",
    "kustomize.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/name",
)
UNVERIFIED = "unverified"


def still_open(requests: Sequence[LeaseRenewal]) -> tuple[LeaseRenewal, ...]:
    """Give the requests that have no answer yet, oldest first."""
    return tuple(sorted((request for request in requests if not request.decided), key=_age))


def requester(request: LeaseRenewal, *, stamped: bool) -> str:
    """Give who asked: `unverified` where the cluster does not stamp it."""
    return request.metadata.annotations.get(REQUESTED_BY, UNVERIFIED)[:_NAME_LENGTH] if stamped else UNVERIFIED


def waiting(requests: Sequence[LeaseRenewal], message: str, now: datetime) -> tuple[RenewalDecision, ...]:
    """Let every open request wait, and say for what."""
    verdict = conditions.false(Reason.WAITING, message)
    answers = (unanswered(request, verdict, now) for request in still_open(requests))
    return tuple(answer for answer in answers if answer is not None)


def unanswered(request: LeaseRenewal, verdict: Verdict, now: datetime) -> RenewalDecision | None:
    """Give a request the `Completed` verdict of one that is not decided; None when it has it already."""
    said = {ConditionType.COMPLETED: verdict}
    status = LeaseRenewalStatus(
        observed_generation=request.metadata.generation,
        message=verdict.message,
        conditions=conditions.merged(request.status.conditions, said, request.metadata.generation, now),
    )
    return None if status == request.status else RenewalDecision(renewal=request, status=status)


def decided(request: LeaseRenewal, verdict: Verdict, grant: Grant | None, now: datetime) -> RenewalDecision:
    """Give a request its answer, for good. `grant`: what was granted; None: nothing."""
    completed = conditions.true(Reason.DECIDED, verdict.message)
    said = {ConditionType.COMPLETED: completed, ConditionType.GRANTED: verdict}
    generation = request.metadata.generation
    status = LeaseRenewalStatus(
        observed_generation=generation,
        granted_until=grant.granted_until if grant is not None else None,
        granted=grant.granted if grant is not None else None,
        message=verdict.message,
        conditions=conditions.merged(request.status.conditions, said, generation, now),
    )
    return RenewalDecision(renewal=request, status=status, adopt=True)


def cleared(requests: Sequence[LeaseRenewal], uid: str) -> tuple[RenewalDecision, ...]:
    """Bind decided requests to the lease of that uid, and delete all but the newest and those that GitOps tracks."""
    decided = sorted((request for request in requests if request.decided), key=_age, reverse=True)
    kept, surplus = decided[:KEPT], decided[KEPT:]
    unbound = [r for r in kept if uid not in {owner.uid for owner in r.metadata.owner_references}]
    return tuple(RenewalDecision(renewal=r, status=r.status, adopt=True) for r in unbound) + tuple(
        RenewalDecision(renewal=r, status=r.status, delete=True) for r in surplus if not _tracked(r)
    )


def _age(request: LeaseRenewal) -> tuple[datetime, str]:
    return request.metadata.creation_timestamp, request.metadata.name


def _tracked(request: LeaseRenewal) -> bool:
    return any(key in request.metadata.annotations or key in request.metadata.labels for key in _TRACKED)
