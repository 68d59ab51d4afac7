"""Which lease holds which server: one lease a server, the oldest object first. In memory, rebuilt from the statuses."""

import threading
from collections.abc import Callable

from lessor.model import conditions
from lessor.model.conditions import ConditionType
from lessor.model.instancelease import InstanceLease

# Keystone URL, region, project, server id. The project keeps those who lead their own Nova to us from claiming others'.
Server = tuple[str, str, str, str]
_Rank = tuple[str, str]


class Registry:
    """The holders. Thread-safe: passes in threads enter their leases here."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        """Call `wake` with the uid of a lease that lost or won a server by what another one did."""
        self._lock = threading.Lock()
        self._wake = wake
        self._by_server: dict[Server, dict[str, tuple[_Rank, str]]] = {}
        self._of: dict[str, Server] = {}

    def claim(self, server: Server, lease: InstanceLease) -> str | None:
        """Enter the lease for the server. None: it holds it; else `namespace/name` of the lease that does."""
        meta = lease.metadata
        with self._lock:
            before = self._winner(server)
            self._leave(meta.uid, but=server)
            rank = (meta.creation_timestamp.isoformat(), meta.uid)
            self._by_server.setdefault(server, {})[meta.uid] = (rank, meta.key)
            self._of[meta.uid] = server
            winner = self._winner(server)
            holder = None if winner == meta.uid or winner is None else self._by_server[server][winner][1]
        if before is not None and before != winner:
            self._wake(before)
        return holder

    def restore(self, lease: InstanceLease) -> None:
        """Enter a lease as its status says it is, while no pass of ours says so: at the start, or for another."""
        status = lease.status
        accepted = conditions.is_true(status.conditions, ConditionType.ACCEPTED)
        if accepted and status.cloud is not None and status.server_id is not None and not lease.spec.suspend:
            cloud = status.cloud
            self.claim((cloud.auth_url, cloud.region, cloud.project_id, status.server_id), lease)
        else:
            self.release(lease.metadata.uid)

    def release(self, uid: str) -> None:
        """Let the server go that this lease holds or waits for; the next in line is woken."""
        with self._lock:
            server = self._of.get(uid)
            won = server is not None and self._winner(server) == uid
            self._leave(uid)
            heir = self._winner(server) if won and server is not None else None
        if heir is not None:
            self._wake(heir)

    def holds(self, uid: str) -> bool:
        """Tell whether this object is alive and holds a server."""
        with self._lock:
            server = self._of.get(uid)
            return server is not None and self._winner(server) == uid

    def _winner(self, server: Server) -> str | None:
        entered = self._by_server.get(server)
        return min(entered, key=lambda uid: entered[uid][0]) if entered else None

    def _leave(self, uid: str, but: Server | None = None) -> None:
        server = self._of.get(uid)
        if server is None or server == but:
            return
        del self._of[uid]
        entered = self._by_server[server]
        del entered[uid]
        if not entered:
            del self._by_server[server]
