"""All leases of a fleet begin to expire at one instant, and stages fall due while those writes wait in line.

The bare PATCHes are measured half before and half after, so that a machine whose speed drifts does not decide.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lessor.model import times
from tests.bench import bare, clock, figures, fleet, quiet, staged
from tests.bench.cost import Meter
from tests.bench.etcd import Revisions
from tests.bench.fleet import Fleet
from tests.bench.ground import Ground
from tests.bench.table import Row, say

HERD, LINE = "herd", "line"
NAMES = (HERD, LINE)
_RATIO = 1.2
_LAG_SECONDS = 3.0
_STAGES_SHARE, _FEWEST_STAGES = 200, 10
_LEADS = (1, 3, 9)
_SPARE = 2.0
_AMID = 0.75  # of the time that the bare PATCHes take: so long stages fall due


@dataclass(frozen=True, slots=True)
class _Storm:
    """What came of it: seconds to the last PATCH, PATCHes of the herd, the lags of the stages."""

    seconds: float
    patches: int
    lags: list[float]


def rows(ground: Ground, wanted: Collection[str]) -> Iterator[Row]:
    """Measure the rows that are wanted."""
    other = ground.fleet("bench-bare")
    half = ground.size // 2
    say(f"{half} bare PATCHes")
    before = bare.seconds(ground, other, half)
    storm = _storm(ground, before * ground.size / half)
    if LINE in wanted:
        yield Row(
            f"a stage while those writes wait, {len(storm.lags)} of them",
            f"os-stop within {_LAG_SECONDS:.0f} s of its time (p99)",
            figures.lags(storm.lags),
            figures.percentile(storm.lags, 0.99) < _LAG_SECONDS,
        )
    if HERD in wanted:
        say(f"{ground.size - half} bare PATCHes")
        yield _herd(ground, storm, before + bare.seconds(ground, other, ground.size - half))


def _herd(ground: Ground, storm: _Storm, bare_seconds: float) -> Row:
    ratio = storm.seconds / bare_seconds
    twice = f", {storm.patches} PATCHes" if storm.patches != ground.size else ""
    return Row(
        f"{ground.size} begin to expire at one instant",
        f"the last PATCH within {_RATIO} times the bare ones",
        f"{ratio:.2f} times ({storm.seconds:.1f} s, bare {bare_seconds:.1f} s{twice})",
        ratio <= _RATIO and not twice,
    )


def _storm(ground: Ground, bare_seconds: float) -> _Storm:
    """Let it come; where the operator was not settled before, once more with more time."""
    home = ground.fleet("bench-herd")
    for lead in _LEADS:
        storm = _attempt(ground, home, bare_seconds, lead * (30 + ground.size / 250))
        home.clear()
        if storm is not None:
            return storm
        say("the operator was not settled before the instant came: once more, with more time")
    raise RuntimeError("the machine is too slow: the operator was never settled before the instant came")


def _attempt(ground: Ground, home: Fleet, bare_seconds: float, lead: float) -> _Storm | None:
    at = times.whole_second(clock.now()) + timedelta(seconds=lead)
    say(f"write {ground.size} leases whose Expiring begins at {times.text(at)}, start the operator")
    home.write(fleet.expiring(ground.size, at))
    stages = home.write(fleet.ending(_amid(at, bare_seconds, max(_FEWEST_STAGES, ground.size // _STAGES_SHARE))))
    versions = _versions(home)
    with ground.operator("herd") as operator, Revisions(ground.kube.etcd) as revisions:
        operator.until_known(ground.patience)
        if not quiet.is_listed(ground, at.timestamp() - _SPARE):
            return None
        revision = ground.kube.etcd.revision()
        clock.sleep(at.timestamp() - clock.wall())
        meter = Meter(operator.cpu_seconds)
        say("the instant has come")
        clock.sleep(bare_seconds * _AMID)
        left = f"all {ground.size} PATCHes are through"
        clock.until(lambda: not home.stored("herd", until=revision), left, ground.patience, pause=2.0)
        say(f"a PATCH of the operator costs: {meter.each(ground.size)}")
        lags = staged.lags(ground, stages, timeout=60.0)
    last = max(stored.revision for stored in home.stored("herd"))
    return _Storm(revisions.time_of(last) - at.timestamp(), _versions(home) - versions, lags)


def _amid(at: datetime, bare_seconds: float, count: int) -> list[datetime]:
    """Spread ends over the time of the herd."""
    step = bare_seconds * _AMID / count
    return [at + timedelta(seconds=2 + int(index * step)) for index in range(count)]


def _versions(home: Fleet) -> int:
    """Count the writes of the herd so far."""
    return sum(stored.version for stored in home.stored("herd"))
