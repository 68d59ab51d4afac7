"""A fleet to which nothing happens: the start with it, the idling on it, and a few stages on it."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from lessor.model import times
from tests.bench import clock, figures, fleet, staged
from tests.bench.fleet import Fleet
from tests.bench.ground import Ground
from tests.bench.table import Row, say
from tests.bench.watched import Watched

START, IDLE, STAGES = "start", "idle", "stages"
NAMES = (START, IDLE, STAGES)
_CPU_SECONDS, _MEGABYTES = 9.0, 170.0
_IDLE_PERCENT, _LISTS_A_MINUTE = 1.0, 1.0
_LAG_SECONDS = 0.5
_STAGES = 50
_QUIET_SECONDS = 5.0
# The API server renews its own identity; nobody else writes by himself.
_NOT_OURS = ("/registry/leases/kube-system/apiserver-", "/registry/peerserverleases/", "/registry/masterleases/")


def rows(ground: Ground, wanted: Collection[str]) -> Iterator[Row]:
    """Measure the rows that are wanted."""
    home = ground.fleet("bench-quiet")
    say(f"write {ground.size} settled leases")
    home.write(fleet.quiet(ground.size, clock.now()))
    with ground.operator("quiet") as operator:
        started = _start(ground, operator)
        if START in wanted:
            yield started
        if IDLE in wanted:
            yield _idle(ground, operator)
        if STAGES in wanted:
            yield _stages(ground, home)
    home.clear()


def _start(ground: Ground, operator: Watched) -> Row:
    """CPU until the first list of all kinds is through; the memory also while the servers are listed after it."""
    say("start the operator")
    began, revision = clock.wall(), ground.kube.etcd.revision()
    operator.until_known(ground.patience)
    seconds, cpu = clock.wall() - began, operator.cpu_seconds()
    if not is_listed(ground, clock.wall() + ground.patience):
        raise TimeoutError("the operator does not come to rest")
    peak, written = operator.peak_megabytes(), written_since(ground, revision + 1)
    if written:
        raise RuntimeError(f"the fleet was not settled: the start wrote {written[:5]}")
    return Row(
        f"start with {ground.size} leases until all are armed",
        f"at most {_CPU_SECONDS:.0f} CPU-s and {_MEGABYTES:.0f} MB",
        f"{cpu:.1f} CPU-s, {peak:.0f} MB, after {seconds:.1f} s",
        cpu <= _CPU_SECONDS and peak <= _MEGABYTES,
    )


def is_listed(ground: Ground, until: float) -> bool:
    """Wait until the operator asks the cloud nothing for some seconds: its first list of the servers is through.

    False: it still asks at the wall time `until`.
    """
    while clock.wall() + _QUIET_SECONDS < until:
        ground.cloud.requests()
        clock.sleep(_QUIET_SECONDS)
        if not ground.cloud.requests():
            return True
    return False


def _idle(ground: Ground, operator: Watched) -> Row:
    say(f"idle for {ground.idle_seconds:.0f} s")
    ground.cloud.requests()
    cpu, revision, began = operator.cpu_seconds(), ground.kube.etcd.revision(), clock.wall()
    clock.sleep(ground.idle_seconds)
    seconds, share = clock.wall() - began, operator.cpu_seconds() - cpu
    asked = [request.what for request in ground.cloud.requests()]
    written = written_since(ground, revision + 1)
    lists = asked.count("servers.list") * 60 / seconds
    percent = 100 * share / seconds
    others = f", {len(asked) - asked.count('servers.list')} other requests" if set(asked) - {"servers.list"} else ""
    return Row(
        f"idle with {ground.size} leases for {seconds:.0f} s",
        "under 1 % of a core, no write, 1 list request a minute",
        f"{percent:.2f} %, {len(written)} writes, {lists:.1f} list requests a minute{others}",
        percent < _IDLE_PERCENT and not written and lists <= _LISTS_A_MINUTE and not others,
    )


def written_since(ground: Ground, since: int) -> list[str]:
    """Give the keys that were written since this revision, by whomever but the API server itself."""
    return [stored.key for stored in ground.kube.etcd.keys("/registry/", since=since) if not _own(stored.key)]


def _own(key: str) -> bool:
    return key.startswith(_NOT_OURS)


def _stages(ground: Ground, home: Fleet) -> Row:
    say(f"{_STAGES} stages, one a second")
    first = times.whole_second(clock.now()) + timedelta(seconds=15)
    leases = home.write(fleet.ending([first + timedelta(seconds=index) for index in range(_STAGES)]))
    lags = staged.lags(ground, leases, timeout=_STAGES + 60.0)
    return Row(
        f"a stage on an idle fleet of {ground.size}, {_STAGES} of them",
        f"os-stop within {_LAG_SECONDS} s of its time (p99)",
        figures.lags(lags),
        figures.percentile(lags, 0.99) < _LAG_SECONDS,
    )
