"""The names that Lessor gives to things outside itself: group, kinds, finalizer, annotations, metadata keys."""

from enum import StrEnum

GROUP = "lessor.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CONTROLLER = "lessor.dev/lessor"
FINALIZER = "lessor.dev/finalizer"

REQUESTED_BY = "lessor.dev/requested-by"
RECONCILE_REQUESTED_AT = "lessor.dev/reconcile-requested-at"
FORCE_FORGET = "lessor.dev/force-forget"
IDENTITY = "lessor.dev/identity"

LEADER_LOCK = "lessor"
RELEASED_BY = "lessor.dev/released-by"  # on the leader lock: its holder let it go

SEAL_SECRET = "lessor-seal"  # noqa: S105 (the name of a Secret, no secret)
# What stamps who asked for a renewal, and what keeps the stamp: deploy/requested-by.yaml.
STAMP_POLICY = "lessor-requested-by.lessor.dev"
STAMP_KEEPER = "lessor-requested-by-kept.lessor.dev"
STAMPING = (
    ("mutatingadmissionpolicies", STAMP_POLICY),
    ("mutatingadmissionpolicybindings", STAMP_POLICY),
    ("validatingadmissionpolicies", STAMP_KEEPER),
    ("validatingadmissionpolicybindings", STAMP_KEEPER),
)

MARK_KEY = "lessor_mark"
EXPIRES_KEY = "lessor_expires"
STAGE_KEY = "lessor_stage"


class Kind(StrEnum):
    """The kinds of the group, as written in manifests."""

    LEASE = "Lease"
    INSTANCE_LEASE = "InstanceLease"
    LEASE_POLICY = "LeasePolicy"
    LEASE_RENEWAL = "LeaseRenewal"

    @property
    def plural(self) -> str:
        """The name in URLs; always used together with the group: a bare `leases` means coordination.k8s.io."""
        return {"LeasePolicy": "leasepolicies"}.get(self.value, f"{self.value.lower()}s")
