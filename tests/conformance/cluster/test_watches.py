"""Watches: where they begin, what they tell, bookmarks, and 410."""

from collections.abc import Iterator
from typing import Any

from tests.conformance.cluster.client import METADATA, TABLE, Client, Object, gadget, gadgets

_END = {"k8s.io/initial-events-end": "true"}


def _told(event: Object) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


def _next(events: Iterator[Object], number: int) -> list[tuple[str, str]]:
    return [_told(next(events)) for _ in range(number)]


def _label(client: Client, namespace: str, name: str, value: str | None) -> None:
    client.merge(gadgets(namespace, name), {"metadata": {"labels": {"l": value}}})


def test_a_watch_without_a_version_begins_with_what_is_there(client: Client, namespace: str) -> None:
    for name in ("a", "b"):
        client.make(gadgets(namespace), gadget(name))
    with client.watch(gadgets(namespace)) as events:
        assert _next(events, 2) == [("ADDED", "a"), ("ADDED", "b")]
        client.make(gadgets(namespace), gadget("c"))
        assert _next(events, 1) == [("ADDED", "c")]


def test_a_watch_goes_on_from_a_version(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    version = client.get(gadgets(namespace)).body["metadata"]["resourceVersion"]
    client.make(gadgets(namespace), gadget("b"))
    client.merge(gadgets(namespace, "b"), {"spec": {"size": 2}})
    client.delete(gadgets(namespace, "a"))
    with client.watch(gadgets(namespace), resourceVersion=version) as events:
        assert _next(events, 3) == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]


def test_a_watch_goes_on_from_the_last_event(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    with client.watch(gadgets(namespace)) as events:
        last = next(events)["object"]["metadata"]["resourceVersion"]
    client.make(gadgets(namespace), gadget("b"))
    with client.watch(gadgets(namespace), resourceVersion=last) as events:
        assert _next(events, 1) == [("ADDED", "b")]


def test_an_event_holds_the_whole_object(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace)) as events:
        made = client.make(gadgets(namespace), gadget())
        assert next(events) == {"type": "ADDED", "object": made}
        changed = client.merge(gadgets(namespace, "one"), {"spec": {"size": 2}}).body
        assert next(events) == {"type": "MODIFIED", "object": changed}
        client.delete(gadgets(namespace, "one"))
        gone = next(events)
        assert (gone["type"], gone["object"]["spec"]) == ("DELETED", changed["spec"])
        assert int(gone["object"]["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])


def test_what_changes_nothing_is_not_told(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget())
    with client.watch(gadgets(namespace)) as events:
        next(events)
        client.merge(gadgets(namespace, "one"), {"spec": {"size": 1}})
        client.make(gadgets(namespace), gadget("two"), dryRun="All")
        client.merge(gadgets(namespace, "one"), {"spec": {"size": 2}})
        assert next(events)["object"]["spec"]["size"] == 2


def test_an_object_that_waits_for_a_finalizer_is_told_twice(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget(metadata={"finalizers": ["conformance.test/hold"]}))
    with client.watch(gadgets(namespace)) as events:
        next(events)
        client.delete(gadgets(namespace, "one"))
        client.merge(gadgets(namespace, "one"), {"metadata": {"finalizers": None}})
        assert _next(events, 2) == [("MODIFIED", "one"), ("DELETED", "one")]


def test_an_object_comes_and_goes_by_its_labels(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    with client.watch(gadgets(namespace), labelSelector="l=x") as events:
        _label(client, namespace, "a", "x")
        client.merge(gadgets(namespace, "a"), {"spec": {"size": 2}})
        _label(client, namespace, "a", "y")
        _label(client, namespace, "a", "x")
        client.delete(gadgets(namespace, "a"))
        told = [next(events) for _ in range(5)]
    assert [each["type"] for each in told] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert told[2]["object"]["metadata"]["labels"] == {"l": "x"}
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in told]
    assert versions == sorted(versions)


def test_an_object_comes_and_goes_by_its_fields(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    with client.watch(gadgets(namespace), fieldSelector="spec.color=green") as events:
        client.merge(gadgets(namespace, "a"), {"spec": {"color": "green"}})
        client.merge(gadgets(namespace, "a"), {"spec": {"color": "red"}})
        assert _next(events, 2) == [("ADDED", "a"), ("DELETED", "a")]


def test_one_object_is_watched_by_its_name(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace), fieldSelector="metadata.name=b") as events:
        client.make(gadgets(namespace), gadget("a"))
        client.make(gadgets(namespace), gadget("b"))
        assert _next(events, 1) == [("ADDED", "b")]


def test_all_namespaces_are_watched_at_once(client: Client, namespace: str) -> None:
    version = client.get(gadgets(namespace)).body["metadata"]["resourceVersion"]
    with client.watch(gadgets("x").replace("/namespaces/x", ""), resourceVersion=version) as events:
        client.make(gadgets(namespace), gadget("a"))
        mine = next(event for event in events if event["object"]["metadata"]["namespace"] == namespace)
        assert _told(mine) == ("ADDED", "a")


def test_each_version_tells_of_the_same_object(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace).replace("/v1/", "/v1beta1/")) as events:
        client.make(gadgets(namespace), gadget("a"))
        assert next(events)["object"]["apiVersion"] == "conformance.test/v1beta1"


def test_one_object_is_no_watch(client: Client, namespace: str) -> None:
    made = client.make(gadgets(namespace), gadget())
    assert client.get(gadgets(namespace, "one"), watch="true").body == made


def test_a_version_that_is_forgotten_is_gone(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace), resourceVersion="1") as events:
        (event,) = events
    assert event["type"] == "ERROR"
    status = {key: event["object"][key] for key in ("kind", "status", "reason", "code")}
    assert status == {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410}
    assert event["object"]["message"].startswith("too old resource version: 1 (")


def test_a_watch_ends_in_time(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace), timeoutSeconds=1) as events:
        assert list(events) == []


def test_before_its_end_a_watch_tells_where_it_is(client: Client, namespace: str) -> None:
    version = client.get(gadgets(namespace)).body["metadata"]["resourceVersion"]
    query: Any = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": 3}
    with client.watch(gadgets(namespace), **query) as events:
        made = client.make(gadgets(namespace), gadget("a"))
        told = [next(events), next(events)]
    assert [each["type"] for each in told] == ["ADDED", "BOOKMARK"]
    assert told[1]["object"]["kind"] == "Gadget"
    assert int(told[1]["object"]["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])


def test_the_end_of_what_was_there_is_told_on_request(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with client.watch(gadgets(namespace), **query) as events:
        assert _told(next(events)) == ("ADDED", "a")
        end = next(events)
    assert (end["type"], end["object"]["metadata"]["annotations"]) == ("BOOKMARK", _END)


def test_the_end_of_what_was_there_is_told_from_version_0_on(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    with client.watch(gadgets(namespace), resourceVersion="0", allowWatchBookmarks="true") as events:
        assert _told(next(events)) == ("ADDED", "a")
        end = next(events)
    assert (end["type"], end["object"]["metadata"]["annotations"]) == ("BOOKMARK", _END)


def test_what_was_there_is_sent_only_with_a_match(client: Client, namespace: str) -> None:
    reply = client.get(gadgets(namespace), watch="true", sendInitialEvents="true")
    words = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    assert reply.code == 422
    assert reply.said["message"] == f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: {words}'


def test_a_watch_tells_in_tables(client: Client, namespace: str) -> None:
    client.make(gadgets(namespace), gadget("a"))
    with client.watch(gadgets(namespace), accept=TABLE) as events:
        first = next(events)
        client.make(gadgets(namespace), gadget("b"))
        second = next(events)
    assert [each["object"]["kind"] for each in (first, second)] == ["Table", "Table"]
    assert [each["name"] for each in first["object"]["columnDefinitions"]][:2] == ["Name", "Size"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][:2] == ["b", 1]
    assert second["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_a_watch_tells_metadata_alone(client: Client, namespace: str) -> None:
    with client.watch(gadgets(namespace), accept=METADATA) as events:
        client.make(gadgets(namespace), gadget("a"))
        event = next(events)
    assert (event["object"]["kind"], set(event["object"])) == (
        "PartialObjectMetadata",
        {"kind", "apiVersion", "metadata"},
    )
