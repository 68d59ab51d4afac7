"""The one table from an answer to an error: total over codes, texts and bodies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.live import classify
from lessor.ports import cloud
from lessor.ports.cloud import (
    CloudUnavailable,
    CredentialsRefused,
    NotFound,
    PermissionRefused,
    RequestRefused,
    ServerBusy,
    ServerLocked,
    WrongState,
)

ID = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


def nova(kind: str, code: int, message: str) -> bytes:
    return json.dumps({kind: {"code": code, "message": message}}).encode()


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    code: int
    want: type[cloud.CloudError]
    words: str = ""
    kind: str = "badRequest"
    headers: Mapping[str, str] = field(default_factory=dict)


CASES = [
    Case("400", "the request is wrong", 400, RequestRefused, "Invalid input for field/attribute name"),
    Case("401", "the token is no longer good", 401, CredentialsRefused, "The request you have made requires auth"),
    Case("403 policy", "a role is missing", 403, PermissionRefused, "Policy doesn't allow os_compute_api:servers:stop"),
    Case("403 quota", "an unshelve counts again", 403, PermissionRefused, "Quota exceeded for cores: Requested 4"),
    Case("404", "not there for this token", 404, NotFound, f"Instance {ID} could not be found.", "itemNotFound"),
    Case("405", "no such method", 405, RequestRefused, "Method not allowed"),
    Case("406", "a microversion that this Nova lacks", 406, RequestRefused, "Version 2.73 is not supported"),
    Case("409 locked", "somebody locked it", 409, ServerLocked, f"Instance {ID} is locked"),
    Case(
        "409 task",
        "wait for the task",
        409,
        ServerBusy,
        f"Cannot 'stop' instance {ID} while it is in task_state powering-off",
    ),
    Case(
        "409 state",
        "waiting does not help",
        409,
        WrongState,
        f"Cannot 'stop' instance {ID} while it is in vm_state stopped",
    ),
    Case("409 host", "a shelved server has none", 409, WrongState, f"Instance {ID} is not ready"),
    Case(
        "409 locked in a task",
        "the lock comes first: waiting for the task does not help",
        409,
        ServerLocked,
        f"Instance {ID} is locked, task_state None",
    ),
    Case("409 else", "no rule of ours", 409, RequestRefused, "Failed to delete allocations for consumer"),
    Case("409 without words", "no rule of ours", 409, RequestRefused),
    Case("410", "gone for good", 410, RequestRefused, "Gone"),
    Case("413", "the old Nova's 429", 413, CloudUnavailable, "Over limit"),
    Case("422", "the request is wrong", 422, RequestRefused, "x"),
    Case("429", "too many requests", 429, CloudUnavailable, "Too Many Requests"),
    Case("500", "Nova broke", 500, CloudUnavailable, "Unexpected API Error. Please report this", "computeFault"),
    Case("502", "a proxy", 502, CloudUnavailable),
    Case("503", "a proxy, or maintenance", 503, CloudUnavailable, "Service unavailable"),
    Case("504", "a proxy", 504, CloudUnavailable),
    Case("599", "any 5xx", 599, CloudUnavailable),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_each_answer_is_one_error_in_the_service_s_words(case: Case) -> None:
    error = classify.error("Nova", case.code, case.headers, nova(case.kind, case.code, case.words))
    assert type(error) is case.want
    assert str(error) == (f"Nova answered {case.code}: {case.words}" if case.words else f"Nova answered {case.code}.")


@given(st.integers(400, 999), st.binary(max_size=600))
def test_any_code_with_any_body_is_an_error_of_the_tree(code: int, body: bytes) -> None:
    error = classify.error("Nova", code, {}, body)
    assert isinstance(error, cloud.CloudError)
    words = str(error)
    assert words.isprintable()
    assert len(words) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("message"), inner),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_read(value: Any) -> None:
    words = classify.message(json.dumps(value).encode())
    assert words.isprintable()
    assert len(words) <= 256


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"code": 401, "message": "Keystone says no"}}', "Keystone says no"),
        (b'{"message": "bare", "code": 400}', "bare"),
        (b'{"code": 1, "conflictingRequest": {"message": "inner"}}', "inner"),
        (b'{"message": {"message": "twice"}}', "twice"),
        (b'{"message": 7}', ""),
        (b'["message"]', ""),
        (b"null", ""),
        (b"", ""),
        (b"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>", "502 Bad Gateway nginx"),
        (b'{"message": "cut', '{"message": "cut'),
        (b"\xff\xfebytes", "\ufffd\ufffdbytes"),
        (b'{"message": "two\\nlines\\u001b[31m\\u0000 and\\ttabs"}', "two lines [31m and tabs"),
        (b'{"message": "\\ud800 \\u202e"}', ""),
    ],
)
def test_the_words_of_a_body_are_found_and_made_printable(body: bytes, words: str) -> None:
    assert classify.message(body) == words


def test_foreign_text_is_cut_to_256_characters() -> None:
    words = classify.message(nova("badRequest", 400, "x" * 5000))
    assert len(words) == 256
    assert words.endswith("x...")
    assert classify.printable("x" * 256) == "x" * 256


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Sun, 01 Mar 2026 08:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 07:59:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, pause: float | None) -> None:
    headers = {"Retry-After": value, "Date": "Sun, 01 Mar 2026 08:00:00 GMT"}
    assert classify.retry_after(headers) == pause
    assert classify.retry_after({"Retry-After": value}, datetime(2026, 3, 1, 8, tzinfo=UTC)) == pause


def test_a_date_without_the_answer_s_own_is_no_pause() -> None:
    assert classify.retry_after({"Retry-After": "Sun, 01 Mar 2026 08:01:00 GMT"}) is None
    assert classify.retry_after({}) is None


@pytest.mark.parametrize("code", [413, 429, 503])
def test_the_pause_that_a_service_asks_for_is_kept(code: int) -> None:
    error = classify.error("Nova", code, {"Retry-After": "30"}, b"")
    assert isinstance(error, CloudUnavailable)
    assert error.retry_after == 30.0


@pytest.mark.parametrize("depth", [300, 450, 600, 900])
def test_an_error_that_json_reads_and_that_nests_deeply_is_an_error_all_the_same(depth: int) -> None:
    """The parser takes one frame a level, the search for the message two: it breaks where the parser does not."""
    body = b'{"a":' * depth + b"1" + b"}" * depth
    assert isinstance(classify.error("Nova", 503, {}, body), CloudUnavailable)


@pytest.mark.parametrize(
    ("title", "body", "want"),
    [
        ("Neutron", b'{"NeutronError": {"type": "NetworkNotFound", "message": "no", "detail": ""}}', NotFound),
        ("Neutron", b"default backend - 404", CloudUnavailable),
        ("Nova", b'{"itemNotFound": {"code": 404, "message": "no"}}', NotFound),
        ("Nova", b'{"NeutronError": {"message": "no"}}', CloudUnavailable),
        ("Glance", b"404 Not Found", NotFound),
    ],
)
def test_a_404_counts_where_the_service_itself_says_it(title: str, body: bytes, want: type[cloud.CloudError]) -> None:
    assert type(classify.error(title, 404, {}, body)) is want
