"""What is told, a line for each thing that happens: by people, by the world, and by Lessor. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line. `who`: a person, `nova`, or `lessor`; `warning`: it should be looked at."""

    at: datetime
    who: str
    text: str
    warning: bool = False

    def plain(self, begin: datetime) -> str:
        """Give it as a line of text, with the time of the story, which begins at midnight whenever it is told."""
        day, rest = divmod(self.at - begin, timedelta(days=1))
        hour, minute = divmod(rest // timedelta(minutes=1), 60)
        return f"day {day:2} {hour:02}:{minute:02}  {self.who:7} {self.text}"


def of_event(event: Mapping[str, Any], at: datetime) -> Line:
    """Give the line of a Kubernetes Event (events.k8s.io/v1) that Lessor wrote."""
    regarding = event["regarding"]["name"]
    return Line(at, "lessor", f"{regarding}: {event['note']}", event["type"] == "Warning")


class News:
    """All lines so far, in their order."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._told: dict[str, int] = {}

    def add(self, line: Line) -> Line:
        """Take one more."""
        self.lines.append(line)
        return line

    def is_new(self, event: Mapping[str, Any]) -> bool:
        """Tell whether this Event, or this repetition of it, was not told yet."""
        count = int((event.get("series") or {}).get("count", 1))
        uid = str(event["metadata"]["uid"])
        known, self._told[uid] = self._told.get(uid, 0), count
        return count > known
