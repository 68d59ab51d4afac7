"""The closed sets of what is said of an object: total, and bound to one table; the rule of transition times."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.model import conditions, times
from lessor.model.conditions import (
    DISPOSITIONS,
    Condition,
    ConditionStatus,
    ConditionType,
    Disposition,
    Reason,
    Verdict,
)
from tests import builders, strategies
from tests.builders import START
from tests.model import vocabulary

TYPES = st.sampled_from(ConditionType)
TO_COME = {ConditionType.NOTIFIED}  # said when notices are sent
VERDICTS = st.builds(Verdict, st.sampled_from(ConditionStatus), st.sampled_from(Reason), st.text(max_size=5))


def held(said: dict[ConditionType, Verdict], generation: int = 1) -> tuple[Condition, ...]:
    return conditions.merged((), said, generation, START)


# ---------------------------------------------------------------- the closed sets


def test_every_reason_stands_in_the_vocabulary_and_every_word_of_it_is_a_reason() -> None:
    assert set(Reason) == {row.reason for row in vocabulary.ROWS}


def test_every_condition_type_stands_in_the_vocabulary_and_every_word_of_it_is_a_type() -> None:
    derived = {ConditionType.RECONCILING, ConditionType.STALLED}  # with the reason of Ready
    assert set(ConditionType) - derived - TO_COME == {row.type for row in vocabulary.ROWS}


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in vocabulary.ROWS])
def test_what_we_do_about_a_reason_is_what_the_vocabulary_says(row: vocabulary.Row) -> None:
    verdict = Verdict(ConditionStatus(row.status), Reason(row.reason), "")
    assert verdict.disposition is Disposition(row.disposition)


def test_every_reason_has_one_disposition() -> None:
    assert set(DISPOSITIONS) == set(Reason)


@given(VERDICTS)
def test_what_is_true_asks_for_nothing(verdict: Verdict) -> None:
    wanted = Disposition.DONE if verdict.status is ConditionStatus.TRUE else DISPOSITIONS[verdict.reason]
    assert verdict.disposition is wanted


@pytest.mark.parametrize("word", [*Reason, *ConditionType])
def test_a_word_is_one_word_in_pascal_case(word: str) -> None:
    assert word.isalpha()
    assert word[0].isupper()


def test_the_three_statuses_are_said_by_their_names() -> None:
    said = (make(Reason.FOUND, "a message") for make in (conditions.true, conditions.false, conditions.unknown))
    assert [verdict.status for verdict in said] == list(ConditionStatus)


# ---------------------------------------------------------------- finding and keeping


def test_an_absent_condition_is_neither_found_nor_true() -> None:
    assert conditions.find((), ConditionType.READY) is None
    assert not conditions.is_true((), ConditionType.READY)


@pytest.mark.parametrize("status", list(ConditionStatus))
def test_only_a_condition_that_is_true_is_true(status: ConditionStatus) -> None:
    there = (builders.condition("Ready", status, "InTerm"),)
    assert conditions.is_true(there, ConditionType.READY) is (status is ConditionStatus.TRUE)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    before: Condition
    want: Verdict | None


KEPT = (
    Case("same", "What was said is said again.", builders.condition("Marked", "False", "NotWritable"),
         conditions.false(Reason.NOT_WRITABLE, "said before")),
    Case("absent", "Nothing was said.", builders.condition("Ready", "True", "InTerm"), None),
    Case("newer-reason", "Another version's words are not ours to repeat.",
         builders.condition("Marked", "False", "Smudged"), None),
    Case("newer-status", "The same for a status.", builders.condition("Marked", "Perhaps", "Marked"), None),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in KEPT])
def test_a_verdict_is_kept_in_its_own_words(case: Case) -> None:
    assert conditions.kept((case.before,), ConditionType.MARKED) == case.want, case.why


# ---------------------------------------------------------------- merging


@given(st.dictionaries(TYPES, VERDICTS), st.integers(0, 9))
def test_what_is_said_is_what_stands_in_the_order_of_the_types(
    said: dict[ConditionType, Verdict], generation: int
) -> None:
    result = held(said, generation)
    assert [each.type for each in result] == [kind for kind in ConditionType if kind in said]
    assert {ConditionType(each.type): (each.status, each.reason, each.message) for each in result} == {
        kind: (verdict.status, verdict.reason, verdict.message) for kind, verdict in said.items()
    }
    assert all(each.observed_generation == generation for each in result)


@given(st.dictionaries(TYPES, VERDICTS), st.dictionaries(TYPES, VERDICTS), strategies.instants)
def test_the_transition_time_moves_with_the_status_alone(
    old: dict[ConditionType, Verdict], new: dict[ConditionType, Verdict], now: datetime
) -> None:
    for each in conditions.merged(held(old), new, 2, now):
        before = old.get(ConditionType(each.type))
        stays = before is not None and before.status == each.status
        assert each.last_transition_time == (START if stays else times.whole_second(now))


@given(st.dictionaries(TYPES, VERDICTS), strategies.instants)
def test_what_is_said_again_changes_nothing(said: dict[ConditionType, Verdict], now: datetime) -> None:
    once = held(said)
    assert conditions.merged(once, said, 1, now) == once
