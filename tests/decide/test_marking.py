"""The mark on the server: whose it is, what must be written, and what is said of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.decide import marking, window
from lessor.decide.facts import Facts, Failed
from lessor.model import names, times
from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import InstanceLeaseStatus, RenewalsStatus
from lessor.model.marks import Mark
from lessor.model.plans import Deed, Effect, Purpose
from lessor.model.times import Duration
from tests import builders, strategies
from tests.builders import DAY, END, HOUR, SERVER, START, begun, condition, event, lease, marked, server

SOON = timedelta(seconds=15)
EXPIRES = {names.EXPIRES_KEY: times.text(END)}
UP_TO_DATE = {**marked(), **EXPIRES}
OLD = {**marked(), names.EXPIRES_KEY: times.text(START)}
OTHER = {
    names.MARK_KEY: strategies.OTHER.write(
        Mark(installation=strategies.OTHER.installation, object="uid-1", server=SERVER, start=START)
    )
}
NEW = InstanceLeaseStatus()
SAID = begun(condition("Marked", "True", "Marked"))
ASKED = {names.RECONCILE_REQUESTED_AT: "now"}
REFUSED = (
    Failed(
        effect=Effect(deed=Deed.WRITE_MARK, purpose=Purpose.MARK, server_id=SERVER),
        fault=Fault(Reason.NOT_WRITABLE, "128 keys are there."),
    ),
)
LOCKED = {"locked": True, "locked_reason": "Expired 2026. Renew: ask"}


def known(metadata: dict[str, str] | None, status: InstanceLeaseStatus = SAID, **changes: Any) -> Facts:
    seen = changes.pop("server", {})
    annotations = changes.pop("annotations", {})
    return builders.facts(
        lease(seen=status, annotations=annotations), server=server(**{"metadata": metadata, **seen}), **changes
    )


def mark(facts: Facts) -> marking.Marking:
    status = facts.lease.status
    assert facts.server is not None
    return marking.mark(facts, facts.server, status, window.at(facts.lease.spec, START, status.renewals))


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    facts: Facts
    said: tuple[str, Reason] | None
    valid: bool
    writes: frozenset[str] | None = None
    again: timedelta | None = None


BOTH = frozenset({names.MARK_KEY, names.EXPIRES_KEY})
MARKED, NOT_WRITABLE = ("True", Reason.MARKED), ("False", Reason.NOT_WRITABLE)
CASES = (
    Case("first", "The first visit marks the server.", known({}, NEW), None, valid=False, writes=BOTH),
    Case("bare", "A record without metadata is written as an empty one.", known(None, NEW), None, valid=False,
         writes=BOTH),
    Case("marked", "All is as it should be.", known(UP_TO_DATE), MARKED, valid=True),
    Case("expires", "Only what differs is written; the old mark counts.", known(OLD), MARKED, valid=True,
         writes=frozenset({names.EXPIRES_KEY})),
    Case("other-installation", "Two installations must not fight.", known(OTHER, NEW),
         ("False", Reason.OTHER_INSTALLATION), valid=False),
    Case("other-over-ours", "Also where ours was once.", known(OTHER), ("False", Reason.OTHER_INSTALLATION),
         valid=False),
    Case("lost", "A lost mark holds the lease: an old backup stops nothing.", known({}),
         ("False", Reason.MARK_MISSING), valid=False),
    Case("lost-asked", "It is written anew when a person asks.", known({}, annotations=ASKED), MARKED, valid=False,
         writes=BOTH),
    Case("alive", "The mark of an object that lives is respected.",
         known(marked(object="uid-2"), NEW, mark_lives=True), NOT_WRITABLE, valid=False),
    Case("dead", "That of one that is gone is not.", known(marked(object="uid-2"), NEW), None, valid=False,
         writes=BOTH),
    Case("other-server", "A mark that was copied to this server is not its own.", known(marked(server="s2"), NEW), None,
         valid=False, writes=BOTH),
    Case("forged", "A broken seal is no mark.", known({names.MARK_KEY: marked()[names.MARK_KEY][:-1]}, NEW), None,
         valid=False, writes=BOTH),
    Case("refused", "Nova refused: in an hour again.", known({}, NEW, failed=REFUSED), NOT_WRITABLE, valid=False,
         again=HOUR),
    Case("refused-old", "The old mark still counts.", known(OLD, failed=REFUSED), NOT_WRITABLE, valid=True, again=HOUR),
    Case("written", "It was written in this pass and does not show yet.",
         known({}, NEW, done=frozenset({Deed.WRITE_MARK})), None, valid=False, again=SOON),
    Case("busy", "A task is waited for.", known(OLD, server={"task_state": "rebuilding"}), MARKED, valid=True,
         again=SOON),
    Case("rescued", "Nova takes no metadata there.", known({}, NEW, server={"vm_state": "rescued"}), NOT_WRITABLE,
         valid=False, again=HOUR),
    Case("shelved-old", "Nor here; the old mark counts.", known(OLD, server={"vm_state": "shelved_offloaded"}),
         NOT_WRITABLE, valid=True, again=HOUR),
    Case("locked", "It goes on after the unlock.", known(OLD, server=LOCKED, events=(event("lock"),)), MARKED,
         valid=True),
    Case("locked-new", "A server that was locked before it was ours is tried.", known({}, NEW, server=LOCKED), None,
         valid=False, writes=BOTH),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_what_is_said_of_the_mark_and_written(case: Case) -> None:
    seen = mark(case.facts)
    writes = None if seen.effect is None else frozenset(seen.effect.items or ())
    again = None if seen.again is None else seen.again - case.facts.now
    assert builders.answer(seen.verdict) == case.said, case.why
    assert (seen.valid, writes, again) == (case.valid, case.writes, case.again), case.why


@pytest.mark.parametrize("metadata", [pytest.param({}, id="lost"), pytest.param(OTHER, id="of another installation")])
def test_no_mark_is_missed_that_was_not_looked_for_on_the_server_itself(metadata: dict[str, str]) -> None:
    seen = mark(known(metadata, live=False))
    assert (builders.answer(seen.verdict), seen.valid, seen.look_closer) == (MARKED, False, True)


def test_what_is_written_is_the_start_the_grants_and_the_end() -> None:
    granted = builders.granted(builders.grant("3d", END + 3 * DAY))
    effect = mark(known({}, begun(renewals=granted, marked_time=None))).effect
    assert effect is not None
    assert effect.items == {**marked(count=1, extended=3 * DAY), names.EXPIRES_KEY: times.text(END + 3 * DAY)}


def test_what_was_written_is_read_as_ours_and_nothing_more_is_written() -> None:
    effect = mark(known({}, NEW)).effect
    assert effect is not None
    assert effect.items is not None
    assert mark(known(dict(effect.items))).effect is None


@pytest.mark.parametrize(
    "metadata",
    [pytest.param(None, id="untold"), pytest.param({}, id="none"), pytest.param({names.MARK_KEY: "x"}, id="no mark")],
)
def test_a_server_without_a_mark_has_none(metadata: dict[str, str] | None) -> None:
    assert marking.read(known(metadata)) is None
    assert marking.own(known(metadata)) is None


def test_a_server_that_was_not_seen_has_no_mark() -> None:
    assert marking.read(builders.facts(server=None)) is None


# ---------------------------------------------------------------- grants of the status and of the mark


@dataclass(frozen=True)
class Grants:
    id: str
    why: str
    status: RenewalsStatus | None
    mark: dict[str, Any] | None
    want: RenewalsStatus | None


ONE = builders.granted(builders.grant("3d", END + 3 * DAY))
GRANTS = (
    Grants("none", "Nothing was granted.", None, {}, None),
    Grants("no-mark", "The status alone knows.", ONE, None, ONE),
    Grants("same", "Both know the same.", ONE, {"count": 1, "extended": 3 * DAY}, ONE),
    Grants("older-mark", "The status knows more.", ONE, {"count": 0}, ONE),
    Grants("lost-status", "Only the mark knows.", None, {"count": 2, "extended": 5 * DAY},
           RenewalsStatus(count=2, extended=Duration("5d"))),
    Grants("old-backup", "The mark knows more; the history is what the status has.", ONE,
           {"count": 2, "extended": 5 * DAY}, RenewalsStatus(count=2, extended=Duration("5d"), history=ONE.history)),
    Grants("fewer", "The larger count holds as well.", builders.granted(*ONE.history, count=4),
           {"count": 2, "extended": 5 * DAY}, RenewalsStatus(count=4, extended=Duration("5d"), history=ONE.history)),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in GRANTS])
def test_the_larger_grants_hold(case: Grants) -> None:
    metadata = {} if case.mark is None else marked(**case.mark)
    assert marking.grants(known(metadata, begun(renewals=case.status))) == case.want, case.why


@given(strategies.grants(), st.integers(0, 9), strategies.spans())
def test_the_grants_are_never_less_than_either_knows(
    status: RenewalsStatus | None, count: int, extended: timedelta
) -> None:
    together = marking.grants(known(marked(count=count, extended=extended), begun(renewals=status)))
    least = max(extended, status.sum if status is not None else times.ZERO)
    assert (together.sum if together is not None else times.ZERO) == least
