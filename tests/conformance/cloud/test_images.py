"""Images of snapshots and of shelving: whose they are, their properties, how they go.

Source: nova/compute/utils.py (create_image), nova/compute/api.py (_delete), glance/policies/image.py.
"""

import uuid
from typing import Any

import pytest

from tests.conformance.cloud.pool import Pool
from tests.conformance.cloud.stack import Stack, User


@pytest.fixture(scope="session")
def snapshot(stack: Stack, db: str) -> dict[str, Any]:
    """Give an image of alice's server that alice made."""
    return _snapshot(stack, stack.alice, db, f"{stack.prefix}-mine")


@pytest.fixture(scope="session")
def foreign(stack: Stack, db: str) -> dict[str, Any]:
    """Give an image of alice's server that an administrator made."""
    return _snapshot(stack, stack.admin, db, f"{stack.prefix}-admins")


def _snapshot(stack: Stack, user: User, server_id: str, name: str) -> dict[str, Any]:
    answer = user.act(server_id, "createImage", {"name": name, "metadata": {"lessor_stage": f"{name}-stage"}})
    assert answer.code == 202, answer.body
    stack.until(server_id, "active")
    image_id = answer.body["image_id"]
    stack.wait(lambda: user.glance("GET", f"/images/{image_id}").body["status"] == "active", "the image")
    return dict(user.glance("GET", f"/images/{image_id}").body)


def test_a_snapshot_is_active_in_the_end_and_of_the_tokens_project(stack: Stack, snapshot: dict[str, Any]) -> None:
    assert (snapshot["status"], snapshot["owner"]) == ("active", stack.alice.project_id)
    assert snapshot["visibility"] == "private"


def test_a_snapshot_knows_its_server_and_its_stage(stack: Stack, db: str, snapshot: dict[str, Any]) -> None:
    properties = {key: snapshot[key] for key in ("instance_uuid", "image_type", "user_id", "lessor_stage", "name")}
    assert properties == {
        "instance_uuid": db,
        "image_type": "snapshot",
        "user_id": stack.alice.user_id,
        "lessor_stage": f"{stack.prefix}-mine-stage",
        "name": f"{stack.prefix}-mine",
    }


def test_a_snapshot_is_found_before_it_is_active(stack: Stack, pool: Pool) -> None:
    server_id, stage = pool.take("active"), uuid.uuid4().hex
    stack.alice.act(server_id, "createImage", {"name": "soon", "metadata": {"lessor_stage": stage}})
    found = stack.alice.glance("GET", f"/images?lessor_stage={stage}").body["images"]
    stack.until(server_id, "active")
    pool.give(server_id, "active")
    assert [image["instance_uuid"] for image in found] == [server_id]
    assert found[0]["status"] in {"queued", "saving", "active"}


@pytest.mark.parametrize("user", ["alice", "anna"])
def test_a_snapshot_is_found_by_a_property_within_its_project(
    stack: Stack, snapshot: dict[str, Any], user: str
) -> None:
    found = stack.users[user].glance("GET", f"/images?lessor_stage={snapshot['lessor_stage']}").body["images"]
    assert [image["id"] for image in found] == [snapshot["id"]]


def test_a_snapshot_is_found_by_its_name_and_server(stack: Stack, db: str, snapshot: dict[str, Any]) -> None:
    query = f"/images?name={snapshot['name']}&instance_uuid={db}&limit=10"
    assert [image["id"] for image in stack.alice.glance("GET", query).body["images"]] == [snapshot["id"]]


def test_a_strangers_list_does_not_have_the_snapshot(stack: Stack, snapshot: dict[str, Any]) -> None:
    assert stack.bob.glance("GET", f"/images?lessor_stage={snapshot['lessor_stage']}").body["images"] == []


def test_a_foreign_image_is_404(stack: Stack, snapshot: dict[str, Any]) -> None:
    assert stack.bob.glance("GET", f"/images/{snapshot['id']}").code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_image_is_404(stack: Stack, method: str) -> None:
    image_id = str(uuid.uuid4())
    answer = stack.alice.glance(method, f"/images/{image_id}")
    assert answer.code == 404
    assert image_id in str(answer.body)


def test_an_administrators_snapshot_is_of_its_own_project(stack: Stack, foreign: dict[str, Any]) -> None:
    assert (foreign["owner"], foreign["visibility"]) == (stack.admin.project_id, "shared")


def test_the_servers_project_is_a_member_of_an_administrators_snapshot(stack: Stack, foreign: dict[str, Any]) -> None:
    members = stack.admin.glance("GET", f"/images/{foreign['id']}/members").body["members"]
    assert [(each["member_id"], each["status"]) for each in members] == [(stack.alice.project_id, "pending")]


def test_an_administrators_snapshot_is_read_by_the_servers_project(stack: Stack, foreign: dict[str, Any]) -> None:
    listed = stack.alice.glance("GET", f"/images?lessor_stage={foreign['lessor_stage']}").body["images"]
    assert stack.alice.glance("GET", f"/images/{foreign['id']}").code == 200
    assert listed == []


def test_the_servers_project_may_not_delete_an_administrators_snapshot(stack: Stack, foreign: dict[str, Any]) -> None:
    assert stack.alice.glance("DELETE", f"/images/{foreign['id']}").code == 403


def test_a_member_may_not_make_an_image_public(stack: Stack, snapshot: dict[str, Any]) -> None:
    assert _patch(stack.alice, snapshot["id"], "visibility", "public") == 403


def test_a_member_may_not_give_an_image_away(stack: Stack, snapshot: dict[str, Any]) -> None:
    assert _patch(stack.alice, snapshot["id"], "owner", stack.bob.project_id) == 403


def test_an_administrator_hands_a_snapshot_over(stack: Stack, db: str) -> None:
    image = _snapshot(stack, stack.admin, db, f"{stack.prefix}-handed")
    assert _patch(stack.admin, image["id"], "visibility", "private") == 200
    assert _patch(stack.admin, image["id"], "owner", stack.alice.project_id) == 200
    listed = stack.alice.glance("GET", f"/images?lessor_stage={image['lessor_stage']}").body["images"]
    assert [each["id"] for each in listed] == [image["id"]]
    assert stack.alice.glance("DELETE", f"/images/{image['id']}").code == 204
    assert stack.alice.glance("GET", f"/images/{image['id']}").code == 404


def _patch(user: User, image_id: str, key: str, value: str) -> int:
    change = [{"op": "replace", "path": f"/{key}", "value": value}]
    kind = "application/openstack-images-v2.1-json-patch"
    return user.glance("PATCH", f"/images/{image_id}", change, Content_Type=kind).code


def test_a_page_of_images_has_a_link_while_it_is_full(stack: Stack) -> None:
    body = stack.alice.glance("GET", "/images?limit=1").body
    assert len(body["images"]) == 1
    assert body["next"].startswith("/v2/images?")


def test_shelving_makes_an_image_that_goes_with_the_unshelving(stack: Stack, pool: Pool) -> None:
    server_id = pool.take("shelved_offloaded")
    seen = stack.alice.server(server_id)
    assert seen is not None
    before = [image["name"] for image in stack.alice.images_of(server_id)]
    stack.alice.act(server_id, "unshelve")
    stack.until(server_id, "active")
    after = [image["name"] for image in stack.alice.images_of(server_id)]
    pool.give(server_id, "active")
    assert f"{seen['name']}-shelved" in before
    assert f"{seen['name']}-shelved" not in after


def test_shelving_makes_an_image_that_goes_with_the_server(stack: Stack, pool: Pool) -> None:
    server_id = pool.take("shelved_offloaded")
    stack.alice.nova("DELETE", f"/servers/{server_id}")
    stack.until(server_id, None)
    assert not [image for image in stack.alice.images_of(server_id) if image["name"].endswith("-shelved")]


def test_a_snapshot_stays_when_its_server_goes(stack: Stack, pool: Pool) -> None:
    server_id, stage = pool.take("active"), uuid.uuid4().hex
    stack.alice.act(server_id, "createImage", {"name": "stays", "metadata": {"lessor_stage": stage}})
    stack.until(server_id, "active")
    stack.alice.nova("DELETE", f"/servers/{server_id}")
    stack.until(server_id, None)
    found = stack.alice.glance("GET", f"/images?lessor_stage={stage}").body["images"]
    assert [image["status"] for image in found] == ["active"]


def test_a_name_of_a_snapshot_is_needed(stack: Stack, db: str) -> None:
    answer = stack.alice.act(db, "createImage", {})
    assert (answer.code, answer.kind) == (400, "badRequest")
