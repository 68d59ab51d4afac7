"""Effects out: one request that changes something in Blazar, after the object was read again."""

from dataclasses import replace

from lessor.decide.lease.facts import Change, Create, Delete, Effect, Facts, Failed, Look
from lessor.model import times
from lessor.model.conditions import Fault
from lessor.model.reservations import ObservedLease
from lessor.ports.cloud import CloudError
from lessor.ports.reservations import NotExtendableYet, Reservations
from lessor.reconcile.lease.given import Ports
from lessor.reconcile.lease.observe import reason_of


def attempt(facts: Facts, effect: Effect, ports: Ports) -> Facts:
    """Do it, and give the facts with what came of it; nothing is raised for a refusal of Blazar.

    Raises:
        NotLeading: nothing was done.
    """
    ports.leading.assure()
    try:
        return _performed(facts, effect, ports.blazar)
    except CloudError as error:
        return replace(facts, failed=Failed(effect=effect, fault=Fault(reason_of(error), _sentence(error, facts.seen))))


def _sentence(error: CloudError, seen: ObservedLease | None) -> str:
    """Blazar's words end as they end; more is said behind them, such as the first instant of what comes too early."""
    words = f"{str(error).removesuffix('.')}."
    if not isinstance(error, NotExtendableYet) or seen is None:
        return words
    return f"{words} Ask from {times.text(times.earlier(seen.end, error.within))} on."


def _performed(facts: Facts, effect: Effect, blazar: Reservations) -> Facts:
    done = replace(facts, done=(*facts.done, effect))
    match effect:
        case Create():
            return replace(done, look=Look.FOUND, seen=blazar.create(effect.wanted), read=facts.now)
        case Change():
            blazar.change(effect.lease_id, effect.change)
        case Delete():
            blazar.delete(effect.lease_id)
    return done
