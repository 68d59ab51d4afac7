"""The seam to the leader lock: whether this process may still change anything."""

from typing import Protocol


class NotLeading(Exception):
    """This process does not hold the leader lock, or not surely: it changes nothing, now or later."""


class Leadership(Protocol):
    """What a pass asks right before an effect. Never blocks; thread-safe."""

    def assure(self) -> None:
        """Return when this process leads.

        Raises:
            NotLeading: it does not, or its last renewal is too old to be sure.
        """

    def unsettled(self, seconds: float) -> float:
        """Give the seconds for which a request of the leader before may still last, if one may last this long."""
