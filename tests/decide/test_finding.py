"""Whether a lease is accepted and its server found."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from lessor.decide import finding
from lessor.decide.facts import Facts, Holder, Look
from lessor.model.conditions import ConditionStatus, Fault, Reason
from lessor.model.instancelease import CloudStatus
from tests import builders, strategies
from tests.builders import CLOUD, DAY, DOWN, SERVER, START, US, begun, facts, lease, server, spec

ACCEPTED = ("True", Reason.ACCEPTED)
FOUND = ("True", Reason.FOUND)
ELSEWHERE = CloudStatus(auth_url="http://else/v3", region="R2", project_id="p2")
ENDED = spec(expireTime="2026-03-01T07:59:59.5Z")


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    known: dict[str, Any]
    accepted: tuple[str, Reason]
    found: tuple[str, Reason] | None = None
    words: str = ""


def no(reason: Reason) -> tuple[str, Reason]:
    return "False", reason


def unknown(reason: Reason) -> tuple[str, Reason]:
    return "Unknown", reason


BY_NAME = lease(spec(server={"name": "db-1"}))
BEGUN = lease(seen=begun())
CASES = (
    Case("found", "All is well.", {}, ACCEPTED, FOUND, f"'db-1' ({SERVER})"),
    Case("unreadable", "What cannot be read comes first.",
         {"problem": Fault(Reason.INVALID_SPEC, "It is odd."), "fault": DOWN}, no(Reason.INVALID_SPEC), None, "odd"),
    Case("spec", "Then what this version cannot do.", {"lease": lease(spec(server=None)), "fault": DOWN},
         no(Reason.INVALID_SPEC), None, "spec.server"),
    Case("no-secret", "Then the credentials.", {"fault": Fault(Reason.CREDENTIALS_MISSING, "No Secret clouds.")},
         no(Reason.CREDENTIALS_MISSING), None, "No Secret clouds."),
    Case("refused", "Keystone refused them.", {"lease": BEGUN, "fault": Fault(Reason.CREDENTIALS_REFUSED, "401")},
         no(Reason.CREDENTIALS_REFUSED)),
    Case("not-ours-to-read", "Our parser refused them.", {"fault": Fault(Reason.INVALID_CREDENTIALS, "profile")},
         no(Reason.INVALID_CREDENTIALS)),
    Case("forbidden", "Nova refused them.", {"lease": BEGUN, "fault": Fault(Reason.PERMISSION_DENIED, "403")},
         no(Reason.PERMISSION_DENIED)),
    Case("down-before", "Before the first acceptance a cloud that is down accepts nothing.", {"fault": DOWN},
         no(Reason.CLOUD_UNAVAILABLE), None, "503"),
    Case("down-after", "Afterwards it takes nothing back.", {"lease": BEGUN, "fault": DOWN, "look": Look.NOT_LOOKED},
         ACCEPTED, unknown(Reason.CLOUD_UNAVAILABLE), "503"),
    Case("elsewhere", "Other credentials must not lead to another server of that id.",
         {"lease": lease(seen=begun(cloud=ELSEWHERE))}, no(Reason.CLOUD_CHANGED), None,
         "the Keystone URL was http://else/v3 and is http://keystone/v3; the region was R2 and is RegionOne; "
         "the project was p2 and is p1"),
    Case("elsewhere-unknown", "Without usable credentials nobody knows where they lead.",
         {"lease": lease(seen=begun(cloud=ELSEWHERE)), "identity": None, "fault": DOWN},
         ACCEPTED, unknown(Reason.CLOUD_UNAVAILABLE)),
    Case("ambiguous", "A person chooses which is meant.",
         {"lease": BY_NAME, "look": Look.AMBIGUOUS, "same_name": ("1", "2"), "server": None},
         no(Reason.AMBIGUOUS_SERVER), None, "the name 'db-1': 1, 2."),
    Case("not-yet", "It may still come.", {"look": Look.ABSENT, "server": None}, ACCEPTED, no(Reason.NOT_FOUND_YET),
         f"no server '{SERVER}' yet"),
    Case("not-yet-by-name", "The name is what was asked for.",
         {"lease": BY_NAME, "look": Look.ABSENT, "server": None},
         ACCEPTED, no(Reason.NOT_FOUND_YET), "no server 'db-1' yet"),
    Case("missing", "It was there.", {"lease": BEGUN, "look": Look.ABSENT, "server": None}, ACCEPTED,
         no(Reason.MISSING), f"'db-1' ({SERVER}) is deleted"),
    Case("over", "Nova still shows it for a while.", {"lease": BEGUN, "server": server(vm_state="deleted")}, ACCEPTED,
         no(Reason.MISSING)),
    Case("foreign-project", "A token of another project proves nothing.", {"server": server(project_id="p2")},
         ACCEPTED, unknown(Reason.FORBIDDEN)),
    Case("nobody", "Without usable credentials nobody knows whose it is.", {"identity": None}, ACCEPTED,
         unknown(Reason.FORBIDDEN)),
    Case("newer", "An old manifest must not reach a new server.",
         {"lease": lease(ENDED), "server": server(created=START + timedelta(seconds=1))}, ACCEPTED,
         no(Reason.NEWER_SERVER), "2026-03-01T08:00:01Z, after the declared 2026-03-01T07:59:59Z"),
    Case("as-old", "One made in the second of the end was meant.",
         {"lease": lease(ENDED), "server": server(created=START)}, ACCEPTED, FOUND),
    Case("no-age", "Where Nova tells no age, none is held against it.",
         {"lease": lease(ENDED), "server": server(created=None)}, ACCEPTED, FOUND),
    Case("adopted-before", "What was adopted once stays adopted.",
         {"lease": lease(ENDED, begun()), "server": server(created=START + DAY)}, ACCEPTED, FOUND),
    Case("by-length", "A duration has no declared end to be newer than.", {"server": server(created=START + DAY)},
         ACCEPTED, FOUND),
    Case("cell-down", "A record that says nothing decides nothing.", {"server": server(status="UNKNOWN")}, ACCEPTED,
         unknown(Reason.CLOUD_UNAVAILABLE)),
    Case("leased", "One lease a server.", {"holder": Holder(name="vm2")}, no(Reason.ALREADY_LEASED), FOUND,
         "by InstanceLease vm2 already"),
    Case("leased-elsewhere", "Another namespace's names are not told.", {"holder": Holder(name=None)},
         no(Reason.ALREADY_LEASED), FOUND, "by an InstanceLease of another namespace already"),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_what_is_said_of_the_lease_and_its_server(case: Case) -> None:
    seen = finding.seek(facts(**case.known))
    assert (builders.answer(seen.accepted), builders.answer(seen.found)) == (case.accepted, case.found), case.why
    said = f"{seen.accepted.message} {seen.found.message if seen.found is not None else ''}"
    assert case.words in said, said
    assert not seen.look_closer


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_only_an_accepted_lease_with_its_server_may_act_and_knows_its_cloud(case: Case) -> None:
    seen = finding.seek(facts(**case.known))
    assert seen.is_accepted is (case.accepted == ACCEPTED)
    assert seen.is_found is (case.accepted == ACCEPTED and case.found == FOUND)
    assert seen.cloud == (CLOUD if seen.is_found else None)


def test_a_server_that_the_inventory_does_not_hold_is_read_by_its_id() -> None:
    seen = finding.seek(facts(look=Look.NOT_LOOKED, server=None, live=False))
    assert (seen.is_accepted, seen.found, seen.look_closer) == (True, None, True)


@given(strategies.facts())
def test_nothing_is_found_that_is_not_there_and_of_the_project_of_the_credentials(known: Facts) -> None:
    seen = finding.seek(known)
    if not seen.is_found:
        return
    assert known.server is not None
    assert known.identity is not None
    assert known.server.known
    assert not known.server.over
    assert known.server.project_id == known.identity.project_id == US.project_id
    assert known.holder is None
    assert known.fault is None


@given(strategies.facts())
def test_a_lease_is_accepted_or_it_is_said_why_not(known: Facts) -> None:
    accepted = finding.seek(known).accepted
    assert accepted.status in {ConditionStatus.TRUE, ConditionStatus.FALSE}
    assert accepted.message
