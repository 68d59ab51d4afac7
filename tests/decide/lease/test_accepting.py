"""Whether a Lease is accepted: its spec, its credentials, the cloud that they lead to, the lease that it takes over."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import acceptance
from lessor.decide.lease.facts import Look
from lessor.model.conditions import ConditionType, Disposition, Fault, Reason
from lessor.model.lease import LeaseStatus
from lessor.model.plans import EventReason, FinalizerChange
from tests.decide.lease.builders import (
    CLOUD,
    HOST,
    ID,
    START,
    a_lease,
    active,
    answers,
    facts,
    introduced,
    known,
    plan,
    request,
    said,
    seen,
    spec,
    told,
    told_of,
    words,
)

ACCEPTED = ConditionType.ACCEPTED


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    declared: dict[str, Any]
    reason: Reason
    words: str


BAD = Reason.INVALID_SPEC
UNKNOWN = Reason.UNSUPPORTED_VALUE
TWICE = [dict(HOST), dict(HOST)]
LATER, SOONER = "2026-03-03T08:00:00Z", "2026-03-02T08:00:00Z"


def one(kind: str, **parts: Any) -> dict[str, Any]:
    return {"reservations": [{"name": "x", kind: parts}]}


INSTANCE = {"vcpus": 1, "memoryMiB": 1, "diskGiB": 1}
CASES = (
    Case("notices", "They come with a later version.", {"notifications": {"offsets": ["1h"]}},
         Reason.NOT_IMPLEMENTED_YET, "spec.notifications"),
    Case("server-error", "The same.", {"onServerError": {"action": "Sequester"}}, Reason.NOT_IMPLEMENTED_YET,
         "spec.onServerError yet, so nothing is done with this object. Remove it"),
    Case("both", "Both are named.", {"notifications": {}, "onServerError": {"action": "Nothing"}},
         Reason.NOT_IMPLEMENTED_YET, "spec.notifications, spec.onServerError yet, so nothing is done with this object. "
         "Remove them"),
    Case("on-delete", "A newer CRD knows it.", {"onDelete": "Perhaps"}, UNKNOWN, "spec.onDelete is 'Perhaps'"),
    Case("mode", "The same.", {"renewal": {"mode": "Perhaps"}}, UNKNOWN, "it knows Manual, Auto"),
    Case("host-action", "The same.", one("host", beforeEndAction="Perhaps"), UNKNOWN,
         "spec.reservations[x].host.beforeEndAction"),
    Case("device-action", "The same.", one("device", beforeEndAction="Perhaps"), UNKNOWN, "device.beforeEndAction"),
    Case("affinity", "The same.", one("instance", **INSTANCE, affinity="Perhaps"), UNKNOWN, "instance.affinity"),
    Case("credentials", "Nobody is to be asked.", {"cloudCredentialsRef": None}, BAD, "spec.cloudCredentialsRef"),
    Case("nothing", "Blazar would make a lease of nothing.", {"reservations": None}, BAD, "at least one of"),
    Case("twice", "Status knows a reservation by its name.", {"reservations": TWICE}, BAD, "different names"),
    Case("no-type", "It is nothing.", {"reservations": [{"name": "x"}]}, BAD, "exactly one type"),
    Case("two-types", "It is two things.", {"reservations": [{"name": "x", "host": {}, "device": {}}]}, BAD,
         "exactly one type"),
    Case("import-nothing", "By which?", {"import": {}}, BAD, "exactly one of spec.import.id and spec.import.name"),
    Case("import-both", "By which?", {"import": {"id": "i", "name": "n"}}, BAD, "exactly one of spec.import.id"),
    Case("two-ends", "Which?", {"duration": "1h", "endTime": LATER}, BAD, "at most one of"),
    Case("backwards", "It ends before it starts.", {"startTime": LATER, "endTime": SOONER}, BAD,
         "after spec.startTime"),
    Case("auto-for-ever", "Nobody would ever end it.", {"renewal": {"mode": "Auto", "extendBy": "1h"}}, BAD,
         "spec.renewal.maxTotal"),
    Case("host-filter", "Blazar would not understand it.", one("host", resourceProperties="x"), BAD,
         "spec.reservations[x].host.resourceProperties is not JSON"),
    Case("hypervisor-filter", "The same.", one("host", hypervisorProperties="[]"), BAD, "host.hypervisorProperties"),
    Case("instance-filter", "The same.", one("instance", **INSTANCE, resourceProperties="1"), BAD, "instance.res"),
    Case("network-filter", "The same.", one("network", networkName="n", resourceProperties="{}"), BAD, "network.res"),
    Case("device-filter", "The same.", one("device", resourceProperties='["or"]'), BAD, "device.resourceProperties"),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_spec_that_this_version_cannot_serve_is_said_and_nothing_is_done(case: Case) -> None:
    for known_facts in (facts(a_lease(spec(**case.declared)), live=False), active(spec(**case.declared))):
        got = plan(known_facts)
        assert (got.effect, got.claim, got.look_closer) == (None, False, False)
        assert said(got) == said(got, ACCEPTED) == ("False", case.reason.value), case.why
        assert case.words in words(got), words(got)
        assert got.disposition is Disposition.SPEC


GOOD = (
    pytest.param({"reservations": None, "import": {"id": "i"}}, id="import"),
    pytest.param({"startTime": SOONER, "endTime": LATER}, id="from to"),
    pytest.param({"renewal": {"mode": "Auto", "extendBy": "1h", "maxTotal": "2d"}}, id="auto"),
    pytest.param(one("instance", **INSTANCE, affinity="Affinity"), id="affinity"),
    pytest.param(one("host", beforeEndAction="Snapshot", resourceProperties=""), id="host"),
)


@pytest.mark.parametrize("declared", GOOD)
def test_what_is_well_declared_is_accepted(declared: dict[str, Any]) -> None:
    assert acceptance.fault(spec(**declared)) is None


EXPRESSIONS = (
    ('["==", "$gpu", "a100"]', None),
    ('["and", [">=", "$vcpus", "8"], ["=", "$x", ""]]', None),
    ("", "is not JSON"),
    ("[" * 100_000, "is nested too deeply"),
    ("[]", "is no expression that Blazar knows"),
    ('["and"]', "is no expression that Blazar knows"),
    ('["or", ["==", "$a", "b"]]', "is no expression that Blazar knows"),
    ('["and", ["and", ["==", "$a", "b"]]]', "is no expression that Blazar knows"),
    ('["==", "gpu", "a100"]', "is no expression that Blazar knows"),
    ('["in", "$gpu", "a100"]', "is no expression that Blazar knows"),
    ('["==", "$gpu", 1]', "is no expression that Blazar knows"),
    ('["==", "$gpu"]', "is no expression that Blazar knows"),
)


@pytest.mark.parametrize(("text", "want"), EXPRESSIONS, ids=lambda value: str(value)[:30])
def test_only_what_blazar_can_read_is_an_expression(text: str, want: str | None) -> None:
    found = acceptance.expression_fault(text)
    assert found == want or (want == "is nested too deeply" and found is not None)


def test_a_spec_that_cannot_be_read_is_said() -> None:
    got = plan(active(problem=Fault(BAD, "The object cannot be read.")))
    assert (said(got), words(got)) == (("False", "InvalidSpec"), "The object cannot be read.")


# ---------------------------------------------------------------- credentials and the cloud


CREDENTIALS = (
    Reason.CREDENTIALS_MISSING,
    Reason.CREDENTIALS_REFUSED,
    Reason.INVALID_CREDENTIALS,
    Reason.PERMISSION_DENIED,
    Reason.UNSUPPORTED_RESOURCE_TYPE,
)


@pytest.mark.parametrize("reason", CREDENTIALS)
def test_credentials_that_do_not_serve_are_said_and_what_is_known_stands(reason: Reason) -> None:
    got = plan(active(live=False, fault=Fault(reason, "It does not serve."), renewals=(request(),)))
    assert said(got) == said(got, ACCEPTED) == ("False", reason.value)
    assert said(got, ConditionType.ACTIVE) == ("True", "InWindow")
    assert answers(got) == {"more": ("False", "Waiting")}
    assert (EventReason.CREDENTIALS_REFUSED in told_of(got)) is (reason is not Reason.UNSUPPORTED_RESOURCE_TYPE)


def test_before_anything_is_known_nothing_is_in_force() -> None:
    got = plan(facts(live=False, fault=Fault(Reason.CREDENTIALS_MISSING, "There is no Secret.")))
    assert said(got, ConditionType.ACTIVE) == ("False", "NotAccepted")
    assert said(got, ConditionType.RESERVED) == ("False", "Creating")


def test_a_cloud_that_is_away_is_no_fault_of_an_accepted_lease() -> None:
    away = Fault(Reason.CLOUD_UNAVAILABLE, "Blazar gave 503.")
    new = plan(facts(live=False, fault=away))
    assert said(new, ACCEPTED) == ("False", "CloudUnavailable")
    got = plan(active(live=False, fault=away))
    assert said(got, ACCEPTED) == ("True", "Accepted")
    assert said(got) == said(got, ConditionType.RESERVED) == ("Unknown", "CloudUnavailable")
    assert said(got, ConditionType.ACTIVE) == ("True", "InWindow")
    assert got.disposition is Disposition.RETRY


ELSEWHERE = (
    ("auth_url", "the Keystone URL was http://other and is http://keystone/v3"),
    ("region", "the region was http://other and is RegionOne"),
    ("project_id", "the project was http://other and is p1"),
)


@pytest.mark.parametrize(("part", "want"), ELSEWHERE)
def test_credentials_that_lead_elsewhere_do_nothing(part: str, want: str) -> None:
    elsewhere = msgspec.structs.replace(CLOUD, **{part: "http://other"})
    got = plan(active(spec(duration="30h"), known(cloud=elsewhere)))
    assert (got.effect, said(got)) == (None, ("False", "CloudChanged"))
    assert want in words(got)


# ---------------------------------------------------------------- import


def importing(**by: str) -> Any:
    return spec(**{"import": by, "reservations": None})


def test_what_is_taken_over_is_looked_for_and_must_be_there_once() -> None:
    new = a_lease(importing(name="theirs"), annotations={}, finalizers=())
    assert plan(facts(new, live=False, look=Look.NOT_LOOKED)).look_closer
    several = plan(facts(new, look=Look.AMBIGUOUS, same_name=("a", "b")))
    assert said(several, ACCEPTED) == ("False", "ImportAmbiguous")
    assert "a, b" in words(several)
    for by, named in (({"name": "theirs"}, "theirs"), ({"id": ID}, ID)):
        none = plan(facts(a_lease(importing(**by), annotations={}), look=Look.ABSENT))
        assert (said(none), none.disposition) == (("False", "ImportNotFound"), Disposition.RETRY)
        assert named in words(none)
    found = plan(facts(new, seen()))
    assert (found.finalizer, found.annotations) == (FinalizerChange.PUT_ON, introduced())


def test_a_lease_that_was_taken_over_keeps_its_time_and_is_lost_when_it_goes() -> None:
    held = a_lease(importing(id=ID), LeaseStatus(observed_generation=1))
    got = plan(facts(held, seen()))
    assert (got.effect, got.status.create_requested_time) == (None, None)
    assert got.status.requested == told(start_time=START)
    gone = plan(facts(a_lease(importing(id=ID), got.status)))
    assert (gone.claim, said(gone)) == (False, ("False", "Lost"))
