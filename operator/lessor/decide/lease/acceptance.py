"""Whether this version can do what a Lease declares: what is not done yet, unknown values, what no Blazar takes."""

import json
from collections.abc import Iterator
from enum import StrEnum

from lessor.decide import acceptance
from lessor.model import conditions
from lessor.model.conditions import Reason, Verdict
from lessor.model.instancelease import OnDelete
from lessor.model.lease import Affinity, BeforeEndAction, LeaseSpec, OnServerError, RenewalMode, Reservation

_OPERATORS = ("==", "=", "!=", ">=", "<=", ">", "<")
_TRIPLE = 3


def fault(spec: LeaseSpec) -> Verdict | None:
    """Give why the spec is not accepted, None when it is: the first of the faults, in this order."""
    return _later(spec) or _unknown_value(spec) or _incomplete(spec) or _expressions(spec)


def _later(spec: LeaseSpec) -> Verdict | None:
    parts = {
        "spec.notifications": spec.notifications is not None,
        "spec.onServerError": spec.on_server_error is not None,
    }
    return acceptance.later(parts)


def _unknown_value(spec: LeaseSpec) -> Verdict | None:
    for path, value, known in _values(spec):
        if value is not None and value not in tuple(known):
            return acceptance.unknown(path, value, known)
    return None


def _values(spec: LeaseSpec) -> Iterator[tuple[str, str | None, type[StrEnum]]]:
    yield "spec.onDelete", spec.on_delete, OnDelete
    yield "spec.renewal.mode", spec.renewal.mode if spec.renewal is not None else None, RenewalMode
    rule = spec.on_server_error
    yield "spec.onServerError.action", rule.action if rule is not None else None, OnServerError
    for one in spec.reservations:
        path = f"spec.reservations[{one.name}]"
        if one.host is not None:
            yield f"{path}.host.beforeEndAction", one.host.before_end_action, BeforeEndAction
        if one.device is not None:
            yield f"{path}.device.beforeEndAction", one.device.before_end_action, BeforeEndAction
        if one.instance is not None:
            yield f"{path}.instance.affinity", one.instance.affinity, Affinity


def _incomplete(spec: LeaseSpec) -> Verdict | None:
    """What the schema of the CRD refuses, for a cluster whose CRD is not ours."""
    missing = None
    names = [one.name for one in spec.reservations]
    if spec.cloud_credentials_ref is None:
        missing = "spec.cloudCredentialsRef"
    elif not spec.reservations and spec.import_ is None:
        missing = "at least one of spec.reservations"
    elif len(set(names)) < len(names) or any(_types(one) != 1 for one in spec.reservations):
        missing = "spec.reservations with different names and exactly one type each"
    elif spec.import_ is not None and (spec.import_.id is None) == (spec.import_.name is None):
        missing = "exactly one of spec.import.id and spec.import.name"
    elif spec.duration is not None and spec.end_time is not None:
        missing = "at most one of spec.duration and spec.endTime"
    elif spec.start_time is not None and spec.end_time is not None and spec.end_time <= spec.start_time:
        missing = "spec.endTime after spec.startTime"
    elif spec.renewal is not None and spec.renewal.mode == RenewalMode.AUTO and spec.renewal.max_total is None:
        missing = "spec.renewal.maxTotal with the mode Auto"
    if missing is None:
        return None
    return conditions.false(Reason.INVALID_SPEC, f"The spec needs {missing}.")


def _types(one: Reservation) -> int:
    members = (one.host, one.instance, one.flavor, one.floating_ip, one.network, one.device)
    return sum(member is not None for member in members)


# ---------------------------------------------------------------- expressions


def _expressions(spec: LeaseSpec) -> Verdict | None:
    for path, text in _properties(spec):
        wrong = expression_fault(text) if text else None
        if wrong is not None:
            return conditions.false(
                Reason.INVALID_SPEC,
                f'{path} {wrong}. Blazar takes ["==", "$key", "value"], with one of {" ".join(_OPERATORS)}, or several '
                'of these in ["and", [...], [...]]; all strings.',
            )
    return None


def _properties(spec: LeaseSpec) -> Iterator[tuple[str, str | None]]:
    for one in spec.reservations:
        path = f"spec.reservations[{one.name}]"
        if one.host is not None:
            yield f"{path}.host.hypervisorProperties", one.host.hypervisor_properties
            yield f"{path}.host.resourceProperties", one.host.resource_properties
        if one.instance is not None:
            yield f"{path}.instance.resourceProperties", one.instance.resource_properties
        if one.network is not None:
            yield f"{path}.network.resourceProperties", one.network.resource_properties
        if one.device is not None:
            yield f"{path}.device.resourceProperties", one.device.resource_properties


def expression_fault(text: str) -> str | None:
    """Say what is wrong with an expression for Blazar; None: nothing.

    Source: blazar/utils/plugins.py, convert_requirements: three strings, or "and" with such triples behind it.
    """
    try:
        value = json.loads(text)
    except ValueError:
        return "is not JSON"
    except RecursionError:
        return "is nested too deeply"
    triples = value[1:] if isinstance(value, list) and value[:1] == ["and"] else [value]
    if not triples or not all(_is_triple(triple) for triple in triples):
        return "is no expression that Blazar knows"
    return None


def _is_triple(value: object) -> bool:
    if not isinstance(value, list) or len(value) != _TRIPLE or not all(isinstance(part, str) for part in value):
        return False
    return value[0] in _OPERATORS and value[1].startswith("$")
