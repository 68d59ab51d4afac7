"""The one table from Blazar's answers to errors: by the verbatim bodies of Blazar, and total over all others."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.live import blazar_answers
from lessor.ports import cloud
from lessor.ports.blazar_answers import TABLE, Row, Whose
from lessor.ports.cloud import CloudUnavailable, CredentialsRefused, NotFound, PermissionRefused, RequestRefused
from lessor.ports.reservations import (
    LeaseBusy,
    LeaseExists,
    LeaseRefused,
    NotEnoughResources,
    NotExtendableYet,
    Unexplained,
    UnsupportedResourceType,
)

METHODS = ("GET", "POST", "PUT", "DELETE")


def own(code: int, message: str, name: Any = None) -> bytes:
    """Give a body as `render_error_message` makes it."""
    return json.dumps({"error_code": code, "error_message": message, "error_name": name or code}).encode()


def flask(code: int, message: str) -> bytes:
    """Give a body as `make_json_error` makes it."""
    return json.dumps({"error": code, "error_message": message}).encode()


@dataclass(frozen=True)
class Case:
    """One answer. `body` None: Blazar's own, of these words."""

    id: str
    methods: str
    code: int
    words: str
    want: type[cloud.CloudError]
    body: bytes | None = None

    @property
    def content(self) -> bytes:
        return self.body if self.body is not None else own(self.code, self.words)


UNAUTHORIZED = "The request you have made requires authentication."
NO_FLAVOR_UPDATE = "Updating parameters for 'flavor:instance' type reservations is not yet supported."
NO_FEWER = (
    "Instance reservation doesn't allow to reduce/replace reserved instance slots when the reservation is in active "
    "status."
)
TOO_LONG = "Lease duration of 172800 seconds must be less than or equal to the maximum lease duration of 86400 seconds."
TOO_EARLY = "Lease can only be extended within 172800 seconds of the leases current end time."
QUERY = 'Not enough resources available with query ["and", ["==", "$node_type", "gpu_a100"]]'
NOT_FOUND = "The requested URL was not found on the server. If you entered the URL manually please check your spelling."
DENIED = "External service enforcement filter denied the request."
UNSUPPORTED_HTTP = "External Service Filter returned a 502 http response. Only 204 and 403 responses are supported."

# What was seen on Blazar 18, and read of it and of Chameleon's, to the letter.
CASES = [
    # no room
    Case("hosts", "POST PUT", 500, "Not enough hosts available", NotEnoughResources),
    Case("floating IPs", "POST PUT", 400, "Not enough floating IPs available", NotEnoughResources),
    Case("chi floating IPs", "POST PUT", 500, "Not enough floating IPs available", NotEnoughResources),
    Case("chi networks", "POST PUT", 500, "Not enough networks available", NotEnoughResources),
    Case("chi devices", "POST PUT", 500, "Not enough devices available", NotEnoughResources),
    Case("chi query", "POST PUT", 500, QUERY, NotEnoughResources),
    # a spec that Blazar does not take
    Case("past", "POST PUT", 400, "Start date must be later than current date", LeaseRefused),
    Case("backwards", "POST", 400, "End date must be later than start date.", LeaseRefused),
    Case("no date", "POST", 400, "tomorrow is an invalid date. Required format: %Y-%m-%d %H:%M", LeaseRefused),
    Case("end over", "PUT", 400, "End date must be later than current and start date", LeaseRefused),
    Case("started", "PUT", 400, "Cannot modify the start date of already started leases", LeaseRefused),
    Case("ended", "PUT", 400, "Terminated leases can only be renamed", LeaseRefused),
    Case("missing", "POST", 400, "Missing parameter end_date, start_date", LeaseRefused),
    Case("requirements", "POST PUT", 400, "Malformed requirements garbage", LeaseRefused),
    Case(
        "min over max",
        "POST PUT",
        400,
        "Invalid values for min/max of hosts. Max must be equal to or larger than min.",
        LeaseRefused,
    ),
    Case("not an address", "POST PUT", 400, "IP address zzz is invalid form.", LeaseRefused),
    Case(
        "another reservation",
        "PUT",
        400,
        "Please enter valid reservation IDs. Invalid reservation IDs are: nosuch",
        LeaseRefused,
    ),
    Case("before end outside", "POST PUT", 403, "Datetime is out of lease limits", LeaseRefused),
    Case("capability", "POST PUT", 500, "BlazarDBNotFound: A database error occurred", LeaseRefused),
    Case("affinity", "POST PUT", 409, "Affinity not supported yet", LeaseRefused),
    Case("flavor", "PUT", 409, NO_FLAVOR_UPDATE, LeaseRefused),
    Case("fewer", "PUT", 409, NO_FEWER, LeaseRefused),
    Case("type stays", "PUT", 409, "resource_type cannot be updated", LeaseRefused),
    Case("no plugin", "POST PUT", 500, "The nosuch resource type is not supported", UnsupportedResourceType),
    # rules of the site
    Case("too long, made", "POST", 403, TOO_LONG, LeaseRefused),
    Case("too long, extended", "PUT", 400, TOO_LONG, LeaseRefused),
    Case("chi too early", "PUT", 400, TOO_EARLY, NotExtendableYet),
    Case("a site's own words", "POST PUT", 400, "Your project has no SUs left. Mail help@site.", LeaseRefused),
    Case("a site's filter without words", "POST PUT", 400, DENIED, PermissionRefused),
    Case("chi filter away", "POST PUT", 400, UNSUPPORTED_HTTP, PermissionRefused),
    # who may
    Case(
        "policy",
        "GET POST PUT DELETE",
        403,
        "Policy doesn't allow blazar:leases:get to be performed",
        PermissionRefused,
    ),
    Case(
        "keystonemiddleware",
        "GET POST PUT DELETE",
        401,
        UNAUTHORIZED,
        CredentialsRefused,
        json.dumps({"error": {"code": 401, "title": "Unauthorized", "message": UNAUTHORIZED}}).encode(),
    ),
    # what is there
    Case("lease", "GET PUT DELETE", 404, "Object with {'lease_id': 'nosuch'} not found", NotFound),
    Case("flavor", "POST PUT", 404, "Flavor nope could not be found. (HTTP 404) (Request-ID: req-1)", LeaseRefused),
    Case("aggregate", "POST PUT DELETE", 404, "Aggregate 'freepool' not found!", Unexplained),
    Case("host", "PUT", 404, "Host 'bm-a' not in freepool 'freepool'", Unexplained),
    Case("route", "GET POST PUT DELETE", 404, NOT_FOUND, CloudUnavailable, flask(404, NOT_FOUND)),
    Case("ingress", "GET PUT DELETE", 404, "default backend - 404", CloudUnavailable, b"default backend - 404"),
    Case("same id", "POST", 409, "The lease with name: training already exists", LeaseExists),
    # now and later
    Case("busy", "PUT DELETE", 500, "Invalid lease status.", LeaseBusy),
    Case(
        "internal",
        "GET POST PUT DELETE",
        500,
        "Internal Server Error",
        Unexplained,
        own(500, "Internal Server Error", "INTERNAL_SERVER_ERROR"),
    ),
    Case(
        "the other shape",
        "POST PUT",
        500,
        "The server encountered an internal error and was unable to complete your request.",
        Unexplained,
        flask(500, "The server encountered an internal error and was unable to complete your request."),
    ),
    Case("database", "POST", 500, "BlazarDBException: A database error occurred", Unexplained),
    Case("row gone meanwhile", "GET DELETE", 500, "BlazarDBNotFound: A database error occurred", Unexplained),
    Case("servers stay", "DELETE", 500, "Timed out waiting for server deletion", Unexplained),
    Case("placement", "POST PUT", 409, "Conflict on creating resource provider blazar_x ", Unexplained),
    Case("aggregates", "PUT", 409, "Can't add host(s) bm-a to Aggregate 7", Unexplained),
    Case(
        "500 of a server before it",
        "POST",
        500,
        "Internal Server Error",
        Unexplained,
        b"<h1>Internal Server Error</h1>",
    ),
    Case("500 without a body", "POST DELETE", 500, "", Unexplained, b""),
    Case(
        "502",
        "GET POST PUT DELETE",
        502,
        "502 Bad Gateway nginx",
        CloudUnavailable,
        b"<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body></html>",
    ),
    Case("503", "GET POST PUT DELETE", 503, "Service Unavailable", CloudUnavailable, b"Service Unavailable"),
    Case("504", "GET POST PUT DELETE", 504, "", CloudUnavailable, b""),
    Case("413", "POST PUT", 413, "Too large", CloudUnavailable, b"Too large"),
    Case("429", "GET POST PUT DELETE", 429, "Slow down", CloudUnavailable, b"Slow down"),
    Case("302", "GET POST PUT DELETE", 302, "", CloudUnavailable, b""),
    # what stands before it refuses
    Case("400 of a proxy", "POST PUT", 400, "400 Bad Request", RequestRefused, b"<h1>400 Bad Request</h1>"),
    Case(
        "403 of a proxy", "POST PUT", 403, "Forbidden by the firewall", PermissionRefused, b"Forbidden by the firewall"
    ),
    Case("405", "PUT", 405, "The method is not allowed", RequestRefused, flask(405, "The method is not allowed")),
    Case("409 of a proxy", "POST", 409, "already exists", RequestRefused, b"already exists"),
]
PAIRS = [pytest.param(case, method, id=f"{case.id}-{method}") for case in CASES for method in case.methods.split()]


@pytest.mark.parametrize(("case", "method"), PAIRS)
def test_each_answer_is_one_error_in_blazars_words(case: Case, method: str) -> None:
    error = blazar_answers.error(method, case.code, {}, case.content)
    assert type(error) is case.want
    assert str(error).startswith(f"Blazar answered {case.code}")
    assert case.words.strip().removesuffix(".") in str(error)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in TABLE])
def test_each_row_of_the_table_is_needed_by_a_case(row: Row) -> None:
    met = [
        (case.id, method)
        for case in CASES
        for method in case.methods.split()
        if blazar_answers.row(method, case.code, case.content) is row
    ]
    assert met
    assert row.source


@given(st.sampled_from([*METHODS, "PATCH"]), st.integers(100, 999), st.binary(max_size=600))
def test_any_answer_is_an_error_of_the_tree(method: str, code: int, body: bytes) -> None:
    error = blazar_answers.error(method, code, {}, body)
    assert isinstance(error, cloud.CloudError)
    assert str(error).isprintable()
    assert len(str(error)) < 450


@given(st.sampled_from(METHODS), st.sampled_from([400, 403, 404, 409, 500, 503]), st.text(max_size=600))
def test_any_words_of_blazar_are_an_error_of_the_tree(method: str, code: int, words: str) -> None:
    error = blazar_answers.error(method, code, {}, own(code, words))
    assert isinstance(error, cloud.CloudError)
    assert str(error).isprintable()


@given(st.sampled_from(METHODS), st.sampled_from([row.words for row in TABLE]), st.binary(max_size=60))
def test_nothing_but_blazar_itself_says_that_a_lease_is_gone_or_there(method: str, words: str, body: bytes) -> None:
    """A proxy that repeats Blazar's words, or says others, decides nothing about a lease."""
    for code in (404, 409):
        error = blazar_answers.error(method, code, {}, words.encode() + body)
        assert not isinstance(error, NotFound | LeaseExists | LeaseRefused)


@pytest.mark.parametrize("text", ["Object with {'lease_id': 'x'} not found", "Not enough hosts available"])
def test_blazars_words_in_another_shape_are_not_blazars(text: str) -> None:
    for method in METHODS:
        assert type(blazar_answers.error(method, 404, {}, flask(404, text))) is CloudUnavailable
        assert type(blazar_answers.error(method, 500, {}, flask(500, text))) is Unexplained


def test_a_look_is_never_refused_for_want_of_room() -> None:
    assert type(blazar_answers.error("GET", 500, {}, own(500, "Not enough hosts available"))) is Unexplained


@pytest.mark.parametrize(
    ("words", "within"),
    [
        (TOO_EARLY, timedelta(days=2)),
        ("Lease can only be extended within 0 seconds of the leases current end time.", timedelta()),
        (f"Lease can only be extended within {'9' * 10} seconds of", timedelta(seconds=9_999_999_999)),
        (f"Lease can only be extended within {'9' * 400} seconds of", timedelta()),
        ("Lease can only be extended within \u0663 seconds of", timedelta()),
    ],
)
def test_when_a_lease_can_be_extended_is_read_out_of_the_words(words: str, within: timedelta) -> None:
    error = blazar_answers.error("PUT", 400, {}, own(400, words))
    assert isinstance(error, NotExtendableYet)
    assert error.within == within


@pytest.mark.parametrize("code", [413, 429, 502, 503, 504])
def test_the_pause_that_is_asked_for_is_kept(code: int) -> None:
    error = blazar_answers.error("PUT", code, {"Retry-After": "30"}, b"")
    assert isinstance(error, CloudUnavailable)
    assert error.retry_after == 30.0


def test_what_blazars_words_leave_out_is_added() -> None:
    capability = blazar_answers.error("POST", 500, {}, own(500, "BlazarDBNotFound: A database error occurred"))
    assert str(capability) == (
        "Blazar answered 500: BlazarDBNotFound: A database error occurred. Blazar says this of a property that none of "
        "its resources has: see the properties that are asked for."
    )
    internal = blazar_answers.error("DELETE", 500, {}, b"")
    assert str(internal) == (
        "Blazar answered 500. Its log tells more. What was asked for may have been done all the same."
    )
    redirect = blazar_answers.error("GET", 300, {}, b"")
    assert str(redirect) == "Blazar answered 300. A redirect is not followed."


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_a_body_that_nests_without_end_is_an_error_all_the_same(depth: int) -> None:
    assert isinstance(blazar_answers.error("GET", 503, {}, b'{"a":' * depth), CloudUnavailable)


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)


def test_every_row_that_says_no_wants_blazars_own_body() -> None:
    """But for 401, 403 and the last row, which also mean what stands before Blazar."""
    noes = (LeaseRefused, NotEnoughResources, LeaseBusy, LeaseExists, NotFound)
    assert all(row.whose is Whose.BLAZAR for row in TABLE if issubclass(row.error, noes))
