"""Whole lives by chance: people, the cloud and time do what they like, and what must hold is checked at each deed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lessor.decide import stages, wakeup, window
from lessor.model import times, wire
from lessor.model.instancelease import InstanceLease, InstanceLeaseSpec, InstanceLeaseStatus
from lessor.model.times import Duration
from tests import strategies
from tests.builders import DAY, HOUR, SERVER, START
from tests.passes.knife import Knife
from tests.passes.world import World

_MOST_TURNS = 12
_HARMS = {"stop": "Stop", "shelve": "Shelve", "snapshot": "Snapshot", "delete": "Delete"}


@dataclass
class Watch(Knife):
    """Cuts nothing: looks at each deed of a stage before it is done."""

    world: World = field(default_factory=World)
    undone: bool = False

    def before(self, point: str, error: Exception) -> None:
        super().before(point, error)
        lease = self.world.held
        if point in _HARMS and lease.metadata.deletion_timestamp is None and not self._restores(lease):
            self._stage(lease, _HARMS[point])

    def _restores(self, lease: InstanceLease) -> bool:
        """A stop also brings back a server that was stopped before it was shelved."""
        return _term(lease).end > self.world.now

    def _stage(self, lease: InstanceLease, action: str) -> None:
        spec, status, now = lease.spec, lease.status, self.world.now
        claim = status.next_action
        assert claim is not None
        assert claim.claimed_time is not None, "It is announced before it is done."
        assert claim.action == action
        assert status.before is not None
        due = stages.pending(spec, status, _term(lease))
        assert due is not None
        assert now >= due.time >= _term(lease).end + due.stage.after.delta, "It is never early."
        assert lease.metadata.held
        assert not spec.suspend
        assert not self.world.frozen
        assert spec.exemption is None or now >= spec.exemption.until
        assert self.world.mark is not None


def _term(lease: InstanceLease) -> window.Term:
    assert lease.status.start_time is not None
    return window.at(lease.spec, lease.status.start_time, lease.status.renewals)


# ---------------------------------------------------------------- what may happen

Happening = Callable[[World], object]


def _wait(span: timedelta) -> Happening:
    """Wake up at what was asked for, some times, and then sleep over the rest, as after an outage."""

    def happen(world: World) -> None:
        end = world.now + span
        for _ in range(_MOST_TURNS):
            waking = min((at for at in (world.wake_at, world.retry_at) if at is not None), default=end)
            if waking >= end:
                break
            world.jump(waking)
        world.jump(end)

    return happen


def _renew(length: Duration | None) -> Happening:
    return lambda world: world.ask(f"more-{world.made}", None if length is None else length.text)


def _changed(**changes: object) -> Happening:
    def happen(world: World) -> None:
        if SERVER in world.nova.servers:
            world.nova.change(**changes)  # type: ignore[arg-type]

    return happen


def _edited(**spec: object) -> Happening:
    return lambda world: world.edit(**spec)


def _turned(state: str) -> Happening:
    def happen(world: World) -> None:
        if SERVER in world.nova.servers:
            world.nova.turned(state)

    return happen


def _locked(world: World) -> None:
    if SERVER in world.nova.servers:
        world.nova.locked_by("alice", "mine")


def _frozen(world: World) -> None:
    world.frozen = not world.frozen


happenings: st.SearchStrategy[Happening] = st.one_of(
    st.sampled_from([timedelta(), HOUR, DAY, 10 * DAY, 40 * DAY]).map(_wait),
    (st.none() | strategies.durations(most=20 * DAY)).map(_renew),
    st.sampled_from(["active", "stopped", "paused", "rescued", "shelved_offloaded", "error"]).map(_turned),
    st.sampled_from([_changed(locked_by=None, locked_reason=None), _changed(metadata={}), _locked, _frozen]),
    st.sampled_from(
        [
            _edited(duration="1d"),
            _edited(duration="40d"),
            _edited(suspend=True),
            _edited(suspend=False),
            _edited(exemption={"until": "2026-04-01T00:00:00Z"}),
            _edited(exemption=None),
        ]
    ),
    st.just(lambda world: world.restart()),
)
# An edit may set another duration, so only leases that declare one are drawn.
leases = strategies.specs(strategies.near(START)).filter(lambda spec: spec.duration is not None)


def lived(spec: InstanceLeaseSpec, instant: bool, what: list[Happening], after: Callable[[World], None]) -> None:
    """Play the life; `after` is called when the world is at rest after each happening."""
    world = World()
    world.nova.instant = instant
    world.nova.knife = Watch(world=world)
    world.nova.boot()
    world.declare()
    world.edit(**wire.to_builtins(spec))
    world.turn()
    for happen in (lambda _: None, *what):
        happen(world)
        world.nova.settle()
        world.turn()
        after(world)


SCRIPT = st.lists(happenings, max_size=8)


def _traces(world: World) -> tuple[object, ...]:
    """What a turn may leave behind; a deed that Nova refused left nothing."""
    return world.held, list(world.nova.done), list(world.writes), list(world.events), dict(world.requests)


@given(leases, st.booleans(), SCRIPT)
def test_a_second_turn_at_the_same_instant_does_nothing(
    spec: InstanceLeaseSpec, instant: bool, what: list[Happening]
) -> None:
    def again(world: World) -> None:
        for _ in range(2):  # tasks of ours may just have ended
            world.nova.settle()
            world.turn()
        before = _traces(world)
        assert _traces(world.turn()) == before

    lived(spec, instant, what, again)


@given(leases, st.booleans(), SCRIPT)
def test_a_restart_forgets_no_instant_that_matters(
    spec: InstanceLeaseSpec, instant: bool, what: list[Happening]
) -> None:
    def restarted(world: World) -> None:
        by_clock, now = world.wake_at, world.now
        armed = wakeup.at(world.held, now)
        if by_clock is not None:
            assert armed is not None
            assert armed <= max(by_clock, now)

    lived(spec, instant, what, restarted)


@given(leases, st.booleans(), SCRIPT)
def test_grants_and_ends_are_monotonic_but_for_edits(
    spec: InstanceLeaseSpec, instant: bool, what: list[Happening]
) -> None:
    known: list[InstanceLease] = []

    def grown(world: World) -> None:
        lease = world.held
        if known:
            before = known[-1].status
            assert _sum(lease.status) >= _sum(before)
            assert lease.status.start_time == before.start_time
            if known[-1].spec == lease.spec and before.expire_time is not None:
                assert lease.status.expire_time is not None
                assert lease.status.expire_time >= before.expire_time
        known.append(lease)

    lived(spec, instant, what, grown)


def _sum(status: InstanceLeaseStatus) -> timedelta:
    return status.renewals.sum if status.renewals is not None else times.ZERO
