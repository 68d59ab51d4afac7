"""The seam to Blazar: what a pass may ask of it, and how it is told no.

CloudError (ports/cloud.py)       credentials, away, 403 and the like, as for any service
+-- LeaseRefused                  no, until the spec changes, in Blazar's words
|   +-- UnsupportedResourceType   the cloud has no plugin for this type
|   +-- NotExtendableYet          too early to extend; knows from when on (Chameleon)
+-- NotEnoughResources            no, until others let go
+-- LeaseBusy                     in a state of passage: read again
+-- LeaseExists                   409: the id is taken
+-- Unexplained                   500 without a reason: it may have been done

HTTP 500 is Blazar's normal no: the table is in `blazar_answers.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol

from lessor.model.conditions import Reason
from lessor.model.observed import CloudIdentity
from lessor.model.reservations import LeaseChange, ObservedLease, WantedLease
from lessor.ports.cloud import CloudError


class LeaseRefused(CloudError):
    """No, until a person changes the spec."""

    reason = Reason.REFUSED


class UnsupportedResourceType(LeaseRefused):
    """The cloud's Blazar has no plugin for this type of reservation."""

    reason = Reason.UNSUPPORTED_RESOURCE_TYPE


class NotExtendableYet(LeaseRefused):
    """The lease can be extended only shortly before its end. Chameleon's Blazar alone."""

    reason = Reason.TOO_EARLY

    def __init__(self, message: str, within: timedelta) -> None:
        super().__init__(message)
        self.within = within


class NotEnoughResources(CloudError):
    """No, until others let go."""

    reason = Reason.NOT_ENOUGH_RESOURCES


class LeaseBusy(CloudError):
    """The lease is in a state of passage: it takes no change now."""

    reason = Reason.UNCERTAIN


class LeaseExists(CloudError):
    """There is a lease of this id."""

    reason = Reason.UNCERTAIN


class Unexplained(CloudError):
    """A fault without a reason: the request may have been done all the same."""

    reason = Reason.UNCERTAIN


class Reservations(Protocol):
    """Blazar, and what it leans on, as one set of credentials sees it. Every method may raise a CloudError.

    Methods block until the answer, at most 90 s, and never repeat a request by themselves.
    """

    @property
    def identity(self) -> CloudIdentity:
        """Who we are there."""

    def leases(self) -> tuple[ObservedLease, ...]:
        """List the leases of the token's project: an administrator's list is cut down to it."""

    def lease(self, lease_id: str) -> ObservedLease | None:
        """Read one lease. None: 404; a foreign project's is a PermissionRefused."""

    def create(self, wanted: WantedLease) -> ObservedLease:
        """Make a lease; its answer may show another id where a Blazar does not take ours."""

    def change(self, lease_id: str, change: LeaseChange) -> None:
        """Change a lease. What came of it must be read: Blazar's answer shows a state of passage."""

    def delete(self, lease_id: str) -> None:
        """Delete a lease, and with it every server on what it reserved; one that is gone already is no error."""

    def flavor_id(self, flavor: str) -> str | None:
        """Give the id of the flavor of this id or name, as the user sees it. None: there is none."""

    def network_id(self, network: str) -> str | None:
        """Give the id of the external network of this id or name. None: there is none."""

    def floating_ips(self, reservation_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Give the addresses that the project has of each of these reservations; each in order."""
