"""Whether this version can do what a spec declares: values that it does not know, and parts that come later."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from lessor.model import conditions
from lessor.model.conditions import Reason, Verdict
from lessor.model.instancelease import Action, InstanceLeaseSpec, OnDelete, RenewFrom


def fault(spec: InstanceLeaseSpec) -> Verdict | None:
    """Give why the spec is not accepted, None when it is: the first of the faults, in this order."""
    return _later(spec) or _unknown_value(spec) or _incomplete(spec)


def _later(spec: InstanceLeaseSpec) -> Verdict | None:
    notices = spec.notifications
    parts = {
        "spec.policyRef": spec.policy_ref is not None,
        "spec.serverTemplate": spec.server_template is not None,
        "spec.owner": spec.owner is not None,
        "spec.notifications.offsets": notices is not None and bool(notices.offsets),
        "spec.notifications.daily": notices is not None and notices.daily is not None,
        "spec.notifications.channels": notices is not None and bool(notices.channels),
    }
    return later(parts)


def later(parts: Mapping[str, bool]) -> Verdict | None:
    """Say which parts of a spec this version does not do yet, of these paths and whether they are declared."""
    named = [path for path, there in parts.items() if there]
    if not named:
        return None
    return conditions.false(
        Reason.NOT_IMPLEMENTED_YET,
        f"This version does not do {', '.join(named)} yet, so nothing is done with this object. Remove "
        f"{'it' if len(named) == 1 else 'them'}, or wait for a version that does.",
    )


def _unknown_value(spec: InstanceLeaseSpec) -> Verdict | None:
    values: list[tuple[str, str | None, tuple[str, ...]]] = [
        (f"spec.expiry.stages[{index}].action", stage.action, tuple(Action)) for index, stage in enumerate(spec.stages)
    ]
    values.append(("spec.onDelete", spec.on_delete, tuple(OnDelete)))
    values.append(("spec.renewal.from", spec.renewal.from_ if spec.renewal is not None else None, tuple(RenewFrom)))
    for path, value, known in values:
        if value is not None and value not in known:
            return unknown(path, value, known)
    return None


def unknown(path: str, value: str, known: Iterable[str]) -> Verdict:
    """Say that a value is none that this version knows."""
    return conditions.false(
        Reason.UNSUPPORTED_VALUE,
        f"{path} is {value!r}, which this version does not know; it knows {', '.join(known)}. "
        "Change it, or run a newer version of Lessor.",
    )


def _incomplete(spec: InstanceLeaseSpec) -> Verdict | None:
    """What the schema of the CRD refuses, for a cluster whose CRD is not ours."""
    missing = None
    if spec.cloud_credentials_ref is None:
        missing = "spec.cloudCredentialsRef"
    elif spec.server is None or (spec.server.id is None) == (spec.server.name is None):
        missing = "exactly one of spec.server.id and spec.server.name"
    elif (spec.duration is None) == (spec.expire_time is None):
        missing = "exactly one of spec.duration and spec.expireTime"
    elif not _rising(spec):
        missing = "spec.expiry.stages with `after` rising, each action at most once and Delete last"
    if missing is None:
        return None
    return conditions.false(Reason.INVALID_SPEC, f"The spec needs {missing}.")


def _rising(spec: InstanceLeaseSpec) -> bool:
    actions = [stage.action for stage in spec.stages]
    times = [stage.after.delta for stage in spec.stages]
    rising = all(earlier < later for earlier, later in pairwise(times))
    return bool(actions) and rising and len(set(actions)) == len(actions) and Action.DELETE not in actions[:-1]
