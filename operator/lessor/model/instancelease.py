"""InstanceLease: the lifetime of one Nova server, as declared and as seen.

Enumerations of a spec are plain strings here: a value that a newer CRD knows and this version does not must decode,
and is answered by `decide.acceptance`.
"""

from datetime import timedelta
from enum import StrEnum

from lessor.model.conditions import Condition
from lessor.model.meta import Instant, ObjectMeta
from lessor.model.times import Duration
from lessor.model.wire import Declared, Wire


class Action(StrEnum):
    """What a stage does to the server."""

    STOP = "Stop"
    SHELVE = "Shelve"
    SNAPSHOT = "Snapshot"
    DELETE = "Delete"


class OnDelete(StrEnum):
    """What happens to the server when its InstanceLease is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class RenewFrom(StrEnum):
    """From when a renewal counts."""

    EXPIRY = "Expiry"
    NOW = "Now"


class CloudCredentialsRef(Declared, frozen=True, kw_only=True):
    """The Secret with a clouds.yaml, and the cloud in it."""

    secret_name: str
    cloud_name: str


class PolicyRef(Declared, frozen=True, kw_only=True):
    """The LeasePolicy that an object belongs to."""

    name: str


class ServerRef(Declared, frozen=True, kw_only=True):
    """The server to adopt: by its id, or by its name; exactly one is set."""

    id: str | None = None
    name: str | None = None


class FloatingIPTemplate(Declared, frozen=True, kw_only=True):
    """The reserved floating IP that the server gets: the name of a reservation of the Lease."""

    reservation: str


class LeaseRef(Declared, frozen=True, kw_only=True):
    """The reservation of a Lease that the server boots into."""

    name: str
    reservation: str | None = None


class BootVolume(Declared, frozen=True, kw_only=True):
    """The volume that the server boots from."""

    size_gib: int
    delete_on_termination: bool | None = None


class UserDataSecret(Declared, frozen=True, kw_only=True):
    """The Secret and its key that hold the server's user data."""

    secret_name: str
    key: str


class ServerTemplate(Declared, frozen=True, kw_only=True):
    """The server to boot."""

    name: str
    image: str | None = None
    flavor: str | None = None
    networks: tuple[str, ...] = ()
    key_name: str | None = None
    user_data_secret: UserDataSecret | None = None
    security_groups: tuple[str, ...] = ()
    boot_volume: BootVolume | None = None
    metadata: dict[str, str] = {}
    floating_ip: FloatingIPTemplate | None = None
    lease_ref: LeaseRef | None = None


class Owner(Declared, frozen=True, kw_only=True):
    """The person whom notices are for."""

    name: str | None = None
    email: str | None = None


class Renewal(Declared, frozen=True, kw_only=True):
    """How far and how often the lease may be renewed. Absent: any length is granted."""

    extend_by: Duration | None = None
    from_: str | None = None
    window: Duration | None = None
    max_renewals: int | None = None
    max_total: Duration | None = None


class DailyNotices(Declared, frozen=True, kw_only=True):
    """Notices each day when the end is this near."""

    within: Duration


class Channel(Declared, frozen=True, kw_only=True):
    """The Secret and its key that hold the URL of a channel."""

    secret_name: str
    key: str


class Notifications(Declared, frozen=True, kw_only=True):
    """When and where notices go; `min_notice` over zero: no stage without a notice that long before."""

    offsets: tuple[str, ...] = ()
    daily: DailyNotices | None = None
    min_notice: Duration | None = None
    channels: tuple[Channel, ...] = ()


class Stage(Declared, frozen=True, kw_only=True):
    """One step of the expiry: what is done, how long after the end, and whether the server is locked after it."""

    after: Duration
    action: str
    lock: bool = False


class Expiry(Declared, frozen=True, kw_only=True):
    """The stages, `after` rising, each action at most once, Delete last."""

    stages: tuple[Stage, ...]


DEFAULT_STAGES = (Stage(after=Duration("0s"), action=Action.STOP, lock=True),)


class Exemption(Declared, frozen=True, kw_only=True):
    """No stage until then."""

    until: Instant
    reason: str | None = None


class InstanceLeaseSpec(Declared, frozen=True, kw_only=True):
    """What a person declares."""

    cloud_credentials_ref: CloudCredentialsRef | None = None
    policy_ref: PolicyRef | None = None
    server: ServerRef | None = None
    server_template: ServerTemplate | None = None
    duration: Duration | None = None
    expire_time: Instant | None = None
    owner: Owner | None = None
    renewal: Renewal | None = None
    notifications: Notifications | None = None
    expiry: Expiry | None = None
    exemption: Exemption | None = None
    on_delete: str | None = None
    suspend: bool = False

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, the default one (Stop and lock at the end) when none are declared."""
        return self.expiry.stages if self.expiry is not None else DEFAULT_STAGES

    @property
    def min_notice(self) -> timedelta:
        """The least notice before a stage; zero asks for none."""
        notice = self.notifications.min_notice if self.notifications is not None else None
        return notice.delta if notice is not None else timedelta()


class CloudStatus(Wire, frozen=True, kw_only=True):
    """Where the server lives: recorded once, and never to be led elsewhere by other credentials."""

    auth_url: str
    region: str
    project_id: str


class Before(Wire, frozen=True, kw_only=True):
    """The server before our first effect: what a renewal restores; and the actions that were claimed since."""

    vm_state: str
    locked: bool
    locked_reason: str | None = None
    claimed: tuple[str, ...] = ()


class StageStatus(Wire, frozen=True, kw_only=True):
    """The last stage that was seen done in the cloud, and when; and those seen done before it, oldest first."""

    done: str
    time: Instant
    earlier: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All actions that were seen done since the end, oldest first."""
        return (*self.earlier, self.done)


class NextAction(Wire, frozen=True, kw_only=True):
    """The next stage: its time, when it was claimed, and what holds it."""

    action: str
    time: Instant
    claimed_time: Instant | None = None
    blocked_by: str | None = None


class OwnerStatus(Wire, frozen=True, kw_only=True):
    """The resolved owner and where the name is from; never the address."""

    name: str
    source: str


class Grant(Wire, frozen=True, kw_only=True):
    """One granted renewal. `granted` is what was added to the end, `granted_until` the end that it gave."""

    name: str
    uid: str
    time: Instant
    granted: Duration
    granted_until: Instant
    requested_by: str | None = None


class RenewalsStatus(Wire, frozen=True, kw_only=True):
    """All grants: their number, how many remain (absent: any number), their sum, and the newest 16, oldest first."""

    count: int = 0
    remaining: int | None = None
    extended: Duration | None = None
    history: tuple[Grant, ...] = ()

    @property
    def sum(self) -> timedelta:
        """How far the grants moved the end, together."""
        return self.extended.delta if self.extended is not None else timedelta()


class NoticeStatus(Wire, frozen=True, kw_only=True):
    """One entry of the ledger of notices."""

    key: str
    attempts: int = 0
    channel: str | None = None
    result: str | None = None
    message_id: str | None = None
    time: Instant | None = None


class InstanceLeaseStatus(Wire, frozen=True, kw_only=True):
    """What is known of the lease and its server. All instants to the second, UTC."""

    observed_generation: int = 0
    server_id: str | None = None
    server_name: str | None = None
    server_status: str | None = None
    cloud: CloudStatus | None = None
    start_time: Instant | None = None
    expire_time: Instant | None = None
    max_expire_time: Instant | None = None
    marked_time: Instant | None = None
    last_handled_reconcile_at: str | None = None
    stage: StageStatus | None = None
    before: Before | None = None
    next_action: NextAction | None = None
    owner: OwnerStatus | None = None
    renewals: RenewalsStatus | None = None
    notifications: tuple[NoticeStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()


class InstanceLease(Wire, frozen=True, kw_only=True):
    """One InstanceLease whose spec this version can read."""

    metadata: ObjectMeta
    spec: InstanceLeaseSpec
    status: InstanceLeaseStatus = InstanceLeaseStatus()
