"""One open watch: what it still has to hand over, and how it ends.

Faults are drawn for each event with the line `EVENT DELETED /apis/.../name`: REFUSE tells an ERROR in its place and
ends the watch, so that with 410 a deletion is never told of; CUT_BEFORE and CUT_AFTER lose the connection; TRUNCATE
ends it in the middle of the event; HANG leaves it open and silent; LATE and REPEAT as they say.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from lessor.simulated.cluster import refusals
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.selectors import Selector
from lessor.simulated.cluster.store import Change
from lessor.simulated.faults import Fault, What

Render = Callable[[str, Object], Object]
Draw = Callable[[str], Fault | None]


class Ending(StrEnum):
    """How a watch is over, once all that it had to hand over is handed over."""

    CLEAN = "Clean"  # the answer ends as it should
    CUT = "Cut"  # the connection is lost
    SILENT = "Silent"  # it stays open, and nothing comes any more


class Watch:
    """The changes of one resource that one client asked for.

    Attributes:
        seconds: how long it stays open.
        bookmarks: the client asked for them.
        ending: None while it is open.
        arrived: called when there is something to take, or it ended.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        namespace: str = "",
        selector: Selector,
        render: Render,
        draw: Draw,
    ) -> None:
        """Watch the objects that the selector, which sees them in the resource's form, tells."""
        self.resource = resource
        self.seconds: float = 1800.0
        self.bookmarks = False
        self.ending: Ending | None = None
        self.arrived: Callable[[], None] = lambda: None
        self._namespace = namespace
        self._selector = selector
        self._render = render
        self._draw = draw
        self._pending: deque[bytes] = deque()
        self._held: list[bytes] = []

    @property
    def waiting(self) -> bool:
        """Tell whether something is there that was not taken yet."""
        return bool(self._pending)

    def take(self) -> bytes:
        """Give all that waits, one line an event; empty: nothing."""
        taken = b"".join(self._pending)
        self._pending.clear()
        return taken

    def begin(self, stored: Object) -> None:
        """Tell of an object that was there at the start."""
        shown = self.resource.view(stored)
        if self._mine(stored, shown):
            self._tell("ADDED", shown)

    def see(self, change: Change) -> None:
        """Tell of a change, if it is one of what is watched."""
        if self.ending is not None or change.storage != self.resource.storage:
            return
        before = change.old is not None and self._mine(change.old)
        after = change.new is not None and self._mine(change.new)
        if after:
            self._tell("MODIFIED" if before else "ADDED", self.resource.view(change.last))
        elif before:
            self._tell("DELETED", self.resource.view(self._left(change)))

    def bookmark(self, version: int, **annotations: str) -> None:
        """Tell up to which version everything was told, if the client asked for it."""
        if not self.bookmarks or self.ending is not None or self._held:
            return
        metadata: Object = {"resourceVersion": str(version), **({"annotations": annotations} if annotations else {})}
        whole = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "metadata": metadata}
        self._push(_line("BOOKMARK", self._render("BOOKMARK", whole)))

    def fail(self, code: int, message: str) -> None:
        """Tell an error and end."""
        if self.ending is None:
            self._push(_line("ERROR", refusals.status(code, message)))
            self.end(Ending.CLEAN)

    def end(self, ending: Ending) -> None:
        """End, after all that waits; once ended it stays so."""
        self.ending = self.ending or ending
        self.arrived()

    def _mine(self, stored: Object, shown: Object | None = None) -> bool:
        if self._namespace and stored["metadata"].get("namespace") != self._namespace:
            return False
        return self._selector(shown or self.resource.view(stored))

    @staticmethod
    def _left(change: Change) -> Object:
        """Give the last state that was watched, under the version of the change.

        Source: k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go.
        """
        if change.new is None or change.old is None:
            return change.last
        return {**change.old, "metadata": {**change.old["metadata"], "resourceVersion": str(change.version)}}

    def _tell(self, kind: str, shown: Object) -> None:
        metadata = shown["metadata"]
        path = self.resource.path(metadata.get("namespace", ""), metadata["name"])
        fault = self._draw(f"EVENT {kind} {path}")
        if fault is not None and fault.what in {What.REFUSE, What.CUT_BEFORE, What.HANG}:
            self._break(fault)
            return
        line = _line(kind, self._render(kind, shown))
        match fault.what if fault is not None else None:
            case What.LATE:
                self._held.append(line)
                return
            case What.TRUNCATE:
                self._push(line[: len(line) // 2])
                self.end(Ending.CLEAN)
            case What.REPEAT:
                self._push(line, line)
            case What.CUT_AFTER:
                self._push(line)
                self.end(Ending.CUT)
            case _:
                self._push(line)

    def _break(self, fault: Fault) -> None:
        if fault.what is What.REFUSE:
            self.fail(fault.code, fault.message)
        else:
            self.end(Ending.CUT if fault.what is What.CUT_BEFORE else Ending.SILENT)

    def _push(self, *lines: bytes) -> None:
        self._pending.extend((*self._held, *lines))
        self._held.clear()
        self.arrived()


def _line(kind: str, shown: Object) -> bytes:
    return msgspec.json.encode({"type": kind, "object": shown}) + b"\n"
