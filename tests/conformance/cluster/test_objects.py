"""How objects come to be and change: names, versions, generations, the status split, and refusals word for word."""

from typing import Any

import pytest

from tests.conformance.cluster.client import (
    GROUP,
    Client,
    Object,
    config_map,
    core,
    fresh,
    gadget,
    gadgets,
    widget,
)

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def test_a_new_object_gets_what_is_the_servers(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget("one", metadata={"uid": "mine", "generation": 7}))
    metadata = made["metadata"]
    assert (made["apiVersion"], made["kind"]) == (f"{GROUP}/v1", "Gadget")
    assert (metadata["name"], metadata["namespace"], metadata["generation"]) == ("one", namespace, 1)
    assert len(metadata["uid"]) == 36
    assert metadata["resourceVersion"].isdigit()
    assert len(metadata["creationTimestamp"]) == len("2026-03-01T08:00:00Z")


def test_what_was_made_is_read_back(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    assert client.get(gadgets(namespace, "one")).body == made


def test_builtin_objects_have_no_generation(client: Client, namespace: str) -> None:
    made = client.make(core(namespace, "configmaps"), config_map(data={"a": "b"}))
    assert "generation" not in made["metadata"]
    assert made["data"] == {"a": "b"}


def test_a_name_is_generated(client: Client, namespace: str) -> None:
    raw = gadget(metadata={"generateName": "some-"})
    del raw["metadata"]["name"]
    made = client.make(gadgets(namespace), raw)
    assert made["metadata"]["name"].startswith("some-")
    assert len(made["metadata"]["name"]) == len("some-") + 5


@pytest.mark.parametrize(
    ("plural", "raw", "qualified", "details"),
    [
        ("gadgets", gadget(), f"gadgets.{GROUP}", {"name": "one", "group": GROUP, "kind": "gadgets"}),
        ("configmaps", config_map(), "configmaps", {"name": "one", "kind": "configmaps"}),
    ],
)
def test_a_name_is_taken_once(
    client: Client, namespace: str, plural: str, raw: Object, qualified: str, details: Object
) -> None:
    path = gadgets(namespace) if plural == "gadgets" else core(namespace, plural)
    client.make(path, raw)
    assert client.send("POST", path, raw).said == {
        "message": f'{qualified} "one" already exists',
        "reason": "AlreadyExists",
        "details": details,
        "code": 409,
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(client: Client, namespace: str, method: str) -> None:
    kind = "application/merge-patch+json" if method == "PATCH" else ""
    reply = client.send(method, gadgets(namespace, "none"), {}, kind=kind)
    assert reply.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'gadgets.{GROUP} "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "group": GROUP, "kind": "gadgets"},
        "code": 404,
    }


def test_a_builtin_object_that_is_not_there_has_no_group(client: Client, namespace: str) -> None:
    reply = client.get(core(namespace, "secrets", "none"))
    assert reply.said["message"] == 'secrets "none" not found'
    assert reply.said["details"] == {"name": "none", "kind": "secrets"}


def test_a_namespace_must_be_there(client: Client) -> None:
    missing = fresh()
    reply = client.send("POST", gadgets(missing), gadget())
    assert reply.said == {
        "message": f'namespaces "{missing}" not found',
        "reason": "NotFound",
        "details": {"name": missing, "kind": "namespaces"},
        "code": 404,
    }


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("", "metadata.name", "Required value: name or generateName is required"),
        ("Upper", "metadata.name", 'Invalid value: "Upper": a lowercase RFC 1123 subdomain must consist of'),
        ("-dash", "metadata.name", 'Invalid value: "-dash": a lowercase RFC 1123 subdomain must consist of'),
    ],
)
def test_a_name_must_be_one(client: Client, namespace: str, name: str, field: str, words: str) -> None:
    reply = client.send("POST", gadgets(namespace), gadget(name))
    assert (reply.code, reply.said["reason"]) == (422, "Invalid")
    assert reply.said["message"].startswith(f'Gadget.{GROUP} "{name}" is invalid: {field}: {words}')
    (cause,) = reply.said["details"]["causes"]
    assert cause["field"] == field


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (
            gadget(metadata={"namespace": "other"}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {**gadget(), "apiVersion": f"{GROUP}/v2"},
            400,
            f"the API version in the data ({GROUP}/v2) does not match the expected API version ({GROUP}/v1)",
        ),
        ({"metadata": {"name": "one"}}, 400, ""),
        (b"{", 400, ""),
    ],
)
def test_a_body_must_be_of_what_it_is_sent_to(client: Client, namespace: str, raw: Any, code: int, words: str) -> None:
    reply = client.send("POST", gadgets(namespace), raw)
    assert (reply.code, reply.said["reason"]) == (code, "BadRequest")
    assert words in reply.said["message"]


def test_a_body_must_be_of_the_kind(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), {**gadget(), "kind": "Widget"})
    words = 'kind: Invalid value: "Widget": must be Gadget'
    assert (reply.code, reply.said["message"]) == (422, f'Widget.{GROUP} "one" is invalid: {words}')


def test_a_body_of_another_type_is_not_taken(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), b"x", kind="text/plain")
    assert (reply.code, reply.said["reason"]) == (415, "UnsupportedMediaType")


def test_a_new_object_has_no_version_yet(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), gadget(metadata={"resourceVersion": "1"}))
    assert reply.said["message"] == "resourceVersion should not be set on objects to be created"


@pytest.mark.parametrize("path", ["/apis/none.test/v1/things", f"/apis/{GROUP}/v1/things", "/api/v1/things", "/none"])
def test_what_is_not_served_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).code == 404


@pytest.mark.parametrize(("method", "name"), [("POST", "one"), ("PUT", ""), ("PATCH", "")])
def test_a_verb_that_is_not_served_is_not_allowed(client: Client, namespace: str, method: str, name: str) -> None:
    assert client.send(method, core(namespace, "configmaps", name), config_map()).said == {
        "message": "the server does not allow this method on the requested resource",
        "reason": "MethodNotAllowed",
        "details": {},
        "code": 405,
    }


def test_a_custom_object_is_put_by_name(client: Client, namespace: str) -> None:
    reply = client.put(gadgets(namespace), gadget())
    assert reply.said == {"message": "name must be provided", "reason": "BadRequest", "code": 400}


def test_a_builtin_resource_that_is_not_there_says_so(client: Client) -> None:
    assert client.get("/api/v1/things").said == {
        "message": "the server could not find the requested resource",
        "reason": "NotFound",
        "details": {},
        "code": 404,
    }


# ------------------------------------------------------------ PUT


def test_put_needs_the_version_of_a_custom_object(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.put(gadgets(namespace, "one"), gadget())
    assert reply.code == 422
    (cause,) = reply.said["details"]["causes"]
    assert cause["field"] == "metadata.resourceVersion"
    assert "must be specified for an update" in cause["message"]


def test_put_needs_no_version_of_a_config_map(client: Client, namespace: str) -> None:
    client.make(core(namespace, "configmaps"), config_map())
    reply = client.put(core(namespace, "configmaps", "one"), config_map(data={"a": "c"}))
    assert (reply.code, reply.body["data"]) == (200, {"a": "c"})


def test_put_with_a_version_that_is_past_is_a_conflict(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    client.merge(gadgets(namespace, "one"), {"spec": {"size": 2}})
    assert client.put(gadgets(namespace, "one"), made).said == {
        "message": f'Operation cannot be fulfilled on gadgets.{GROUP} "one": {_MODIFIED}',
        "reason": "Conflict",
        "details": {"name": "one", "group": GROUP, "kind": "gadgets"},
        "code": 409,
    }


def test_put_makes_no_custom_object(client: Client, namespace: str) -> None:
    assert client.put(gadgets(namespace, "one"), gadget()).code == 404


def test_put_says_the_name_of_its_path(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.put(gadgets(namespace, "one"), gadget("two"))
    assert reply.code == 400
    assert reply.said["message"] == "the name of the object (two) does not match the name on the URL (one)"


def test_put_of_another_uid_is_a_conflict(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    other = "00000000-0000-4000-8000-000000000000"
    reply = client.put(gadgets(namespace, "one"), {**made, "metadata": {**made["metadata"], "uid": other}})
    assert (reply.code, reply.said["reason"]) == (409, "Conflict")
    precondition = f"UID in precondition: {other}, UID in object meta: {made['metadata']['uid']}"
    assert precondition in reply.said["message"]


def test_put_cannot_move_the_time_of_creation(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    changed = {**made["metadata"], "creationTimestamp": "2020-01-01T00:00:00Z", "labels": {"a": "b"}}
    reply = client.put(gadgets(namespace, "one"), {**made, "metadata": changed})
    assert reply.body["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert reply.body["metadata"]["labels"] == {"a": "b"}


def test_what_changes_nothing_keeps_its_version(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    put = client.put(gadgets(namespace, "one"), made)
    patched = client.merge(gadgets(namespace, "one"), {"spec": {"size": 1}})
    versions = {made["metadata"]["resourceVersion"]}
    assert {each.body["metadata"]["resourceVersion"] for each in (put, patched)} == versions


# ------------------------------------------------------------ generation and status


@pytest.mark.parametrize(
    ("where", "patch", "generation"),
    [
        ("", {"spec": {"size": 2}}, 2),
        ("", {"spec": {"size": 1}}, 1),
        ("", {"metadata": {"labels": {"a": "b"}}}, 1),
        ("", {"status": {"phase": "Up"}}, 1),
        ("/status", {"status": {"phase": "Up"}}, 1),
    ],
)
def test_generation_counts_the_changes_of_the_spec(
    client: Client, namespace: str, where: str, patch: Object, generation: int
) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.merge(gadgets(namespace, "one") + where, patch)
    assert (reply.code, reply.body["metadata"]["generation"]) == (200, generation)


def test_without_a_status_subresource_generation_counts_it_too(client: Client) -> None:
    name = fresh()
    made = client.make(f"/apis/{GROUP}/v1/widgets", widget(name, status={"phase": "Up"}))
    path = f"/apis/{GROUP}/v1/widgets/{name}"
    patched = client.merge(path, {"status": {"phase": "Down"}}).body
    labelled = client.merge(path, {"metadata": {"labels": {"a": "b"}}}).body
    client.delete(path)
    assert (made["status"], patched["status"]) == ({"phase": "Up"}, {"phase": "Down"})
    assert [each["metadata"]["generation"] for each in (made, patched, labelled)] == [1, 2, 2]


def test_without_a_status_subresource_its_path_is_not_there(client: Client) -> None:
    name = fresh()
    client.make(f"/apis/{GROUP}/v1/widgets", widget(name))
    reply = client.merge(f"/apis/{GROUP}/v1/widgets/{name}/status", {})
    client.delete(f"/apis/{GROUP}/v1/widgets/{name}")
    assert reply.code == 404


def test_a_new_object_has_no_status(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(status={"phase": "Up"}))
    assert "status" not in made


def test_through_the_object_the_status_stays(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    before = client.merge(gadgets(namespace, "one") + "/status", {"status": {"phase": "Up"}}).body
    after = client.merge(gadgets(namespace, "one"), {"status": {"phase": "Down"}}).body
    assert after == before


def test_through_the_status_all_else_stays(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(metadata={"labels": {"a": "b"}}))
    changed = {**made, "spec": {"size": 5}, "status": {"phase": "Up"}}
    changed["metadata"] = {**made["metadata"], "labels": {"a": "c"}, "annotations": {"x": "y"}, "finalizers": ["a.b/c"]}
    after = client.put(gadgets(namespace, "one") + "/status", changed).body
    assert (after["spec"], after["status"]) == (made["spec"], {"phase": "Up"})
    assert after["metadata"]["labels"] == {"a": "b"}
    assert not {"annotations", "finalizers"} & set(after["metadata"])


def test_the_status_is_read_with_the_object(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    assert client.get(gadgets(namespace, "one") + "/status").body == made


# ------------------------------------------------------------ nothing changes, and other versions


def test_a_dry_run_makes_nothing(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(), dryRun="All")
    assert (made["spec"]["color"], "resourceVersion" in made["metadata"]) == ("red", False)
    assert client.get(gadgets(namespace, "one")).code == 404


def test_a_dry_run_changes_nothing(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    reply = client.merge(gadgets(namespace, "one"), {"spec": {"size": 3}}, dryRun="All")
    assert (reply.body["spec"]["size"], reply.body["metadata"]["generation"]) == (3, 2)
    assert client.delete(gadgets(namespace, "one"), dryRun="All").code == 200
    assert client.get(gadgets(namespace, "one")).body == made


def test_a_dry_run_is_refused_as_the_real_one(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    assert client.send("POST", gadgets(namespace), gadget(), dryRun="All").code == 409


def test_each_version_shows_the_same_object(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    older = client.get(gadgets(namespace, "one").replace("/v1/", "/v1beta1/")).body
    assert older["apiVersion"] == f"{GROUP}/v1beta1"
    assert older["spec"] == made["spec"]
    assert older["metadata"]["uid"] == made["metadata"]["uid"]
