"""What runs on the servers and comes to its end by itself, each step when its time has come.

Nothing here wakes up: `settle` is asked before every look, and does what is due, in the order in which it is due.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lessor.simulated.cloud import states
from lessor.simulated.cloud.images import Images
from lessor.simulated.cloud.server import Server
from lessor.simulated.cloud.states import Effect, Plan


class NoHost(Exception):
    """There is no host for a server, in the scheduler's words."""


NO_HOST = "No valid host was found. There are not enough hosts available."


@dataclass(slots=True, kw_only=True)
class Tasks:
    """The steps under way.

    Attributes:
        durations: of each task; None: it never ends.
        offload_after: from SHELVED to the offload; None: never by itself. Nova: `shelved_offload_time`.
        full: no host has room.
        place: gives the host for a server, or raises NoHost.
        broken: tasks that end in ERROR, by their task_state, and with which words.
    """

    images: Images
    durations: dict[str, timedelta | None] = field(default_factory=lambda: dict(states.DURATIONS))
    offload_after: timedelta | None = timedelta(0)
    full: bool = False
    broken: dict[str, str] = field(default_factory=dict)
    place: Callable[[Server], str] = lambda _: "host-1"
    _due: list[tuple[datetime, int, Server]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def begin(self, server: Server, plan: Plan, at: datetime) -> None:
        """Let a plan begin; what ran before is dropped."""
        server.steps = plan
        self._enter(server, at)

    def drop(self, server: Server, at: datetime) -> None:
        """Let what runs on it come to nothing."""
        self.begin(server, (), at)

    def next(self) -> datetime | None:
        """Give when the next step ends; None: nothing is under way that ever will."""
        while self._due and not _is_current(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def settle(self, now: datetime) -> None:
        """End all steps whose time has come."""
        while (due := self.next()) is not None and due <= now:
            server = heapq.heappop(self._due)[2]
            self._finish(server, due)

    def hasten(self, server: Server, until: datetime, now: datetime) -> None:
        """Let what would come to its end by then do so now."""
        while server.due is not None and server.due <= until:
            self._finish(server, now)

    def _enter(self, server: Server, at: datetime, wait: timedelta | None = None) -> None:
        """Let the first of the steps that are left begin."""
        step = server.steps[0] if server.steps else None
        server.task_state = step.task if step is not None else None
        server.entry = next(self._numbers)
        server.due = None
        server.touch(at)
        if step is None:
            return
        seconds = wait if wait is not None else self.durations[step.task or ""]
        if seconds is not None:
            server.due = at + seconds
            heapq.heappush(self._due, (server.due, server.entry, server))

    def _finish(self, server: Server, at: datetime) -> None:
        step, server.steps = server.steps[0], server.steps[1:]
        if step.task in self.broken:
            self._break(server, self.broken[step.task], at)
            return
        server.vm_state = step.vm_state or server.vm_state
        server.power_state = step.power if step.power is not None else server.power_state
        wait = self._do(step.effect, server, at)
        if server.vm_state == "stopped" and step.task == "resize_finish":
            server.power_state = states.SHUTDOWN
        self._enter(server, at, wait)

    def _break(self, server: Server, words: str, at: datetime) -> None:
        server.vm_state, server.fault = "error", words
        self.drop(server, at)

    def _do(self, effect: Effect, server: Server, at: datetime) -> timedelta | None:
        """Do what the end of a step brings; gives how long the next one waits, where its task does not say it."""
        match effect:
            case Effect.SAVE_IMAGE:
                self.images.comes_to(server.task_image_id, "saving", at)
            case Effect.KEEP_IMAGE:
                self.images.comes_to(server.task_image_id, "active", at)
                server.task_image_id = None
            case Effect.KEEP_SHELVED:
                return self._shelved(server, at)
            case Effect.PLACE:
                self._place(server, at)
            case Effect.UNSHELVE:
                self.images.remove(server.shelved_image_id)
                server.shelved_image_id, server.launched = None, at
            case _:
                _change(effect, server, at)
        return None

    def _shelved(self, server: Server, at: datetime) -> timedelta | None:
        self.images.comes_to(server.task_image_id, "active", at)
        server.shelved_image_id, server.task_image_id = server.task_image_id, None
        if self.offload_after is None:
            return None
        if self.offload_after == timedelta(0):
            server.steps = states.OFFLOAD
            return None
        server.steps = states.WAIT_FOR_OFFLOAD
        return self.offload_after

    def _host(self, server: Server) -> str:
        if self.full:
            raise NoHost(NO_HOST)
        return self.place(server)

    def _place(self, server: Server, at: datetime) -> None:
        try:
            server.host = self._host(server)
        except NoHost as no:
            server.steps = ()
            if server.vm_state == "building":
                server.vm_state, server.fault = "error", str(no)
            server.touch(at)


def _change(effect: Effect, server: Server, at: datetime) -> None:
    """Do what changes the server alone."""
    match effect:
        case Effect.LAUNCH:
            server.launched, server.fault = at, None
        case Effect.GONE:
            # Source: nova/db/main/api.py (instance_destroy): its metadata are deleted with it.
            server.terminated, server.host, server.metadata = at, None, {}
        case Effect.OFFLOAD:
            server.host = None
        case Effect.CONFIRM:
            server.vm_state, server.other_flavor = _by_power(server), None
        case Effect.REVERT:
            server.vm_state, server.flavor = _by_power(server), server.other_flavor or server.flavor
            server.other_flavor = None


def _by_power(server: Server) -> str:
    return "active" if server.power_state == states.RUNNING else "stopped"


def _is_current(entry: tuple[datetime, int, Server]) -> bool:
    return entry[2].entry == entry[1] and entry[2].due is not None
