"""Lists: their form, selectors, pages, tables, metadata alone."""

from typing import Any

import pytest

from tests.conformance.cluster.client import (
    GROUP,
    METADATA,
    METADATA_LIST,
    TABLE,
    Client,
    config_map,
    core,
    fresh,
    gadget,
    gadgets,
    widget,
)


def _names(body: Any) -> list[str]:
    return [each["metadata"]["name"] for each in body["items"]]


def test_a_list_of_custom_objects_names_their_type(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    listed = client.get(gadgets(namespace)).body
    assert (listed["kind"], listed["apiVersion"]) == ("GadgetList", f"{GROUP}/v1")
    assert int(listed["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert listed["items"] == [made]


def test_a_list_of_builtin_objects_names_their_type_once(client: Client, namespace: str) -> None:
    client.make(core(namespace, "secrets"), {"metadata": {"name": "one"}})
    listed = client.get(core(namespace, "secrets")).body
    assert (listed["kind"], listed["apiVersion"]) == ("SecretList", "v1")
    assert not {"kind", "apiVersion"} & set(listed["items"][0])


@pytest.mark.parametrize("accept", ["application/json", METADATA_LIST])
def test_a_list_of_nothing(client: Client, namespace: str, accept: str) -> None:
    listed = client.get(gadgets(namespace), accept=accept).body
    assert listed["items"] == ([] if accept == "application/json" else None)


def test_a_list_is_in_order_and_of_its_namespace(client: Client, namespace: str) -> None:
    for name in ("b", "a", "c"):
        client.make(gadgets(namespace), gadget(name))
    assert _names(client.get(gadgets(namespace)).body) == ["a", "b", "c"]
    everywhere = client.get(f"/apis/{GROUP}/v1/gadgets").body["items"]
    assert [each["metadata"]["name"] for each in everywhere if each["metadata"]["namespace"] == namespace] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        ("tier=web", ["a"]),
        ("tier==web", ["a"]),
        ("tier!=web", ["b", "c"]),
        ("tier in (web, db)", ["a", "b"]),
        ("tier notin (web)", ["b", "c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
        ("tier,app=x", ["b"]),
        ("tier=none", []),
    ],
)
def test_a_list_is_chosen_by_labels(client: Client, namespace: str, selector: str, want: list[str]) -> None:
    for name, labels in (("a", {"tier": "web"}), ("b", {"tier": "db", "app": "x"}), ("c", {"app": "x"})):
        client.make(gadgets(namespace), gadget(name, metadata={"labels": labels}))
    assert _names(client.get(gadgets(namespace), labelSelector=selector).body) == want


@pytest.mark.parametrize(
    ("selector", "want"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a", ["b", "c"]),
        ("spec.color=green", ["b", "c"]),
        ("spec.color=green,metadata.name=b", ["b"]),
        ("spec.more.deep=7", ["c"]),
        ("spec.more.deep=", ["a", "b"]),
        ("metadata.namespace=none", []),
    ],
)
def test_a_list_is_chosen_by_fields(client: Client, namespace: str, selector: str, want: list[str]) -> None:
    for name, spec in (("a", {}), ("b", {"color": "green"}), ("c", {"color": "green", "more": {}})):
        client.make(gadgets(namespace), gadget(name, spec=spec))
    assert _names(client.get(gadgets(namespace), fieldSelector=selector).body) == want


@pytest.mark.parametrize(
    "query", [{"fieldSelector": "spec.size=1"}, {"labelSelector": "a b"}, {"continue": "x"}, {"limit": "x"}]
)
def test_a_list_is_refused_what_cannot_be_chosen_by(client: Client, namespace: str, query: Any) -> None:
    reply = client.get(gadgets(namespace), **query)
    assert (reply.code, reply.said["reason"]) == (400, "BadRequest")


def test_renewals_of_lessors_are_found_by_their_lease(client: Client, namespace: str) -> None:
    path = f"/apis/lessor.dev/v1alpha1/namespaces/{namespace}/leaserenewals"
    for name, lease in (("a", "db-1"), ("b", "db-2")):
        renewal = {"apiVersion": "lessor.dev/v1alpha1", "kind": "LeaseRenewal", "metadata": {"name": name}}
        client.make(path, {**renewal, "spec": {"leaseRef": {"kind": "InstanceLease", "name": lease}}})
    assert _names(client.get(path, fieldSelector="spec.leaseRef.name=db-2").body) == ["b"]


def test_a_list_comes_in_pages_that_show_one_state(client: Client, namespace: str) -> None:
    for name in ("a", "b", "c"):
        client.make(gadgets(namespace), gadget(name))
    first = client.get(gadgets(namespace), limit=2).body
    client.make(gadgets(namespace), gadget("bb"))
    client.delete(gadgets(namespace, "c"))
    last = client.get(gadgets(namespace), limit=2, **{"continue": first["metadata"]["continue"]}).body
    assert (_names(first), _names(last)) == (["a", "b"], ["c"])
    assert first["metadata"]["remainingItemCount"] == 1
    assert last["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert not last["metadata"].get("continue")


def test_a_page_that_is_chosen_does_not_count_the_rest(client: Client, namespace: str) -> None:
    for name in ("a", "b", "c"):
        client.make(gadgets(namespace), gadget(name, metadata={"labels": {"l": name if name == "b" else "x"}}))
    first = client.get(gadgets(namespace), limit=1, labelSelector="l=x").body
    last = client.get(
        gadgets(namespace), limit=1, labelSelector="l=x", **{"continue": first["metadata"]["continue"]}
    ).body
    assert (_names(first), _names(last)) == (["a"], ["c"])
    assert "remainingItemCount" not in first["metadata"]


def test_a_version_that_is_not_yet_there_times_out(client: Client, namespace: str) -> None:
    reply = client.get(gadgets(namespace), resourceVersion="999999999999")
    assert (reply.code, reply.said["reason"]) == (504, "Timeout")
    assert reply.said["details"]["causes"] == [
        {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    ]


def test_metadata_alone(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget(metadata={"labels": {"a": "b"}}))
    one = client.get(gadgets(namespace, "one"), accept=METADATA).body
    assert (one["kind"], one["apiVersion"], set(one)) == (
        "PartialObjectMetadata",
        "meta.k8s.io/v1",
        {"kind", "apiVersion", "metadata"},
    )
    assert one["metadata"]["uid"] == made["metadata"]["uid"]
    listed = client.get(gadgets(namespace), accept=METADATA_LIST).body
    assert (listed["kind"], listed["items"]) == ("PartialObjectMetadataList", [one])


def test_nothing_else_can_be_had(client: Client, namespace: str) -> None:
    for accept in ("text/plain", "application/json;as=Graph;g=meta.k8s.io;v=v1"):
        reply = client.get(gadgets(namespace), accept=accept)
        assert (reply.code, reply.said["reason"]) == (406, "NotAcceptable")


def test_of_several_forms_the_first_is_given(client: Client, namespace: str) -> None:
    accept = f"application/json;as=Table;v=v9;g=meta.k8s.io,{TABLE},application/json"
    assert client.get(gadgets(namespace), accept=accept).body["kind"] == "Table"


# ------------------------------------------------------------ tables


def test_a_table_has_the_columns_of_the_crd(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(spec={"names": ["x", "y"], "on": True, "color": "green"}))
    client.merge(
        gadgets(namespace, "one") + "/status",
        {"status": {"conditions": [{"type": "Other", "value": "No"}, {"type": "Ready", "value": "Yes"}]}},
    )
    table = client.get(gadgets(namespace), accept=TABLE).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    columns = {each["name"]: (each["type"], each["format"], each["priority"]) for each in table["columnDefinitions"]}
    assert columns == {
        "Name": ("string", "name", 0),
        "Size": ("integer", "", 0),
        "Color": ("string", "", 0),
        "Either": ("string", "", 0),
        "Ready": ("string", "", 0),
        "First": ("string", "", 1),
        "On": ("boolean", "", 0),
        "Switch": ("string", "", 0),
        "Made": ("date", "", 0),
    }
    words = [each["description"] for each in table["columnDefinitions"][1:3]]
    assert words == ["How large.", "Custom resource definition column (in JSONPath format): .spec.color"]
    *cells, age = table["rows"][0]["cells"]
    assert cells == ["one", 1, "green", "green", "Yes", "x", True, "true"]
    assert age.endswith("s")


def test_a_cell_with_nothing_in_it_is_null(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    table = client.get(gadgets(namespace, "one"), accept=TABLE).body
    assert table["rows"][0]["cells"][:-1] == ["one", 1, "red", "red", None, None, None, None]


@pytest.mark.parametrize(
    ("include", "kind"),
    [("", "PartialObjectMetadata"), ("Metadata", "PartialObjectMetadata"), ("Object", "Gadget"), ("None", None)],
)
def test_a_row_holds_what_is_asked_for(client: Client, namespace: str, include: str, kind: str | None) -> None:
    client.make(gadgets(namespace), gadget())
    query = {"includeObject": include} if include else {}
    (row,) = client.get(gadgets(namespace), accept=TABLE, **query).body["rows"]
    assert (row["object"] or {}).get("kind") == kind


def test_a_table_comes_in_pages_too(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        client.make(gadgets(namespace), gadget(name))
    table = client.get(gadgets(namespace), accept=TABLE, limit=1).body
    assert (len(table["rows"]), table["metadata"]["remainingItemCount"]) == (1, 1)
    rest = client.get(gadgets(namespace), accept=TABLE, limit=1, **{"continue": table["metadata"]["continue"]}).body
    assert [row["cells"][0] for row in rest["rows"]] == ["b"]


def test_without_columns_of_its_own_a_kind_shows_its_age(client: Client) -> None:
    name = fresh()
    client.make(f"/apis/{GROUP}/v1/widgets", widget(name))
    table = client.get(f"/apis/{GROUP}/v1/widgets/{name}", accept=TABLE).body
    client.delete(f"/apis/{GROUP}/v1/widgets/{name}")
    assert [(each["name"], each["type"]) for each in table["columnDefinitions"]] == [
        ("Name", "string"),
        ("Age", "date"),
    ]


@pytest.mark.parametrize(
    ("plural", "raw", "names", "cells"),
    [
        ("configmaps", config_map(data={"a": "b"}), ["Name", "Data", "Age"], ["one", 1]),
        (
            "secrets",
            {"metadata": {"name": "one"}, "stringData": {"a": "b", "c": "d"}},
            ["Name", "Type", "Data", "Age"],
            ["one", "Opaque", 2],
        ),
        ("serviceaccounts", {"metadata": {"name": "one"}}, ["Name", "Age"], ["one"]),
    ],
)
def test_builtin_kinds_have_their_own_columns(
    client: Client, namespace: str, plural: str, raw: Any, names: list[str], cells: list[Any]
) -> None:
    client.make(core(namespace, plural), raw)
    table = client.get(core(namespace, plural, "one"), accept=TABLE).body
    assert [each["name"] for each in table["columnDefinitions"]] == names
    assert table["rows"][0]["cells"][:-1] == cells
