"""Stages as the cloud sees them: how late each os-stop came."""

from collections import Counter
from collections.abc import Sequence

from tests.bench import clock
from tests.bench.cloud import Request
from tests.bench.fleet import Settled
from tests.bench.ground import Ground
from tests.bench.table import say

_STOP = "os-stop"


def lags(ground: Ground, leases: Sequence[Settled], timeout: float) -> list[float]:
    """Wait until each of these leases had its server stopped; gives the seconds from each one's time to its os-stop."""
    seen: list[Request] = []

    def all_stopped() -> bool:
        seen.extend(ground.cloud.requests())
        return {each.server.id for each in leases} <= {each.server_id for each in seen if each.what == _STOP}

    clock.until(all_stopped, "all stages were carried out", timeout, pause=1.0)
    say(f"requests to the cloud meanwhile: {dict(Counter(each.what for each in seen))}")
    return of(seen, leases)


def of(requests: Sequence[Request], leases: Sequence[Settled]) -> list[float]:
    """Give the seconds from each lease's time to its os-stop.

    Raises:
        RuntimeError: one came too early, twice or not at all.
    """
    found = []
    for lease in leases:
        at = [each.time for each in requests if each.what == _STOP and each.server_id == lease.server.id]
        if len(at) != 1 or at[0] < lease.end.timestamp():
            raise RuntimeError(f"{lease.lease.metadata.name} ended at {lease.end} and was stopped at {at}")
        found.append(at[0] - lease.end.timestamp())
    return found
