"""What an informer tells: objects put and gone. Another informer than Kopf's could stand behind it."""

from typing import Any, Protocol

from lessor.model.names import Kind

KINDS = (Kind.INSTANCE_LEASE, Kind.LEASE_RENEWAL, Kind.LEASE, Kind.LEASE_POLICY)


class Source(Protocol):
    """Where the watches lead."""

    def put(self, kind: Kind, raw: dict[str, Any]) -> None:
        """Take an object that is there."""

    def gone(self, kind: Kind, raw: dict[str, Any]) -> None:
        """Take an object that was deleted."""
