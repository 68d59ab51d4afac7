"""The seam to a cloud: what a pass may ask of Nova and Glance, and how it is told no.

CloudError                      something came of the request that is not its answer
+-- CredentialsFault            who we are: no token can be had
|   +-- CredentialsMissing      no such Secret, no such key, no such cloud in it
|   +-- InvalidCredentials      our parser refuses the clouds.yaml
|   +-- CredentialsRefused      Keystone refuses them, in its words
+-- CloudUnavailable            not reachable, 5xx, 429, 413, cut or timed out: read again, then decide anew
+-- PermissionRefused           403, in the service's words
+-- ServerBusy                  409 while a task runs
+-- ServerLocked                409 because of a lock
+-- WrongState                  409 in this vm_state, in Nova's words
+-- NotFound                    404
+-- RequestRefused              400 and the like, in the service's words
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from lessor.model.conditions import Reason
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent

if TYPE_CHECKING:
    from lessor.ports.reservations import Reservations


class CloudError(Exception):
    """Something came of the request that is not its answer. The text is a sentence for the object's owner."""

    reason: ClassVar[Reason] = Reason.CLOUD_UNAVAILABLE


class CredentialsFault(CloudError):
    """No token can be had with the credentials."""


class CredentialsMissing(CredentialsFault):
    """The Secret, its key or the cloud in it is not there."""

    reason = Reason.CREDENTIALS_MISSING


class InvalidCredentials(CredentialsFault):
    """The clouds.yaml is not one that we use."""

    reason = Reason.INVALID_CREDENTIALS


class CredentialsRefused(CredentialsFault):
    """Keystone refuses the credentials."""

    reason = Reason.CREDENTIALS_REFUSED


class CloudUnavailable(CloudError):
    """The service did not answer, or not with an answer: whether it did the thing is not known.

    Attributes:
        retry_after: the pause in seconds that the service asked for, None when it named none.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermissionRefused(CloudError):
    """403: policy or quota."""

    reason = Reason.ACTION_FAILED


class ServerBusy(CloudError):
    """409: a task runs on the server."""

    reason = Reason.SERVER_BUSY


class ServerLocked(CloudError):
    """409: the server is locked and the token is not an administrator's."""

    reason = Reason.SERVER_LOCKED


class WrongState(CloudError):
    """409: not in this vm_state."""

    reason = Reason.ACTION_FAILED


class NotFound(CloudError):
    """404."""

    reason = Reason.MISSING


class RequestRefused(CloudError):
    """Any other 4xx."""

    reason = Reason.ACTION_FAILED


class Cloud(Protocol):
    """One cloud, region and project as one set of credentials sees it. Every method may raise a CloudError.

    Methods block until the answer, at most the service's total timeout, and never repeat a request by themselves.
    """

    @property
    def identity(self) -> CloudIdentity:
        """Who we are there."""

    def server(self, server_id: str) -> ObservedServer | None:
        """Read one server by its id. None: Nova answers 404 to this token."""

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        """Give the servers of the token's project whose name is exactly this one."""

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        """Give the server's os-instance-actions, newest first; empty when Nova has none."""

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        """Find the image of a Snapshot stage by its `lessor_stage` property. None: there is none yet."""

    def stop(self, server_id: str) -> None:
        """os-stop."""

    def start(self, server_id: str) -> None:
        """os-start."""

    def lock(self, server_id: str, reason: str) -> None:
        """Lock with a locked_reason of at most 255 characters."""

    def unlock(self, server_id: str) -> None:
        """Unlock."""

    def shelve(self, server_id: str) -> None:
        """Shelve."""

    def unshelve(self, server_id: str) -> None:
        """Unshelve."""

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        """createImage, with `lessor_stage` as a property of the image."""

    def delete(self, server_id: str) -> None:
        """DELETE the server; one that is gone already is no error."""

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        """Merge these items into the server's metadata."""

    def remove_metadata(self, server_id: str, key: str) -> None:
        """Take one key off the server's metadata; one that is not there is no error."""

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        """Delete the `<name>-shelved` image of a server that is no longer shelved, if the token may."""


class ListedCloud(Cloud, Protocol):
    """A cloud whose servers can be listed, for the inventory; and its Blazar."""

    @property
    def reservations(self) -> "Reservations":
        """Blazar, as the same credentials see it; each of its methods fails where the cloud has none."""

    def probe(self) -> None:
        """Ask for next to nothing: raises nothing when the cloud serves these credentials."""

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        """List the servers of the token's project, page by page; deleted ones too when `changes_since` is given.

        Source: Nova API guide, "changes-since"; nova/api/openstack/compute/servers.py.
        """


class Answered(Protocol):
    """Where the `Date` of each answer goes, for the comparison of clocks."""

    def __call__(self, source: str, date: datetime, sent: float, received: float) -> None:
        """Take the `Date` of this source's answer and our CLOCK_BOOTTIME in seconds before and after the request."""
