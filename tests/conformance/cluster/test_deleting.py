"""How objects go: answers, preconditions, finalizers, namespaces."""

import pytest

from tests.conformance.cluster.client import GROUP, Client, config_map, core, fresh, gadget, gadgets

_PATIENCE = 60  # seconds that the real one may take to look after a namespace
_FINALIZER = "conformance.test/hold"


def test_a_deletion_answers_with_what_went(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    reply = client.delete(gadgets(namespace, "one"))
    assert (reply.code, reply.body) == (
        200,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "one", "group": GROUP, "kind": "gadgets", "uid": made["metadata"]["uid"]},
        },
    )
    assert client.get(gadgets(namespace, "one")).code == 404


def test_a_deletion_of_a_builtin_object_names_no_group(client: Client, namespace: str) -> None:
    made = client.make(core(namespace, "configmaps"), config_map())
    reply = client.delete(core(namespace, "configmaps", "one"))
    assert reply.body["details"] == {"name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"]}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uid", "the UID in the precondition (other) does not match the UID in record ({uid})"),
        (
            "resourceVersion",
            "the ResourceVersion in the precondition (other) does not match the ResourceVersion in record",
        ),
    ],
)
def test_a_deletion_keeps_its_preconditions(client: Client, namespace: str, name: str, words: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    reply = client.delete(gadgets(namespace, "one"), {"preconditions": {name: "other"}})
    assert (reply.code, reply.said["reason"]) == (409, "Conflict")
    assert words.format(uid=made["metadata"]["uid"]) in reply.said["message"]
    met = {"preconditions": {name: made["metadata"][name]}}
    assert client.delete(gadgets(namespace, "one"), met).code == 200


def test_a_finalizer_holds_an_object(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(metadata={"finalizers": [_FINALIZER]}))
    held = client.delete(gadgets(namespace, "one")).body
    assert held["metadata"]["deletionTimestamp"]
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    assert held["metadata"]["generation"] == made["metadata"]["generation"] + 1
    assert held["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    again = client.delete(gadgets(namespace, "one"))
    assert (again.code, again.body) == (200, held)
    gone = client.merge(gadgets(namespace, "one"), {"metadata": {"finalizers": None}})
    assert (gone.code, gone.body["kind"]) == (200, "Gadget")
    assert client.get(gadgets(namespace, "one")).code == 404


def test_what_is_going_takes_no_further_finalizer(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(metadata={"finalizers": [_FINALIZER]}))
    client.delete(gadgets(namespace, "one"))
    reply = client.merge(gadgets(namespace, "one"), {"metadata": {"finalizers": [_FINALIZER, "conformance.test/more"]}})
    changed = client.merge(gadgets(namespace, "one"), {"spec": {"size": 2}})
    client.merge(gadgets(namespace, "one"), {"metadata": {"finalizers": None}})
    words = "no new finalizers can be added if the object is being deleted, found new finalizers"
    assert (reply.code, changed.code) == (422, 200)
    cause = f'metadata.finalizers: Forbidden: {words} []string{{"conformance.test/more"}}'
    assert reply.said["message"] == f'Gadget.{GROUP} "one" is invalid: {cause}'


def test_a_collection_is_deleted_by_label(client: Client, namespace: str) -> None:
    for name, label in (("one", "a"), ("two", "a"), ("three", "b")):
        client.make(gadgets(namespace), gadget(name, metadata={"labels": {"l": label}}))
    reply = client.delete(gadgets(namespace), labelSelector="l=a")
    left = client.get(gadgets(namespace)).body["items"]
    assert (reply.code, [each["metadata"]["name"] for each in left]) == (200, ["three"])


def test_a_namespace_takes_along_what_is_in_it(client: Client) -> None:
    name = fresh()
    path = f"/api/v1/namespaces/{name}"
    client.make("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    client.make(gadgets(name), gadget())
    reply = client.delete(path)
    assert (reply.code, reply.body["kind"], reply.body["status"]["phase"]) == (200, "Namespace", "Terminating")
    version = reply.body["metadata"]["resourceVersion"]
    query = {"fieldSelector": f"metadata.name={name}", "resourceVersion": version, "timeoutSeconds": _PATIENCE}
    with client.watch("/api/v1/namespaces", **query) as events:
        assert "DELETED" in (event["type"] for event in events)
    assert client.get(gadgets(name, "one")).code == 404


def test_a_namespace_that_goes_takes_nothing_new(client: Client) -> None:
    name = fresh()
    client.make("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    client.make(gadgets(name), gadget(metadata={"finalizers": [_FINALIZER]}))
    client.delete(f"/api/v1/namespaces/{name}")
    reply = client.send("POST", gadgets(name), gadget("two"))
    with client.watch(gadgets(name), timeoutSeconds=_PATIENCE) as events:
        next(event for event in events if "deletionTimestamp" in event["object"]["metadata"])
    client.merge(gadgets(name, "one"), {"metadata": {"finalizers": None}})
    assert (reply.code, reply.said["reason"]) == (403, "Forbidden")
    words = f"unable to create new content in namespace {name} because it is being terminated"
    assert reply.said["message"] == f'gadgets.{GROUP} "two" is forbidden: {words}'
    assert reply.said["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
    ]
