"""Whatever goes wrong with its requests for a while: a life ends as it would have, and nothing of it is early."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from lessor.simulated.faults import Fault, Rule, What
from tests.whole.guard import Guard
from tests.whole.operator import START, Whole

TERM = timedelta(days=10)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and why it is worth a case."""

    id: str
    why: str
    begin: Callable[[Whole], Any]
    end: Callable[[Whole], Any] = lambda whole: (whole.api.faults.clear(), whole.cloud.faults.clear())


def _api(pattern: str, fault: Fault, **how: Any) -> Callable[[Whole], Any]:
    return lambda whole: whole.api.faults.add(pattern, fault, **how)


def _cloud(pattern: str, fault: Fault, **how: Any) -> Callable[[Whole], Any]:
    return lambda whole: whole.cloud.faults.add(pattern, fault, **how)


def _refuse(code: int, **headers: str) -> Fault:
    return Fault(what=What.REFUSE, code=code, headers={key.replace("_", "-"): value for key, value in headers.items()})


HALF: dict[str, Any] = {"times": None, "rate": 0.5}
ALL: dict[str, Any] = {"times": None}
TROUBLES = (
    Trouble("api 409", "somebody else writes between each read and write", _api("PATCH", _refuse(409), times=2)),
    Trouble("api 429", "the API server asks for a pause", _api(".", _refuse(429, Retry_After="5"), **HALF)),
    Trouble("api 500", "etcd has no leader", _api(".", _refuse(500), **HALF)),
    Trouble("api 403", "the rights of the operator are taken away for a while", _api("PATCH", _refuse(403), **ALL)),
    Trouble(
        "api cut before",
        "the connection is lost before a write",
        _api("PATCH|POST", Fault(what=What.CUT_BEFORE), **HALF),
    ),
    Trouble(
        "api cut after", "the connection is lost after a write", _api("PATCH|POST", Fault(what=What.CUT_AFTER), **HALF)
    ),
    Trouble("api empty lists", "a list tells of nobody", _api("GET .*leases$", Fault(what=What.EMPTY), **ALL)),
    Trouble("nova 500", "Nova's database is away", _cloud(".", _refuse(500), **HALF)),
    Trouble("nova 503", "a proxy answers for Nova", _cloud(".", _refuse(503), **ALL)),
    Trouble("nova 429", "Nova asks for a pause", _cloud(".", _refuse(429, Retry_After="7"), **HALF)),
    Trouble("nova 403", "a policy forbids the actions", _cloud("os-stop|lock|os-start", _refuse(403), **ALL)),
    Trouble("nova hangs", "no answer comes", _cloud(".", Fault(what=What.HANG), **HALF)),
    Trouble(
        "nova cut before", "an action is lost on the way", _cloud("os-|lock", Fault(what=What.CUT_BEFORE), times=2)
    ),
    Trouble(
        "nova cut after", "the answer of an action is lost", _cloud("os-|lock", Fault(what=What.CUT_AFTER), times=2)
    ),
    Trouble("nova truncated lists", "a list lacks servers", _cloud("servers.list", Fault(what=What.TRUNCATE), **ALL)),
    Trouble("nova empty lists", "a list lacks all servers", _cloud("servers.list", Fault(what=What.EMPTY), **ALL)),
    Trouble(
        "a cell is down",
        "the database of the server's cell does not answer",
        lambda whole: whole.cloud.compute.cells_down.add("cell1"),
        lambda whole: whole.cloud.compute.cells_down.clear(),
    ),
)


@pytest.mark.parametrize("trouble", [pytest.param(one, id=one.id) for one in TROUBLES])
@pytest.mark.parametrize("begins", ["while it runs", "at its end", "at its renewal"])
async def test_trouble_delays_and_changes_nothing_else(trouble: Trouble, begins: str) -> None:
    whole = Whole(Guard())
    await whole.start()
    try:
        whole.declare(duration="10d")
        for moment, days in (("while it runs", 5), ("at its end", 9.99), ("at its renewal", 11)):
            await whole.after(days=days)
            if moment == "at its renewal":
                assert whole.said("Enforced") == ("True", "Stopped"), trouble.why
                whole.renew("more", "30d")
            if moment == begins:
                rule = trouble.begin(whole)
                await whole.until(whole.clock.now() + timedelta(hours=1))
                assert not isinstance(rule, Rule) or rule.struck or begins == "while it runs"
                trouble.end(whole)
                await whole.until(whole.clock.now() + timedelta(hours=12))
        await whole.after(days=13)
    finally:
        await whole.kill()
    assert whole.done() == ["create", "stop", "lock", "unlock", "start"], trouble.why
    assert (whole.server.status, whole.server.locked_by) == ("ACTIVE", None)
    assert whole.said("Ready") == ("True", "InTerm")
    stopped = whole.cloud.as_user(whole.alice, whole.project).events(whole.server.id)[-2]
    assert stopped.start_time >= f"{START + TERM:%Y-%m-%dT%H:%M:%S}"


async def test_a_deletion_that_no_watch_tells_of_is_found_before_it_does_harm() -> None:
    """As after a restart of the API server: what was deleted meanwhile is never told."""
    whole = Whole(Guard())
    await whole.start()
    try:
        whole.declare(duration="10d", onDelete="Retain")
        await whole.after(days=9, hours=23, minutes=59)
        whole.deaf = True
        whole.remove_by_force()
        whole.deaf = False
        await whole.after(days=11)
    finally:
        await whole.kill()
    assert whole.done() == ["create"]
    assert whole.server.status == "ACTIVE"
