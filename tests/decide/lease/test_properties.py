"""What holds for the plan of any Lease, whatever is known of it: drawn facts, one pass, no world around it."""

import re
from datetime import timedelta
from typing import Any

from hypothesis import event, given

from lessor.decide.lease import acceptance, leases, window
from lessor.decide.lease.facts import Change, Create, Delete, Facts, Plan
from lessor.model import conditions, identity, times, wire
from lessor.model.conditions import ConditionType, Disposition, Reason, find
from lessor.model.lease import LeaseStatus
from lessor.model.plans import FinalizerChange
from tests import strategies as shared
from tests.decide.lease import strategies
from tests.decide.lease.strategies import Chosen
from tests.model import vocabulary

_MOST_ROUNDS = 8
# What Ready says that no other condition does: a change that was not done, the output, a deletion.
OF_READY_ALONE = {"Refused", "NotEnoughResources", "Uncertain", "InvalidSpec"} | {
    "CloudUnavailable",
    "Released",
    "ReleaseBlocked",
    "DeletionHeld",
}
_DIGEST = re.compile(r"^[0-9a-f]{12}$")


def acts(plan: Plan) -> bool:
    """Tell whether the shell has to do more than write: ask Blazar, change it, or let the object go."""
    return plan.effect is not None or plan.look_closer or plan.finalizer is FinalizerChange.TAKE_OFF


def settled(known: Facts) -> tuple[Facts, Plan]:
    """Give the facts and the plan when there is nothing left to write, as the shell comes to it at one instant."""
    for _ in range(_MOST_ROUNDS):
        plan = leases.plan(known)
        after = strategies.written(known, plan)
        if (after.lease, after.renewals) == (known.lease, known.renewals) or acts(plan):
            return known, plan
        known = after
    raise AssertionError(f"it is never settled: {plan}")


def blank(value: Any) -> Any:
    """Take out the digests: they are of instants, and do not shift."""
    if isinstance(value, str) and _DIGEST.match(value):
        return "digest"
    if isinstance(value, dict):
        return {key: blank(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [blank(inner) for inner in value]
    return value


def told(plan: Plan, by: timedelta = times.ZERO) -> Any:
    """Give all that a plan says, so much later."""
    moved = shared.shifted(plan, by)
    parts = {name: getattr(moved, name) for name in Plan.__dataclass_fields__ if name != "status"}
    return blank(wire.to_builtins(moved.status)), {name: blank_of(part) for name, part in parts.items()}


def blank_of(part: Any) -> str:
    """Give a part as text, without digests."""
    return re.sub(r"'[0-9a-f]{12}'", "'digest'", repr(part))


@given(strategies.chosen())
def test_same_facts_same_plan(one: Chosen) -> None:
    assert leases.plan(strategies.facts(one)) == leases.plan(strategies.facts(one))


@given(strategies.chosen(), strategies.shifts)
def test_what_is_shifted_by_minutes_has_the_same_plan_later(one: Chosen, by: timedelta) -> None:
    later = leases.plan(strategies.facts(one, strategies.START + by))
    assert told(later) == told(leases.plan(strategies.facts(one)), by)


@given(strategies.chosen())
def test_a_second_pass_at_the_same_instant_does_nothing(one: Chosen) -> None:
    known, plan = settled(strategies.facts(one))
    event("acts" if acts(plan) else "is settled")
    if not acts(plan):
        assert plan.status == known.lease.status
        assert (plan.decisions, plan.events, plan.config_map) == ((), (), None)


@given(strategies.chosen())
def test_what_is_settled_is_looked_at_later_or_waits_for_nothing(one: Chosen) -> None:
    known, plan = settled(strategies.facts(one))
    for at in (plan.wake_at, plan.look_at):
        assert acts(plan) or at is None or at > known.now


@given(strategies.chosen())
def test_nothing_is_done_without_a_finalizer_blazar_and_an_accepted_lease(one: Chosen) -> None:
    known = strategies.facts(one)
    plan = leases.plan(known)
    if plan.effect is None:
        return
    event(type(plan.effect).__name__)
    meta = known.lease.metadata
    assert known.live
    assert meta.held
    assert not known.lease.spec.suspend
    assert plan.effect not in known.done
    assert known.failed is None or known.failed.effect != plan.effect
    if not isinstance(plan.effect, Delete):
        assert meta.deletion_timestamp is None
        assert acceptance.fault(known.lease.spec) is None
    if isinstance(plan.effect, Create):
        status = known.lease.status
        said = identity.of(meta)
        assert known.claimed == status.create_requested_time is not None
        assert plan.effect.wanted.id == status.lease_id == identity.lease_id(meta.uid, 1)
        assert said is not None
        assert said.lease_id == plan.effect.wanted.id
        assert known.seen is None
        assert not plan.claim


@given(strategies.chosen())
def test_no_end_is_asked_for_that_is_before_the_declared_one(one: Chosen) -> None:
    known = strategies.facts(one)
    effect = leases.plan(known).effect
    if not isinstance(effect, Create | Change):
        return
    end = effect.wanted.end if isinstance(effect, Create) else effect.change.end
    if end is None:
        return
    event("an end is asked for")
    declared = window.at(known.lease, known.seen, known.now).declared_end
    told_ = known.lease.status.requested
    puts_back = known.failed is not None and told_ is not None and end == told_.end_time
    assert end >= declared or puts_back
    assert end.second == end.microsecond == 0


@given(strategies.chosen())
def test_a_claim_is_of_a_lease_that_is_not_there_or_of_an_extension_of_one_that_is(one: Chosen) -> None:
    known = strategies.facts(one)
    plan = leases.plan(known)
    if not plan.claim:
        return
    assert plan.effect is None
    assert plan.finalizer is FinalizerChange.KEEP
    assert not known.lease.spec.suspend
    if known.seen is None:
        assert plan.status.create_requested_time == times.whole_second(known.now)
        assert plan.status.lease_id == identity.lease_id(known.lease.metadata.uid, 1)
    else:
        assert plan.status.extension is not None
        begun = known.lease.status.extension is not None
        assert plan.status.extension.granted_until > (known.now if begun else known.seen.end)
        assert plan.status.extension.granted.delta > times.ZERO


@given(strategies.chosen())
def test_a_status_travels_and_holds_whole_seconds(one: Chosen) -> None:
    status = leases.plan(strategies.facts(one)).status
    body = wire.encode(status)
    assert wire.decoder(LeaseStatus).decode(body) == status
    assert len(body) < 6000, "An object stays small on the wire."
    assert not re.search(rb"T\d\d:\d\d:\d\d\.", body)


@given(strategies.chosen())
def test_what_is_said_is_of_the_vocabulary_and_ready_has_the_words_of_what_decides_it(one: Chosen) -> None:
    known = strategies.facts(one)
    plan = leases.plan(known)
    if plan.status == known.lease.status or not plan.status.conditions:
        return
    said = {each.type: each for each in plan.status.conditions}
    old = {(each.type, each.status, each.reason) for each in known.lease.status.conditions}
    ready = said[ConditionType.READY]
    others = {(each.reason, each.message) for each in said.values() if each.type != ConditionType.READY}
    assert {ConditionType.ACCEPTED, ConditionType.RESERVED, ConditionType.ACTIVE} <= set(said) or "deletion" in one.odd
    for each in said.values():
        if each.type in {ConditionType.RECONCILING, ConditionType.STALLED}:
            assert (each.status, each.reason, each.message) == ("True", ready.reason, ready.message)
        elif each.type != ConditionType.READY:
            assert (each.type, each.status, each.reason) in vocabulary.SAID | old
    assert ready.reason in OF_READY_ALONE or any(ready.reason == reason for reason, _ in others)


@given(strategies.chosen())
def test_a_lease_is_never_reconciling_and_stalled_at_once_nor_either_when_ready(one: Chosen) -> None:
    kinds = {each.type for each in leases.plan(strategies.facts(one)).status.conditions if each.status == "True"}
    assert len(kinds & {ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED}) <= 1


@given(strategies.chosen())
def test_grants_only_grow_and_by_what_was_asked_for(one: Chosen) -> None:
    known = strategies.facts(one)
    old, plan = known.lease.status, leases.plan(known)
    before = old.renewals.sum if old.renewals is not None else times.ZERO
    after = plan.status.renewals.sum if plan.status.renewals is not None else times.ZERO
    adopted = old.requested is None and known.seen is not None
    assert after >= before
    assert after == before or adopted or (old.extension is not None and after == before + old.extension.granted.delta)


@given(strategies.chosen())
def test_every_open_request_is_answered_or_somebody_is_asked(one: Chosen) -> None:
    known, plan = settled(strategies.facts(one))
    if acts(plan) or known.lease.metadata.deletion_timestamp is not None or known.fault is not None:
        return
    under_way = plan.status.extension.uid if plan.status.extension is not None else None
    for request in known.renewals:
        said = find(request.status.conditions, ConditionType.COMPLETED)
        assert said is not None or request.metadata.uid == under_way or plan.status.extension is not None


@given(strategies.chosen())
def test_what_is_let_go_was_not_made_or_is_gone_or_is_retained(one: Chosen) -> None:
    known = strategies.facts(one)
    if leases.plan(known).finalizer is not FinalizerChange.TAKE_OFF:
        return
    event("is let go")
    spec, status = known.lease.spec, known.lease.status
    kept = spec.suspend or spec.on_delete in {"Retain", "Perhaps"} or (spec.import_ and spec.on_delete is None)
    gone = known.live and known.seen is None
    unmade = status.create_requested_time is None and status.start_time is None
    assert kept or gone or unmade or "force" in one.odd


@given(strategies.chosen())
def test_what_is_not_ready_is_come_back_to_or_waits_for_a_person(one: Chosen) -> None:
    known, plan = settled(strategies.facts(one))
    ready = find(plan.status.conditions, ConditionType.READY)
    if acts(plan) or ready is None or ready.status == "True" or known.lease.spec.suspend:
        return
    if not known.lease.metadata.held:  # it is being deleted, and no business of ours
        return
    comes_back = plan.wake_at is not None or plan.look_at is not None
    match conditions.DISPOSITIONS[Reason(ready.reason)]:
        case Disposition.WAIT | Disposition.DONE:
            assert comes_back
        case Disposition.RETRY | Disposition.ASK:
            assert comes_back or plan.disposition in {Disposition.RETRY, Disposition.ASK}
        case Disposition.SPEC:
            assert find(plan.status.conditions, ConditionType.STALLED) is not None
