"""How long to wait before a server is read again: short at first, then longer, from facts that outlive a restart."""

from datetime import datetime, timedelta

_SHORTEST = timedelta(milliseconds=500)
_LONGEST = timedelta(seconds=15)
BUSY = timedelta(seconds=15)


def while_under_way(since: datetime | None, now: datetime, longest: timedelta = _LONGEST) -> datetime:
    """Give when to read again a server on which our own task has run since then."""
    age = now - since if since is not None else timedelta()
    return now + min(max(age / 4, _SHORTEST), longest)
