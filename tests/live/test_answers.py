"""Answers that look like answers: redirects, bytes that are no JSON, lists without an end."""

import itertools
from typing import Any

import pytest

from lessor.live import classify
from lessor.live.nova import Nova
from lessor.ports import cloud
from tests.live.openstack import SERVER, Answer, OpenStack, record
from tests.live.test_nova import DEEDS, Deed

GET = f"GET /v2.1/servers/{SERVER}"


@pytest.mark.parametrize("deed", [pytest.param(deed, id=deed.id) for deed in DEEDS])
@pytest.mark.parametrize("code", [302, 304, 307])
def test_a_redirect_is_not_taken_for_a_deed_that_was_done(stack: OpenStack, nova: Nova, deed: Deed, code: int) -> None:
    """A proxy that wants a login, or https for http: nothing was done."""
    stack.says(deed.line, Answer(code=code, headers={"Location": f"{stack.url}/login"}))
    with pytest.raises(cloud.CloudUnavailable):
        deed.do(nova)
    assert stack.lines() == [deed.line]


@pytest.mark.parametrize(
    "body",
    [
        b'{"server": {"id": "\xff"}}',
        b'{"server": {"id": "s", "metadata": {"a": "\xff"}}}',
        b'{"x": ' + b"[" * 100_000,
        b'{"server": {"id": "s", "x": ' + b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_json_are_no_answer(stack: OpenStack, nova: Nova, body: bytes) -> None:
    stack.says(GET, Answer(body=body))
    with pytest.raises(cloud.CloudUnavailable, match="cannot be read"):
        nova.server(SERVER)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_an_error_that_nests_without_end_is_an_error_all_the_same(body: bytes) -> None:
    assert isinstance(classify.error("Nova", 503, {}, body), cloud.CloudUnavailable)


def test_a_pause_in_other_digits_is_none() -> None:
    assert classify.retry_after({"Retry-After": "\u00b2"}) is None


def test_a_list_whose_marker_does_not_move_is_given_up(stack: OpenStack, nova: Nova) -> None:
    """A Nova that is no Nova would hold a thread for ever: each page is in time, and there is always one more."""
    page: dict[str, Any] = {"servers": [record("s1")], "servers_links": [{"rel": "next"}]}
    stack.says("GET /v2.1/servers/detail", Answer(body=page))
    with pytest.raises(cloud.CloudUnavailable):
        list(itertools.islice(nova.pages(None), 20))
    assert len(stack.lines()) < 20
