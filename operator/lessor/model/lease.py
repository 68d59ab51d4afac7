"""Lease: one Blazar lease, as declared and as seen.

Enumerations of a spec are plain strings here: a value that a newer CRD knows and this version does not must decode,
and is answered by `decide.leaseacceptance`.
"""

from enum import StrEnum

from lessor.model.conditions import Condition
from lessor.model.instancelease import (
    CloudCredentialsRef,
    CloudStatus,
    Grant,
    NoticeStatus,
    Notifications,
    RenewalsStatus,
)
from lessor.model.meta import Instant, ObjectMeta
from lessor.model.times import Duration
from lessor.model.wire import Declared, Wire

DEFAULT_LENGTH = Duration("24h")


class ResourceType(StrEnum):
    """The types of reservation as Blazar names them. Source: blazar/plugins/*/__init__.py."""

    HOST = "physical:host"
    INSTANCE = "virtual:instance"
    FLAVOR = "flavor:instance"
    FLOATING_IP = "virtual:floatingip"
    NETWORK = "network"  # Chameleon's Blazar alone
    DEVICE = "device"  # the same


class BeforeEndAction(StrEnum):
    """What Blazar does with what is reserved, some time before the end."""

    DEFAULT = "Default"  # as the cloud is set up
    NOTHING = "Nothing"
    SNAPSHOT = "Snapshot"
    EMAIL = "Email"  # Chameleon's Blazar alone


class Affinity(StrEnum):
    """How reserved instances lie on hosts."""

    ANY = "Any"
    AFFINITY = "Affinity"  # all on one
    ANTI_AFFINITY = "AntiAffinity"  # each on its own


class RenewalMode(StrEnum):
    """Who extends a Lease."""

    MANUAL = "Manual"
    AUTO = "Auto"


class OnServerError(StrEnum):
    """What happens to a Lease when a server that was to boot into it fails."""

    NOTHING = "Nothing"
    SEQUESTER = "Sequester"


class HostReservation(Declared, frozen=True, kw_only=True):
    """Whole hosts. `min_count` absent: 1; `max_count` absent: as `min_count`."""

    min_count: int | None = None
    max_count: int | None = None
    node_type: str | None = None
    node_name: str | None = None
    architecture: str | None = None
    resource_properties: str | None = None
    hypervisor_properties: str | None = None
    before_end_action: str | None = None


class InstanceReservation(Declared, frozen=True, kw_only=True):
    """Room for servers of one size. `amount` absent: 1."""

    vcpus: int
    memory_mib: int
    disk_gib: int
    amount: int | None = None
    affinity: str | None = None
    resource_properties: str | None = None


class FlavorReservation(Declared, frozen=True, kw_only=True):
    """Room for servers of a flavor that there is: its id or its name. `amount` absent: 1."""

    flavor: str
    amount: int | None = None


class FloatingIPReservation(Declared, frozen=True, kw_only=True):
    """Floating IPs of an external network: its id or its name. `amount` absent: as many as are required, else 1."""

    network: str
    amount: int | None = None
    required: tuple[str, ...] = ()


class OpenFlow(Declared, frozen=True, kw_only=True):
    """The OpenFlow controller, `address:port`, and the virtual switch of a network."""

    controller: str | None = None
    v_switch: str | None = None


class NetworkReservation(Declared, frozen=True, kw_only=True):
    """One isolated network."""

    network_name: str
    description: str | None = None
    physical_network: str | None = None
    stitch_provider: str | None = None
    usage_type: str | None = None
    open_flow: OpenFlow | None = None
    resource_properties: str | None = None


class DeviceReservation(Declared, frozen=True, kw_only=True):
    """Edge devices. `min_count` absent: 1; `max_count` absent: as `min_count`."""

    min_count: int | None = None
    max_count: int | None = None
    machine_name: str | None = None
    model: str | None = None
    device_name: str | None = None
    resource_properties: str | None = None
    before_end_action: str | None = None


class Reservation(Declared, frozen=True, kw_only=True):
    """One thing that is reserved; exactly one of its types is set."""

    name: str
    host: HostReservation | None = None
    instance: InstanceReservation | None = None
    flavor: FlavorReservation | None = None
    floating_ip: FloatingIPReservation | None = None
    network: NetworkReservation | None = None
    device: DeviceReservation | None = None


class LeaseExtension(Declared, frozen=True, kw_only=True):
    """How the Lease is extended. Absent: by hand, by any length."""

    mode: str | None = None
    extend_by: Duration | None = None
    max_total: Duration | None = None


class ServerErrorRule(Declared, frozen=True, kw_only=True):
    """What happens to the Lease when a server that was to boot into it fails."""

    action: str
    extend_by: Duration | None = None


class ImportRef(Declared, frozen=True, kw_only=True):
    """The Blazar lease to take over: by its id, or by its name; exactly one is set."""

    id: str | None = None
    name: str | None = None


class Output(Declared, frozen=True, kw_only=True):
    """The ConfigMap that tells what is needed to use what is reserved."""

    config_map_name: str


class LeaseSpec(Declared, frozen=True, kw_only=True):
    """What a person declares."""

    cloud_credentials_ref: CloudCredentialsRef | None = None
    lease_name: str | None = None
    start_time: Instant | None = None
    duration: Duration | None = None
    end_time: Instant | None = None
    reservations: tuple[Reservation, ...] = ()
    before_end: Duration | None = None
    renewal: LeaseExtension | None = None
    notifications: Notifications | None = None
    on_server_error: ServerErrorRule | None = None
    import_: ImportRef | None = None
    output: Output | None = None
    on_delete: str | None = None
    suspend: bool = False


class ReservationStatus(Wire, frozen=True, kw_only=True):
    """One reservation as Blazar has it, under the name that its spec gave it.

    `requested` is a short digest of what was last asked of Blazar for it: another spec means a change to ask for.
    """

    name: str
    id: str | None = None
    resource_type: str | None = None
    state: str | None = None
    missing_resources: bool = False
    resources_changed: bool = False
    flavor_id: str | None = None
    server_group_id: str | None = None
    floating_ips: tuple[str, ...] = ()
    network_name: str | None = None
    requested: str | None = None


class Requested(Wire, frozen=True, kw_only=True):
    """What Blazar was last told, and took. What the spec says else is to be asked for; what Blazar says else is drift.

    `start_time` absent: at once. `before_end_time` absent: as the cloud is set up.
    """

    lease_name: str
    end_time: Instant
    start_time: Instant | None = None
    before_end_time: Instant | None = None


class Refusal(Wire, frozen=True, kw_only=True):
    """What Blazar refused last: since when, how often, when last; `request` is a digest of what was asked for."""

    request: str
    reason: str
    message: str
    since: Instant
    time: Instant
    count: int = 1


class OutputStatus(Wire, frozen=True, kw_only=True):
    """The ConfigMap that was written last: a digest of what it holds; or why it could not be written."""

    config_map_name: str
    digest: str | None = None
    message: str | None = None


class LeaseStatus(Wire, frozen=True, kw_only=True):
    """What is known of the Lease in Blazar. All instants to the second, UTC. `state` is Blazar's word.

    `extension` is asked of Blazar and not answered yet.
    """

    observed_generation: int = 0
    lease_id: str | None = None
    lease_name: str | None = None
    attempt: int = 0
    create_requested_time: Instant | None = None
    delete_requested_time: Instant | None = None
    trustor_user_id: str | None = None
    cloud: CloudStatus | None = None
    state: str | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    max_end_time: Instant | None = None
    requested: Requested | None = None
    refusal: Refusal | None = None
    extension: Grant | None = None
    last_handled_reconcile_at: str | None = None
    reservations: tuple[ReservationStatus, ...] = ()
    output: OutputStatus | None = None
    renewals: RenewalsStatus | None = None
    notifications: tuple[NoticeStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Lease(Wire, frozen=True, kw_only=True):
    """One Lease whose spec this version can read."""

    metadata: ObjectMeta
    spec: LeaseSpec
    status: LeaseStatus = LeaseStatus()
