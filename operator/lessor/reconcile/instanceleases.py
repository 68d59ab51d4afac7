"""One pass over one InstanceLease: look, decide, act, report. Safe to repeat, safe to cut short."""

from dataclasses import replace

from lessor.decide import instanceleases
from lessor.decide.facts import Facts, Look, Plan
from lessor.model.names import Kind
from lessor.model.plans import Deed, Outcome
from lessor.reconcile import act, observe
from lessor.reconcile.given import Given, Ports

_MOST_DEEDS = 6


def glance(given: Given) -> Outcome:
    """Make a pass from memory alone: no request, no effect. `again` says that more must be known, or done."""
    facts = observe.glance(given)
    return _report(facts, instanceleases.plan(facts))


def visit(given: Given, ports: Ports) -> Outcome:
    """Make a pass that asks the cloud and may act: one deed after the other, each on what is seen then.

    Raises:
        ClusterUnavailable: the object or its renewals could not be read again before an effect; nothing was done then.
        NotLeading: this process does not lead any more; the effect was not done.
    """
    facts = observe.look(given, ports.cloud)
    plan = instanceleases.plan(facts)
    fresh = given.fresh
    for _ in range(_MOST_DEEDS):
        effect = plan.effect
        if effect is None:
            return _report(facts, plan)
        if not fresh and not act.unchanged(Kind.INSTANCE_LEASE, given.lease.metadata, ports.objects):
            return Outcome(again=True)
        fresh = False
        if act.harms(effect):
            listed = ports.objects.renewals(Kind.INSTANCE_LEASE, given.lease.metadata)
            if act.new_requests(given.renewals, listed):
                given = replace(given, renewals=listed)
                facts, plan = _look_again(given, facts, ports)
                continue
        if effect.deed is Deed.DELETE and not act.harms(effect) and not ports.pace.take():
            given = replace(given, may_delete=False)
            facts, plan = _look_again(given, facts, ports)
            continue
        facts = act.attempt(facts, effect, ports)
        facts, plan = _look_again(given, facts, ports)
    return replace(_report(facts, plan), again=True)


def _look_again(given: Given, before: Facts, ports: Ports) -> tuple[Facts, Plan]:
    facts = replace(observe.look(given, ports.cloud), done=before.done, failed=before.failed)
    return facts, instanceleases.plan(facts)


def _report(facts: Facts, plan: Plan) -> Outcome:
    """Give what is to be written: the status only if it changed."""
    return Outcome(
        status=plan.status if plan.status != facts.lease.status else None,
        finalizer=plan.finalizer,
        claim=plan.claim,
        again=plan.look_closer,
        decisions=plan.decisions,
        events=plan.events,
        wake_at=plan.wake_at,
        urgent=plan.urgent,
        disposition=plan.disposition,
        stage=plan.stage,
        looked=facts.live and facts.fault is None and facts.look in {Look.FOUND, Look.ABSENT},
        seen=facts.server,
        fault=facts.fault,
    )
