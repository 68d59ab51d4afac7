"""The servers of one project as one list a minute knows them, served to all leases of the same credentials.

Incremental by `changes-since` with two minutes of overlap; in full at the start and every ten minutes. Absence from a
list decides nothing: who needs to know reads the server by its id.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lessor.model.observed import ObservedServer
from lessor.ports.cloud import ListedCloud

_OVERLAP = timedelta(minutes=2)
_FULL_EVERY = timedelta(minutes=10)


class Inventory:
    """The records of the servers that have leases. Thread-safe."""

    def __init__(self, leased: Callable[[], Mapping[str, str | None]], changed: Callable[[set[str]], None]) -> None:
        """Keep the records of leased servers only.

        Args:
            leased: the ids of the servers that have leases, each with the status that its lease tells.
            changed: is told the ids of servers that look different than before, or than their leases tell.
        """
        self._lock = threading.Lock()
        self._records: dict[str, ObservedServer] = {}
        self._read_meanwhile: set[str] = set()  # by their ids, since the list under way was asked for
        self._leased = leased
        self._changed = changed
        self._refreshed: datetime | None = None
        self._full: datetime | None = None

    def get(self, server_id: str) -> ObservedServer | None:
        """Give what was last seen of a server; None: not known, which says nothing about whether it is there."""
        with self._lock:
            return self._records.get(server_id)

    def learn(self, server: ObservedServer) -> None:
        """Take a server that was read by its id: newer than any list that is under way."""
        with self._lock:
            self._read_meanwhile.add(server.id)
            self._records[server.id] = server

    def forget(self, server_id: str) -> None:
        """Drop a server: it is gone, or has no lease any more."""
        with self._lock:
            self._read_meanwhile.add(server_id)
            self._records.pop(server_id, None)

    def age(self, now: datetime) -> timedelta | None:
        """Give how long ago the records were refreshed; None: never yet."""
        return None if self._refreshed is None else now - self._refreshed

    def __len__(self) -> int:
        return len(self._records)

    def refresh(self, cloud: ListedCloud, now: datetime) -> None:
        """Ask the cloud what changed; one request when that fits a page. Blocks.

        Raises:
            CloudError: nothing was learnt; the records stay as they were.
        """
        full = self._full is None or now - self._full >= _FULL_EVERY
        since = None if full or self._refreshed is None else self._refreshed - _OVERLAP
        leased = self._leased()
        with self._lock:
            self._read_meanwhile.clear()
        seen: dict[str, ObservedServer] = {}
        for page in cloud.pages(since):
            seen.update((server.id, server) for server in page if server.id in leased)
        changed = self._take(seen, leased, full=since is None)
        self._refreshed = now
        if since is None:
            self._full = now
        if changed:
            self._changed(changed)

    def _take(self, seen: dict[str, ObservedServer], leased: Mapping[str, str | None], *, full: bool) -> set[str]:
        changed = set()
        with self._lock:
            for server_id, server in seen.items():
                if server_id in self._read_meanwhile:
                    continue
                known = self._records.get(server_id)
                if known != server if known is not None else leased[server_id] != server.status:
                    changed.add(server_id)
                if server.over:
                    self._records.pop(server_id, None)
                else:
                    self._records[server_id] = server
            if full:
                for server_id in leased.keys() - seen.keys() - self._read_meanwhile:
                    known = self._records.pop(server_id, None)
                    if known is not None or leased[server_id] not in {None, "DELETED"}:
                        changed.add(server_id)
        return changed
