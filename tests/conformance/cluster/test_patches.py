"""Merge patches, JSON patches, and the strategic ones of builtin kinds."""

from typing import Any

import pytest

from tests.conformance.cluster.client import (
    GROUP,
    STEPS,
    STRATEGIC,
    Client,
    Object,
    config_map,
    core,
    gadget,
    gadgets,
)


def _stepped(client: Client, path: str, *steps: Object) -> Any:
    return client.send("PATCH", path, list(steps), kind=STEPS)


def test_a_merge_patch_sets_and_removes(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(spec={"code": "abc", "tags": {"a": "1", "b": "2"}, "names": ["x", "y"]}))
    patch = {"spec": {"code": None, "tags": {"a": None, "c": "3"}, "names": ["z"]}}
    assert client.merge(gadgets(namespace, "one"), patch).body["spec"] == {
        "size": 1,
        "color": "red",
        "tags": {"b": "2", "c": "3"},
        "names": ["z"],
    }


def test_a_removed_field_gets_its_default_again(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(spec={"color": "green"}))
    assert client.merge(gadgets(namespace, "one"), {"spec": {"color": None}}).body["spec"]["color"] == "red"


def test_a_patch_with_a_version_that_is_past_is_a_conflict(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    version = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    assert client.merge(gadgets(namespace, "one"), {**version, "spec": {"size": 2}}).code == 200
    reply = client.merge(gadgets(namespace, "one"), {**version, "spec": {"size": 3}})
    assert (reply.code, reply.said["reason"]) == (409, "Conflict")
    assert reply.said["details"] == {"name": "one", "group": GROUP, "kind": "gadgets"}


def test_a_patch_of_the_status_with_a_version_that_is_past_is_a_conflict(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    version = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    path = gadgets(namespace, "one") + "/status"
    assert client.merge(path, {**version, "status": {"seen": 1}}).code == 200
    assert client.merge(path, {**version, "status": {"seen": 2}}).code == 409


def test_steps_set_and_remove(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(spec={"names": ["a"], "code": "abc"}))
    reply = _stepped(
        client,
        gadgets(namespace, "one"),
        {"op": "test", "path": "/spec/size", "value": 1},
        {"op": "replace", "path": "/spec/size", "value": 3},
        {"op": "add", "path": "/spec/names/-", "value": "b"},
        {"op": "remove", "path": "/spec/code"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "replace", "path": "/metadata/labels/a~1b", "value": "d"},
    )
    assert reply.body["spec"] == {"size": 3, "color": "red", "names": ["a", "b"]}
    assert (reply.body["metadata"]["labels"], reply.body["metadata"]["generation"]) == ({"a/b": "d"}, 2)


@pytest.mark.parametrize(
    "step",
    [
        {"op": "test", "path": "/spec/size", "value": 5},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "remove", "path": "/spec/none"},
        {"op": "replace", "path": "/none/none", "value": 1},
        {"op": "jump", "path": "/spec/size"},
    ],
    ids=str,
)
def test_a_step_that_does_not_fit_changes_nothing(client: Client, namespace: str, step: Object) -> None:
    made = client.make(gadgets(namespace), gadget())
    reply = _stepped(client, gadgets(namespace, "one"), {"op": "replace", "path": "/spec/size", "value": 2}, step)
    assert reply.said == {
        "message": "the server rejected our request due to an error in our request",
        "reason": "Invalid",
        "details": {},
        "code": 422,
    }
    assert client.get(gadgets(namespace, "one")).body == made


@pytest.mark.parametrize(
    ("kind", "body"),
    [(STEPS, {"op": "add"}), ("application/merge-patch+json", [1]), ("application/merge-patch+json", b"{")],
)
def test_a_patch_that_is_none_is_refused(client: Client, namespace: str, kind: str, body: object) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.send("PATCH", gadgets(namespace, "one"), body, kind=kind)
    assert (reply.code, reply.said["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("kind", [STRATEGIC, "application/json"])
def test_custom_objects_take_no_other_patch(client: Client, namespace: str, kind: str) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.send("PATCH", gadgets(namespace, "one"), {}, kind=kind)
    assert (reply.code, reply.said["reason"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    ("patch", "code", "words"),
    [
        ({"name": "two"}, 400, "the name of the object (two) does not match the name on the URL (one)"),
        (
            {"namespace": "two"},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {"uid": "two"},
            422,
            f'Gadget.{GROUP} "one" is invalid: metadata.uid: Invalid value: "two": field is immutable',
        ),
    ],
)
def test_a_patch_makes_no_other_object(client: Client, namespace: str, patch: Object, code: int, words: str) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.merge(gadgets(namespace, "one"), {"metadata": patch})
    assert (reply.code, reply.said["message"]) == (code, words)


def test_a_patch_cannot_set_what_is_the_servers(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    mine = {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 9, "selfLink": "/x"}
    assert client.merge(gadgets(namespace, "one"), {"metadata": mine}).body == made


def test_a_strategic_patch_merges_builtin_objects(client: Client, namespace: str) -> None:
    client.make(core(namespace, "configmaps"), config_map(data={"a": "1", "b": "2"}))
    patch = {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"x": "y"}}}
    reply = client.send("PATCH", core(namespace, "configmaps", "one"), patch, kind=STRATEGIC)
    assert (reply.body["data"], reply.body["metadata"]["labels"]) == ({"b": "2", "c": "3"}, {"x": "y"})


def test_a_strategic_patch_replaces_when_told(client: Client, namespace: str) -> None:
    client.make(core(namespace, "configmaps"), config_map(data={"a": "1", "b": "2"}))
    patch = {"data": {"$patch": "replace", "c": "3"}}
    reply = client.send("PATCH", core(namespace, "configmaps", "one"), patch, kind=STRATEGIC)
    assert reply.body["data"] == {"c": "3"}


def test_a_strategic_patch_merges_finalizers(client: Client, namespace: str) -> None:
    path = core(namespace, "configmaps", "one")
    client.make(core(namespace, "configmaps"), config_map(metadata={"finalizers": ["a.test/a"]}))
    added = client.send("PATCH", path, {"metadata": {"finalizers": ["a.test/b"]}}, kind=STRATEGIC)
    assert sorted(added.body["metadata"]["finalizers"]) == ["a.test/a", "a.test/b"]
    taken = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.test/a"]}}
    left = client.send("PATCH", path, taken, kind=STRATEGIC)
    client.merge(path, {"metadata": {"finalizers": None}})
    assert left.body["metadata"]["finalizers"] == ["a.test/b"]


def test_a_strategic_patch_merges_lists_by_their_key(client: Client, namespace: str) -> None:
    path = core(namespace, "serviceaccounts")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "one"}}
    client.make(path, {**account, "secrets": [{"name": "a"}, {"name": "b"}]})
    patch = {"secrets": [{"name": "a", "$patch": "delete"}, {"name": "c"}]}
    reply = client.send("PATCH", f"{path}/one", patch, kind=STRATEGIC)
    assert sorted(each["name"] for each in reply.body["secrets"]) == ["b", "c"]
