"""Whose lock is on a server: ours is the one whose last `lock` action is by our user, with our words.

Another's lock holds our hand. Source: Nova API reference, os-instance-actions and `locked_reason` (2.73).
"""

from enum import Enum, auto

from lessor.decide.facts import Facts
from lessor.model import times
from lessor.model.instancelease import InstanceLease

_PREFIX = "Expired "
_MOST = 255


class Lock(Enum):
    """Whose lock is on the server."""

    NONE = auto()
    OURS = auto()
    FOREIGN = auto()
    UNKNOWN = auto()  # the actions have not been read


def seen(facts: Facts) -> Lock:
    """Tell whose lock is on the server that was found."""
    server = facts.server
    if server is None or not server.locked:
        return Lock.NONE
    if not (server.locked_reason or "").startswith(_PREFIX):
        return Lock.FOREIGN
    if facts.events is None or facts.identity is None:
        return Lock.UNKNOWN
    last = next((event for event in facts.events if event.action == "lock"), None)
    return Lock.OURS if last is not None and last.user_id == facts.identity.user_id else Lock.FOREIGN


def reason(lease: InstanceLease) -> str:
    """Give the locked_reason: since when, and how to get the server back."""
    end = lease.status.expire_time
    since = times.text(end) if end is not None else ""
    how = f"create a LeaseRenewal for InstanceLease {lease.metadata.key}"
    return f"{_PREFIX}{since}. Renew: {how}."[:_MOST]
