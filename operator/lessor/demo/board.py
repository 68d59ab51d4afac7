"""What the screen shows of each server, and of each Lease: how it is, what its lease says, a line of days. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from lessor.demo.story import DAYS


class Cell(StrEnum):
    """How a server or a Lease spent a day."""

    NOTHING = " "
    WAITING = "?"
    RUNNING = "━"
    LATE = "═"
    HELD = "╌"
    SHELVED = "·"
    GONE = "x"


NONE_YET = "no lease"  # what Blazar says of a Lease that has none
_OVER = "over"
_CELLS = {
    "ACTIVE": Cell.RUNNING,
    "SHUTOFF": Cell.HELD,
    "SHELVED": Cell.SHELVED,
    "SHELVED_OFFLOADED": Cell.SHELVED,
    "DELETED": Cell.GONE,
    "TERMINATED": Cell.NOTHING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One server as it is now: Nova's status (None: it is gone), and its InstanceLease (None: it has none).

    Or one Lease: Blazar's state, or `NONE_YET`, and the Lease itself (None: it is not there yet).
    """

    person: str
    name: str
    status: str | None
    locked: bool
    lease: Mapping[str, Any] | None


@dataclass(slots=True)
class Row:
    """One line of the table."""

    person: str
    name: str
    server: str = ""
    lease: str = ""
    ends: str = ""
    days: list[Cell] = field(default_factory=lambda: [Cell.NOTHING] * DAYS)


class Board:
    """The table. `look` is told of each server again and again, as the time goes on."""

    def __init__(self, begin: datetime) -> None:
        self._begin = begin
        self.rows: dict[str, Row] = {}

    def look(self, seen: Seen, now: datetime) -> None:
        """Take in how a server is now."""
        row = self.rows.setdefault(seen.name, Row(seen.person, seen.name))
        row.server = _server(seen)
        row.lease = reason(seen.lease)
        row.ends = _ends(seen.lease, now)
        day = min((now - self._begin) // timedelta(days=1), DAYS - 1)
        cell = _cell(seen)
        row.days[day] = Cell.LATE if cell is Cell.RUNNING and row.ends == _OVER else cell


def reason(lease: Mapping[str, Any] | None) -> str:
    """Give what the lease's Ready says: its reason; empty: nothing yet."""
    if lease is None:
        return ""
    conditions = lease.get("status", {}).get("conditions", ())
    return next((str(one["reason"]) for one in conditions if one["type"] == "Ready"), "")


def _cell(seen: Seen) -> Cell:
    if seen.status == NONE_YET:
        return Cell.WAITING if seen.lease is not None else Cell.NOTHING
    return _CELLS.get(seen.status or "DELETED", Cell.RUNNING)


def _server(seen: Seen) -> str:
    return f"{seen.status or 'gone'}{' locked' if seen.locked else ''}"


def _ends(lease: Mapping[str, Any] | None, now: datetime) -> str:
    status = (lease or {}).get("status", {})
    text = status.get("expireTime") or status.get("endTime")  # of an InstanceLease, of a Lease
    if text is None:
        return ""
    left = datetime.fromisoformat(text) - now
    if left <= timedelta():
        return _OVER
    return f"in {left.days} d" if left >= timedelta(days=1) else f"in {left // timedelta(hours=1)} h"
