"""Where a process dies or an answer is lost: every effect and every write of a life is a point, and each can be cut."""

from dataclasses import dataclass, field
from enum import Enum


class How(Enum):
    """What happens at the point."""

    KILLED_BEFORE = "the process dies right before it"
    KILLED_AFTER = "the process dies right after it"
    REFUSED = "the service does not answer, and it is not done"
    LOST = "it is done, and the answer is lost"


class Cut(Exception):
    """The process dies here."""


@dataclass
class Knife:
    """Cuts one point of a life. `points` are all that were reached, in their order."""

    at: int | None = None
    how: How = How.KILLED_BEFORE
    points: list[str] = field(default_factory=list)

    def before(self, point: str, error: Exception) -> None:
        self.points.append(point)
        self._strike(How.KILLED_BEFORE, How.REFUSED, error)

    def after(self, error: Exception) -> None:
        self._strike(How.KILLED_AFTER, How.LOST, error)

    def _strike(self, killed: How, unanswered: How, error: Exception) -> None:
        if self.at != len(self.points) - 1:
            return
        if self.how is killed:
            raise Cut
        if self.how is unanswered:
            raise error
