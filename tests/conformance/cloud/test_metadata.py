"""Metadata: merged, replaced, removed, and their limits.

Source: nova/api/openstack/compute/server_metadata.py, nova/api/validation/parameter_types.py, nova/compute/api.py.
"""

from collections.abc import Iterator

import pytest

from tests.conformance.cloud.stack import Answer, Stack, User


@pytest.fixture
def bare(stack: Stack, db: str) -> Iterator[str]:
    """Give the shared server without metadata."""
    _put(stack.alice, db, {})
    yield db
    _put(stack.alice, db, {})


def _put(user: User, server_id: str, metadata: dict[str, str]) -> Answer:
    return user.nova("PUT", f"/servers/{server_id}/metadata", {"metadata": metadata})


def _post(user: User, server_id: str, metadata: dict[str, str]) -> Answer:
    return user.nova("POST", f"/servers/{server_id}/metadata", {"metadata": metadata})


def test_a_post_merges(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1", "b": "2"})
    answer = _post(stack.anna, bare, {"b": "3"})
    assert (answer.code, answer.body) == (200, {"metadata": {"a": "1", "b": "3"}})


def test_a_put_replaces(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1"})
    answer = _put(stack.alice, bare, {"b": "2"})
    assert (answer.code, answer.body) == (200, {"metadata": {"b": "2"}})


def test_a_put_sets_one_item(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1"})
    answer = stack.alice.nova("PUT", f"/servers/{bare}/metadata/b", {"meta": {"b": "2"}})
    assert (answer.code, answer.body) == (200, {"meta": {"b": "2"}})
    assert stack.alice.nova("GET", f"/servers/{bare}/metadata").body == {"metadata": {"a": "1", "b": "2"}}


def test_a_put_of_another_item_than_the_path_names_is_refused(stack: Stack, bare: str) -> None:
    answer = stack.alice.nova("PUT", f"/servers/{bare}/metadata/b", {"meta": {"c": "2"}})
    assert (answer.code, answer.words) == (400, "Request body and URI mismatch")


def test_one_item_is_read(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1"})
    answer = stack.alice.nova("GET", f"/servers/{bare}/metadata/a")
    assert (answer.code, answer.body) == (200, {"meta": {"a": "1"}})


def test_one_item_is_removed(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1"})
    assert stack.alice.nova("DELETE", f"/servers/{bare}/metadata/a").code == 204
    seen = stack.alice.server(bare)
    assert seen is not None
    assert seen["metadata"] == {}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_item_that_is_not_there_is_404(stack: Stack, bare: str, method: str) -> None:
    answer = stack.alice.nova(method, f"/servers/{bare}/metadata/none")
    assert (answer.code, answer.kind, answer.words) == (404, "itemNotFound", "Metadata item was not found")


def test_128_items_are_taken_and_one_more_is_refused(stack: Stack, bare: str) -> None:
    full = {f"key-{number}": "v" for number in range(128)}
    assert _put(stack.alice, bare, full).code == 200
    answer = _post(stack.alice, bare, {"more": "v"})
    assert (answer.code, answer.kind) == (403, "forbidden")
    assert answer.words == "Maximum number of metadata items exceeds 128"


def test_a_full_server_still_takes_a_new_value(stack: Stack, bare: str) -> None:
    _put(stack.alice, bare, {f"key-{number}": "v" for number in range(128)})
    assert _post(stack.alice, bare, {"key-7": "w"}).code == 200


@pytest.mark.parametrize("length", [255, 256])
def test_a_value_has_at_most_255_characters(stack: Stack, bare: str, length: int) -> None:
    value = "v" * length
    answer = _post(stack.alice, bare, {"key": value})
    if length == 255:
        assert answer.code == 200
    else:
        words = f"Invalid input for field/attribute key. Value: {value}. '{value}' is too long"
        assert (answer.code, answer.kind, answer.words) == (400, "badRequest", words)


@pytest.mark.parametrize("key", ["k" * 255, "a-b_c:d.e f", "k" * 256, "", "a/b", "ü"])
def test_keys_are_of_a_small_alphabet(stack: Stack, bare: str, key: str) -> None:
    answer = _post(stack.alice, bare, {key: "v"})
    if key and len(key) < 256 and key not in {"a/b", "ü"}:
        assert answer.code == 200
        return
    assert (answer.code, answer.kind) == (400, "badRequest")
    assert answer.words.startswith("Invalid input for field/attribute metadata. Value: {")
    assert answer.words.endswith("does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'")


def test_a_value_is_text(stack: Stack, bare: str) -> None:
    answer = stack.alice.nova("POST", f"/servers/{bare}/metadata", {"metadata": {"key": 7}})
    words = "Invalid input for field/attribute key. Value: 7. 7 is not of type 'string'"
    assert (answer.code, answer.words) == (400, words)


def test_a_body_without_metadata_is_refused(stack: Stack, bare: str) -> None:
    answer = stack.alice.nova("POST", f"/servers/{bare}/metadata", {})
    assert (answer.code, answer.kind) == (400, "badRequest")


def test_metadata_of_a_foreign_server_are_404(stack: Stack, bare: str) -> None:
    answer = _post(stack.bob, bare, {"a": "1"})
    assert (answer.code, answer.words) == (404, f"Instance {bare} could not be found.")


def test_an_administrator_writes_the_metadata_of_any_server(stack: Stack, bare: str) -> None:
    assert _post(stack.admin, bare, {"a": "1"}).body == {"metadata": {"a": "1"}}


def test_an_empty_post_changes_nothing(stack: Stack, bare: str) -> None:
    _post(stack.alice, bare, {"a": "1"})
    assert _post(stack.alice, bare, {}).body == {"metadata": {"a": "1"}}


def test_writing_metadata_is_not_logged(stack: Stack, bare: str) -> None:
    count = len(stack.alice.logged(bare))
    _post(stack.alice, bare, {"a": "1"})
    assert len(stack.alice.logged(bare)) == count
