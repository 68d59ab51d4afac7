"""Discovery in both forms, OpenAPI v3, version and health."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.conformance.cluster.client import GROUP, Client

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_VERBS = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}


def _document(client: Client, path: str) -> Any:
    body = client.get(path).body
    return json.loads(body) if isinstance(body, str) else body


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
def test_it_is_well(client: Client, path: str) -> None:
    reply = client.get(path)
    assert (reply.code, reply.body) == (200, "ok")


def test_its_version(client: Client) -> None:
    version = client.get("/version").body
    assert (version["major"], version["minor"]) == ("1", "36")
    assert version["gitVersion"].startswith("v1.36.")


def test_each_answer_says_its_time(client: Client) -> None:
    assert parsedate_to_datetime(client.get("/version").headers["Date"]).tzinfo is not None


def test_the_core_has_one_version(client: Client) -> None:
    found = client.get("/api").body
    assert (found["kind"], found["versions"]) == ("APIVersions", ["v1"])


def test_the_groups_are_listed(client: Client) -> None:
    listed = client.get("/apis").body
    groups = {each["name"]: each for each in listed["groups"]}
    assert listed["kind"] == "APIGroupList"
    assert {GROUP, "lessor.dev", "events.k8s.io", "coordination.k8s.io", "apiextensions.k8s.io"} <= set(groups)
    assert groups[GROUP]["preferredVersion"] == {"groupVersion": f"{GROUP}/v1", "version": "v1"}


def test_a_group_has_its_own_document(client: Client) -> None:
    found = client.get(f"/apis/{GROUP}").body
    assert (found["kind"], found["apiVersion"], found["name"]) == ("APIGroup", "v1", GROUP)
    assert [each["version"] for each in found["versions"]] == ["v1", "v1beta1"]


def test_the_resources_of_a_version_are_listed(client: Client) -> None:
    found = client.get(f"/apis/{GROUP}/v1").body
    assert (found["kind"], found["groupVersion"]) == ("APIResourceList", f"{GROUP}/v1")
    resources = {each["name"]: each for each in found["resources"]}
    assert set(resources) == {"gadgets", "gadgets/status", "widgets"}
    gadgets = resources["gadgets"]
    assert (gadgets["singularName"], gadgets["kind"], gadgets["namespaced"]) == ("gadget", "Gadget", True)
    assert (gadgets["shortNames"], gadgets["categories"], set(gadgets["verbs"])) == (["ga"], ["cases"], _VERBS)
    assert set(resources["gadgets/status"]["verbs"]) == {"get", "patch", "update"}
    assert resources["widgets"]["namespaced"] is False


@pytest.mark.parametrize(
    ("path", "name", "short", "namespaced"),
    [
        ("/api/v1", "namespaces", ["ns"], False),
        ("/api/v1", "configmaps", ["cm"], True),
        ("/api/v1", "secrets", None, True),
        ("/api/v1", "serviceaccounts", ["sa"], True),
        ("/api/v1", "events", ["ev"], True),
        ("/apis/events.k8s.io/v1", "events", ["ev"], True),
        ("/apis/coordination.k8s.io/v1", "leases", None, True),
        ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", ["crd", "crds"], False),
    ],
)
def test_builtin_resources_are_listed(
    client: Client, path: str, name: str, short: list[str] | None, namespaced: bool
) -> None:
    (found,) = [each for each in client.get(path).body["resources"] if each["name"] == name]
    assert found["singularName"] == name.removesuffix("s")
    assert (found.get("shortNames"), found["namespaced"]) == (short, namespaced)
    assert set(found["verbs"]) == _VERBS - ({"deletecollection"} if name == "namespaces" else set())


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_all_is_listed_at_once(client: Client, path: str) -> None:
    reply = client.get(path, accept=f"{_AGGREGATED},application/json")
    assert reply.headers["Content-Type"] == _AGGREGATED
    assert (reply.body["kind"], reply.body["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    groups = {each["metadata"].get("name", ""): each for each in reply.body["items"]}
    wanted, resource = ("", "configmaps") if path == "/api" else (GROUP, "gadgets")
    version = groups[wanted]["versions"][0]
    (found,) = [each for each in version["resources"] if each["resource"] == resource]
    assert (found["scope"], found["singularResource"], set(found["verbs"])) == (
        "Namespaced",
        resource.removesuffix("s"),
        _VERBS,
    )
    assert version["freshness"] == "Current"


def test_a_subresource_is_listed_with_its_resource(client: Client) -> None:
    reply = client.get("/apis", accept=_AGGREGATED)
    (group,) = [each for each in reply.body["items"] if each["metadata"]["name"] == GROUP]
    (found,) = [each for each in group["versions"][0]["resources"] if each["resource"] == "gadgets"]
    assert found["responseKind"] == {"group": GROUP, "version": "v1", "kind": "Gadget"}
    (status,) = found["subresources"]
    assert (status["subresource"], set(status["verbs"])) == ("status", {"get", "patch", "update"})


def test_openapi_names_its_documents(client: Client) -> None:
    paths = _document(client, "/openapi/v3")["paths"]
    for where in ("api/v1", f"apis/{GROUP}/v1", "apis/lessor.dev/v1alpha1"):
        assert paths[where]["serverRelativeURL"].startswith(f"/openapi/v3/{where}?hash=")


def test_openapi_describes_the_kinds_of_crds(client: Client) -> None:
    schemas = _document(client, f"/openapi/v3/apis/{GROUP}/v1")["components"]["schemas"]
    schema = schemas["test.conformance.v1.Gadget"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": GROUP, "version": "v1", "kind": "Gadget"}]
    assert schema["properties"]["spec"]["properties"]["size"]["description"] == "How large it is."
    assert schema["properties"]["spec"]["required"] == ["size"]
    (metadata,) = schema["properties"]["metadata"]["allOf"]
    assert metadata["$ref"].rsplit("/", 1)[-1] in schemas


def test_openapi_says_that_fields_can_be_validated(client: Client) -> None:
    paths = _document(client, f"/openapi/v3/apis/{GROUP}/v1")["paths"]
    patch = paths[f"/apis/{GROUP}/v1/namespaces/{{namespace}}/gadgets/{{name}}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": GROUP, "version": "v1", "kind": "Gadget"}
    assert {"dryRun", "fieldValidation"} <= {each["name"] for each in patch["parameters"]}
