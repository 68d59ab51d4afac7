"""Whether this version can do what a spec declares."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given

from lessor.decide import acceptance
from lessor.model.conditions import Disposition, Reason
from lessor.model.instancelease import InstanceLeaseSpec
from tests import builders, strategies
from tests.builders import START, spec, stages


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    spec: InstanceLeaseSpec
    reason: Reason
    words: tuple[str, ...]


def later(id_: str, *words: str, **declared: Any) -> Case:
    why = "To accept it would promise what is not done."
    return Case(id_, why, spec(**declared), Reason.NOT_IMPLEMENTED_YET, words)


def unknown(id_: str, *words: str, **declared: Any) -> Case:
    why = "A newer version knows the value; this one must not guess."
    return Case(id_, why, spec(**declared), Reason.UNSUPPORTED_VALUE, words)


def incomplete(id_: str, *words: str, **declared: Any) -> Case:
    why = "The schema refuses it; where the schema is not ours, we do."
    return Case(id_, why, spec(**declared), Reason.INVALID_SPEC, words)


TEMPLATE = {"name": "db-1", "image": "debian", "flavor": "m1.small"}
SERVER = "exactly one of spec.server.id and spec.server.name"
END = "exactly one of spec.duration and spec.expireTime"
STAGES = "spec.expiry.stages with `after` rising, each action at most once and Delete last"
CASES = (
    later("policy", "spec.policyRef yet", "Remove it,", policyRef={"name": "research"}),
    later("template", "spec.serverTemplate yet", serverTemplate=TEMPLATE),
    later("owner", "spec.owner yet", owner={"email": "a@example.org"}),
    later("offsets", "spec.notifications.offsets yet", notifications={"offsets": ["1/3"]}),
    later("daily", "spec.notifications.daily yet", notifications={"daily": {"within": "6d"}}),
    later("channels", "spec.notifications.channels yet",
          notifications={"channels": [{"secretName": "team", "key": "url"}]}),
    later("several", "spec.owner, spec.notifications.offsets yet", "Remove them,",
          owner={"name": "Ada"}, notifications={"offsets": ["1/3"]}),
    unknown("action", "spec.expiry.stages[1].action is 'Hibernate'", "it knows Stop, Shelve, Snapshot, Delete",
            expiry=stages(("0s", "Stop"), ("1d", "Hibernate"))),
    unknown("on-delete", "spec.onDelete is 'Archive'", "Retain, Delete", onDelete="Archive"),
    unknown("from", "spec.renewal.from is 'Start'", "Expiry, Now", renewal={"from": "Start"}),
    incomplete("no-credentials", "spec.cloudCredentialsRef", cloudCredentialsRef=None),
    incomplete("no-server", SERVER, server=None),
    incomplete("empty-server", SERVER, server={}),
    incomplete("two-servers", SERVER, server={"id": "1", "name": "db-1"}),
    incomplete("no-end", END, duration=None),
    incomplete("two-ends", END, duration="1d", expireTime="2026-04-01T00:00:00Z"),
    incomplete("no-stages", STAGES, expiry=stages()),
    incomplete("falling", STAGES, expiry=stages(("1d", "Stop"), ("0s", "Shelve"))),
    incomplete("at-once", STAGES, expiry=stages(("1d", "Stop"), ("24h", "Shelve"))),
    incomplete("twice", STAGES, expiry=stages(("0s", "Stop"), ("1d", "Stop"))),
    incomplete("after-delete", STAGES, expiry=stages(("0s", "Delete"), ("1d", "Stop"))),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_what_cannot_be_done_is_said_with_its_path(case: Case) -> None:
    verdict = acceptance.fault(case.spec)
    assert verdict is not None
    assert builders.answer(verdict) == ("False", case.reason), case.why
    assert verdict.disposition is Disposition.SPEC, "Only a person can change it."
    assert all(word in verdict.message for word in case.words), verdict.message


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param({}, id="the least"),
        pytest.param({"server": {"name": "db-1"}}, id="by name"),
        pytest.param({"expireTime": "2026-04-01T00:00:00Z"}, id="an end"),
        pytest.param({"notifications": {"minNotice": "7d"}}, id="a notice that holds every stage"),
        pytest.param({"notifications": {"offsets": [], "channels": []}}, id="empty lists"),
        pytest.param({"onDelete": "Delete", "renewal": {"from": "Now"}}, id="known values"),
        pytest.param({"expiry": stages(("0s", "Delete"))}, id="Delete alone"),
    ],
)
def test_what_can_be_done_is_accepted(declared: dict[str, Any]) -> None:
    assert acceptance.fault(spec(**declared)) is None


@given(strategies.specs(strategies.near(START)))
def test_every_spec_that_the_schema_takes_and_this_version_knows_is_accepted(declared: InstanceLeaseSpec) -> None:
    assert acceptance.fault(declared) is None
