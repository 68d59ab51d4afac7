"""Which Blazar lease is whose: the id that is chosen, and the annotation by which a restored object knows its own."""

import uuid
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.model import identity, names
from lessor.model.identity import Identity
from lessor.model.meta import ObjectMeta

START = datetime.fromisoformat("2026-03-01T08:00:00Z")
OURS = Identity(namespace="team-a", name="training", lease_id="l1", start=START)


def meta(annotation: str | None = None, **changes: Any) -> ObjectMeta:
    annotations = {} if annotation is None else {names.IDENTITY: annotation}
    known = {"name": "training", "namespace": "team-a", "uid": "uid-1", "creation_timestamp": START, **changes}
    return ObjectMeta(annotations=annotations, **known)


@given(st.uuids().map(str) | st.text(), st.integers(0, 10**6))
def test_the_id_is_a_uuid_of_version_5_over_the_uid_and_the_attempt(uid: str, attempt: int) -> None:
    found = identity.lease_id(uid, attempt)
    assert found == str(uuid.uuid5(uuid.UUID(bytes=b"lessor.dev/Lease"), f"{uid}/{attempt}"))
    assert uuid.UUID(found).version == 5


def test_another_object_or_attempt_has_another_id() -> None:
    assert len({identity.lease_id(uid, attempt) for uid in ("a", "b") for attempt in (1, 2)}) == 4


def test_what_an_object_says_of_itself_is_read_as_it_was_written() -> None:
    assert identity.of(meta(identity.text(OURS))) == OURS


@pytest.mark.parametrize("annotation", [None, "", "{}", "[]", "no JSON", '{"namespace": 1}'])
def test_what_cannot_be_read_says_nothing(annotation: str | None) -> None:
    assert identity.of(meta(annotation)) is None


@pytest.mark.parametrize("changes", [{"name": "copy"}, {"namespace": "team-b"}], ids=["name", "namespace"])
def test_a_copy_under_another_name_is_another_object(changes: dict[str, str]) -> None:
    assert identity.of(meta(identity.text(OURS), **changes)) is None
