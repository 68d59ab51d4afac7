"""Effects out: one request that changes something in Blazar, after the object was read again."""

from dataclasses import replace

from lessor.decide.lease.facts import Change, Create, Delete, Effect, Facts, Failed, Look
from lessor.model.conditions import Fault
from lessor.ports.cloud import CloudError
from lessor.ports.reservations import Reservations
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
        return replace(facts, failed=Failed(effect=effect, fault=Fault(reason_of(error), _sentence(error))))


def _sentence(error: CloudError) -> str:
    """Blazar's words end as they end; more is said behind them."""
    return f"{str(error).removesuffix('.')}."


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
