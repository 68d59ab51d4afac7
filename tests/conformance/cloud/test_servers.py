"""One server: making, reading, deleting it, and to whom it shows.

Source: nova/api/openstack/compute/servers.py, nova/api/openstack/compute/views/servers.py.
"""

import re
import uuid
from typing import Any

import pytest

from tests.conformance.cloud.stack import Stack

FIELDS = {
    "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
    "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress", "OS-EXT-AZ:availability_zone",
    "config_drive", "key_name", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state", "os-extended-volumes:volumes_attached", "locked", "locked_reason",
    "description", "tags", "trusted_image_certificates", "server_groups",
}  # fmt: skip
OF_ADMINS = {
    "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-SRV-ATTR:hostname", "OS-EXT-SRV-ATTR:launch_index", "OS-EXT-SRV-ATTR:reservation_id",
    "OS-EXT-SRV-ATTR:root_device_name", "OS-EXT-SRV-ATTR:user_data", "OS-EXT-SRV-ATTR:kernel_id",
    "OS-EXT-SRV-ATTR:ramdisk_id", "host_status",
}  # fmt: skip
NOT_FOUND = "Instance {} could not be found."


def _seen(stack: Stack, server_id: str) -> dict[str, Any]:
    seen = stack.alice.server(server_id)
    assert seen is not None
    return seen


def test_a_new_server_is_building_and_then_active(stack: Stack) -> None:
    server_id = stack.begin("new", metadata={"a": "b"})
    building = _seen(stack, server_id)
    active = stack.until(server_id, "active")
    assert (building["status"], building["OS-EXT-STS:vm_state"]) == ("BUILD", "building")
    assert building["OS-EXT-STS:task_state"] is not None
    assert building["OS-SRV-USG:launched_at"] is None
    assert active is not None
    assert (active["status"], active["metadata"]) == ("ACTIVE", {"a": "b"})


def test_a_server_that_is_building_takes_no_action(stack: Stack) -> None:
    server_id = stack.begin("early")
    answer = stack.alice.act(server_id, "shelve")
    words = f"Cannot 'shelve' instance {server_id} while it is in vm_state building"
    assert (answer.code, answer.words) == (409, words)
    stack.until(server_id, "active")


def test_a_server_that_is_building_is_deleted(stack: Stack) -> None:
    server_id = stack.begin("never")
    assert stack.alice.nova("DELETE", f"/servers/{server_id}").code == 204
    assert stack.until(server_id, None) is None


def test_the_answer_to_a_boot_names_the_server(stack: Stack) -> None:
    answer = stack.alice.nova("POST", "/servers", stack.request("named"))
    server = answer.body["server"]
    stack.made.append(server["id"])
    assert answer.code == 202
    assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert answer.headers["Location"].endswith(f"/servers/{server['id']}")


def test_a_record_has_these_fields(stack: Stack, db: str) -> None:
    assert set(_seen(stack, db)) - {"security_groups"} == FIELDS


def test_a_record_has_more_for_administrators(stack: Stack, db: str) -> None:
    seen = stack.admin.server(db)
    assert seen is not None
    assert set(seen) - {"security_groups"} == FIELDS | OF_ADMINS


def test_a_record_says_whose_it_is_and_what(stack: Stack, db: str) -> None:
    seen = _seen(stack, db)
    assert (seen["tenant_id"], seen["user_id"]) == (stack.alice.project_id, stack.alice.user_id)
    assert seen["flavor"] == {
        "vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "nano", "extra_specs": {}
    }  # fmt: skip
    assert (seen["OS-EXT-STS:power_state"], seen["locked"], seen["tags"]) == (1, False, [])


def test_instants_are_written_in_two_ways(stack: Stack, db: str) -> None:
    seen = _seen(stack, db)
    for key in ("created", "updated"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen[key])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000", seen["OS-SRV-USG:launched_at"])
    assert seen["OS-SRV-USG:terminated_at"] is None


def test_a_colleague_sees_the_server(stack: Stack, db: str) -> None:
    assert stack.anna.server(db) is not None


def test_a_server_of_a_deeper_past_has_no_locked(stack: Stack, db: str) -> None:
    answer = stack.alice.nova("GET", f"/servers/{db}", OpenStack_API_Version=None)
    assert not {"locked", "locked_reason", "tags", "description", "server_groups"} & set(answer.body["server"])
    assert set(answer.body["server"]["flavor"]) == {"id", "links"}


@pytest.mark.parametrize("user", ["bob"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/action", {"os-stop": None}),
        ("POST", "/action", {"lock": None}),
        ("GET", "/metadata", None),
        ("GET", "/os-instance-actions", None),
    ],
)
def test_a_foreign_server_is_404(stack: Stack, db: str, user: str, method: str, path: str, body: Any) -> None:
    answer = stack.users[user].nova(method, f"/servers/{db}{path}", body)
    assert (answer.code, answer.kind, answer.words) == (404, "itemNotFound", NOT_FOUND.format(db))


@pytest.mark.parametrize("server_id", [str(uuid.uuid4()), "no-uuid"], ids=["uuid", "no-uuid"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), ("DELETE", "", None), ("POST", "/action", {"shelve": None}), ("GET", "/metadata", None)],
    ids=["get", "delete", "act", "metadata"],
)
def test_an_unknown_server_is_404(stack: Stack, server_id: str, method: str, path: str, body: Any) -> None:
    answer = stack.admin.nova(method, f"/servers/{server_id}{path}", body)
    assert (answer.code, answer.words) == (404, NOT_FOUND.format(server_id))


@pytest.mark.parametrize("action", ["os-stop", "os-start"])
@pytest.mark.parametrize("server_id", [str(uuid.uuid4()), "no-uuid"], ids=["uuid", "no-uuid"])
def test_a_start_looks_for_the_cell_first(stack: Stack, server_id: str, action: str) -> None:
    answer = stack.admin.act(server_id, action)
    words = f"Instance {server_id} has no mapping to a cell."
    assert (answer.code, answer.kind, answer.words) == (404, "itemNotFound", words)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), ("DELETE", "", None), ("POST", "/action", {"os-start": None}), ("GET", "/metadata", None)],
    ids=["get", "delete", "act", "metadata"],
)
def test_a_deleted_server_is_404(stack: Stack, gone: str, method: str, path: str, body: Any) -> None:
    answer = stack.alice.nova(method, f"/servers/{gone}{path}", body)
    assert (answer.code, answer.words) == (404, NOT_FOUND.format(gone))


def test_an_administrator_sees_and_stops_a_foreign_server(stack: Stack, db: str) -> None:
    assert stack.admin.server(db) is not None
    assert stack.admin.act(db, "os-start").code == 409


def test_a_second_deletion_is_accepted_as_long_as_the_first_runs(stack: Stack) -> None:
    server_id = stack.boot("twice")
    codes = [stack.alice.nova("DELETE", f"/servers/{server_id}").code for _ in range(2)]
    assert codes == [204, 204]
    stack.until(server_id, None)
    assert stack.alice.logged(server_id).count("delete") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flavorRef": "none"}, "Flavor none could not be found."),
        ({"imageRef": "5c1b3f0e-8f9a-4b7c-9d2e-0a1b2c3d4e5f"}, "Can not find requested image"),
    ],
    ids=["flavor", "image"],
)
def test_a_boot_of_what_is_not_there_is_refused(stack: Stack, change: dict[str, str], words: str) -> None:
    answer = stack.alice.nova("POST", "/servers", stack.request("refused", **change))
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", words)


def test_a_boot_with_too_much_metadata_is_refused(stack: Stack) -> None:
    metadata = {f"key-{number}": "v" for number in range(129)}
    answer = stack.alice.nova("POST", "/servers", stack.request("refused", metadata=metadata))
    assert (answer.code, answer.words) == (403, "Maximum number of metadata items exceeds 128")


def test_an_unknown_action_is_refused(stack: Stack, db: str) -> None:
    answer = stack.alice.act(db, "no-such-thing")
    assert (answer.code, answer.kind, answer.words) == (400, "badRequest", "There is no such action: no-such-thing")


def test_a_server_is_renamed(stack: Stack, db: str) -> None:
    before = _seen(stack, db)["name"]
    answer = stack.alice.nova("PUT", f"/servers/{db}", {"server": {"name": f"{before}-new"}})
    stack.alice.nova("PUT", f"/servers/{db}", {"server": {"name": before}})
    assert (answer.code, answer.body["server"]["name"]) == (200, f"{before}-new")


@pytest.mark.parametrize("path", ["/flavors", "/flavors/detail", "/flavors/nano"])
def test_flavors_are_read(stack: Stack, path: str) -> None:
    answer = stack.alice.nova("GET", path)
    found = answer.body.get("flavors", [answer.body.get("flavor")])
    assert answer.code == 200
    assert "nano" in {flavor["id"] for flavor in found}


def test_an_unknown_flavor_is_404(stack: Stack) -> None:
    answer = stack.alice.nova("GET", "/flavors/none")
    assert (answer.code, answer.kind, answer.words) == (404, "itemNotFound", "Flavor none could not be found.")
