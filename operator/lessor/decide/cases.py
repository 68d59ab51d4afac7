"""What the rules of the stages look at, and the answers that they share."""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from lessor.decide import stages
from lessor.decide.facts import Facts
from lessor.decide.marking import Marking
from lessor.decide.stages import Due
from lessor.decide.window import Term
from lessor.model import conditions, times
from lessor.model.conditions import Disposition, Reason, Verdict
from lessor.model.instancelease import Before, InstanceLeaseStatus, NextAction, StageStatus
from lessor.model.plans import Effect, Event, StageFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What is said of the stages, and what is to be done.

    Attributes:
        enforced: the verdict on Enforced; None: what was said before stays.
        restore: the verdict on Ready while the server is being brought back; None: it is not.
        stage, before, next_action: these parts of the new status.
        restored: the server is as it was before our first effect.
        The rest: as in `Plan`.
    """

    stage: StageStatus | None
    before: Before | None
    next_action: NextAction | None = None
    enforced: Verdict | None = None
    restore: Verdict | None = None
    restored: bool = False
    exempt: bool = False
    effect: Effect | None = None
    look_closer: bool = False
    claim: bool = False
    events: tuple[Event, ...] = ()
    wake_at: datetime | None = None
    disposition: Disposition = Disposition.DONE
    fact: StageFact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the rules look at: the facts, the status with the grants of this pass, the term, the mark, the stage."""

    facts: Facts
    status: InstanceLeaseStatus
    term: Term
    marking: Marking
    due: Due | None

    @property
    def now(self) -> datetime:
        """The instant of the pass."""
        return self.facts.now

    @property
    def claimed(self) -> bool:
        """Whether the stage that is due has been claimed, at its time as it is now, with what the server was before."""
        claim, before = self.status.next_action, self.status.before
        if claim is None or claim.claimed_time is None or self.due is None:
            return False
        if before is None or self.due.action not in before.claimed:
            return False
        return (claim.action, claim.time) == (self.due.action, self.due.time)

    @property
    def claimed_time(self) -> datetime | None:
        """When the next stage was claimed, None when it was not."""
        return self.status.next_action.claimed_time if self.status.next_action is not None else None


def of(facts: Facts, status: InstanceLeaseStatus, term: Term, marking: Marking) -> Case:
    """Give the case; `status` holds the grants of this pass already."""
    due = stages.pending(facts.lease.spec, status, term)
    return Case(facts=facts, status=status, term=term, marking=marking, due=due)


def after(case: Case, done: StageStatus | None) -> Case:
    """Give the case with this stage as the last one done, none when it is None, and no claim."""
    status = msgspec.structs.replace(case.status, stage=done, next_action=None)
    return of(case.facts, status, case.term, case.marking)


def same(case: Case) -> Enforcement:
    """Answer that nothing changes."""
    return Enforcement(stage=case.status.stage, before=case.status.before, next_action=case.status.next_action)


def waiting(case: Case) -> Enforcement:
    """Answer that the next stage waits for its time, or that there is none."""
    due = case.due
    if due is None:
        return replace(same(case), next_action=None)
    return replace(same(case), next_action=NextAction(action=due.action, time=due.time), wake_at=due.time)


def held(case: Case, due: Due, reason: Reason, message: str, *, again: datetime | None = None) -> Enforcement:
    """Let the stage wait, and say for what."""
    verdict = conditions.false(reason, message)
    claimed = case.claimed_time if case.claimed else None
    action = NextAction(action=due.action, time=due.time, claimed_time=claimed, blocked_by=reason.value)
    return replace(same(case), next_action=action, enforced=verdict, wake_at=again, disposition=verdict.disposition)


def claim(case: Case, due: Due, before: Before) -> Enforcement:
    """Announce the stage: what the server was before goes into the status before anything is done to it."""
    action = NextAction(action=due.action, time=due.time, claimed_time=times.whole_second(case.now))
    verdict = conditions.false(Reason.DUE, f"{due.action} is due since {times.text(due.time)}.")
    others = tuple(claimed for claimed in before.claimed if claimed != due.action)
    before = msgspec.structs.replace(before, claimed=(*others, due.action.value))
    return replace(same(case), before=before, next_action=action, enforced=verdict, claim=True)
