"""The bench: runs the scenes that are asked for, prints each row as its figures come, ends with 1 on a miss."""

import signal
import sys
from collections.abc import Callable, Collection, Iterator

from tests.bench import failover, ground, herd, life, listing, lives, quiet, record, reserved
from tests.bench.ground import Ground
from tests.bench.table import Row, Table, say

Scene = Callable[[Ground, Collection[str]], Iterator[Row]]
# What needs no control plane.
_ALONE: tuple[tuple[tuple[str, ...], Callable[[], Iterator[Row]]], ...] = (
    (lives.NAMES, lives.rows),
    (listing.NAMES, listing.rows),
)
_SCENES: tuple[tuple[tuple[str, ...], Scene], ...] = (
    (life.NAMES, life.rows),
    (quiet.NAMES, quiet.rows),
    (herd.NAMES, herd.rows),
    (failover.NAMES, failover.rows),
    (reserved.NAMES, reserved.rows),
)
_FEW = tuple(name for names, _ in _ALONE for name in names)
_EVERY = (*_FEW, *(name for names, _ in _SCENES for name in names))
_RECORD = "--record"
_MET, _MISSED, _WRONG = 0, 1, 2


def main(args: list[str]) -> int:
    """Run; gives the exit code: 0 all met, 1 a miss, 2 a wrong word on the command line."""
    wanted = [arg for arg in args if arg != _RECORD] or list(_EVERY)
    unknown = sorted(set(wanted) - set(_EVERY))
    if unknown or (_RECORD in args and set(wanted) != set(_EVERY)):
        say(
            f"rows are {' '.join(_EVERY)}; {_RECORD} goes with all of them"
            + f"; not {' '.join(unknown)}" * bool(unknown)
        )
        return _WRONG
    table = Table()
    for names, measure in _ALONE:
        if set(names) & set(wanted):
            for row in measure():
                table.add(row)
    if set(wanted) - set(_FEW):
        with ground.laid() as laid:
            for names, scene in _SCENES:
                if set(names) & set(wanted):
                    for row in scene(laid, wanted):
                        table.add(row)
    if _RECORD in args:
        record.record(table)
        say(f"written into {record.PAGE}")
    return _MET if table.met else _MISSED


def _ask_to_end(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ask_to_end)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("ended before its time")
        sys.exit(130)
