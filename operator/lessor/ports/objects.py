"""The seam to the cluster, as a pass needs it: the object read again, the requests for renewal, who leases what."""

from typing import Protocol

from lessor.model.instancelease import InstanceLease
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import ObjectMeta
from lessor.model.names import Kind


class Objects(Protocol):
    """What a pass asks the API server right before an effect. Blocks until the answer."""

    def reread(self, kind: Kind, meta: ObjectMeta) -> ObjectMeta | None:
        """Read the object again, and give its metadata. None: it is gone, or another one has its name.

        Raises:
            ClusterUnavailable: the API server did not answer.
        """

    def renewals(self, kind: Kind, meta: ObjectMeta) -> tuple[LeaseRenewal, ...]:
        """Give the LeaseRenewals of the object by a LIST that the API server answers from its quorum.

        Raises:
            ClusterUnavailable: the API server did not answer.
        """


class ClusterUnavailable(Exception):
    """The API server did not answer."""


class Registry(Protocol):
    """Which lease holds which server, and which objects are alive. In memory; never blocks."""

    def claim(self, server: tuple[str, str, str, str], lease: InstanceLease) -> str | None:
        """Enter the lease for the server (Keystone URL, region, server id).

        Gives None when it holds the server now, else who does: `namespace/name`.
        """

    def holds(self, uid: str) -> bool:
        """Tell whether the object of that uid is alive and holds a server."""


class Pace(Protocol):
    """The pace of deletions in one cloud."""

    def take(self) -> bool:
        """Take one of the deletions that are left in this hour; False: none is left."""
