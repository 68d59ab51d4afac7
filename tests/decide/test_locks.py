"""Whose lock is on a server."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.decide import locks
from lessor.decide.locks import Lock
from tests import builders
from tests.builders import END, event, server

WORDS = "Expired 2026-03-11T08:00:00Z. Renew: create a LeaseRenewal for InstanceLease team-a/vm1."
OURS = server(locked=True, locked_reason=WORDS)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    want: Lock
    known: dict[str, Any]


CASES = (
    Case("no-server", "There is nothing to be locked.", Lock.NONE, {"server": None}),
    Case("unlocked", "It is open.", Lock.NONE, {"server": server()}),
    Case("untold", "A record without `locked` says nothing of a lock.", Lock.NONE, {"server": server(locked=None)}),
    Case("no-words", "We never lock without a word.", Lock.FOREIGN,
         {"server": server(locked=True), "events": (event("lock"),)}),
    Case("their-words", "These words are not ours.", Lock.FOREIGN,
         {"server": server(locked=True, locked_reason="do not touch"), "events": (event("lock"),)}),
    Case("ours", "Our words, and our user was the last to lock.", Lock.OURS,
         {"server": OURS, "events": (event("stop", "alice"), event("lock"), event("lock", "alice"))}),
    Case("taken-over", "Somebody locked it after us: the lock is theirs.", Lock.FOREIGN,
         {"server": OURS, "events": (event("lock", "alice"), event("lock"))}),
    Case("copied", "Words can be copied, the user cannot.", Lock.FOREIGN,
         {"server": OURS, "events": (event("lock", "alice"),)}),
    Case("no-action", "Without the action nobody knows.", Lock.FOREIGN, {"server": OURS, "events": (event("stop"),)}),
    Case("unread", "The actions have not been read yet.", Lock.UNKNOWN, {"server": OURS, "events": None}),
    Case("nobody", "Without usable credentials we do not know who we are.", Lock.UNKNOWN,
         {"server": OURS, "events": (event("lock"),), "identity": None}),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_lock_is_ours_when_our_user_was_the_last_to_lock_with_our_words(case: Case) -> None:
    assert locks.seen(builders.facts(**case.known)) is case.want, case.why


def test_the_reason_says_since_when_and_how_to_get_the_server_back() -> None:
    assert locks.reason(builders.lease(seen=builders.begun(expire_time=END))) == WORDS


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True), st.text("abc-", min_size=1, max_size=253))
def test_the_reason_fits_into_nova_and_is_known_again_as_ours(namespace: str, name: str) -> None:
    text = locks.reason(builders.lease(seen=builders.begun(), name=name, namespace=namespace))
    assert len(text) <= 255, "Nova takes no more."
    seen = builders.facts(server=server(locked=True, locked_reason=text), events=(event("lock"),))
    assert locks.seen(seen) is Lock.OURS


def test_a_lease_without_an_end_yet_has_a_reason_too() -> None:
    assert locks.reason(builders.lease()).startswith("Expired . Renew:")
