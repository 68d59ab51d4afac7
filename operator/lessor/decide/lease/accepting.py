"""Whether a Lease is accepted: its spec, its credentials, the cloud that they lead to, the lease that it takes over."""

from lessor.decide import credentials
from lessor.decide.lease import acceptance
from lessor.decide.lease.facts import Facts, Look
from lessor.model import conditions
from lessor.model.conditions import Reason, Verdict
from lessor.model.lease import Refusal

# What Blazar refuses, and what is said under Accepted: nothing can be reserved so.
_OF_ACCEPTED = frozenset({Reason.UNSUPPORTED_RESOURCE_TYPE, Reason.CREDENTIALS_UNSUITABLE, Reason.PERMISSION_DENIED})


def accepted() -> Verdict:
    """Say that all is well."""
    return conditions.true(Reason.ACCEPTED, "The spec and its credentials are good.")


def fault(facts: Facts) -> Verdict | None:
    """Say why the Lease is not accepted; None: it is."""
    status = facts.lease.status
    return (
        needs_no_cloud(facts)
        or credentials.fault(facts.fault, known=status.cloud is not None)
        # other credentials must not make a second lease in another cloud
        or credentials.elsewhere(status.cloud, facts.identity, "the lease was asked for")
        or _import(facts)
    )


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
