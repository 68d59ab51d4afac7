"""What holds for the plan of any lease, whatever is known of it: drawn facts, one pass, no world around it."""

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import assume, event, given

from lessor.decide import acceptance, instanceleases, locks, marking, stages, window
from lessor.decide.facts import Facts, Plan
from lessor.model import names, times, wire
from lessor.model.conditions import ConditionType
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.meta import OwnerReference
from lessor.model.plans import Deed, FinalizerChange, Purpose
from tests import strategies
from tests.model import vocabulary

_MOST_ROUNDS = 6


def written(known: Facts, plan: Plan) -> Facts:
    """Give the facts after what the plan asks to be written was written, at the same instant."""
    meta = known.lease.metadata
    if plan.finalizer is FinalizerChange.PUT_ON:
        meta = msgspec.structs.replace(meta, finalizers=(*meta.finalizers, names.FINALIZER))
    ours = OwnerReference(api_version=names.API_VERSION, kind="InstanceLease", name=meta.name, uid=meta.uid)
    requests = {request.metadata.uid: request for request in known.renewals}
    for decision in plan.decisions:
        request = decision.renewal
        del requests[request.metadata.uid]
        owners = (ours,) if decision.adopt else request.metadata.owner_references
        if not decision.delete:
            bound = msgspec.structs.replace(request.metadata, owner_references=owners)
            requests[bound.uid] = LeaseRenewal(metadata=bound, spec=request.spec, status=decision.status)
    lease = msgspec.structs.replace(known.lease, metadata=meta, status=plan.status)
    return replace(known, lease=lease, renewals=tuple(requests.values()))


def acts(plan: Plan) -> bool:
    """Tell whether the shell has to do more than write: ask the cloud, change it, or let the object go."""
    return plan.effect is not None or plan.look_closer or plan.finalizer is FinalizerChange.TAKE_OFF


def settled(known: Facts) -> tuple[Facts, Plan]:
    """Give the facts and the plan when there is nothing left to write, as the shell comes to it at one instant."""
    for _ in range(_MOST_ROUNDS):
        plan = instanceleases.plan(known)
        after = written(known, plan)
        if after == known or acts(plan):
            return known, plan
        known = after
    raise AssertionError(f"it is never settled: {plan}")


@given(strategies.facts())
def test_same_facts_same_plan(known: Facts) -> None:
    assert instanceleases.plan(known) == instanceleases.plan(replace(known))


@given(strategies.facts(), strategies.shifts)
def test_a_drawing_that_is_shifted_has_the_same_plan_later(known: Facts, by: timedelta) -> None:
    later = instanceleases.plan(strategies.shifted(known, by))
    assert strategies.shifted(later, timedelta()) == strategies.shifted(instanceleases.plan(known), by)


@given(strategies.facts())
def test_a_second_pass_at_the_same_instant_does_nothing(known: Facts) -> None:
    known, plan = settled(known)
    event("acts" if acts(plan) else "is settled")
    if acts(plan):
        return
    assert plan.status == known.lease.status
    assert plan.decisions == ()
    assert plan.events == ()
    assert plan.stage is None


@given(strategies.facts())
def test_what_is_settled_wakes_later_or_waits_for_nothing(known: Facts) -> None:
    known, plan = settled(known)
    if not acts(plan):
        assert plan.wake_at is None or plan.wake_at > known.now


@given(strategies.facts())
def test_no_plan_wakes_in_the_past_and_only_one_that_writes_wakes_at_once(known: Facts) -> None:
    plan = instanceleases.plan(known)
    assert plan.wake_at is None or plan.wake_at >= known.now
    if plan.wake_at == known.now:
        assert plan.status != known.lease.status


@given(strategies.facts())
def test_what_is_urgent_is_a_stage_or_its_undoing(known: Facts) -> None:
    plan = instanceleases.plan(known)
    if plan.urgent:
        assert plan.wake_at is not None
        assert plan.status.next_action is not None or plan.status.before is not None


@given(strategies.facts())
def test_no_stage_before_its_time_its_claim_its_mark_or_against_a_hold(known: Facts) -> None:
    plan = instanceleases.plan(known)
    effect, lease = plan.effect, known.lease
    if effect is None or effect.purpose is not Purpose.STAGE:
        return
    event(f"stage: {effect.deed}")
    claim, start = lease.status.next_action, lease.status.start_time
    assert claim is not None
    assert start is not None
    assert claim.claimed_time is not None
    term = window.at(lease.spec, start, lease.status.renewals)
    due = stages.pending(lease.spec, lease.status, term)
    assert due is not None
    assert (claim.action, claim.time) == (due.action, due.time)
    assert known.now >= due.time >= term.end + due.stage.after.delta
    assert known.live
    assert lease.metadata.held
    assert not lease.spec.suspend
    assert lease.metadata.deletion_timestamp is None
    assert known.clock_certain
    assert not known.frozen
    assert lease.spec.exemption is None or known.now >= lease.spec.exemption.until
    assert marking.own(known) is not None
    assert locks.seen(known) in {locks.Lock.NONE, locks.Lock.OURS}
    assert lease.status.before is not None
    assert due.action in lease.status.before.claimed


@given(strategies.facts())
def test_nothing_is_done_without_a_finalizer_an_answer_and_an_accepted_lease(known: Facts) -> None:
    plan = instanceleases.plan(known)
    if plan.effect is None:
        return
    event(f"{plan.effect.purpose}: {plan.effect.deed}")
    assert known.live
    assert known.lease.metadata.held
    assert known.server is not None
    assert plan.effect.server_id == known.server.id
    assert acceptance.fault(known.lease.spec) is None


@given(strategies.facts())
def test_nothing_is_done_again_in_the_pass_that_did_it(known: Facts) -> None:
    plan = instanceleases.plan(known)
    if plan.effect is not None and plan.effect.deed is not Deed.REMOVE_MARK:  # one for each of two keys
        assert plan.effect.deed not in known.done
        assert known.refusal(plan.effect.deed) is None


@given(strategies.facts())
def test_no_claim_goes_with_the_effect_that_it_announces(known: Facts) -> None:
    plan = instanceleases.plan(known)
    if plan.claim:
        assert plan.effect is None or plan.effect.purpose is not Purpose.STAGE
        assert plan.status.next_action is not None
        assert plan.status.next_action.claimed_time == times.whole_second(known.now)
        assert plan.status.before is not None


@given(strategies.facts())
def test_what_is_said_is_of_the_vocabulary(known: Facts) -> None:
    plan = instanceleases.plan(known)
    if plan.status == known.lease.status:
        return
    said = {each.type: each for each in plan.status.conditions}
    old = {(each.type, each.status, each.reason) for each in known.lease.status.conditions}
    ready = said[ConditionType.READY]
    for each in said.values():
        one = (each.type, each.status, each.reason)
        if each.type in {ConditionType.RECONCILING, ConditionType.STALLED}:
            assert (each.status, each.reason, each.message) == ("True", ready.reason, ready.message)
        elif each.type == ConditionType.READY and one not in vocabulary.SAID:
            assert any(each.reason == other.reason and each.message == other.message for other in said.values())
        else:
            assert one in vocabulary.SAID | old, one


@given(strategies.facts())
def test_a_lease_is_never_reconciling_and_stalled_at_once(known: Facts) -> None:
    kinds = {each.type for each in instanceleases.plan(known).status.conditions if each.status == "True"}
    assume(instanceleases.plan(known).status != known.lease.status)
    assert not {ConditionType.RECONCILING, ConditionType.STALLED} <= kinds
    assert ConditionType.READY not in kinds or not {ConditionType.RECONCILING, ConditionType.STALLED} & kinds


@given(strategies.facts())
def test_a_status_travels_and_holds_whole_seconds(known: Facts) -> None:
    status = instanceleases.plan(known).status
    body = wire.encode(status)
    assert wire.decoder(type(status)).decode(body) == status
    assert len(body) < 6000, "An object stays small on the wire."
    assert b"." not in b"".join(part for part in body.split(b'"') if part.endswith(b"Z") and part[:2] == b"20")


@given(strategies.facts())
def test_a_start_once_written_stays_and_a_server_once_found_stays_found(known: Facts) -> None:
    old, new = known.lease.status, instanceleases.plan(known).status
    for kept in ("start_time", "server_id", "cloud", "marked_time"):
        before = getattr(old, kept)
        assert before is None or getattr(new, kept) == before


@given(strategies.facts())
def test_grants_only_grow(known: Facts) -> None:
    old, new = known.lease.status.renewals, instanceleases.plan(known).status.renewals
    if old is not None:
        assert new is not None
        assert (new.count, new.sum) >= (old.count, old.sum)
