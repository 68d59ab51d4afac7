"""One pass over one Lease: look, decide, act, report. Safe to repeat, safe to cut short."""

from dataclasses import replace

from lessor.decide.lease import leases
from lessor.decide.lease.facts import Change, Create, Delete, Facts, Look, Plan
from lessor.model.names import Kind
from lessor.model.plans import Outcome
from lessor.reconcile import act as objects
from lessor.reconcile.lease import act, longest, observe
from lessor.reconcile.lease.given import Given, Ports

_MOST_EFFECTS = 6


def glance(given: Given) -> Outcome:
    """Make a pass from memory alone: no request, no effect. `again` says that more must be known, or done."""
    facts = observe.glance(given)
    return _report(facts, leases.plan(facts))


def visit(given: Given, ports: Ports) -> Outcome:
    """Make a pass that asks Blazar and may act: one request after the other, each on what is seen then.

    Raises:
        ClusterUnavailable: the object could not be read again before an effect; nothing was done then.
        NotLeading: this process does not lead any more; the effect was not done.
    """
    facts = observe.look(given, ports.blazar)
    plan = leases.plan(facts)
    fresh = given.fresh
    for _ in range(_MOST_EFFECTS):
        effect = plan.effect
        if effect is None:
            return _report(facts, plan)
        if not fresh and not objects.unchanged(Kind.LEASE, given.lease.metadata, ports.objects):
            return Outcome(again=True)
        fresh = False
        if isinstance(effect, Delete) and effect.harms and not ports.pace.take():
            given = replace(given, may_delete=False)
            facts = _looked_again(given, facts, ports)
        else:
            facts = act.attempt(facts, effect, ports)
            if isinstance(effect, Change) and longest.is_worth_it(facts, effect):
                facts = longest.searched(facts, effect, ports)
            # the answer to a POST is the lease itself; after all else it is read
            if not (isinstance(effect, Create) and facts.look is Look.FOUND):
                facts = _looked_again(given, facts, ports)
        plan = leases.plan(facts)
    return replace(_report(facts, plan), again=True)


def _looked_again(given: Given, before: Facts, ports: Ports) -> Facts:
    asked = any(isinstance(effect, Create) for effect in before.done) or (
        before.failed is not None and isinstance(before.failed.effect, Create)
    )
    if asked:  # a POST went out: from here on the lease may be there
        given = replace(given, claimed=None)
    facts = observe.look(given, ports.blazar)
    return replace(
        facts,
        claimed=before.claimed,
        done=before.done,
        failed=before.failed,
        longest=before.longest,
        ids=before.ids or facts.ids,
    )


def _report(facts: Facts, plan: Plan) -> Outcome:
    """Give what is to be written: the status only if it changed."""
    effects = [*facts.done, *([facts.failed.effect] if facts.failed is not None else [])]
    return Outcome(
        status=plan.status if plan.status != facts.lease.status else None,
        finalizer=plan.finalizer,
        annotations=plan.annotations,
        config_map=plan.config_map,
        claim=plan.claim,
        again=plan.look_closer,
        decisions=plan.decisions,
        events=plan.events,
        wake_at=plan.wake_at,
        look_at=plan.look_at,
        disposition=plan.disposition,
        posted=any(isinstance(effect, Create) for effect in effects),
        changed=any(isinstance(effect, Change | Delete) for effect in effects),
        looked=facts.live and facts.fault is None and facts.look in {Look.FOUND, Look.ABSENT},
        seen_lease=facts.seen,
        fault=facts.fault,
    )
