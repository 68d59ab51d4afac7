"""What is said of a Lease in each situation: Accepted, Reserved, Active, Degraded, Ready, the Events, the ConfigMap."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from lessor.decide.lease import matching, output, telling
from lessor.decide.lease.facts import Facts, Look
from lessor.model.conditions import ConditionType, Fault, Reason
from lessor.model.lease import OutputStatus, ReservationStatus
from lessor.model.plans import EventReason
from lessor.model.reservations import EventState, LeaseState, ObservedReservation
from tests.decide.lease.builders import (
    CLOUD,
    DAY,
    END,
    HOUR,
    ID,
    NOW,
    SAID,
    START,
    US,
    a_lease,
    active,
    condition,
    events,
    facts,
    host,
    introduced,
    known,
    plan,
    said,
    seen,
    spec,
    told_of,
    words,
)

IMPORT = {"import": {"name": "by-hand"}}
TAKEN_OVER = spec(reservations=None, **IMPORT)


@dataclass(frozen=True)
class Case:
    id: str
    given: Facts
    kind: ConditionType
    want: tuple[str, str]
    words: str = ""


def there(**changes: Any) -> Facts:
    return active(there=seen(**changes))


def _in_error(**changes: Any) -> Facts:
    return there(state=LeaseState.ERROR, events=events(**changes))


def _flagged(**flags: bool) -> Facts:
    return there(reservations=(host(**flags),))


CASES = (
    Case(
        "Keystone refuses",
        facts(live=False, look=Look.NOT_LOOKED, identity=None, fault=Fault(Reason.CREDENTIALS_REFUSED, "No.")),
        ConditionType.ACCEPTED,
        ("False", "CredentialsRefused"),
        "No.",
    ),
    Case(
        "no Blazar",
        facts(live=False, look=Look.NOT_LOOKED, fault=Fault(Reason.UNSUPPORTED_RESOURCE_TYPE, "There is none.")),
        ConditionType.ACCEPTED,
        ("False", "UnsupportedResourceType"),
    ),
    Case(
        "away before it was ever there",
        facts(live=False, look=Look.NOT_LOOKED, identity=None, fault=Fault(Reason.CLOUD_UNAVAILABLE, "Away.")),
        ConditionType.ACCEPTED,
        ("False", "CloudUnavailable"),
    ),
    Case(
        "away later",
        replace(active(), fault=Fault(Reason.CLOUD_UNAVAILABLE, "Away.")),
        ConditionType.RESERVED,
        ("Unknown", "CloudUnavailable"),
    ),
    Case(
        "another cloud",
        active(identity=msgspec.structs.replace(US, project_id="p2")),
        ConditionType.ACCEPTED,
        ("False", "CloudChanged"),
        "the project was p1 and is p2",
    ),
    Case(
        "a name that several have",
        facts(a_lease(TAKEN_OVER), look=Look.AMBIGUOUS, same_name=("l1", "l2")),
        ConditionType.ACCEPTED,
        ("False", "ImportAmbiguous"),
        "l1, l2",
    ),
    Case(
        "a name that none has",
        facts(a_lease(TAKEN_OVER)),
        ConditionType.ACCEPTED,
        ("False", "ImportNotFound"),
        "'by-hand'",
    ),
    Case("being made", there(state=LeaseState.CREATING), ConditionType.RESERVED, ("False", "Creating")),
    Case("being deleted", there(state=LeaseState.DELETING), ConditionType.RESERVED, ("False", "Released")),
    Case(
        "being deleted holds nothing", there(state=LeaseState.DELETING), ConditionType.ACTIVE, ("False", "NotReserved")
    ),
    Case("about to start", there(state=LeaseState.STARTING), ConditionType.READY, ("False", "Starting")),
    Case(
        "a start that failed",
        _in_error(started=EventState.ERROR),
        ConditionType.READY,
        ("False", "Refused"),
        "Delete this object",
    ),
    Case(
        "a start that failed is told",
        _in_error(started=EventState.ERROR),
        ConditionType.DEGRADED,
        ("True", "BlazarError"),
        "start failed",
    ),
    Case(
        "an end that failed",
        _in_error(ended=EventState.ERROR),
        ConditionType.DEGRADED,
        ("True", "BlazarError"),
        "servers may still run",
    ),
    Case("an end that failed is an end", _in_error(ended=EventState.ERROR), ConditionType.READY, ("True", "Expired")),
    Case(
        "an update that failed", _in_error(), ConditionType.DEGRADED, ("True", "BlazarError"), "It holds what it held"
    ),
    Case(
        "a host that is missing", _flagged(missing_resources=True), ConditionType.DEGRADED, ("True", "MissingResources")
    ),
    Case(
        "a host that was moved", _flagged(resources_changed=True), ConditionType.DEGRADED, ("True", "ResourcesChanged")
    ),
    Case("another end", there(end=END + HOUR), ConditionType.DEGRADED, ("True", "EndChanged")),
    Case("another name", there(name="x"), ConditionType.DEGRADED, ("True", "Renamed"), "to 'x'"),
    Case(
        "no snapshot",
        there(events=events(before=EventState.ERROR)),
        ConditionType.DEGRADED,
        ("True", "BeforeEndFailed"),
    ),
    Case("another user's trust", there(user_id="bob"), ConditionType.DEGRADED, ("True", "TrustOfOtherUser"), "(bob)"),
    Case(
        "well again",
        active(status=known(conditions=(*SAID, condition("Degraded", "True", "Renamed")))),
        ConditionType.DEGRADED,
        ("False", "Healed"),
    ),
    Case(
        "a ConfigMap that is somebody's",
        active(
            spec(output={"configMapName": "c"}),
            known(output=OutputStatus(config_map_name="c", message="It is theirs.")),
        ),
        ConditionType.READY,
        ("False", "InvalidSpec"),
        "It is theirs.",
    ),
    Case(
        "over",
        there(state=LeaseState.TERMINATED, start=START - DAY, end=START),
        ConditionType.EXPIRED,
        ("True", "EndReached"),
    ),
    Case(
        "no longer about to end",
        active(status=known(conditions=(*SAID, condition("Expiring", "True", "EndsSoon")))),
        ConditionType.EXPIRING,
        ("False", "Renewed"),
    ),
    Case(
        "no longer over",
        active(status=known(conditions=(*SAID, condition("Expired", "True", "EndReached")))),
        ConditionType.EXPIRED,
        ("False", "Renewed"),
    ),
    Case("suspended", active(spec(suspend=True)), ConditionType.SUSPENDED, ("True", "Requested")),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_situation_has_its_condition_and_a_sentence(case: Case) -> None:
    made = plan(case.given)
    assert said(made, case.kind) == case.want
    assert case.words in words(made, case.kind)
    assert words(made, case.kind).endswith((".", "!"))


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (active(status=known(LeaseState.PENDING, conditions=())), [EventReason.RESERVED, EventReason.ACTIVATED]),
        (there(name="x"), [EventReason.DRIFTED]),
        (facts(a_lease(TAKEN_OVER), seen()), [EventReason.ADOPTED, EventReason.ACTIVATED]),
        (active(), []),
        (there(end=NOW + HOUR, start=NOW - DAY), [EventReason.DRIFTED, EventReason.EXPIRING_SOON]),
    ],
    ids=["reserved", "renamed", "taken over", "nothing new", "about to end"],
)
def test_an_event_is_told_when_something_changes_and_not_otherwise(given: Facts, want: list[EventReason]) -> None:
    assert told_of(plan(given)) == want


# ---------------------------------------------------------------- reservations


def test_reservations_are_told_apart_by_their_values_and_stay_what_they_are() -> None:
    declared = spec(reservations=[{"name": "few", "host": {"minCount": 1}}, {"name": "many", "host": {"minCount": 3}}])
    one = host(id="r1", values={"min": 3, "max": 3})
    other = host(id="r2", values={"min": "1", "max": "1"})
    first = matching.reservations(a_lease(declared), seen(reservations=(one, other)), None)
    assert [(each.name, each.id) for each in first] == [("few", "r2"), ("many", "r1")]
    later = a_lease(declared, known(reservations=first))
    swapped = (replace(one, values={"min": 1, "max": 1}), replace(other, values={"min": 3, "max": 3}))
    assert matching.reservations(later, seen(reservations=swapped), None) == first


def test_one_that_blazar_does_not_have_keeps_what_was_known() -> None:
    gone = matching.reservations(a_lease(status=known()), seen(reservations=()), None)
    assert gone == known().reservations
    (new,) = matching.reservations(a_lease(), seen(reservations=()), None)
    assert (new.name, new.id) == ("nodes", None)


def test_an_edit_waits_while_the_leader_before_may_still_be_at_it() -> None:
    edited = active(spec(duration="2d"))
    assert plan(edited).effect is not None
    waits = plan(replace(edited, edits_from=NOW + timedelta(seconds=80)))
    assert (waits.effect, waits.wake_at) == (None, NOW + timedelta(seconds=80))
    assert plan(replace(edited, edits_from=NOW)).effect is not None


def test_what_an_imported_lease_holds_besides_stands_under_its_id() -> None:
    (found,) = matching.reservations(a_lease(TAKEN_OVER), seen(), None)
    assert found.name == found.id == host().id


def test_a_flavor_that_is_reserved_has_the_reservations_id() -> None:
    declared = spec(reservations=[{"name": "vm", "flavor": {"flavor": "m1"}}])
    there = ObservedReservation(id="r1", resource_type="flavor:instance", values={"server_group_id": "g1"})
    (found,) = matching.reservations(a_lease(declared), seen(reservations=(there,)), None)
    assert (found.flavor_id, found.server_group_id) == ("r1", "g1")


def test_addresses_are_kept_until_others_are_read() -> None:
    declared = spec(reservations=[{"name": "pub", "floatingIP": {"network": "public"}}])
    pool = ObservedReservation(id="r1", resource_type="virtual:floatingip", state="active", values={"amount": 1})
    lease = a_lease(
        declared, known(reservations=(ReservationStatus(name="pub", id="r1", floating_ips=("192.0.2.1",)),))
    )
    there = seen(reservations=(pool,))
    assert matching.reservations(lease, there, None)[0].floating_ips == ("192.0.2.1",)
    assert matching.reservations(lease, there, {"r1": ("192.0.2.2",)})[0].floating_ips == ("192.0.2.2",)
    assert matching.reservations(lease, there, {})[0].floating_ips == ()


def test_addresses_are_read_right_after_the_start_and_then_for_a_while() -> None:
    declared = spec(reservations=[{"name": "pub", "floatingIP": {"network": "public"}}])
    pool = ObservedReservation(id="r1", resource_type="virtual:floatingip", state="active", values={"amount": 1})
    status = known(reservations=(ReservationStatus(name="pub", id="r1"),), create_requested_time=NOW)
    there = seen(start=NOW, end=NOW + DAY, reservations=(pool,))
    asked = a_lease(declared, status, annotations=introduced(start=NOW))
    remembered = facts(asked, there, live=False)
    assert plan(remembered).look_closer
    none_yet = facts(asked, there, floating_ips={"r1": ()})
    assert plan(none_yet).wake_at == NOW + timedelta(seconds=10)
    later = replace(none_yet, now=NOW + HOUR)
    again = plan(later).wake_at
    assert again is None or again > NOW + HOUR + timedelta(minutes=1)


# ---------------------------------------------------------------- for programs


def test_a_configmap_holds_what_is_needed_and_is_written_when_that_changes() -> None:
    lease = a_lease(spec(output={"configMapName": "c"}), known())
    written, wanted = output.config_map(lease, lease.status)
    assert wanted is not None
    assert (wanted.name, wanted.data["leaseID"], wanted.data["nodes.reservationID"]) == ("c", ID, host().id)
    assert all(wanted.data.values())
    again = msgspec.structs.replace(lease.status, output=written)
    assert output.config_map(lease, again) == (written, None)
    ended = msgspec.structs.replace(again, state="TERMINATED")
    assert output.config_map(lease, ended)[1] is not None


def test_without_an_output_there_is_none() -> None:
    assert output.config_map(a_lease(), known()) == (None, None)


def test_an_output_of_a_lease_of_which_little_is_known_holds_little() -> None:
    lease = a_lease(spec(output={"configMapName": "c"}))
    _, wanted = output.config_map(lease, lease.status)
    assert wanted is not None
    assert wanted.data == {}


def test_a_status_tells_what_its_record_tells() -> None:
    status = plan(there(name="x")).status
    assert telling.of_status(status) == telling.of_record(seen(name="x"))
    assert telling.of_status(status) != telling.of_record(seen())
    assert status.cloud == CLOUD
