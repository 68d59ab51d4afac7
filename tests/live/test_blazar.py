"""Blazar on the wire: what is sent, what is read, and what is never taken for an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.model.lease import ResourceType
from lessor.model.reservations import (
    EventType,
    LeaseChange,
    LeaseEvent,
    ObservedReservation,
    WantedLease,
    WantedReservation,
)
from lessor.ports import cloud
from lessor.ports.leading import NotLeading
from lessor.ports.reservations import (
    LeaseExists,
    NotEnoughResources,
    Reservations,
    Unexplained,
    UnsupportedResourceType,
)
from tests.live.openstack import (
    LEASE,
    RESERVATION,
    Answer,
    Heard,
    OpenStack,
    blazar_fault,
    clouds_yaml,
    connect,
    fault,
    lease_record,
)
from tests.runtime.clock import SetClock

LEASES, ONE = "/v1/leases", f"/v1/leases/{LEASE}"
HOSTS = {"min": 1, "max": 2, "hypervisor_properties": "", "resource_properties": "", "before_end": "default"}
START, END = datetime(2026, 12, 1, 8, 0, tzinfo=UTC), datetime(2026, 12, 3, 8, 0, tzinfo=UTC)


def wanted(**changes: Any) -> WantedLease:
    reservations = (WantedReservation(resource_type=ResourceType.HOST, values=HOSTS),)
    return WantedLease(
        **{"id": LEASE, "name": "training", "start": START, "end": END, "reservations": reservations, **changes}
    )


@dataclass(frozen=True)
class Deed:
    """A request that changes something."""

    id: str
    do: Callable[[Reservations], object]
    line: str
    answer: Answer


DEEDS = [
    Deed(
        "create",
        lambda blazar: blazar.create(wanted()),
        f"POST {LEASES}",
        Answer(code=201, body={"lease": lease_record()}),
    ),
    Deed(
        "change",
        lambda blazar: blazar.change(LEASE, LeaseChange(end=END)),
        f"PUT {ONE}",
        Answer(body={"lease": lease_record(status="UPDATING")}),
    ),
    Deed("delete", lambda blazar: blazar.delete(LEASE), f"DELETE {ONE}", Answer(code=204)),
]
deeds = pytest.mark.parametrize("deed", [pytest.param(deed, id=deed.id) for deed in DEEDS])


# ------------------------------------------------------------ looking


def test_a_lease_is_read_with_all_that_decides(stack: OpenStack, blazar: Reservations) -> None:
    stack.leases.append(lease_record(status="ACTIVE", degraded=True))
    lease = blazar.lease(LEASE)
    assert lease is not None
    assert (lease.id, lease.name, lease.state, lease.degraded) == (LEASE, "training", "ACTIVE", True)
    assert (lease.user_id, lease.project_id, lease.trust_id) == ("u1", "p1", "t1")
    assert (lease.start, lease.end) == (
        datetime(2026, 11, 22, 9, 28, tzinfo=UTC),
        datetime(2026, 11, 22, 11, 28, tzinfo=UTC),
    )
    assert lease.created == datetime(2026, 11, 22, 9, 28, 36, 465262, tzinfo=UTC)
    assert lease.reservations == (
        ObservedReservation(id=RESERVATION, resource_type="physical:host", state="pending", values={**HOSTS, "max": 1}),
    )
    assert lease.event(EventType.BEFORE_END) == LeaseEvent(
        type="before_end_lease", state="UNDONE", time=datetime(2026, 11, 22, 10, 28, tzinfo=UTC)
    )
    assert len(lease.events) == 3


def test_404_is_no_lease_and_no_error(blazar: Reservations) -> None:
    assert blazar.lease(LEASE) is None


def test_another_projects_lease_is_refused_in_blazars_words(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"GET {ONE}", blazar_fault(403, "Policy doesn't allow blazar:leases:get to be performed"))
    with pytest.raises(cloud.PermissionRefused, match="Blazar answered 403: Policy doesn't allow blazar:leases:get"):
        blazar.lease(LEASE)


def test_an_administrator_s_look_at_another_project_s_lease_is_refused_as_well(
    stack: OpenStack, blazar: Reservations
) -> None:
    stack.leases.append(lease_record(project_id="p2"))
    with pytest.raises(cloud.PermissionRefused, match="another project"):
        blazar.lease(LEASE)


def test_a_list_is_cut_down_to_the_token_s_project(stack: OpenStack, blazar: Reservations) -> None:
    stack.leases += [
        lease_record("ours"),
        lease_record("theirs", project_id="p2"),
        lease_record("nobody's", project_id=None),
    ]
    assert [lease.id for lease in blazar.leases()] == ["ours"]
    assert stack.lines() == [f"GET {LEASES}"]


def test_what_another_project_s_lease_looks_like_spoils_no_list(stack: OpenStack, blazar: Reservations) -> None:
    stack.leases += [lease_record("theirs", project_id="p2", start_date="soon"), lease_record("ours")]
    assert [lease.id for lease in blazar.leases()] == ["ours"]


def test_what_blazar_may_leave_out_or_null_is_read_all_the_same(stack: OpenStack, blazar: Reservations) -> None:
    """Chameleon's older Blazar shows fewer fields, and anybody's events may be junk."""
    bare = {
        "id": LEASE,
        "project_id": "p1",
        "start_date": "2026-11-22 09:28:00",
        "end_date": "2026-11-22 11:28",
        "name": None,
        "trust_id": None,
        "created_at": "once",
        "reservations": [{"id": 7, "resource_type": "network", "status": None, "missing_resources": None}, {}],
        "events": [
            {"event_type": "x", "time": None},
            {"time": "2026-11-22 11:28:00"},
            {"event_type": "y", "time": "?"},
        ],
    }
    stack.leases.append(bare)
    lease = blazar.lease(LEASE)
    assert lease is not None
    assert (lease.name, lease.state, lease.trust_id, lease.created, lease.degraded) == ("", "", "", None, False)
    assert lease.reservations == (ObservedReservation(id="7", resource_type="network", state=""),)
    assert lease.events == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>please log in</html>",
        b'{"lease": {}}',
        b'{"lease": {"id": "\xff"}}',
        b'{"lease": ' + b"[" * 100_000,
        {"lease": lease_record(start_date="soon")},
        {"lease": lease_record(end_date=None)},
        {"lease": lease_record(start_date="0001-01-01T00:00:00+14:00")},
        {"lease": lease_record(reservations=7)},
        {"lease": lease_record(reservations=[7])},
    ],
)
def test_what_is_no_lease_is_no_answer(stack: OpenStack, blazar: Reservations, body: Any) -> None:
    stack.says(f"GET {ONE}", Answer(body=body))
    stack.says(f"POST {LEASES}", Answer(code=201, body=body))
    for ask in (lambda: blazar.lease(LEASE), lambda: blazar.create(wanted())):
        with pytest.raises(cloud.CloudUnavailable):
            ask()


def test_a_list_that_is_cut_off_is_no_shorter_list(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"GET {LEASES}", Answer(body={"leases": [lease_record("a"), lease_record("b")]}, cut=True))
    with pytest.raises(cloud.CloudUnavailable):
        blazar.leases()


def test_an_id_cannot_lead_elsewhere(stack: OpenStack, blazar: Reservations) -> None:
    assert blazar.lease("a/../../os-hosts?x=1") is None
    assert stack.lines() == ["GET /v1/leases/a%2F..%2F..%2Fos-hosts%3Fx%3D1"]


# ------------------------------------------------------------ acting


def test_a_lease_is_asked_for_with_our_id_and_no_events(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"POST {LEASES}", DEEDS[0].answer)
    lease = blazar.create(wanted(start=None, before_end=END - timedelta(hours=1)))
    assert lease.id == LEASE
    assert stack.asked[-1].body == {
        "id": LEASE,
        "name": "training",
        "start_date": "now",
        "end_date": "2026-12-03 08:00",
        "before_end_date": "2026-12-03 07:00",
        "reservations": [{"resource_type": "physical:host", **HOSTS}],
        "events": [],
    }


def test_without_a_time_before_the_end_the_cloud_s_own_holds(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"POST {LEASES}", DEEDS[0].answer)
    blazar.create(wanted())
    assert "before_end_date" not in stack.asked[-1].body
    assert stack.asked[-1].body["start_date"] == "2026-12-01 08:00"


def test_another_id_than_ours_is_told_where_a_blazar_does_not_take_it(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"POST {LEASES}", Answer(code=201, body={"lease": lease_record("its-own")}))
    assert blazar.create(wanted()).id == "its-own"


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (LeaseChange(name="same"), {"name": "same"}),
        (LeaseChange(end=END), {"end_date": "2026-12-03 08:00"}),
        (
            LeaseChange(start=START, before_end=END - timedelta(minutes=5)),
            {"start_date": "2026-12-01 08:00", "before_end_date": "2026-12-03 07:55"},
        ),
        (
            LeaseChange(name="n", end=END, reservations={RESERVATION: {"min": 2, "max": 2}}),
            {
                "name": "n",
                "end_date": "2026-12-03 08:00",
                "reservations": [{"id": RESERVATION, "min": 2, "max": 2}],
            },
        ),
    ],
)
def test_a_change_sends_what_changes_and_nothing_else(
    stack: OpenStack, blazar: Reservations, change: LeaseChange, sent: dict[str, Any]
) -> None:
    stack.says(f"PUT {ONE}", Answer(body=b"whatever it says is not read"))
    blazar.change(LEASE, change)
    assert stack.lines() == [f"PUT {ONE}"]
    assert stack.asked[-1].body == sent


@pytest.mark.parametrize("code", [200, 204])
def test_a_delete_has_no_body_and_asks_once(stack: OpenStack, blazar: Reservations, code: int) -> None:
    stack.says(f"DELETE {ONE}", Answer(code=code))
    blazar.delete(LEASE)
    assert stack.lines() == [f"DELETE {ONE}"]
    assert stack.asked[-1].body is None


def test_deleting_what_is_gone_is_no_error(blazar: Reservations) -> None:
    blazar.delete(LEASE)


def test_changing_what_is_gone_says_so(blazar: Reservations) -> None:
    with pytest.raises(cloud.NotFound):
        blazar.change(LEASE, LeaseChange(name="x"))


@pytest.mark.parametrize("body", [b"default backend - 404", b"<html>404</html>", b"", b'{"error": 404}'])
def test_a_404_that_is_not_blazars_says_nothing_of_a_lease(stack: OpenStack, blazar: Reservations, body: bytes) -> None:
    for method in ("GET", "DELETE"):
        stack.says(f"{method} {ONE}", Answer(code=404, body=body))
    for ask in (blazar.lease, blazar.delete):
        with pytest.raises(cloud.CloudUnavailable):
            ask(LEASE)


@deeds
@pytest.mark.parametrize("code", [400, 403, 404, 409, 413, 429, 500, 502, 503, 504])
def test_nothing_is_ever_sent_twice(stack: OpenStack, blazar: Reservations, deed: Deed, code: int) -> None:
    stack.says(deed.line, blazar_fault(code, "no", Retry_After="1"))
    with pytest.raises(cloud.CloudError):
        deed.do(blazar)
    assert stack.lines() == [deed.line]


@deeds
@pytest.mark.parametrize("lost", [{"cut": True}, {"silent": True}], ids=["cut", "silent"])
def test_a_deed_whose_answer_is_lost_is_not_sent_again(
    stack: OpenStack, blazar: Reservations, deed: Deed, lost: dict[str, bool]
) -> None:
    blazar.leases()  # the connection that is lost was good before
    stack.says(deed.line, Answer(code=200, body={"lease": lease_record()}, **lost))
    with pytest.raises(cloud.CloudUnavailable):
        deed.do(blazar)
    assert stack.lines() == [f"GET {LEASES}", deed.line]


@deeds
def test_who_does_not_lead_any_more_sends_no_change(stack: OpenStack, deed: Deed) -> None:
    asked = []

    def assure() -> None:
        asked.append(stack.lines())
        raise NotLeading

    blazar = connect(clouds_yaml(stack.url), before_change=assure).reservations
    with pytest.raises(NotLeading):
        deed.do(blazar)
    assert asked == [[]]
    assert stack.lines() == []


@deeds
def test_the_guard_is_asked_once_before_each_change_and_before_no_look(stack: OpenStack, deed: Deed) -> None:
    asked = []
    blazar = connect(clouds_yaml(stack.url), before_change=lambda: asked.append(stack.lines())).reservations
    stack.says(deed.line, deed.answer)
    blazar.leases()
    blazar.lease(LEASE)
    assert asked == []
    deed.do(blazar)
    assert asked == [[f"GET {LEASES}", f"GET {ONE}"]]


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        (blazar_fault(500, "Not enough hosts available"), NotEnoughResources),
        (blazar_fault(409, "The lease with name: training already exists"), LeaseExists),
        (blazar_fault(500, "Internal Server Error"), Unexplained),
        (blazar_fault(500, "The device resource type is not supported"), UnsupportedResourceType),
    ],
)
def test_a_refusal_is_the_error_that_the_table_says(
    stack: OpenStack, blazar: Reservations, answer: Answer, want: type[cloud.CloudError]
) -> None:
    stack.says(f"POST {LEASES}", answer)
    with pytest.raises(want) as refusal:
        blazar.create(wanted())
    assert type(refusal.value) is want


def test_neutron_and_nova_have_their_own_table(stack: OpenStack, blazar: Reservations) -> None:
    stack.says("GET /v2.0/networks", blazar_fault(500, "Not enough hosts available"))
    with pytest.raises(cloud.CloudUnavailable, match="Neutron answered 500"):
        blazar.network_id("public")


def test_a_refused_token_is_renewed_once_and_told_then(stack: OpenStack, blazar: Reservations) -> None:
    stack.says(f"GET {ONE}", fault(401, "The request you have made requires authentication."))
    with pytest.raises(cloud.CredentialsRefused, match="Blazar answered 401: The request you have made requires"):
        blazar.lease(LEASE)
    assert stack.tokens() == 2


# ------------------------------------------------------------ time, size, metrics


@deeds
@pytest.mark.parametrize(("seconds", "in_time"), [(80, True), (100, False)])
def test_a_request_has_90_seconds(stack: OpenStack, deed: Deed, seconds: int, in_time: bool) -> None:
    clock = SetClock()
    blazar = connect(clouds_yaml(stack.url), clock=clock).reservations
    body = deed.answer.content.ljust(100_000)
    each = seconds / len(body)
    stack.says(deed.line, Answer(code=200, body=body, after_byte=lambda: clock.pass_(each)))
    if in_time:
        deed.do(blazar)
    else:
        with pytest.raises(cloud.CloudUnavailable, match="Blazar did not answer"):
            deed.do(blazar)
    assert stack.lines() == [deed.line]


def test_a_list_has_90_seconds_as_well_and_may_be_large(stack: OpenStack) -> None:
    clock = SetClock()
    blazar = connect(clouds_yaml(stack.url), clock=clock).reservations
    stack.says(f"GET {LEASES}", Answer(body=b'{"leases":[]' + b" " * 67 + b"}", after_byte=lambda: clock.pass_(1)))
    assert blazar.leases() == ()
    many = [lease_record(f"l{number}", name="x" * 80) for number in range(1500)]
    stack.says(f"GET {LEASES}", Answer(body={"leases": many}))
    assert len(blazar.leases()) == 1500


def test_a_blazar_that_asks_for_a_pause_is_left_alone_and_nova_is_not(stack: OpenStack, nova: Nova) -> None:
    stack.boots()
    stack.says(f"GET {ONE}", Answer(code=503, headers={"Retry-After": "30"}))
    with pytest.raises(cloud.CloudUnavailable):
        nova.reservations.lease(LEASE)
    with pytest.raises(cloud.CloudUnavailable, match="Blazar asked to be left alone"):
        nova.reservations.leases()
    assert nova.server(stack.servers[0]["id"]) is not None


def test_each_request_is_counted_by_a_verb_of_a_small_set(stack: OpenStack) -> None:
    heard = Heard()
    blazar = connect(clouds_yaml(stack.url), heard=heard).reservations
    for deed in DEEDS:
        stack.says(deed.line, deed.answer)
        deed.do(blazar)
    blazar.leases()
    blazar.lease(LEASE)
    stack.says("GET /v2.1/flavors", Answer(body={"flavors": []}))
    stack.says("GET /v2.0/networks", Answer(body={"networks": []}))
    stack.says("GET /v2.0/floatingips", Answer(body={"floatingips": []}))
    blazar.flavor_id("m1.large")
    blazar.network_id("public")
    blazar.floating_ips([RESERVATION])
    assert heard.requests[1:] == [
        ("blazar", "leases.create", "201"),
        ("blazar", "leases.update", "200"),
        ("blazar", "leases.delete", "204"),
        ("blazar", "leases.list", "200"),
        ("blazar", "leases.get", "404"),
        ("nova", "flavors.get", "404"),
        ("nova", "flavors.list", "200"),
        ("neutron", "networks.list", "200"),
        ("neutron", "networks.list", "200"),
        ("neutron", "floatingips.list", "200"),
    ]
