"""Action by server state: the total table of what a stage does, and which stage is next.

Source: nova/compute/api.py (check_instance_state of stop, shelve, snapshot, delete), tried on Nova 34, API 2.73.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lessor.decide.window import Term
from lessor.model import times
from lessor.model.instancelease import Action, InstanceLeaseSpec, InstanceLeaseStatus, Stage


class Move(StrEnum):
    """What an action means in a state."""

    DO = "Do"
    ALREADY_DONE = "AlreadyDone"
    LOCK_ONLY = "LockOnly"
    WAIT = "Wait"


_ROWS: Mapping[str, tuple[Move, Move, Move, Move]] = {
    #                     Stop               Shelve             Snapshot           Delete
    "active": (Move.DO, Move.DO, Move.DO, Move.DO),
    "stopped": (Move.ALREADY_DONE, Move.DO, Move.DO, Move.DO),
    "paused": (Move.ALREADY_DONE, Move.DO, Move.DO, Move.DO),
    "suspended": (Move.ALREADY_DONE, Move.DO, Move.DO, Move.DO),
    # `shelved` is on its way to be offloaded: the stage is done when it is
    "shelved": (Move.ALREADY_DONE, Move.WAIT, Move.ALREADY_DONE, Move.DO),
    # its `-shelved` image is the snapshot
    "shelved_offloaded": (Move.ALREADY_DONE, Move.ALREADY_DONE, Move.ALREADY_DONE, Move.DO),
    "rescued": (Move.LOCK_ONLY, Move.LOCK_ONLY, Move.LOCK_ONLY, Move.DO),
    # to confirm a resize is the owner's
    "resized": (Move.LOCK_ONLY, Move.LOCK_ONLY, Move.LOCK_ONLY, Move.DO),
    "error": (Move.DO, Move.LOCK_ONLY, Move.LOCK_ONLY, Move.DO),
    "building": (Move.WAIT, Move.WAIT, Move.WAIT, Move.WAIT),
}
_COLUMNS = (Action.STOP, Action.SHELVE, Action.SNAPSHOT, Action.DELETE)

# The task_states of our own deeds: to wait for them is no news. Source: nova/compute/task_states.py.
OWN_TASKS: Mapping[Action, frozenset[str]] = {
    Action.STOP: frozenset({"powering-off"}),
    Action.SHELVE: frozenset(
        {"shelving", "shelving_image_pending_upload", "shelving_image_uploading", "shelving_offloading"}
    ),
    Action.SNAPSHOT: frozenset({"image_snapshot_pending", "image_snapshot", "image_pending_upload", "image_uploading"}),
    Action.DELETE: frozenset({"deleting", "soft-deleting"}),
}


def move(action: Action, vm_state: str) -> Move:
    """Give what the action means in this vm_state, with no task running; a state that is not listed is Wait."""
    row = _ROWS.get(vm_state)
    return Move.WAIT if row is None else row[_COLUMNS.index(action)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next stage and its time.

    Attributes:
        stage: as declared.
        action: its action.
        time: no earlier than the end plus `after`, and no sooner after the stage before it than declared.
        lock: whether the server is locked after it: by this stage or by one before it.
    """

    stage: Stage
    action: Action
    time: datetime
    lock: bool


def pending(spec: InstanceLeaseSpec, status: InstanceLeaseStatus, term: Term) -> Due | None:
    """Give the first declared stage that was not seen done since the end; None when all were.

    The spec is accepted: its actions are known.
    """
    stages, last = spec.stages, status.stage
    done = last.all if last is not None else ()
    at = next((i for i, stage in enumerate(stages) if stage.action not in done), None)
    if at is None:
        return None
    stage = stages[at]
    time = times.later(term.end, stage.after.delta)
    if at > 0 and last is not None:
        time = max(time, times.later(last.time, stage.after.delta - stages[at - 1].after.delta))
    lock = any(declared.lock for declared in stages[: at + 1])
    return Due(stage=stage, action=Action(stage.action), time=time, lock=lock)


def stops(status: InstanceLeaseStatus) -> bool:
    """Tell whether a stage seen done should have left the server not running."""
    done = status.stage.all if status.stage is not None else ()
    return Action.STOP in done or Action.SHELVE in done


def key(uid: str, due: Due) -> str:
    """Give the `lessor_stage` of a snapshot's image: the object, the action and the stage's time."""
    return f"{uid}/{due.action}/{due.time:%Y%m%dT%H%M%SZ}"
