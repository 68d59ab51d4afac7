"""What is asked of a lease that is there: one thing after the other, in this order.

A lease that an update left in ERROR is brought back; the extension that is under way is brought to its end, because
Blazar may have it already; then comes what the spec says else than Blazar was told, and last the next extension. So
no end is asked for that is earlier than what was granted.
"""

import dataclasses
from dataclasses import dataclass

import msgspec

from lessor.decide.lease import changing, extending, states, underway, window
from lessor.decide.lease.changing import Changing
from lessor.decide.lease.extending import Extending
from lessor.decide.lease.facts import Facts
from lessor.decide.lease.states import Trouble
from lessor.decide.lease.window import Window
from lessor.model.lease import LeaseStatus
from lessor.model.reservations import ObservedLease

replace = msgspec.structs.replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is next. The status of `extending` is the newest; at most one of the two has an effect."""

    changing: Changing
    extending: Extending

    @property
    def keeps_refusal(self) -> bool:
        """Whether the refusal in the status still is one of something that is to be asked for."""
        changes = self.changing
        if changes.refusal is not None or changes.healing or not changes.settled:
            return True
        return self.extending.holds or self.extending.status.extension is not None


def ask(facts: Facts, seen: ObservedLease, status: LeaseStatus, time: Window) -> Asking:
    """Say what is next. `status`: the new one so far, with its reservations matched."""
    begun = Extending(status=status)
    healing = states.trouble(seen) is Trouble.UPDATE
    if status.extension is not None and not healing:
        begun = underway.next_step(facts, seen, status, time, status.extension)
        if begun.status.extension is not None:
            return Asking(changing=Changing(status=begun.status), extending=begun)
        facts, time = _gone_on(facts, seen, begun.status)
    changed = changing.change(facts, seen, begun.status, time)
    begun = extending.answered(facts, dataclasses.replace(begun, status=changed.status))
    if changed.settled:
        return Asking(changing=changed, extending=extending.extend(facts, seen, begun, time))
    message = "The lease is being changed, or Blazar refuses what its spec says now. The request waits for that."
    return Asking(changing=changed, extending=extending.put_off(facts, begun, message))


def _gone_on(facts: Facts, seen: ObservedLease, status: LeaseStatus) -> tuple[Facts, Window]:
    """Give the facts and the time of the lease after an extension came to its end in this pass."""
    known = replace(status, last_handled_reconcile_at=facts.handled)
    after = dataclasses.replace(facts, lease=replace(facts.lease, status=known))
    return after, window.at(after.lease, seen, facts.now)
