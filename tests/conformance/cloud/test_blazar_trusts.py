"""Leases whose maker is no longer let in: Blazar acts by a trust of the one who made the lease.

Source: blazar/utils/trusts.py; blazar/manager/service.py (create_ctx_from_trust).
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.conformance.cloud.leasing import Body, Leasing, event, hosts, text
from tests.conformance.cloud.stack import Stack

INTERNAL = (500, "Internal Server Error")


@pytest.fixture(scope="module")
def orphan(stack: Stack, leasing: Leasing) -> Iterator[Body]:
    """Give a PENDING lease of bob, who is not let in while the cases of this file run."""
    lease = leasing.made(leasing.later(hosts(), user=stack.bob))
    stack.set_enabled(stack, "bob", False)
    yield lease
    stack.set_enabled(stack, "bob", True)
    stack.bob.login()


def _state(stack: Stack, lease: Body) -> str:
    return str(stack.admin.blazar("GET", f"/leases/{lease['id']}").body["lease"]["status"])


def test_it_is_renamed(stack: Stack, leasing: Leasing, orphan: Body) -> None:
    assert leasing.put(orphan["id"], user=stack.admin, name="renamed").code == 200
    assert _state(stack, orphan) == "PENDING"


def test_nothing_else_of_it_is_changed_and_that_breaks_it(stack: Stack, leasing: Leasing, orphan: Body) -> None:
    answer = leasing.put(orphan["id"], user=stack.admin, end_date="2099-01-01 00:00")
    assert (answer.code, answer.said) == INTERNAL
    assert answer.body["error_name"] == "INTERNAL_SERVER_ERROR"
    assert _state(stack, orphan) == "ERROR"
    leasing.put(orphan["id"], user=stack.admin, name="renamed")
    assert _state(stack, orphan) == "PENDING"


def test_it_is_not_deleted_and_that_breaks_it(stack: Stack, leasing: Leasing, orphan: Body) -> None:
    answer = stack.admin.blazar("DELETE", f"/leases/{orphan['id']}")
    assert (answer.code, answer.said) == INTERNAL
    assert _state(stack, orphan) == "ERROR"
    leasing.put(orphan["id"], user=stack.admin, name="renamed")
    assert _state(stack, orphan) == "PENDING"


@pytest.mark.only("simulated", because="nothing but a hand in Blazar's database mends what it does")
def test_an_active_one_that_is_deleted_is_lost(stack: Stack, leasing: Leasing) -> None:
    """Its end stays under way for ever, though nothing is: tried on Blazar 18, and mended by hand."""
    times = {"start_date": "now", "end_date": text(stack.now() + timedelta(hours=2))}
    stack.set_enabled(stack, "bob", True)
    stack.bob.login()
    lease = leasing.made(leasing.later(user=stack.bob, **times))
    leasing.ids.remove(lease["id"])
    stack.wait(lambda: _state(stack, lease) == "ACTIVE", "ACTIVE")
    stack.set_enabled(stack, "bob", False)
    answer = stack.admin.blazar("DELETE", f"/leases/{lease['id']}")
    assert (answer.code, answer.said) == INTERNAL
    stack.set_enabled(stack, "bob", True)
    stack.bob.login()
    found = stack.admin.blazar("GET", f"/leases/{lease['id']}").body["lease"]
    assert (found["status"], event(found, "end_lease")["status"]) == ("ERROR", "IN_PROGRESS")
    for method, body in (("PUT", {"name": "n"}), ("DELETE", None)):
        answer = stack.admin.blazar(method, f"/leases/{lease['id']}", body)
        assert (answer.code, answer.said) == (500, "Invalid lease status.")
