"""Lists of servers: pages, markers, filters, and what changed.

Source: nova/api/openstack/common.py (_get_collection_links), nova/api/openstack/compute/servers.py (_get_servers).
"""

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.cloud.stack import Answer, Stack, User


@pytest.fixture(scope="session")
def three(stack: Stack) -> list[str]:
    """Give three servers of alice, the newest first, each of a second of its own; the names end with a, b and c."""
    made: list[str] = []
    for letter in "abc":
        if made:
            _later(stack, made[-1])
        made.append(stack.boot(f"list-{letter}"))
    return made[::-1]


def _later(stack: Stack, server_id: str) -> None:
    """Wait until a later second than that in which the server was created."""
    first = stack.alice.server(server_id)
    assert first is not None
    stack.wait(lambda: _touched(stack, server_id) > first["created"], "a later second")


@pytest.fixture
def changed(stack: Stack, three: list[str]) -> str:
    """Give an instant after which nothing but what the case does changes the three; its end is in the same second."""
    last = max(str(seen["updated"]) for seen in map(stack.alice.server, three) if seen is not None)
    stack.wait(lambda: _touched(stack, three[0]) > last, "a later second")
    return _touched(stack, three[0])


def _touched(stack: Stack, server_id: str) -> str:
    stack.alice.nova("POST", f"/servers/{server_id}/metadata", {"metadata": {"touched": "now"}})
    seen = stack.alice.server(server_id)
    assert seen is not None
    return str(seen["updated"])


def _ask(user: User, path: str = "/servers/detail", **query: Any) -> Answer:
    return user.nova(
        "GET", f"{path}?{urlencode({key.replace('_since', '-since'): value for key, value in query.items()})}"
    )


def _ids(answer: Answer) -> list[str]:
    assert answer.code == 200, answer.body
    return [server["id"] for server in answer.body["servers"]]


def _names(stack: Stack, pattern: str) -> dict[str, str]:
    return {"name": f"{stack.prefix}-{pattern}"}


def test_the_newest_is_the_first(stack: Stack, three: list[str]) -> None:
    assert _ids(_ask(stack.alice, **_names(stack, "list-"))) == three


def test_of_one_second_the_smallest_id_is_the_first(stack: Stack) -> None:
    answer = stack.alice.nova("POST", "/servers", stack.request("many", min_count=3, return_reservation_id=False))
    assert answer.code == 202, answer.body
    stack.wait(lambda: len(_ids(_ask(stack.alice, status="ACTIVE", **_names(stack, "many")))) == 3, "all three")
    servers = _ask(stack.alice, **_names(stack, "many")).body["servers"]
    stack.made.extend(server["id"] for server in servers)
    assert servers == sorted(sorted(servers, key=lambda each: each["id"]), key=_age)


def _age(server: dict[str, Any]) -> float:
    return -datetime.fromisoformat(server["created"]).timestamp()


def test_a_page_has_at_most_its_limit_and_the_next_begins_behind_the_marker(stack: Stack, three: list[str]) -> None:
    first = _ask(stack.alice, limit=2, **_names(stack, "list-"))
    second = _ask(stack.alice, limit=2, marker=three[1], **_names(stack, "list-"))
    assert (_ids(first), _ids(second)) == (three[:2], three[2:])
    assert first.body["servers_links"][0]["rel"] == "next"
    assert "servers_links" not in second.body


def test_a_full_last_page_has_a_link_too(stack: Stack, three: list[str]) -> None:
    full = _ask(stack.alice, limit=3, **_names(stack, "list-"))
    empty = _ask(stack.alice, limit=3, marker=three[2], **_names(stack, "list-"))
    assert [link["rel"] for link in full.body["servers_links"]] == ["next"]
    assert empty.body == {"servers": []}


def test_the_link_leads_to_the_next_page(stack: Stack, three: list[str]) -> None:
    href = _ask(stack.alice, limit=2, **_names(stack, "list-")).body["servers_links"][0]["href"]
    query = href.partition("?")[2]
    assert f"marker={three[1]}" in query
    assert _ids(stack.alice.nova("GET", f"/servers/detail?{query}")) == three[2:]


def test_an_unknown_marker_is_refused(stack: Stack) -> None:
    marker = str(uuid.uuid4())
    answer = _ask(stack.alice, limit=2, marker=marker)
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", f"marker [{marker}] not found")


def test_a_deleted_marker_still_holds_the_place(stack: Stack, gone: str) -> None:
    answer = _ask(stack.alice, limit=500, marker=gone)
    assert answer.code == 200
    assert gone not in _ids(answer)


@pytest.mark.parametrize("limit", ["x", "-1"])
def test_a_limit_is_a_number(stack: Stack, limit: str) -> None:
    answer = _ask(stack.alice, limit=limit)
    assert (answer.code, answer.kind) == (400, "badRequest")
    assert answer.words.startswith(f"Invalid input for query parameters limit. Value: {limit}.")


def test_a_limit_over_the_most_is_cut_in_silence(stack: Stack, three: list[str]) -> None:
    assert set(three) <= set(_ids(_ask(stack.alice, limit=5000)))


def test_the_list_without_details_has_names(stack: Stack, three: list[str]) -> None:
    answer = _ask(stack.alice, "/servers", **_names(stack, "list-"))
    assert [set(server) for server in answer.body["servers"]] == [{"id", "name", "links"}] * 3
    assert _ids(answer) == three


def test_a_record_of_a_list_is_that_of_the_server(stack: Stack, three: list[str]) -> None:
    listed = _ask(stack.alice, **_names(stack, "list-c$")).body["servers"][0]
    seen = stack.alice.server(three[0])
    assert seen is not None
    del seen["server_groups"]
    assert listed == seen


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("list-[ab]$", "ab"), ("LIST-A", "a"), ("list", "abc"), ("list-d", ""), ("list-.$", "abc"), ("list-a|b", "")],
)
def test_a_name_is_a_regular_expression(stack: Stack, three: list[str], pattern: str, found: str) -> None:
    by_letter = dict(zip("cba", three, strict=True))
    assert _ids(_ask(stack.alice, **_names(stack, pattern))) == [by_letter[letter] for letter in reversed(found)]


def test_the_list_is_of_the_tokens_project(stack: Stack, three: list[str], db: str) -> None:
    own = _ids(_ask(stack.anna, limit=1000))
    foreign = _ids(_ask(stack.bob, limit=1000))
    assert {*three, db} <= set(own)
    assert not {*three, db} & set(foreign)


def test_an_administrator_sees_its_own_project_unless_it_asks_for_all(stack: Stack, three: list[str]) -> None:
    assert not set(three) & set(_ids(_ask(stack.admin, limit=1000)))
    assert set(three) <= set(_ids(_ask(stack.admin, limit=1000, all_tenants=1)))


def test_an_administrator_asks_for_one_project_of_all(stack: Stack, three: list[str]) -> None:
    foreign = _ids(_ask(stack.admin, all_tenants=1, project_id=stack.bob.project_id))
    own = _ids(_ask(stack.admin, all_tenants=1, project_id=stack.alice.project_id))
    assert not set(three) & set(foreign)
    assert set(three) <= set(own)


@pytest.mark.parametrize(("path", "rule"), [("/servers/detail", "detail"), ("/servers", "index")])
def test_a_member_may_not_ask_for_all(stack: Stack, path: str, rule: str) -> None:
    answer = _ask(stack.alice, path, all_tenants=1)
    words = f"Policy doesn't allow os_compute_api:servers:{rule}:get_all_tenants to be performed."
    assert (answer.code, answer.kind, answer.words) == (403, "forbidden", words)


def test_a_members_project_id_is_passed_over(stack: Stack, three: list[str]) -> None:
    answer = _ask(stack.alice, project_id=stack.bob.project_id, **_names(stack, "list-"))
    assert _ids(answer) == three


@pytest.mark.parametrize(("status", "found"), [("ACTIVE", 3), ("SHUTOFF", 0), ("active", 3)])
def test_a_status_is_filtered_by(stack: Stack, three: list[str], status: str, found: int) -> None:
    del three
    assert len(_ids(_ask(stack.alice, status=status, **_names(stack, "list-")))) == found


def test_an_unknown_status_is_refused(stack: Stack) -> None:
    answer = _ask(stack.alice, status="NEITHER")
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", "Invalid status value")


def test_locked_is_filtered_by(stack: Stack, three: list[str]) -> None:
    stack.alice.act(three[1], "lock")
    found = _ids(_ask(stack.alice, locked="true", **_names(stack, "list-")))
    others = _ids(_ask(stack.alice, locked="false", **_names(stack, "list-")))
    stack.alice.act(three[1], "unlock")
    assert (found, others) == ([three[1]], [three[0], three[2]])


def test_tags_are_filtered_by(stack: Stack, three: list[str]) -> None:
    stack.alice.nova("PUT", f"/servers/{three[0]}/tags", {"tags": ["x", "y"]})
    stack.alice.nova("PUT", f"/servers/{three[1]}/tags", {"tags": ["y"]})
    found = {
        key: _ids(_ask(stack.alice, **{key: "x,y"}, **_names(stack, "list-")))
        for key in ("tags", "tags-any", "not-tags", "not-tags-any")
    }
    assert found == {
        "tags": three[:1],
        "tags-any": three[:2],
        "not-tags": three[1:],
        "not-tags-any": three[2:],
    }


def test_without_changes_since_deleted_servers_are_left_out(stack: Stack, gone: str) -> None:
    assert gone not in _ids(_ask(stack.alice, limit=1000))


def test_changes_since_shows_what_changed_and_what_was_deleted(stack: Stack, changed: str, three: list[str]) -> None:
    server_id = stack.boot("changes")
    stack.alice.nova("DELETE", f"/servers/{server_id}")
    stack.until(server_id, None)
    found = {server["id"]: server for server in _ask(stack.alice, changes_since=changed).body["servers"]}
    assert three[2] not in found
    assert three[0] in found
    over = found[server_id]
    assert (over["status"], over["OS-EXT-STS:vm_state"], over["OS-EXT-STS:task_state"]) == ("DELETED", "deleted", None)
    assert over["OS-SRV-USG:terminated_at"] is not None


def test_a_deleted_server_shows_no_metadata_in_changes_since(stack: Stack, gone: str) -> None:
    found = {server["id"]: server for server in _ask(stack.alice, changes_since="2000-01-01T00:00:00Z").body["servers"]}
    assert found[gone]["metadata"] == {}


def test_changes_since_is_paged(stack: Stack, changed: str, three: list[str]) -> None:
    del changed
    query = {"changes_since": "2000-01-01T00:00:00Z", "limit": 2, **_names(stack, "list-")}
    first = _ask(stack.alice, **query)
    second = _ask(stack.alice, marker=_ids(first)[-1], **query)
    assert _ids(first) + _ids(second) == three


@pytest.mark.parametrize("what", ["lock", "unlock", "rename", "metadata"])
def test_a_change_shows_in_changes_since(stack: Stack, changed: str, three: list[str], what: str) -> None:
    server_id = three[1]
    path = f"/servers/{server_id}"
    match what:
        case "lock" | "unlock":
            stack.alice.act(server_id, what)
        case "rename":
            stack.alice.nova("PUT", path, {"server": {"name": f"{stack.prefix}-list-b", "description": changed}})
        case _:
            stack.alice.nova("POST", f"{path}/metadata", {"metadata": {"key": changed}})
    found = _ids(_ask(stack.alice, changes_since=changed))
    stack.alice.act(server_id, "unlock")
    assert server_id in found


def test_a_removed_item_does_not_show_in_changes_since(stack: Stack, three: list[str]) -> None:
    path = f"/servers/{three[2]}/metadata"
    stack.alice.nova("POST", path, {"metadata": {"key": "value"}})
    before = stack.alice.server(three[2])
    assert before is not None
    stack.wait(lambda: _touched(stack, three[0]) > before["updated"], "a later second")
    assert stack.alice.nova("DELETE", f"{path}/key").code == 204
    after = stack.alice.server(three[2])
    assert after is not None
    assert after["updated"] == before["updated"]


def test_a_tag_does_not_show_in_changes_since(stack: Stack, changed: str, three: list[str]) -> None:
    stack.alice.nova("PUT", f"/servers/{three[2]}/tags", {"tags": ["new"]})
    assert three[2] not in _ids(_ask(stack.alice, changes_since=changed))


def test_a_bad_changes_since_is_refused(stack: Stack) -> None:
    answer = _ask(stack.alice, changes_since="garbage")
    words = "Invalid input for query parameters changes-since. Value: garbage. 'garbage' is not a 'date-time'"
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", words)


def test_an_administrator_lists_the_deleted_only(stack: Stack, gone: str, three: list[str]) -> None:
    found = _ids(_ask(stack.admin, all_tenants=1, deleted="true", limit=1000))
    assert gone in found
    assert not set(three) & set(found)


def test_a_member_may_not_list_the_deleted(stack: Stack, gone: str) -> None:
    assert gone not in _ids(_ask(stack.alice, deleted="true", limit=1000))


def test_an_unknown_filter_is_passed_over_for_members(stack: Stack, three: list[str]) -> None:
    assert _ids(_ask(stack.alice, nonsense="1", **_names(stack, "list-"))) == three
