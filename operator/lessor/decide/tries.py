"""How often we asked for a deed already: from the server's os-instance-actions, which outlive a restart of ours.

Source: nova/compute/instance_actions.py; Nova API reference, os-instance-actions.
"""

from datetime import datetime, timedelta

from lessor.decide.facts import Facts
from lessor.model import times
from lessor.model.observed import ServerEvent
from lessor.model.plans import Deed

_ACTIONS = {
    Deed.STOP: "stop",
    Deed.START: "start",
    Deed.SHELVE: "shelve",
    Deed.UNSHELVE: "unshelve",
    Deed.DELETE: "delete",
    Deed.SNAPSHOT: "createImage",
}
_QUIET = ("lock", "unlock")
_LONGEST = timedelta(minutes=10)
_SKEW = timedelta(minutes=1)


def of(facts: Facts, deed: Deed, *, since: datetime | None = None) -> tuple[datetime, ...]:
    """Give when we asked for this deed, newest first, as long as nothing else was asked of the server after it.

    `since`: leave out what was asked for before; Nova's clock may be that much behind ours. Empty as well when the
    actions were not read in this pass.
    """
    ours = facts.identity.user_id if facts.identity is not None else None
    instants = []
    for event in _loud(facts):
        if event.action != _ACTIONS.get(deed) or event.user_id != ours:
            break
        instants.append(times.parse(event.start_time))
    return tuple(at for at in instants if since is None or at >= since - _SKEW)


def newest(facts: Facts) -> datetime | None:
    """Give when something was last asked of the server, locks aside; None: nothing, or the actions were not read."""
    return next((times.parse(event.start_time) for event in _loud(facts)), None)


def _loud(facts: Facts) -> tuple[ServerEvent, ...]:
    return tuple(event for event in facts.events or () if event.action not in _QUIET)


def again_at(tried: tuple[datetime, ...], patience: timedelta) -> datetime:
    """Give when a deed that has not come about is asked for again: after `patience`, doubled with each try."""
    return tried[0] + min(patience * (1 << min(len(tried) - 1, 10)), _LONGEST)
