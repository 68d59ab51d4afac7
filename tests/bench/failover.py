"""The leader is killed while stages fall due: when the other replica has the lock, when it acts, what is done twice."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta

from lessor.model import times
from tests.bench import clock, fleet
from tests.bench.cloud import Request
from tests.bench.fleet import Settled
from tests.bench.ground import Ground
from tests.bench.table import Row, say

FAILOVER = "failover"
NAMES = (FAILOVER,)
_LOCK_SECONDS, _EFFECT_SECONDS = 20.0, 30.0
_STAGES, _BEFORE_THE_KILL = 60, 15
_FLAGS = ("--leader-elect",)
_DEEDS = {"os-stop", "lock"}


def rows(ground: Ground, _: Collection[str]) -> Iterator[Row]:
    """Measure the row."""
    home = ground.fleet("bench-failover")
    say(f"write {ground.size} settled leases, start two replicas")
    home.write(fleet.quiet(ground.size, clock.now()))
    with ExitStack() as things:
        first, second = (things.enter_context(ground.operator(name, *_FLAGS)) for name in ("leader", "standby"))
        for replica in (first, second):
            replica.until_known(ground.patience)
        clock.until(lambda: first.leads() or second.leads(), "one of them leads", 30.0)
        leader, standby = (first, second) if first.leads() else (second, first)
        begin = times.whole_second(clock.now()) + timedelta(seconds=10)
        leases = home.write(fleet.ending([begin + timedelta(seconds=index) for index in range(_STAGES)]))
        ground.cloud.requests()
        clock.sleep(begin.timestamp() + _BEFORE_THE_KILL - clock.wall())
        say("kill -9 the leader")
        killed = clock.wall()
        leader.kill()
        clock.until(standby.leads, "the other has the lock", 60.0, pause=0.02)
        took = clock.wall()
        yield _row(_deeds(ground, leases), killed, took)
    home.clear()


def _deeds(ground: Ground, leases: Sequence[Settled]) -> list[Request]:
    """Wait until each server is stopped and locked; gives what was told, to whichever of them."""
    wanted = {(each.server.id, deed) for each in leases for deed in _DEEDS}
    seen: list[Request] = []

    def all_done() -> bool:
        seen.extend(request for request in ground.cloud.requests() if request.what in _DEEDS)
        return wanted <= {(request.server_id, request.what) for request in seen}

    clock.until(all_done, "all stages were carried out", _STAGES + 120.0, pause=1.0)
    return seen


def _row(deeds: Sequence[Request], killed: float, took: float) -> Row:
    lock = took - killed
    effect = min(deed.time for deed in deeds if deed.time > took) - killed
    twice = sum(count - 1 for count in Counter((deed.server_id, deed.what) for deed in deeds).values())
    return Row(
        f"kill -9 of the leader while {_STAGES} stages fall due",
        f"lock within {_LOCK_SECONDS:.0f} s, effect within {_EFFECT_SECONDS:.0f} s, none twice",
        f"lock after {lock:.1f} s, effect after {effect:.1f} s, {twice} twice",
        lock < _LOCK_SECONDS and effect < _EFFECT_SECONDS and not twice,
    )
