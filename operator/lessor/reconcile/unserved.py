"""The kinds that this version knows by name only: each object is told so, once a generation."""

from datetime import datetime
from typing import Any

import msgspec

from lessor.model import conditions, wire
from lessor.model.conditions import Condition, ConditionType, Reason
from lessor.model.meta import ObjectMeta
from lessor.model.wire import Wire


class _Status(Wire, frozen=True, kw_only=True):
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()


class _Object(Wire, frozen=True, kw_only=True):
    metadata: ObjectMeta
    status: _Status = _Status()


_decoder = wire.decoder(_Object)


def answer(kind: str, body: bytes, now: datetime) -> tuple[ObjectMeta, dict[str, Any]] | None:
    """Give the metadata and the merge patch of the status; None when the object has its answer already."""
    try:
        seen = _decoder.decode(body)
    except msgspec.ValidationError:
        return None
    message = f"This version does not serve {kind} yet: nothing is done with this object."
    no = conditions.false(Reason.NOT_IMPLEMENTED_YET, message)
    said = {
        ConditionType.ACCEPTED: no,
        ConditionType.READY: no,
        ConditionType.STALLED: conditions.true(Reason.NOT_IMPLEMENTED_YET, message),
    }
    generation = seen.metadata.generation
    status = _Status(
        observed_generation=generation,
        conditions=conditions.merged(seen.status.conditions, said, generation, now),
    )
    patch = wire.merge_patch(wire.to_builtins(seen.status), wire.to_builtins(status))
    return (seen.metadata, patch) if patch else None
