"""Blazar as a user of it sees it, through the client that its own users have: the witness of what Lessor did."""

from contextlib import suppress
from typing import Any

from blazarclient import client
from blazarclient.exception import BlazarClientException
from keystoneauth1 import loading
from keystoneauth1 import session as keystone

from tests.e2e.openstack_users import User


class Blazar:
    """Leases of one user."""

    def __init__(self, user: User) -> None:
        auth = loading.get_plugin_loader("password").load_from_options(
            **{"user_domain_name": "Default", "project_domain_name": "Default", **user.config["auth"]}
        )
        self._leases = client.Client(session=keystone.Session(auth=auth), service_type="reservation").lease

    def lease(self, lease_id: str) -> dict[str, Any] | None:
        """Read a lease; None: 404."""
        try:
            found: dict[str, Any] = self._leases.get(lease_id)
        except BlazarClientException as error:
            if error.kwargs["code"] != 404:
                raise
            return None
        return found

    def all(self) -> list[dict[str, Any]]:
        """Give all leases of the project."""
        return list(self._leases.list())

    def named(self, name: str) -> list[dict[str, Any]]:
        """Give the leases of that name."""
        return [lease for lease in self.all() if lease["name"] == name]

    def reserve(self, name: str, *, hosts: int, start: str, end: str) -> str:
        """Make a lease of hosts by hand; gives its id. `start` and `end` as manifests have them."""
        reservation = {
            "resource_type": "physical:host",
            "min": hosts,
            "max": hosts,
            "hypervisor_properties": "",
            "resource_properties": "",
        }
        made = self._leases.create(name, _minute(start), _minute(end), [reservation], [])
        return str(made["id"])

    def change(self, lease_id: str, **body: Any) -> None:
        """Change a lease behind its object's back."""
        self._leases.request_manager.put(f"/leases/{lease_id}", body=body)

    def break_lease(self, lease_id: str) -> None:
        """Ask for what Blazar refuses in the middle of an update: the lease goes to ERROR."""
        with suppress(BlazarClientException):
            self.change(lease_id, before_end_date="2020-01-01 00:00")

    def delete(self, lease_id: str) -> None:
        """Delete a lease; one that is gone is no error."""
        try:
            self._leases.delete(lease_id)
        except BlazarClientException as error:
            if error.kwargs["code"] != 404:
                raise

    def clear(self) -> None:
        """Delete all leases of the project."""
        for lease in self.all():
            with suppress(BlazarClientException):
                self._leases.delete(lease["id"])


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")
