"""The builtin kinds: namespaces, Secrets, coordination Leases, Events in both views, CRDs, reviews."""

import pytest

from tests.conformance.cluster.client import GROUP, STEPS, TABLE, Client, Object, core, gadget, gadgets

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _events(namespace: str, name: str = "") -> str:
    return f"/apis/events.k8s.io/v1/namespaces/{namespace}/events" + (f"/{name}" if name else "")


def _leases(namespace: str, name: str = "") -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases" + (f"/{name}" if name else "")


def _event(namespace: str, **more: object) -> Object:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "one"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "lessor.dev/operator",
        "reportingInstance": "lessor",
        "action": "Stop",
        "reason": "Stopped",
        "type": "Normal",
        "note": "the server is stopped",
        "regarding": {"apiVersion": f"{GROUP}/v1", "kind": "Gadget", "name": "g", "namespace": namespace, "uid": "u"},
        **more,
    }


def test_a_namespace_is_active_and_named_by_a_label(client: Client, namespace: str) -> None:
    found = client.get(f"/api/v1/namespaces/{namespace}").body
    assert (found["spec"], found["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": namespace}


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_the_usual_namespaces_are_there(client: Client, name: str) -> None:
    assert client.get(f"/api/v1/namespaces/{name}").body["metadata"]["uid"]


def test_a_namespace_is_named_as_a_label(client: Client) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}}
    reply = client.send("POST", "/api/v1/namespaces", body)
    assert (reply.code, reply.said["details"]["causes"][0]["field"]) == (422, "metadata.name")


def test_text_becomes_the_data_of_a_secret(client: Client, namespace: str) -> None:
    raw: Object = {"metadata": {"name": "one"}, "stringData": {"a": "b"}, "data": {"a": "eA==", "c": "ZA=="}}
    made = client.make(core(namespace, "secrets"), raw)
    assert (made["type"], made["data"], "stringData" in made) == ("Opaque", {"a": "Yg==", "c": "ZA=="}, False)
    left = client.merge(core(namespace, "secrets", "one"), {"data": {"a": None}, "stringData": {"e": "f"}}).body
    assert left["data"] == {"c": "ZA==", "e": "Zg=="}


def test_the_data_of_a_secret_is_base64(client: Client, namespace: str) -> None:
    reply = client.send("POST", core(namespace, "secrets"), {"metadata": {"name": "one"}, "data": {"a": "!"}})
    assert (reply.code, reply.said["reason"]) == (400, "BadRequest")
    assert "illegal base64 data" in reply.said["message"]


def test_the_type_of_a_secret_stays(client: Client, namespace: str) -> None:
    client.make(core(namespace, "secrets"), {"metadata": {"name": "one"}})
    reply = client.merge(core(namespace, "secrets", "one"), {"type": "other"})
    words = 'type: Invalid value: "other": field is immutable'
    assert (reply.code, reply.said["message"]) == (422, f'Secret "one" is invalid: {words}')


def test_a_secret_is_found_by_its_type(client: Client, namespace: str) -> None:
    client.make(core(namespace, "secrets"), {"metadata": {"name": "one"}, "type": "test/x"})
    client.make(core(namespace, "secrets"), {"metadata": {"name": "two"}})
    listed = client.get(core(namespace, "secrets"), fieldSelector="type=test/x").body["items"]
    assert [each["metadata"]["name"] for each in listed] == ["one"]


def test_a_lock_is_taken_with_its_version(client: Client, namespace: str) -> None:
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}
    made = client.make(_leases(namespace), {"metadata": {"name": "lock"}, "spec": spec})
    taken = {**made, "spec": {**spec, "holderIdentity": "b", "leaseTransitions": 1}}
    assert client.put(_leases(namespace, "lock"), taken).body["spec"]["holderIdentity"] == "b"
    assert client.put(_leases(namespace, "lock"), taken).code == 409
    without = client.put(_leases(namespace, "lock"), {"metadata": {"name": "lock"}, "spec": spec})
    words = 'leases.coordination.k8s.io "lock" is invalid: metadata.resourceVersion:'
    assert without.code == 422
    assert without.said["message"].startswith(words)


def test_put_makes_a_lock(client: Client, namespace: str) -> None:
    assert client.put(_leases(namespace, "lock"), {"metadata": {"name": "lock"}, "spec": {}}).code == 201


# ------------------------------------------------------------ Events


def test_an_event_is_seen_by_its_older_names(client: Client, namespace: str) -> None:
    made = client.make(_events(namespace), _event(namespace))
    older = client.get(core(namespace, "events", "one")).body
    assert (older["apiVersion"], older["metadata"]["uid"]) == ("v1", made["metadata"]["uid"])
    assert (older["message"], older["involvedObject"]) == (made["note"], made["regarding"])
    assert older["reportingComponent"] == "lessor.dev/operator"
    assert (older["source"], older["firstTimestamp"], older["lastTimestamp"]) == ({}, None, None)
    assert (made["deprecatedSource"], made["deprecatedFirstTimestamp"]) == ({}, None)


def test_an_older_event_is_seen_by_its_newer_names(client: Client, namespace: str) -> None:
    raw = {
        "metadata": {"name": "one"},
        "involvedObject": {"kind": "Gadget", "name": "g", "namespace": namespace},
        "message": "m",
        "reason": "R",
        "type": "Normal",
        "count": 3,
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:05Z",
        "source": {"component": "x"},
    }
    client.make(core(namespace, "events"), raw)
    newer = client.get(_events(namespace, "one")).body
    assert (newer["note"], newer["regarding"]["name"], newer["deprecatedCount"]) == ("m", "g", 3)
    assert (newer["deprecatedSource"], newer["eventTime"]) == ({"component": "x"}, None)


@pytest.mark.parametrize(
    ("older", "selector", "want"),
    [
        (True, "involvedObject.name=g,involvedObject.kind=Gadget,involvedObject.uid=u", 1),
        (True, "involvedObject.name=other", 0),
        (True, "reason=Stopped,type=Normal", 1),
        (False, "regarding.name=g", 1),
        (False, "regarding.name=other", 0),
    ],
)
def test_events_are_found_by_what_they_are_about(
    client: Client, namespace: str, older: bool, selector: str, want: int
) -> None:
    client.make(_events(namespace), _event(namespace))
    path = core(namespace, "events") if older else _events(namespace)
    assert len(client.get(path, fieldSelector=selector).body["items"]) == want


def test_of_an_event_only_the_series_changes(client: Client, namespace: str) -> None:
    client.make(_events(namespace), _event(namespace))
    series = {"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}
    assert client.merge(_events(namespace, "one"), series).body["series"] == series["series"]
    reply = client.merge(_events(namespace, "one"), {"note": "other"})
    words = 'message: Invalid value: "other": field is immutable'
    assert (reply.code, reply.said["message"]) == (422, f'Event "one" is invalid: {words}')


def test_a_series_begins_with_two(client: Client, namespace: str) -> None:
    client.make(_events(namespace), _event(namespace))
    series = {"series": {"count": 1, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}}
    reply = client.merge(_events(namespace, "one"), series)
    words = 'series.count: Invalid value: "": should be at least 2'
    assert (reply.code, reply.said["message"]) == (422, f'Event "one" is invalid: {words}')


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("reason", "reason"),
        ("reportingController", "reportingController"),
    ],
)
def test_an_event_needs_its_fields(client: Client, namespace: str, missing: str, field: str) -> None:
    raw = _event(namespace)
    del raw[missing]
    reply = client.send("POST", _events(namespace), raw)
    assert reply.code == 422
    assert field in {cause["field"] for cause in reply.said["details"]["causes"]}


def test_an_event_is_printed(client: Client, namespace: str) -> None:
    series = {"count": 4, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}
    client.make(_events(namespace), _event(namespace, series=series))
    table = client.get(core(namespace, "events"), accept=TABLE).body
    named = dict(zip((each["name"] for each in table["columnDefinitions"]), table["rows"][0]["cells"], strict=True))
    assert {name: named[name] for name in ("Type", "Reason", "Object", "Source", "Message", "Count", "Name")} == {
        "Type": "Normal",
        "Reason": "Stopped",
        "Object": "gadget/g",
        "Source": "lessor.dev/operator, lessor",
        "Message": "the server is stopped",
        "Count": 4,
        "Name": "one",
    }


# ------------------------------------------------------------ CRDs and reviews


def test_a_crd_says_that_it_is_established(client: Client) -> None:
    crd = client.get(f"{_CRDS}/gadgets.{GROUP}").body
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert crd["status"]["storedVersions"] == ["v1"]
    assert crd["status"]["acceptedNames"] == crd["spec"]["names"]
    assert crd["spec"]["names"]["listKind"] == "GadgetList"
    assert crd["spec"]["conversion"] == {"strategy": "None"}


def test_a_crd_that_changes_changes_what_is_served(client: Client, namespace: str) -> None:
    path = f"{_CRDS}/gadgets.{GROUP}"
    before = client.get(path).body
    # In both versions: with the same selectableFields and differing schemas the real one refuses the CRD
    largest = "schema/openAPIV3Schema/properties/spec/properties/size/maximum"
    steps = [{"op": "replace", "path": f"/spec/versions/{number}/{largest}", "value": 50} for number in (0, 1)]
    reply = client.send("PATCH", path, steps, kind=STEPS)
    assert reply.code == 200, reply.body["message"]
    assert reply.body["metadata"]["generation"] == before["metadata"]["generation"] + 1
    accepted = _until_accepted(client, gadgets(namespace), gadget(spec={"size": 30}))
    client.send("PATCH", path, [{**step, "value": 9} for step in steps], kind=STEPS)
    assert accepted


def _until_accepted(client: Client, path: str, raw: Object) -> bool:
    """Send until it is taken: the real server takes up a changed CRD a moment later."""
    return any(client.send("POST", path, raw).code == 201 for _ in range(500))


def test_everything_is_allowed_to_the_admin(client: Client) -> None:
    body = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}}
    reply = client.send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    assert (reply.code, reply.body["status"]["allowed"]) == (201, True)
    assert "name" not in reply.body["metadata"]
