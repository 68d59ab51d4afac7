"""Whether a Lease is accepted: its spec, its credentials, the cloud that they lead to, the lease that it takes over."""

from lessor.decide.lease import acceptance
from lessor.decide.lease.facts import Facts, Look
from lessor.model import conditions
from lessor.model.conditions import Reason, Verdict
from lessor.model.lease import Refusal

_CREDENTIALS = frozenset(
    {Reason.CREDENTIALS_MISSING, Reason.CREDENTIALS_REFUSED, Reason.INVALID_CREDENTIALS, Reason.PERMISSION_DENIED}
)
# What Blazar refuses, and what is said under Accepted: nothing can be reserved so.
_OF_ACCEPTED = frozenset({Reason.UNSUPPORTED_RESOURCE_TYPE, Reason.CREDENTIALS_UNSUITABLE, Reason.PERMISSION_DENIED})


def accepted() -> Verdict:
    """Say that all is well."""
    return conditions.true(Reason.ACCEPTED, "The spec and its credentials are good.")


def fault(facts: Facts) -> Verdict | None:
    """Say why the Lease is not accepted; None: it is."""
    return needs_no_cloud(facts) or _credentials(facts) or _elsewhere(facts) or _import(facts)


def needs_no_cloud(facts: Facts) -> Verdict | None:
    """Say what is wrong with the spec itself, for which nobody need be asked; None: nothing."""
    return _unreadable(facts) or acceptance.fault(facts.lease.spec)


def refused(refusal: Refusal | None) -> Verdict | None:
    """Say why the Lease is not accepted after Blazar's no; None: that no is no matter of acceptance."""
    if refusal is None or refusal.reason not in _OF_ACCEPTED:
        return None
    return conditions.false(Reason(refusal.reason), refusal.message)


def _unreadable(facts: Facts) -> Verdict | None:
    problem = facts.problem
    return conditions.false(problem.reason, problem.message) if problem is not None else None


def _credentials(facts: Facts) -> Verdict | None:
    problem = facts.fault
    if problem is None:
        return None
    if problem.reason in _CREDENTIALS or problem.reason is Reason.UNSUPPORTED_RESOURCE_TYPE:
        return conditions.false(problem.reason, problem.message)
    if facts.lease.status.cloud is None:
        return conditions.false(Reason.CLOUD_UNAVAILABLE, problem.message)
    return None


def _elsewhere(facts: Facts) -> Verdict | None:
    """The lease's cloud was recorded: other credentials must not make a second lease in another one."""
    known, ours = facts.lease.status.cloud, facts.identity
    if known is None or ours is None:
        return None
    pairs = (
        ("the Keystone URL", known.auth_url, ours.auth_url),
        ("the region", known.region, ours.region),
        ("the project", known.project_id, ours.project_id),
    )
    changed = [f"{what} was {old} and is {new}" for what, old, new in pairs if old != new]
    if not changed:
        return None
    return conditions.false(
        Reason.CLOUD_CHANGED,
        f"The credentials lead elsewhere than when the lease was asked for: {'; '.join(changed)}. Nothing is done. "
        "Put the old credentials back, or delete this object and make a new one.",
    )


def _import(facts: Facts) -> Verdict | None:
    """What is to be taken over must be there, once, before it is known by its id."""
    wanted = facts.lease.spec.import_
    if wanted is None or facts.lease.status.lease_id is not None or not facts.live or facts.fault is not None:
        return None
    if facts.look is Look.AMBIGUOUS:
        return conditions.false(
            Reason.IMPORT_AMBIGUOUS,
            f"Several leases in Blazar have the name {wanted.name!r}: {', '.join(facts.same_name)}. Make a new object "
            "with spec.import.id set to one of them.",
        )
    if facts.look is not Look.FOUND:
        return conditions.false(
            Reason.IMPORT_NOT_FOUND,
            f"The project of the credentials has no lease {wanted.id or wanted.name!r} in Blazar. "
            "It is looked for on and on.",
        )
    return None
