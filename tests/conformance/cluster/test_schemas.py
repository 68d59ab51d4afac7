"""Schemas: defaults, pruning, nulls, unknown fields, and what is wrong with an object in the server's words."""

from typing import Any

import pytest

from tests.conformance.cluster.client import GROUP, Client, Object, config_map, core, gadget, gadgets


def test_defaults_are_filled_in(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(spec={"more": {}, "parts": [{"type": "a"}]}))
    assert made["spec"] == {
        "size": 1,
        "color": "red",
        "more": {"deep": 7},
        "parts": [{"type": "a", "value": "none"}],
    }


def test_a_default_makes_no_object_around_itself(client: Client, namespace: str) -> None:
    assert client.make(gadgets(namespace), gadget())["spec"] == {"size": 1, "color": "red"}


def test_unknown_fields_are_dropped(client: Client, namespace: str) -> None:
    raw = gadget(spec={"none": 1, "more": {"none": 2}, "parts": [{"type": "a", "none": 3}]}, none=4)
    made = client.make(gadgets(namespace), raw)
    assert "none" not in made
    assert made["spec"]["more"] == {"deep": 7}
    assert made["spec"]["parts"] == [{"type": "a", "value": "none"}]


def test_unknown_fields_are_kept_where_the_schema_says_so(client: Client, namespace: str) -> None:
    free = {"a": {"b": [1, None, {"c": None}]}}
    assert client.make(gadgets(namespace), gadget(spec={"free": free}))["spec"]["free"] == free


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({"note": None}, {"note": None}),
        ({"code": None}, {}),
        ({"color": None}, {"color": "red"}),
        ({"more": {"deep": None}}, {"more": {"deep": 7}}),
        ({"tags": {"a": None, "b": "c"}}, {"tags": {"b": "c"}}),
        ({"port": 80}, {"port": 80}),
        ({"port": "http"}, {"port": "http"}),
        ({"due": "2026-01-01T00:00:00.5+02:00"}, {"due": "2026-01-01T00:00:00.5+02:00"}),
    ],
    ids=str,
)
def test_what_is_stored_of_it(client: Client, namespace: str, spec: Object, want: Object) -> None:
    made = client.make(gadgets(namespace), gadget(spec=spec))
    assert made["spec"] == {"size": 1, "color": "red", **want}


def test_the_client_is_warned_of_unknown_fields(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), gadget(spec={"none": 1}, metadata={"none": 2}))
    assert reply.code == 201
    assert reply.headers["Warning"] == r'299 - "unknown field \"metadata.none\"", 299 - "unknown field \"spec.none\""'


def test_a_client_may_not_care_about_unknown_fields(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), gadget(spec={"none": 1}), fieldValidation="Ignore")
    assert (reply.code, reply.headers.get("Warning")) == (201, None)


@pytest.mark.parametrize(
    ("path", "raw", "kind", "version", "fields"),
    [
        (
            gadgets,
            gadget(spec={"none": 1, "parts": [{"type": "a", "none": 2}]}),
            "Gadget",
            "v1",
            ["spec.none", "spec.parts[0].none"],
        ),
        (gadgets, gadget(metadata={"none": 1}), "Gadget", "v1", ["metadata.none"]),
        (lambda namespace: core(namespace, "configmaps"), config_map(none=1), "ConfigMap", "v1", ["none"]),
    ],
)
def test_a_strict_client_is_refused_unknown_fields(
    client: Client, namespace: str, path: Any, raw: Object, kind: str, version: str, fields: list[str]
) -> None:
    reply = client.send("POST", path(namespace), raw, fieldValidation="Strict")
    words = ", ".join(f'unknown field "{field}"' for field in fields)
    said = f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {words}'
    assert reply.said == {"message": said, "reason": "BadRequest", "code": 400}


def test_a_strict_client_is_refused_unknown_fields_of_a_patch(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    reply = client.merge(gadgets(namespace, "one"), {"spec": {"none": 1}}, fieldValidation="Strict")
    assert (reply.code, reply.said["reason"]) == (422, "Invalid")
    assert reply.said["message"].startswith(' "" is invalid: patch: Invalid value: ')
    assert reply.said["message"].endswith('strict decoding error: unknown field "spec.none"')


@pytest.mark.parametrize(
    ("spec", "field", "reason", "words"),
    [
        (
            {"size": "x"},
            "size",
            "TypeInvalid",
            'Invalid value: "string": spec.size in body must be of type integer: "string"',
        ),
        (
            {"names": "x"},
            "names",
            "TypeInvalid",
            'Invalid value: "string": spec.names in body must be of type array: "string"',
        ),
        (
            {"more": []},
            "more",
            "TypeInvalid",
            'Invalid value: "array": spec.more in body must be of type object: "array"',
        ),
        (
            {"on": "true"},
            "on",
            "TypeInvalid",
            'Invalid value: "string": spec.on in body must be of type boolean: "string"',
        ),
        (
            {"tags": {"a": 1}},
            "tags.a",
            "TypeInvalid",
            'Invalid value: "integer": spec.tags.a in body must be of type string: "integer"',
        ),
        (
            {"port": True},
            "port",
            "TypeInvalid",
            'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
        ),
        ({"size": None}, "size", "Required", "Required value"),
        ({"parts": [{"value": "a"}]}, "parts[0].type", "Required", "Required value"),
        ({"color": "blue"}, "color", "NotSupported", 'Unsupported value: "blue": supported values: "red", "green"'),
        ({"code": "A1"}, "code", "Invalid", "Invalid value: \"A1\": spec.code in body should match '^[a-z]+$'"),
        ({"code": "a"}, "code", "Invalid", 'Invalid value: "a": spec.code in body should be at least 2 chars long'),
        ({"code": "abcdef"}, "code", "TooLong", "Too long: may not be more than 5 bytes"),
        ({"size": 0}, "size", "Invalid", "Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        ({"size": 10}, "size", "Invalid", "Invalid value: 10: spec.size in body should be less than or equal to 9"),
        (
            {"due": "yesterday"},
            "due",
            "TypeInvalid",
            'Invalid value: "yesterday": spec.due in body must be of type date-time: "yesterday"',
        ),
        ({"names": []}, "names", "Invalid", "Invalid value: 0: spec.names in body should have at least 1 items"),
        ({"names": ["a", "b", "c", "d"]}, "names", "TooMany", "Too many: 4: must have at most 3 items"),
        ({"tags": {"a": "", "b": "", "c": ""}}, "tags", "TooMany", "Too many: 3: must have at most 2 items"),
        ({"names": ["a", "a"]}, "names[1]", "Duplicate", 'Duplicate value: "a"'),
        ({"parts": [{"type": "a"}, {"type": "a"}]}, "parts[1]", "Duplicate", 'Duplicate value: {"type":"a"}'),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(
    client: Client, namespace: str, spec: Object, field: str, reason: str, words: str
) -> None:
    assert client.send("POST", gadgets(namespace), gadget(spec=spec)).said == {
        "message": f'Gadget.{GROUP} "one" is invalid: spec.{field}: {words}',
        "reason": "Invalid",
        "details": {
            "name": "one",
            "group": GROUP,
            "kind": "Gadget",
            "causes": [{"reason": f"FieldValue{reason}", "message": words, "field": f"spec.{field}"}],
        },
        "code": 422,
    }


def test_all_that_is_wrong_is_said(client: Client, namespace: str) -> None:
    reply = client.send("POST", gadgets(namespace), gadget(spec={"size": 0, "code": "abcdef", "color": "blue"}))
    assert {cause["field"] for cause in reply.said["details"]["causes"]} == {"spec.size", "spec.code", "spec.color"}
    assert reply.said["message"].startswith(f'Gadget.{GROUP} "one" is invalid: [spec.')


def test_the_status_keeps_its_schema_too(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    path = gadgets(namespace, "one") + "/status"
    wrong = client.merge(path, {"status": {"seen": -1}})
    assert (wrong.code, [each["field"] for each in wrong.said["details"]["causes"]]) == (422, ["status.seen"])
    patch = {"status": {"none": 1, "conditions": [{"type": "Ready"}]}}
    assert client.merge(path, patch).body["status"] == {"conditions": [{"type": "Ready", "value": "none"}]}


def test_a_lease_of_lessors_keeps_its_schema(client: Client, namespace: str) -> None:
    path = f"/apis/lessor.dev/v1alpha1/namespaces/{namespace}/instanceleases"
    spec: Object = {
        "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
        "server": {"name": "db-1"},
        "duration": "90d",
    }
    lease = {"apiVersion": "lessor.dev/v1alpha1", "kind": "InstanceLease", "metadata": {"name": "db-1"}, "spec": spec}
    assert client.make(path, lease)["spec"] == spec
    wrong = client.send("POST", path, {**lease, "spec": {**spec, "duration": "a while"}})
    assert "spec.duration in body should match" in wrong.said["message"]


def test_a_rule_that_could_not_be_checked_is_told_of(client: Client, namespace: str) -> None:
    """Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, hasBlockingErr."""
    path = f"/apis/lessor.dev/v1alpha1/namespaces/{namespace}/instanceleases"
    lease = {"apiVersion": "lessor.dev/v1alpha1", "kind": "InstanceLease", "metadata": {"name": "db-1"}}
    spec = {"cloudCredentialsRef": {"secretName": "clouds"}, "server": {"name": "db-1"}, "duration": "90d"}
    causes = client.send("POST", path, {**lease, "spec": spec}).said["details"]["causes"]
    assert [cause["field"] for cause in causes] == ["spec.cloudCredentialsRef.cloudName", "<nil>"]
