"""What the manager asks of the plugin of a type, and what it tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lessor.simulated.cloud.blazar.lease import Lease, Reservation, Trust
from lessor.simulated.cloud.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a plugin: the values of the body, the time, and by whose trust."""

    values: Mapping[str, Any]
    start: datetime
    end: datetime
    trust: Trust


class Plugin(Protocol):
    """One type of reservation. All may raise `Refused`."""

    def candidates(self, wanted: Wanted) -> list[str]:
        """Choose what would be reserved: it is asked of each type before anything is made."""

    def reserve(self, reservation: Reservation, wanted: Wanted) -> None:
        """Reserve it: fill the reservation."""

    def update(self, reservation: Reservation, lease: Lease, wanted: Wanted) -> None:
        """Change a reservation; the values that are not asked for stay."""

    def start(self, reservation: Reservation, trust: Trust) -> None:
        """Hand over what is reserved."""

    def before_end(self, reservation: Reservation, trust: Trust) -> None:
        """Do what was asked for before the end."""

    def end(self, reservation: Reservation, trust: Trust) -> None:
        """Begin to take it back: what is reserved is free from here on, and its servers are being deleted."""

    def servers(self, reservation: Reservation) -> list[Server]:
        """Give the servers that must be gone first."""

    def clear(self, reservation: Reservation) -> None:
        """Take away what was made for it, when its servers are gone."""

    def destroy(self, reservation: Reservation) -> None:
        """Forget what it held, with its lease."""


def whole(values: Mapping[str, Any], key: str) -> bool:
    """Tell whether a value is a whole number or the text of one."""
    value = values[key]
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.lstrip("-").isdigit() and value.isascii())
