"""Whether credentials are good, and lead where they led before: the same for all kinds."""

from lessor.model import conditions
from lessor.model.conditions import Fault, Reason, Verdict
from lessor.model.instancelease import CloudStatus
from lessor.model.observed import CloudIdentity

_FAULTS = frozenset(
    {
        Reason.CREDENTIALS_MISSING,
        Reason.CREDENTIALS_REFUSED,
        Reason.INVALID_CREDENTIALS,
        Reason.PERMISSION_DENIED,
        Reason.UNSUPPORTED_RESOURCE_TYPE,
    }
)


def fault(found: Fault | None, *, known: bool) -> Verdict | None:
    """Say why the cloud cannot be used. None: it can, or it is away and the object was accepted before (`known`)."""
    if found is None:
        return None
    if found.reason in _FAULTS:
        return conditions.false(found.reason, found.message)
    return None if known else conditions.false(Reason.CLOUD_UNAVAILABLE, found.message)


def elsewhere(known: CloudStatus | None, ours: CloudIdentity | None, when: str) -> Verdict | None:
    """Say that the credentials lead elsewhere than they did `when` the cloud was recorded; None: they do not."""
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
        f"The credentials lead elsewhere than when {when}: {'; '.join(changed)}. Nothing is done. "
        "Put the old credentials back, or delete this object and make a new one.",
    )
