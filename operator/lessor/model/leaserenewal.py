"""LeaseRenewal: one request for more time, decided once."""

from lessor.model.conditions import Condition, ConditionType, is_true
from lessor.model.meta import Instant, ObjectMeta
from lessor.model.times import Duration
from lessor.model.wire import Declared, Wire


class RenewalLeaseRef(Declared, frozen=True, kw_only=True):
    """The lease, of the same namespace, that is to be renewed."""

    kind: str
    name: str


class LeaseRenewalSpec(Declared, frozen=True, kw_only=True):
    """What is asked for. Without `extend_by`: one renewal of the lease's own length."""

    lease_ref: RenewalLeaseRef
    extend_by: Duration | None = None
    reason: str | None = None


class LeaseRenewalStatus(Wire, frozen=True, kw_only=True):
    """What was decided."""

    observed_generation: int = 0
    granted_until: Instant | None = None
    granted: Duration | None = None
    message: str | None = None
    conditions: tuple[Condition, ...] = ()


class LeaseRenewal(Wire, frozen=True, kw_only=True):
    """One LeaseRenewal whose spec this version can read."""

    metadata: ObjectMeta
    spec: LeaseRenewalSpec
    status: LeaseRenewalStatus = LeaseRenewalStatus()

    @property
    def decided(self) -> bool:
        """Whether the answer has been given: it is never given again."""
        return is_true(self.status.conditions, ConditionType.COMPLETED)
