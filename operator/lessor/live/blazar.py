"""Blazar as raw JSON, and what it leans on, by the token of the lease's own project: `ports.reservations.Reservations`.

Its own client is not used: it reads dates less exactly than they are needed, repeats nothing of what was answered but
the words, and has no way to choose a lease's id. Nothing is sent twice here either: what a lost answer was is read.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from lessor.live import blazar_records, lookups
from lessor.live.blazar_records import One, Record, Several
from lessor.live.sending import Sender, decoded
from lessor.live.services import BLAZAR
from lessor.model.observed import CloudIdentity
from lessor.model.reservations import LeaseChange, ObservedLease, WantedLease
from lessor.ports import cloud


class Blazar:
    """The leases of one project of one cloud: `ports.reservations.Reservations`."""

    def __init__(self, session: Sender) -> None:
        self._session = session

    @property
    def identity(self) -> CloudIdentity:
        """Who we are there."""
        return self._session.identity

    # ------------------------------------------------------------ looking

    def leases(self) -> tuple[ObservedLease, ...]:
        """List the leases of the token's project.

        Blazar knows no pages and no filters, and shows an administrator every project's.
        Source: blazar/api/v1/leases/service.py, get_leases.
        """
        data = self._session.send(BLAZAR, "leases.list", "GET", "/leases")
        return tuple(blazar_records.observed(one) for one in decoded(data, Several).leases if self._is_ours(one))

    def lease(self, lease_id: str) -> ObservedLease | None:
        """Read one lease. None: 404. A foreign project's is refused, by Blazar or, to an administrator, here."""
        try:
            data = self._session.send(BLAZAR, "leases.get", "GET", _path(lease_id))
        except cloud.NotFound:
            return None
        record = decoded(data, One).lease
        if not self._is_ours(record):
            raise cloud.PermissionRefused(f"The lease {lease_id} belongs to another project than the credentials.")
        return blazar_records.observed(record)

    def flavor_id(self, flavor: str) -> str | None:
        """Give the id of the flavor of this id or name, as the user sees it."""
        return lookups.flavor_id(self._session, flavor)

    def network_id(self, network: str) -> str | None:
        """Give the id of the external network of this id or name."""
        return lookups.network_id(self._session, network)

    def floating_ips(self, reservation_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give the addresses that the project has of each of these reservations."""
        return lookups.floating_ips(self._session, reservation_ids)

    # ------------------------------------------------------------ acting

    def create(self, wanted: WantedLease) -> ObservedLease:
        """POST: 201 with the lease, PENDING. The id that is sent becomes the lease's.

        Source: blazar/db/sqlalchemy/api.py, lease_create: every value of the body goes into the record.
        """
        data = self._session.send(BLAZAR, "leases.create", "POST", "/leases", blazar_records.body(wanted))
        return blazar_records.observed(decoded(data, One).lease)

    def change(self, lease_id: str, change: LeaseChange) -> None:
        """PUT: 200 with a lease that reads UPDATING, whatever came of it: it is not read.

        Source: blazar/status.py, lease_status: the state is written after the answer was made.
        """
        self._session.send(BLAZAR, "leases.update", "PUT", _path(lease_id), blazar_records.changes(change))

    def delete(self, lease_id: str) -> None:
        """DELETE: 204 (Chameleon: 200) when all servers on what it reserved are gone, which may take long."""
        try:
            self._session.send(BLAZAR, "leases.delete", "DELETE", _path(lease_id))
        except cloud.NotFound:
            return

    def _is_ours(self, record: Record) -> bool:
        return record.project_id == self._session.identity.project_id


def _path(lease_id: str) -> str:
    return f"/leases/{quote(lease_id, safe='')}"
