"""Nova and Glance on the wire: what is sent, what is read, and what is never taken for an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from lessor.live.nova import Nova
from lessor.model.observed import ObservedImage, ServerEvent
from lessor.ports import cloud
from lessor.ports.leading import NotLeading
from tests.live.openstack import SERVER, Answer, OpenStack, clouds_yaml, connect, fault, record

ACTION = f"POST /v2.1/servers/{SERVER}/action"
METADATA = f"/v2.1/servers/{SERVER}/metadata"
EVENTS = f"GET /v2.1/servers/{SERVER}/os-instance-actions"
IMAGES = "GET /v2/images"


# ------------------------------------------------------------ one server


def test_a_server_is_read_with_all_that_decides(stack: OpenStack, nova: Nova) -> None:
    stack.boots(locked=True, locked_reason="mine", **{"OS-EXT-STS:task_state": "powering-off"})
    server = nova.server(SERVER)
    assert server is not None
    assert server.known
    assert (server.id, server.name, server.project_id, server.status) == (SERVER, "db-1", "p1", "ACTIVE")
    assert (server.locked, server.locked_reason) == (True, "mine")
    assert (server.vm_state, server.task_state) == ("active", "powering-off")
    assert server.metadata == {"role": "db"}
    assert server.created == datetime(2026, 2, 28, 8, tzinfo=UTC)


def test_404_is_no_server_and_no_error(nova: Nova) -> None:
    assert nova.server(SERVER) is None


def test_a_record_without_lock_and_metadata_decides_nothing(stack: OpenStack, nova: Nova) -> None:
    stack.servers.append({"id": SERVER, "status": "UNKNOWN", "tenant_id": "p1"})
    server = nova.server(SERVER)
    assert server is not None
    assert not server.known


def test_every_request_asks_for_microversion_2_73_with_the_token(stack: OpenStack, nova: Nova) -> None:
    stack.says(ACTION, Answer(code=202))
    nova.server(SERVER)
    nova.stop(SERVER)
    list(nova.pages(None))
    for asked in stack.asked[1:]:
        assert asked.headers["OpenStack-API-Version"] == "compute 2.73"
        assert asked.headers["X-OpenStack-Nova-API-Version"] == "2.73"
        assert asked.headers["X-Auth-Token"] == "token-1"
        assert asked.headers["User-Agent"].startswith("lessor")


# ------------------------------------------------------------ lists


def test_a_list_is_followed_by_its_markers_to_its_end(stack: OpenStack, nova: Nova) -> None:
    for number in range(5):
        stack.boots(f"s{number}")
    pages = list(nova.pages(None))
    assert [[server.id for server in page] for page in pages] == [["s4", "s3"], ["s2", "s1"], ["s0"]]
    assert [asked.query.get("marker") for asked in stack.asked[1:]] == [None, "s3", "s1"]


def test_a_last_page_that_is_full_is_followed_by_an_empty_one(stack: OpenStack, nova: Nova) -> None:
    stack.boots("s0")
    stack.boots("s1")
    assert [len(page) for page in nova.pages(None)] == [2, 0]


def test_links_of_a_list_are_not_followed_but_its_markers(stack: OpenStack, nova: Nova) -> None:
    for number in range(3):
        stack.boots(f"s{number}")
    list(nova.pages(None))
    assert set(stack.lines()) == {"GET /v2.1/servers/detail"}


def test_a_marker_that_is_gone_breaks_the_list_off(stack: OpenStack, nova: Nova) -> None:
    full = {"servers": [record("s1")], "servers_links": [{"rel": "next"}]}
    stack.says("GET /v2.1/servers/detail", Answer(body=full), fault(400, "marker [s1] not found"))
    with pytest.raises(cloud.CloudUnavailable, match=r"changed while it was read: .*marker \[s1\] not found"):
        list(nova.pages(None))


def test_a_refused_list_without_a_marker_stays_a_refusal(stack: OpenStack, nova: Nova) -> None:
    stack.says("GET /v2.1/servers/detail", fault(400, "Additional properties are not allowed"))
    with pytest.raises(cloud.RequestRefused):
        list(nova.pages(None))


@pytest.mark.parametrize("second", [fault(503, "down"), Answer(body=b'{"servers": ['), Answer(body={"servers": 1})])
def test_a_list_that_breaks_off_raises_and_is_no_shorter_list(stack: OpenStack, nova: Nova, second: Answer) -> None:
    full = {"servers": [record("s1")], "servers_links": [{"rel": "next"}]}
    stack.says("GET /v2.1/servers/detail", Answer(body=full), second)
    with pytest.raises(cloud.CloudUnavailable):
        list(nova.pages(None))


@pytest.mark.parametrize(
    "since",
    [
        datetime(2026, 3, 1, 8, 0, 0, 999999, tzinfo=UTC),
        datetime(2026, 3, 1, 10, 0, 0, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_changes_since_is_sent_in_utc_to_the_second(stack: OpenStack, nova: Nova, since: datetime) -> None:
    list(nova.pages(since))
    assert stack.asked[-1].query["changes-since"] == "2026-03-01T08:00:00Z"
    assert "all_tenants" not in stack.asked[-1].query


def test_a_full_list_names_no_changes_since(stack: OpenStack, nova: Nova) -> None:
    list(nova.pages(None))
    assert stack.asked[-1].query == {"limit": "500"}


def test_a_name_is_asked_for_whole_and_literally_and_only_that_one_is_taken(stack: OpenStack, nova: Nova) -> None:
    stack.boots("s1", name="db.1")
    stack.boots("s2", name="db-1")
    stack.boots("s3", name="db.1x")
    assert [server.id for server in nova.servers_named("db.1")] == ["s1"]
    assert stack.asked[1].query["name"] == r"^db\.1$"


def test_a_server_that_is_on_two_pages_is_one(stack: OpenStack, nova: Nova) -> None:
    full = {"servers": [record("s1")], "servers_links": [{"rel": "next"}]}
    stack.says("GET /v2.1/servers/detail", Answer(body=full), Answer(body={"servers": [record("s1")]}))
    assert [server.id for server in nova.servers_named("db-1")] == ["s1"]


# ------------------------------------------------------------ answers that are none


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>please log in</html>",
        b'{"server": {"id": "1b9d6bcd',
        b"{}",
        b'{"server": null}',
        b'{"server": {"id": 7}}',
        b'{"server": {"status": "ACTIVE"}}',
        b'{"server": {"id": "s", "locked": "yes"}}',
        b"[]",
        b"null",
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(stack: OpenStack, nova: Nova, body: bytes) -> None:
    stack.says(f"GET /v2.1/servers/{SERVER}", Answer(body=body))
    with pytest.raises(cloud.CloudUnavailable, match="cannot be read"):
        nova.server(SERVER)


def test_an_answer_that_is_cut_is_no_answer(stack: OpenStack, nova: Nova) -> None:
    stack.says(f"GET /v2.1/servers/{SERVER}", Answer(body={"server": record()}, cut=True))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)


# ------------------------------------------------------------ effects


@dataclass(frozen=True)
class Deed:
    id: str
    do: Callable[[Nova], None]
    line: str
    body: Any


DEEDS = [
    Deed("stop", lambda nova: nova.stop(SERVER), ACTION, {"os-stop": None}),
    Deed("start", lambda nova: nova.start(SERVER), ACTION, {"os-start": None}),
    Deed("lock", lambda nova: nova.lock(SERVER, "ended"), ACTION, {"lock": {"locked_reason": "ended"}}),
    Deed("unlock", lambda nova: nova.unlock(SERVER), ACTION, {"unlock": None}),
    Deed("shelve", lambda nova: nova.shelve(SERVER), ACTION, {"shelve": None}),
    Deed("unshelve", lambda nova: nova.unshelve(SERVER), ACTION, {"unshelve": None}),
    Deed(
        "snapshot",
        lambda nova: nova.snapshot(SERVER, "n" * 300, "uid/0"),
        ACTION,
        {"createImage": {"name": "n" * 255, "metadata": {"lessor_stage": "uid/0"}}},
    ),
    Deed("delete", lambda nova: nova.delete(SERVER), f"DELETE /v2.1/servers/{SERVER}", None),
    Deed(
        "write metadata",
        lambda nova: nova.write_metadata(SERVER, {"lessor_mark": "1"}),
        f"POST {METADATA}",
        {"metadata": {"lessor_mark": "1"}},
    ),
    Deed(
        "remove metadata",
        lambda nova: nova.remove_metadata(SERVER, "a/b c"),
        f"DELETE {METADATA}/a%2Fb%20c",
        None,
    ),
]
deeds = pytest.mark.parametrize("deed", [pytest.param(deed, id=deed.id) for deed in DEEDS])


@deeds
def test_a_deed_is_one_request(stack: OpenStack, nova: Nova, deed: Deed) -> None:
    stack.says(deed.line, Answer(code=202))
    deed.do(nova)
    assert stack.lines() == [deed.line]
    assert stack.asked[-1].body == deed.body


@deeds
@pytest.mark.parametrize("code", [409, 413, 429, 500, 502, 503, 504])
def test_nothing_is_ever_sent_twice(stack: OpenStack, nova: Nova, deed: Deed, code: int) -> None:
    stack.says(deed.line, fault(code, "no", Retry_After="1"))
    with pytest.raises(cloud.CloudError):
        deed.do(nova)
    assert stack.lines() == [deed.line]


@deeds
@pytest.mark.parametrize("lost", [{"cut": True}, {"silent": True}], ids=["cut", "silent"])
def test_a_deed_whose_answer_is_lost_is_not_sent_again(
    stack: OpenStack, nova: Nova, deed: Deed, lost: dict[str, bool]
) -> None:
    nova.server(SERVER)  # the connection that is lost was good before
    stack.says(deed.line, Answer(code=202, body={"half": "of it"}, **lost))
    with pytest.raises(cloud.CloudUnavailable):
        deed.do(nova)
    assert stack.lines() == [f"GET /v2.1/servers/{SERVER}", deed.line]


@pytest.mark.parametrize("code", [409, 500, 502, 503])
def test_a_look_is_not_repeated_either(stack: OpenStack, nova: Nova, code: int) -> None:
    stack.says(f"GET /v2.1/servers/{SERVER}", fault(code, "no"))
    with pytest.raises(cloud.CloudError):
        nova.server(SERVER)
    assert len(stack.lines()) == 1


@pytest.mark.parametrize(
    "forget", [lambda nova: nova.delete(SERVER), lambda nova: nova.remove_metadata(SERVER, "lessor_mark")]
)
def test_taking_away_what_is_gone_is_no_error(nova: Nova, forget: Callable[[Nova], None]) -> None:
    forget(nova)


def test_an_act_on_a_server_that_is_gone_says_so(nova: Nova) -> None:
    with pytest.raises(cloud.NotFound):
        nova.stop(SERVER)


# ------------------------------------------------------------ the log of actions


def test_actions_come_newest_first(stack: OpenStack, nova: Nova) -> None:
    old = {"action": "lock", "user_id": "u1", "start_time": "2026-03-01T08:00:00.000000", "message": None}
    new = {"action": "unlock", "user_id": None, "start_time": "2026-03-01T09:00:00.000000", "request_id": "req-1"}
    stack.says(EVENTS, Answer(body={"instanceActions": [old, new]}))
    assert nova.events(SERVER) == (
        ServerEvent(action="unlock", user_id=None, start_time="2026-03-01T09:00:00.000000"),
        ServerEvent(action="lock", user_id="u1", start_time="2026-03-01T08:00:00.000000"),
    )


def test_a_server_without_actions_has_none(nova: Nova) -> None:
    assert nova.events(SERVER) == ()


# ------------------------------------------------------------ images


def image(image_id: str, status: str = "active", **changes: Any) -> dict[str, Any]:
    return {"id": image_id, "status": status, "name": "db-1", "instance_uuid": SERVER, "size": 1, **changes}


def test_a_stage_image_is_found_by_its_property(stack: OpenStack, nova: Nova) -> None:
    stack.says(IMAGES, Answer(body={"images": [image("i1", "queued"), image("i2")]}))
    assert nova.stage_image(SERVER, "uid/0") == ObservedImage(id="i2", status="active", name="db-1")
    assert stack.asked[-1].query["lessor_stage"] == "uid/0"
    assert "OpenStack-API-Version" not in stack.asked[-1].headers


@pytest.mark.parametrize("found", [[], [image("i1", instance_uuid="another")]])
def test_an_image_of_another_server_is_not_ours(stack: OpenStack, nova: Nova, found: list[Any]) -> None:
    stack.says(IMAGES, Answer(body={"images": found}))
    assert nova.stage_image(SERVER, "uid/0") is None


def test_only_the_image_that_shelving_this_server_made_is_swept(stack: OpenStack, nova: Nova) -> None:
    images = [
        image("ours", name="db-1-shelved"),
        image("another", name="db-1-shelved", instance_uuid="another"),
        image("unsaid", name="db-1-shelved", instance_uuid=None),
        image("snapshot", name="db-1"),
    ]
    stack.says(IMAGES, Answer(body={"images": images}))
    stack.says("DELETE /v2/images/ours", Answer(code=204))
    nova.sweep_shelved_image(SERVER, "db-1")
    assert stack.lines() == [IMAGES, "DELETE /v2/images/ours"]


@pytest.mark.parametrize(
    "deed",
    [
        lambda nova: nova.stop(SERVER),
        lambda nova: nova.delete(SERVER),
        lambda nova: nova.write_metadata(SERVER, {"a": "b"}),
        lambda nova: nova.remove_metadata(SERVER, "a"),
        lambda nova: nova.sweep_shelved_image(SERVER, "db-1"),
    ],
    ids=["stop", "delete", "write_metadata", "remove_metadata", "sweep_shelved_image"],
)
def test_who_does_not_lead_any_more_sends_no_change_even_after_a_look(
    stack: OpenStack, deed: Callable[[Nova], None]
) -> None:
    def assure() -> None:
        raise NotLeading

    nova = connect(clouds_yaml(stack.url), before_change=assure)
    stack.says(IMAGES, Answer(body={"images": [image("ours", name="db-1-shelved")]}))
    with pytest.raises(NotLeading):
        deed(nova)
    assert [line for line in stack.lines() if not line.startswith("GET")] == []


@pytest.mark.parametrize(
    "body", [b"default backend - 404", b"<html>404 Not Found</html>", b'{"error": {"code": 404}}', b""]
)
def test_a_404_that_is_not_novas_says_nothing_of_a_server(stack: OpenStack, nova: Nova, body: bytes) -> None:
    stack.says(f"GET /v2.1/servers/{SERVER}", Answer(code=404, body=body))
    stack.says(f"DELETE /v2.1/servers/{SERVER}", Answer(code=404, body=body))
    with pytest.raises(cloud.CloudUnavailable):
        nova.server(SERVER)
    with pytest.raises(cloud.CloudUnavailable):
        nova.delete(SERVER)
