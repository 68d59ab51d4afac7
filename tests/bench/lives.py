"""Lives of 90 days through the real passes: one lease, the simulated cloud, a clock that jumps; all in one process."""

import time
from collections.abc import Iterator

from tests.bench.table import Row, say
from tests.passes.world import adopted

LIVES = "lives"
NAMES = (LIVES,)
_LEAST = 100
_TURNS, _COUNT = 5, 200
_DAYS = 90
# Finalizer on, first status, Expiring, claim, report, finalizer off.
_WRITES = 6


def rows() -> Iterator[Row]:
    """Measure the one row: the best of some turns, as others take the machine's time too."""
    say(f"live {_COUNT} lives of {_DAYS} days, {_TURNS} times")
    writes = {_life() for _ in range(_COUNT // 10)}
    best = max(_rate(writes) for _ in range(_TURNS))
    yield Row(
        f"lives of {_DAYS} days, one after the other",
        f"at least {_LEAST} a second on one core, {_WRITES} writes each",
        f"{best:.0f} a second, {' or '.join(map(str, sorted(writes)))} writes",
        best >= _LEAST and writes == {_WRITES},
    )


def _rate(writes: set[int]) -> float:
    began = time.perf_counter()
    for _ in range(_COUNT):
        writes.add(_life())
    return _COUNT / (time.perf_counter() - began)


def _life() -> int:
    """Live one, from the manifest to its deletion; gives how often the lease was written."""
    world = adopted().after(days=_DAYS)
    world.remove()
    return len(world.turn().writes)
