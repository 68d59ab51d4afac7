"""The closed sets, copied by hand from the contract: each condition, its status, its reason, and what we do about it.

A word that is added to the code and not here, or here and not to the code, fails. Words of the contract that belong to
features still to come (policies, notices, templates) are added with them.
"""

from dataclasses import dataclass

CONTRACT = """
Accepted    True    done   Accepted
Accepted    False   spec   InvalidSpec UnsupportedValue NotImplementedYet CloudChanged AmbiguousServer
Accepted    False   spec   UnsupportedResourceType CredentialsUnsuitable ImportAmbiguous
Accepted    False   ask    PermissionDenied
Accepted    False   retry  CredentialsMissing CredentialsRefused InvalidCredentials CloudUnavailable ImportNotFound
Accepted    False   wait   AlreadyLeased
Active      True    done   InWindow
Reserved    True    done   Reserved
Reserved    False   wait   Creating NotEnoughResources
Reserved    False   spec   Refused Lost
Reserved    False   done   Ended Released
Reserved    Unknown wait   Uncertain
Reserved    Unknown retry  CloudUnavailable
Active      False   wait   NotStarted Starting
Active      False   done   Expired NotReserved NotAccepted
ServerFound True    done   Found
ServerFound False   wait   Missing
ServerFound False   retry  NotFoundYet
ServerFound False   spec   NewerServer
ServerFound Unknown retry  CloudUnavailable
ServerFound Unknown ask    Forbidden
Marked      True    done   Marked
Marked      False   retry  NotWritable
Marked      False   ask    OtherInstallation MarkMissing
Expiring    True    done   EndsSoon
Expiring    False   wait   Renewed
Expired     True    done   EndReached
Expired     False   wait   Renewed
Enforced    True    done   Stopped Shelved Snapshotted Deleted LockedOnly AlreadyDone
Enforced    False   wait   Due ServerBusy ServerLocked NoticeRequired Frozen ClockUncertain
Enforced    False   ask    MarkMissing
Enforced    False   retry  ActionFailed CloudUnavailable
Exempt      True    done   UntilTime
Exempt      False   done   Ended
Degraded    True    done   MissingResources ResourcesChanged Renamed EndChanged BlazarError BeforeEndFailed
Degraded    True    done   TrustOfOtherUser
Degraded    False   done   Healed
Sequestered True    done   ServerFailed
Suspended   True    done   Requested
Ready       True    done   InTerm Exempt Expired
Ready       False   wait   DeletionHeld Renewed
Ready       False   retry  RestoreFailed
Ready       False   ask    ReleaseBlocked
Completed   True    done   Decided
Completed   False   wait   LeaseNotFound Waiting
Granted     True    done   Full Clamped
Granted     False   done   TooEarly TooLate LimitReached NotRenewable AlreadyGranted
Granted     False   wait   NotEnoughResources
Granted     False   spec   Refused
"""

NORMAL = (
    "Accepted Reserved Activated Renewed Clamped Stopped Shelved Snapshotted Deleted Restored Adopted Released Ended "
    "Healed"
)
WARNING = (
    "ExpiringSoon RenewalDenied ActionFailed RestoreFailed ManualStart CredentialsRefused MarkMissing ServerMissing "
    "NotEnoughResources Drifted Sequestered"
)


@dataclass(frozen=True)
class Row:
    """One thing that can be said, and what we do about it."""

    type: str
    status: str
    disposition: str
    reason: str

    @property
    def id(self) -> str:
        """Name the row for pytest."""
        return f"{self.type}={self.status}/{self.reason}"


def _rows() -> tuple[Row, ...]:
    lines = (line.split() for line in CONTRACT.strip().splitlines())
    return tuple(Row(type_, status, do, reason) for type_, status, do, *reasons in lines for reason in reasons)


ROWS = _rows()
SAID = frozenset((row.type, row.status, row.reason) for row in ROWS)
