"""What sums up the others: the pair of kstatus, what stays said, what turns True."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from lessor.decide import instanceleases, summing
from lessor.decide.facts import Facts, Look
from lessor.model import conditions, names
from lessor.model.conditions import Condition, ConditionType, Reason, Verdict
from lessor.model.plans import EventReason
from tests import builders
from tests.builders import DAY, DOWN, END, START, begun, condition, facts, lease, marked, server, spec

T = ConditionType
ENDED = conditions.true(Reason.END_REACHED, "")
UP_TO_DATE = {**marked(), names.EXPIRES_KEY: "2026-03-11T08:00:00Z"}


@pytest.mark.parametrize(
    ("ready", "want"),
    [
        pytest.param(conditions.true(Reason.IN_TERM, "m"), None, id="ready"),
        pytest.param(conditions.false(Reason.INVALID_SPEC, "m"), T.STALLED, id="for the spec"),
        pytest.param(conditions.false(Reason.SERVER_BUSY, "m"), T.RECONCILING, id="for a while"),
        pytest.param(conditions.unknown(Reason.CLOUD_UNAVAILABLE, "m"), T.RECONCILING, id="tried again"),
        pytest.param(conditions.false(Reason.PERMISSION_DENIED, "m"), None, id="a person acts elsewhere"),
    ],
)
def test_kstatus_sees_whether_it_goes_on_by_itself(ready: Verdict, want: ConditionType | None) -> None:
    said = summing.with_kstatus({T.READY: ready})
    pair = {} if want is None else {want: conditions.true(ready.reason, "m")}
    assert said == {T.READY: ready, **pair}


def test_what_was_said_is_said_again_but_for_what_is_derived() -> None:
    said = [condition("Ready", "False", "Missing"), condition("Reconciling", "True", "Missing")]
    unknown = condition("Marked", "False", "Smudged")
    again = summing.re_said(begun(*said, unknown))
    assert again == {T.READY: conditions.false(Reason.MISSING, "said before")}


@pytest.mark.parametrize(
    ("before", "said", "want"),
    [
        pytest.param((), {T.EXPIRED: ENDED}, True, id="new"),
        pytest.param((condition("Expired", "False", "Renewed"),), {T.EXPIRED: ENDED}, True, id="again"),
        pytest.param((condition("Expired", "True", "EndReached"),), {T.EXPIRED: ENDED}, False, id="still"),
        pytest.param((), {T.EXPIRED: conditions.false(Reason.RENEWED, "")}, False, id="false"),
        pytest.param((), {}, False, id="unsaid"),
    ],
)
def test_a_condition_becomes_true_once(
    before: tuple[Condition, ...], said: dict[ConditionType, Verdict], want: bool
) -> None:
    assert summing.became(before, said, T.EXPIRED) is want


# ---------------------------------------------------------------- all conditions of one pass


def said(now: datetime = START + DAY, **known: Any) -> dict[str, tuple[str, str]]:
    """Give the conditions after a visit one day after the start, but for what is declared otherwise."""
    declared = known.pop("declared", {})
    held = lease(spec(**declared), known.pop("status", begun()))
    seen = {"server": server(metadata=UP_TO_DATE), **known}
    plan = instanceleases.plan(facts(held, now=now, **seen))
    return {each.type: (each.status, each.reason) for each in plan.status.conditions}


WELL = {
    "Accepted": ("True", "Accepted"),
    "ServerFound": ("True", "Found"),
    "Marked": ("True", "Marked"),
    "Active": ("True", "InWindow"),
    "Ready": ("True", "InTerm"),
}


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    known: dict[str, Any]
    want: dict[str, tuple[str, str] | None]


WAS = {"status": begun(condition("Expiring", "True", "EndsSoon"), condition("Expired", "True", "EndReached"),
                       condition("Exempt", "True", "UntilTime"), condition("Enforced", "True", "Stopped"))}  # fmt: skip
CASES = (
    Case("well", "All is as declared.", {}, {}),
    Case("expiring", "The end is near.", {"now": END - DAY}, {"Expiring": ("True", "EndsSoon")}),
    Case("renewed", "It was near, and ended.", WAS,
         {"Expiring": ("False", "Renewed"), "Expired": ("False", "Renewed"), "Exempt": ("False", "Ended"),
          "Enforced": ("True", "Stopped")}),
    Case("refused", "Nothing else can be told, so it is kept.", {**WAS, "declared": {"duration": None}},
         {"Accepted": ("False", "InvalidSpec"), "ServerFound": ("False", "NotFoundYet"), "Marked": None,
          "Active": ("False", "NotAccepted"), "Ready": ("False", "InvalidSpec"), "Stalled": ("True", "InvalidSpec"),
          "Expiring": ("True", "EndsSoon"), "Expired": ("True", "EndReached"), "Exempt": ("False", "Ended"),
          "Enforced": ("True", "Stopped")}),
    Case("exempt", "Before its end an exemption is only said.",
         {"declared": {"exemption": {"until": "2026-04-01T00:00:00Z"}}}, {"Exempt": ("True", "UntilTime")}),
    Case("exempt-ended", "After it the server is left alone.",
         {"now": END, "declared": {"exemption": {"until": "2026-04-01T00:00:00Z", "reason": "thesis"}}},
         {"Expiring": ("True", "EndsSoon"), "Expired": ("True", "EndReached"), "Exempt": ("True", "UntilTime"),
          "Active": ("False", "Expired"), "Ready": ("True", "Exempt")}),
    Case("suspended", "Its time runs on.", {"declared": {"suspend": True}},
         {"Suspended": ("True", "Requested"), "Marked": None}),
    Case("missing", "The server is gone before its end.", {"server": None, "look": Look.ABSENT},
         {"ServerFound": ("False", "Missing"), "Marked": None, "Ready": ("False", "Missing"),
          "Reconciling": ("True", "Missing")}),
    Case("missing-ended", "After it nothing is missed.", {"now": END, "server": None, "look": Look.ABSENT},
         {"ServerFound": ("False", "Missing"), "Marked": None, "Expiring": ("True", "EndsSoon"),
          "Expired": ("True", "EndReached"), "Active": ("False", "Expired"), "Ready": ("True", "Expired")}),
    Case("down", "The cloud does not answer.", {"fault": DOWN, "server": None, "look": Look.NOT_LOOKED},
         {"ServerFound": ("Unknown", "CloudUnavailable"), "Marked": None, "Ready": ("Unknown", "CloudUnavailable"),
          "Reconciling": ("True", "CloudUnavailable")}),
    Case("lost", "Without its mark the lease does not act.", {"server": server()},
         {"Marked": ("False", "MarkMissing"), "Ready": ("False", "MarkMissing")}),
    Case("frozen", "A stage that is held is what decides.", {"now": END, "frozen": True},
         {"Expiring": ("True", "EndsSoon"), "Expired": ("True", "EndReached"), "Active": ("False", "Expired"),
          "Enforced": ("False", "Frozen"), "Ready": ("False", "Frozen"), "Reconciling": ("True", "Frozen")}),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_pass_says_all_that_can_be_said(case: Case) -> None:
    want = {kind: verdict for kind, verdict in {**WELL, **case.want}.items() if verdict is not None}
    assert said(**case.known) == want, case.why


def test_what_the_sentence_of_an_exemption_says() -> None:
    held = lease(spec(exemption={"until": "2026-04-01T00:00:00Z", "reason": "thesis defence"}), begun())
    plan = instanceleases.plan(facts(held, now=START + DAY))
    exempt = conditions.find(plan.status.conditions, T.EXEMPT)
    assert exempt is not None
    assert exempt.message == "No stage runs before 2026-04-01T00:00:00Z (thesis defence)."


def test_a_respite_is_said() -> None:
    held = lease(spec(expireTime="2020-01-01T00:00:00Z"), begun())
    active = conditions.find(instanceleases.plan(facts(held)).status.conditions, T.ACTIVE)
    assert active is not None
    assert "so it got one hour" in active.message


# ---------------------------------------------------------------- what is told once


def told(known: Facts) -> list[str]:
    return [event.reason.value for event in instanceleases.plan(known).events]


REFUSED = conditions.Fault(Reason.CREDENTIALS_REFUSED, "401")


@pytest.mark.parametrize(
    ("before", "want"),
    [
        pytest.param((), ["CredentialsRefused"], id="new"),
        pytest.param((condition("Accepted", "True", "Accepted"),), ["CredentialsRefused"], id="just now"),
        pytest.param((condition("Accepted", "False", "CredentialsMissing"),), ["CredentialsRefused"], id="another"),
        pytest.param((condition("Accepted", "False", "CredentialsRefused"),), [], id="still"),
    ],
)
def test_refused_credentials_are_told_once(before: tuple[Condition, ...], want: list[str]) -> None:
    assert told(facts(lease(seen=begun(*before)), fault=REFUSED)) == want


def test_an_invalid_spec_is_no_event() -> None:
    assert told(facts(lease(spec(duration=None)))) == []


@pytest.mark.parametrize(
    ("before", "want"),
    [
        pytest.param("Found", ["ServerMissing"], id="just now"),
        pytest.param("Missing", [], id="still"),
        pytest.param(None, [], id="never looked for"),
    ],
)
def test_a_missing_server_is_told_once(before: str | None, want: list[str]) -> None:
    status = begun(*([condition("ServerFound", "True", before)] if before is not None else []))
    known = facts(lease(seen=status), now=START + DAY, server=None, look=Look.ABSENT)
    assert told(known) == want


def test_a_life_is_told_at_its_turns() -> None:
    new = facts(now=START, server=server(metadata={}))
    assert told(new) == [EventReason.ADOPTED.value]
    held = lease(seen=begun(condition("Expiring", "False", "Renewed")))
    assert told(facts(held, now=END - DAY, server=server(metadata=UP_TO_DATE))) == ["ExpiringSoon"]
    assert told(facts(held, now=END + timedelta(days=3), server=server(metadata=UP_TO_DATE)))[0] == "Ended"


def test_a_name_is_written_before_the_server_is_touched() -> None:
    by_name = lease(spec(server={"name": "db-1"}))
    plan = instanceleases.plan(facts(by_name, server=server()))
    assert (plan.effect, plan.status.server_id, plan.wake_at) == (None, builders.SERVER, START)
