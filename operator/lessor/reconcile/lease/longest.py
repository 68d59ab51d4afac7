"""How long Blazar would let a lease be that it does not let be as long as was asked.

Nobody but Blazar knows: other projects' leases are not shown. So it is asked, by a few changes of the end that halve
what is open, and the last one puts the end back. The extension that is under way stands in the status all the while:
who comes after a crash finds it there, asks again, and puts the end back as well.
"""

from dataclasses import replace
from datetime import datetime

from lessor.decide.lease.facts import Change, Facts
from lessor.decide.lease.window import MINUTE, minute_down
from lessor.model.conditions import Reason
from lessor.model.reservations import LeaseChange, LeaseState
from lessor.ports.cloud import CloudError
from lessor.ports.reservations import NotEnoughResources
from lessor.reconcile.lease.given import Ports

_MOST = 5


def is_worth_it(facts: Facts, effect: Change) -> bool:
    """Tell whether a longer end was refused just now for want of room, for the first time."""
    failed, home, end = facts.failed, _home(facts), effect.change.end
    if failed is None or failed.effect != effect or failed.fault.reason is not Reason.NOT_ENOUGH_RESOURCES:
        return False
    if home is None or end is None or end - home < 2 * MINUTE:
        return False
    refusal = facts.lease.status.refusal
    return refusal is None or refusal.reason != Reason.NOT_ENOUGH_RESOURCES


def searched(facts: Facts, effect: Change, ports: Ports) -> Facts:
    """Give the facts with the latest end that Blazar took, after the end was put back.

    Raises:
        NotLeading: this process does not lead any more.
    """
    home, asked = _home(facts), effect.change.end
    if home is None or asked is None or not _is_whole(effect.lease_id, ports):
        return facts
    try:
        low = _bisected(effect.lease_id, home, asked, ports)
    except CloudError:
        low = None
    if low != home:  # also when it is not known what the last request came to
        _put_back(effect.lease_id, home, ports)
    return replace(facts, longest=low)


def _home(facts: Facts) -> datetime | None:
    """The end that Blazar was told last, and had: after a crash in a search it shows another one."""
    requested = facts.lease.status.requested
    return requested.end_time if requested is not None else None


def _is_whole(lease_id: str, ports: Ports) -> bool:
    """A refusal turns a lease with floating IPs to ERROR: that one is not asked again and again."""
    try:
        now = ports.blazar.lease(lease_id)
    except CloudError:
        return False
    return now is not None and now.state in {LeaseState.PENDING, LeaseState.ACTIVE}


def _bisected(lease_id: str, home: datetime, asked: datetime, ports: Ports) -> datetime:
    low, high = home, asked
    for _ in range(_MOST):
        middle = minute_down(low + (high - low) / 2)
        if not low < middle < high:
            break
        ports.leading.assure()
        try:
            ports.blazar.change(lease_id, LeaseChange(end=middle))
        except NotEnoughResources:
            high = middle
        else:
            low = middle
    return low


def _put_back(lease_id: str, home: datetime, ports: Ports) -> None:
    """Once more if need be: what is still not put back then is seen, and put back, by the next pass."""
    for _ in range(2):
        ports.leading.assure()
        try:
            ports.blazar.change(lease_id, LeaseChange(end=home))
        except CloudError:
            continue
        return
