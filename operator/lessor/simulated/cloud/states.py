"""Nova's states as tables: what status they show, which action is allowed in which, and by which steps it goes on.

Source: nova/api/openstack/common.py (_STATE_MAP), nova/compute/api.py (check_instance_state), nova/compute/manager.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

NOSTATE, RUNNING, PAUSED, SHUTDOWN = 0, 1, 3, 4

STATUS: Mapping[str, str] = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "resized": "VERIFY_RESIZE",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "rescued": "RESCUE",
    "error": "ERROR",
    "deleted": "DELETED",
    "soft-delete": "SOFT_DELETED",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
}
_RESIZING = dict.fromkeys(("resize_prep", "resize_migrating", "resize_migrated", "resize_finish"), "RESIZE")
# A task_state that changes what the vm_state shows.
STATUS_OF_TASK: Mapping[str, Mapping[str, str]] = {
    "active": {**_RESIZING, "rebooting": "REBOOT", "rebooting_hard": "HARD_REBOOT"},
    "stopped": _RESIZING,
    "resized": {"resize_reverting": "REVERT_RESIZE"},
}
# The power_states in which a server of that vm_state may be; any other world is impossible.
POWER: Mapping[str, tuple[int, ...]] = {
    "active": (RUNNING,),
    "building": (NOSTATE,),
    "stopped": (SHUTDOWN,),
    "resized": (RUNNING, SHUTDOWN),
    "paused": (PAUSED,),
    "suspended": (SHUTDOWN,),
    "rescued": (RUNNING,),
    "error": (NOSTATE, RUNNING, PAUSED, SHUTDOWN),
    "deleted": (NOSTATE, RUNNING, PAUSED, SHUTDOWN),
    "soft-delete": (NOSTATE, RUNNING, PAUSED, SHUTDOWN),
    "shelved": (SHUTDOWN,),
    "shelved_offloaded": (SHUTDOWN,),
}
HOSTLESS = frozenset({"shelved_offloaded", "building"})
OVER = frozenset({"deleted", "soft-delete"})


def status(vm_state: str, task_state: str | None) -> str:
    """Give the status that Nova shows for these states."""
    return STATUS_OF_TASK.get(vm_state, {}).get(task_state or "", STATUS.get(vm_state, "UNKNOWN"))


class Effect(StrEnum):
    """What the end of a step does beside the change of state."""

    NONE = "None"
    LAUNCH = "Launch"
    GONE = "Gone"
    SOFT_GONE = "SoftGone"
    SAVE_IMAGE = "SaveImage"  # its data begin to arrive
    KEEP_IMAGE = "KeepImage"  # it is active
    KEEP_SHELVED = "KeepShelved"  # the same for a `-shelved` one; and how long until the offload
    OFFLOAD = "Offload"
    PLACE = "Place"  # a host is looked for; without one all ends here
    UNSHELVE = "Unshelve"  # the `-shelved` image goes
    CONFIRM = "Confirm"
    REVERT = "Revert"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its task_state (None: nothing shows), and the states at its end (None: as before)."""

    task: str | None
    vm_state: str | None = None
    power: int | None = None
    effect: Effect = Effect.NONE


Plan = tuple[Step, ...]

BOOT: Plan = (Step("scheduling", effect=Effect.PLACE), Step("spawning", "active", RUNNING, Effect.LAUNCH))
OFFLOAD: Plan = (Step("shelving_offloading", "shelved_offloaded", SHUTDOWN, Effect.OFFLOAD),)
DELETE: Plan = (Step("deleting", "deleted", None, Effect.GONE),)
SOFT_DELETE: Plan = (Step("soft-deleting", "soft-delete", SHUTDOWN, Effect.SOFT_GONE),)
WAIT_FOR_OFFLOAD: Plan = (Step(None), *OFFLOAD)

# How long a task takes; "" is that of a step that shows none. Measured on Nova 34 with its fake driver.
DURATIONS: Mapping[str, timedelta | None] = {
    task: timedelta(seconds=seconds)
    for task, seconds in {
        "": 0.3,
        "scheduling": 0.5,
        "spawning": 1.5,
        "powering-off": 0.5,
        "powering-on": 0.7,
        "pausing": 0.3,
        "unpausing": 0.3,
        "suspending": 0.3,
        "resuming": 0.3,
        "rescuing": 0.5,
        "unrescuing": 0.5,
        "rebooting": 1.0,
        "rebooting_hard": 1.0,
        "shelving": 0.3,
        "shelving_image_uploading": 0.3,
        "shelving_offloading": 0.2,
        "unshelving": 1.0,
        "image_snapshot": 0.3,
        "image_uploading": 0.7,
        "resize_prep": 0.5,
        "resize_migrating": 0.5,
        "resize_finish": 0.5,
        "resize_reverting": 0.5,
        "deleting": 0.6,
        "soft-deleting": 0.6,
        "restoring": 0.5,
    }.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A server action.

    Attributes:
        word: its name in refusals.
        logged: its name in os-instance-actions.
        plans: the steps by the vm_state in which it is asked for; "" stands for each other one that is allowed.
        states: in which it is allowed; None: in all.
        any_task: it is allowed while a task runs.
        unlaunched: it is allowed before the first launch.
        past_lock: it is allowed to everybody on a locked server.
        needs_host: without a host Nova says "is not ready" before it looks at the states.
        policy: the rule that allows it to administrators only; "" allows it to the project's members.
    """

    word: str
    logged: str
    plans: Mapping[str, Plan] = field(default_factory=dict)
    states: frozenset[str] | None = None
    any_task: bool = False
    unlaunched: bool = False
    past_lock: bool = False
    needs_host: bool = False
    policy: str = ""

    def plan(self, vm_state: str) -> Plan:
        """Give the steps from this vm_state."""
        return self.plans.get(vm_state, self.plans.get("", ()))


def _action(word: str, states: str, *steps: Step, **more: object) -> Action:
    return Action(word=word, logged=word, states=frozenset(states.split()), plans={"": steps}, **more)  # type: ignore[arg-type]


_SHELVE = (
    Step("shelving", effect=Effect.SAVE_IMAGE),
    Step("shelving_image_uploading", "shelved", SHUTDOWN, Effect.KEEP_SHELVED),
)
_SNAPSHOT = (
    Step("image_snapshot", effect=Effect.SAVE_IMAGE),
    Step("image_uploading", effect=Effect.KEEP_IMAGE),
)
_RESIZE = (
    Step("resize_prep"),
    Step("resize_migrating"),
    Step("resize_finish", "resized"),
)

ACTIONS: Mapping[str, Action] = {
    "os-stop": _action("stop", "active error", Step("powering-off", "stopped", SHUTDOWN), needs_host=True),
    "os-start": _action("start", "stopped", Step("powering-on", "active", RUNNING, Effect.LAUNCH), needs_host=True),
    "pause": _action("pause", "active", Step("pausing", "paused", PAUSED)),
    "unpause": _action("unpause", "paused", Step("unpausing", "active", RUNNING)),
    "suspend": _action("suspend", "active", Step("suspending", "suspended", SHUTDOWN)),
    "resume": _action("resume", "suspended", Step("resuming", "active", RUNNING)),
    "rescue": _action("rescue", "active stopped error", Step("rescuing", "rescued", RUNNING, Effect.LAUNCH)),
    "unrescue": _action("unrescue", "rescued", Step("unrescuing", "active", RUNNING)),
    "shelve": _action("shelve", "active stopped paused suspended", *_SHELVE),
    "shelveOffload": Action(
        word="shelveOffload",
        logged="shelveOffload",
        states=frozenset({"shelved"}),
        plans={"": OFFLOAD},
        policy="os_compute_api:os-shelve:shelve_offload",
    ),
    "unshelve": Action(
        word="unshelve",
        logged="unshelve",
        states=frozenset({"shelved", "shelved_offloaded"}),
        plans={
            "shelved": (Step("unshelving", effect=Effect.UNSHELVE), Step("powering-on", "active", RUNNING)),
            "shelved_offloaded": (
                Step("unshelving", effect=Effect.PLACE),
                Step("spawning", "active", RUNNING, Effect.UNSHELVE),
            ),
        },
    ),
    "createImage": _action("createImage", "active stopped paused suspended", *_SNAPSHOT, past_lock=True),
    "resize": _action("resize", "active stopped", *_RESIZE),
    "confirmResize": _action("confirmResize", "resized", Step(None, effect=Effect.CONFIRM)),
    "revertResize": _action("revertResize", "resized", Step("resize_reverting", effect=Effect.REVERT)),
    "SOFT": _action("reboot", "active", Step("rebooting", "active", RUNNING)),
    "HARD": _action("reboot", "active stopped paused suspended error", Step("rebooting_hard", "active", RUNNING)),
    "restore": _action("restore", "soft-delete", Step("restoring", "active", RUNNING)),
    "forceDelete": Action(word="forceDelete", logged="delete", plans={"": DELETE}, any_task=True, unlaunched=True),
    "delete": Action(word="delete", logged="delete", plans={"": DELETE}, any_task=True, unlaunched=True),
}

# Where metadata may be written; whatever task runs. Source: nova/compute/api.py, update_instance_metadata.
METADATA_STATES = frozenset({"active", "paused", "suspended", "stopped"})
TAG_STATES = METADATA_STATES


def under_way(vm_state: str, task: str) -> Plan:
    """Give the steps of a task that runs on a server of this vm_state, and all after it; empty when none is so."""
    every: list[Plan] = [action.plan(vm_state) for action in ACTIONS.values() if _allowed(action, vm_state)]
    every += [BOOT] if vm_state == "building" else [OFFLOAD] if vm_state == "shelved" else []
    for plan in (*every, SOFT_DELETE):
        for index, step in enumerate(plan):
            if step.task == task:
                return plan[index:]
    return ()


def _allowed(action: Action, vm_state: str) -> bool:
    return action.states is None or vm_state in action.states
