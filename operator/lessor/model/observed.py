"""What the cloud says, verbatim: Nova's and Glance's constants as they write them."""

from datetime import datetime
from typing import Annotated

import msgspec

VM_ACTIVE = "active"
VM_STOPPED = "stopped"
VM_SHELVED = "shelved"
VM_SHELVED_OFFLOADED = "shelved_offloaded"
VM_DELETED = ("deleted", "soft-delete")

Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


class ObservedServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One server as Nova 2.73 shows it, the fields that Lessor reads.

    A record with status UNKNOWN (its cell is down), or without `locked` and `metadata`, decides nothing.
    Source: Nova API reference, "List Servers Detailed"; nova/api/openstack/compute/views/servers.py.
    """

    id: str
    name: str = ""
    project_id: str = msgspec.field(name="tenant_id", default="")
    status: str = "UNKNOWN"
    created: Zoned | None = None
    metadata: dict[str, str] | None = None
    locked: bool | None = None
    locked_reason: str | None = None
    vm_state: str | None = msgspec.field(name="OS-EXT-STS:vm_state", default=None)
    task_state: str | None = msgspec.field(name="OS-EXT-STS:task_state", default=None)

    @property
    def known(self) -> bool:
        """Whether the record says enough to decide anything."""
        return self.status != "UNKNOWN" and None not in (self.vm_state, self.locked, self.metadata)

    @property
    def over(self) -> bool:
        """Whether the server is deleted, for good or softly."""
        return self.vm_state in VM_DELETED or self.status in {"DELETED", "SOFT_DELETED"}


class ObservedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image as Glance shows it. `status`: queued, saving, active, killed, deleted and so on.

    Source: Glance API reference v2, "Image statuses".
    """

    id: str
    status: str
    name: str | None = None


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a server's os-instance-actions: who asked for what, and when."""

    action: str
    user_id: str | None = None
    start_time: str = ""


class CloudIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom our credentials are, and where: the Keystone URL, the region, the token's project and user.

    `application_credential`: they are one, which may do less than the user whose it is.
    """

    auth_url: str
    region: str
    project_id: str
    user_id: str
    application_credential: bool = False
