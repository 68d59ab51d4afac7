"""One turn over an InstanceLease: what is asked and written in which order, and how it comes back."""

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from lessor.metrics import Metrics
from lessor.model import reading
from lessor.model.conditions import ConditionType, find
from lessor.model.instancelease import InstanceLease
from lessor.model.marks import Seal
from lessor.model.names import FINALIZER, MARK_KEY, Kind
from lessor.ports import cloud
from lessor.ports.cloud import CloudUnavailable
from lessor.ports.leading import NotLeading
from lessor.runtime.bridge import Bridge
from lessor.runtime.cache import Cache, small
from lessor.runtime.clouds import Clouds
from lessor.runtime.deadlines import Deadlines
from lessor.runtime.events import Events
from lessor.runtime.gate import Gate
from lessor.runtime.leading import Leading
from lessor.runtime.pacing import Pacing
from lessor.runtime.parts import Parts, Stamp
from lessor.runtime.passes import InstanceLeasePasses
from lessor.runtime.registry import Registry
from lessor.runtime.timekeeping import Timekeeping
from lessor.runtime.turns import Turns
from lessor.runtime.writer import Writer
from tests.runtime.apiserver import SECRETS, APIServer, lease_path, renewal_path
from tests.runtime.clock import START
from tests.runtime.jumping import LoopClock, jumps
from tests.runtime.project import Project, server

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
STATUS = f"PATCH {lease_path()}/status"
OBJECT = f"PATCH {lease_path()}"
READ = f"GET {lease_path()}"
RENEWALS = "GET /apis/lessor.dev/v1alpha1/namespaces/team-a/leaserenewals"


@dataclass
class World:
    """Turns with what they stand on: the API server and the project in memory, the rest as it is.

    Attributes:
        order: what was asked of the API server and of the cloud, in one line.
        uids: of the leases that were declared.
    """

    threads: ThreadPoolExecutor
    api: APIServer = field(default_factory=APIServer)
    project: Project = field(default_factory=Project)
    order: list[str] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.api.put(f"{SECRETS}/clouds", data={"clouds.yaml": base64.b64encode(b"{}").decode()})
        self.api.asked = lambda request: self.order.append(request.line)
        self.project.called = self.order.append
        self.metrics = Metrics("0")
        self.cache, self.deadlines, self.registry = Cache(), Deadlines(), Registry(lambda _: None)
        self.leading = Leading(self.clock)
        self.leading.take_alone()
        cluster, gate = self.api.cluster(self.clock).guarded(self.leading.assure), Gate(16)
        self.clouds = Clouds(cluster, self.clock, self._connect, lambda _: None)
        self.clouds.begin()
        self.stamp = Stamp()
        parts = Parts(
            clock=self.clock,
            cache=self.cache,
            cluster=cluster,
            clouds=self.clouds,
            registry=self.registry,
            deadlines=self.deadlines,
            writer=Writer(cluster, gate),
            events=Events(cluster, gate),
            metrics=self.metrics,
            timekeeping=Timekeeping(self.clock),
            pacing=Pacing(100, self.clock),
            threads=self.threads,
            leading=self.leading,
            seal=Seal("installation-1", b"k" * 32),
            frozen=False,
            bridge=Bridge(cluster, asyncio.get_running_loop()),
            stamp=self.stamp,
        )
        self.turns = Turns(parts, InstanceLeasePasses(parts))

    def _connect(self, *_: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return self.project

    # ------------------------------------------------------------ people

    def declare(self, name: str = "vm1", server_id: str = "s1", **spec: Any) -> str:
        """Declare a lease of a day over a server that runs; gives its uid."""
        self.project.servers.append(server(server_id))
        ref = {"secretName": "clouds", "cloudName": "openstack"}
        body = {"cloudCredentialsRef": ref, "server": {"id": server_id}, "duration": "1d", **spec}
        raw = self.api.lease(name, f"uid-of-{name}", spec=body, metadata={"generation": 1})
        self.cache.put(Kind.INSTANCE_LEASE, raw)
        self.uids.append(raw["metadata"]["uid"])
        return str(raw["metadata"]["uid"])

    def watched(self, name: str = "vm1") -> None:
        """The watch brings the lease as it is now."""
        self.cache.put(Kind.INSTANCE_LEASE, self.api.objects[lease_path(name)])

    def ask(self, name: str = "more", extend_by: str = "2d") -> None:
        """Ask for a renewal, which the watch brings at once."""
        spec = {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "extendBy": extend_by}
        raw = self.api.put(renewal_path(name), spec=spec, metadata={"uid": f"uid-of-{name}", "generation": 1})
        self.cache.put(Kind.LEASE_RENEWAL, raw)

    # ------------------------------------------------------------ what is read

    def lease(self, name: str = "vm1") -> InstanceLease:
        lease, problem = reading.instance_lease(small(self.api.objects[lease_path(name)]))
        assert problem is None
        return lease

    def next_turn(self) -> tuple[str, datetime]:
        """Give whose turn comes next, and when."""
        at = self.deadlines.soonest()
        assert at is not None
        ((uid, _),) = self.deadlines.due(at)
        return uid, at

    def pause(self) -> float:
        """Give how many seconds it is until the next turn."""
        return (self.next_turn()[1] - self.clock.now()).total_seconds()

    def failures(self) -> float:
        """Give how many passes broke."""
        labels = {"kind": "InstanceLease", "result": "failed"}
        return self.metrics.registry.get_sample_value("lessor_passes_total", labels) or 0.0

    # ------------------------------------------------------------ time

    async def turn(self, uid: str = "uid-of-vm1") -> list[str]:
        """Make a turn; gives what was asked and written in it."""
        began = len(self.order)
        await self.turns.turn(uid)
        return self.order[began:]

    async def settled(self, **spec: Any) -> str:
        """Declare a lease and bring it to where nothing is left to do before its time."""
        uid = self.declare(**spec)
        await self.turn(uid)
        await self.until(self.clock.now() + SECOND)
        self.order.clear()
        return uid

    async def until(self, instant: datetime) -> None:
        """Let the loop's time go on until then."""
        await asyncio.sleep(max(0.0, (instant - self.clock.now()).total_seconds()))

    def end(self) -> None:
        for uid in self.uids:
            self.turns.forget(uid)


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


# ------------------------------------------------------------ the first turn


@jumps
async def test_the_finalizer_comes_before_the_first_effect_and_the_status_after_it(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.declare()
    order = await world.turn()
    writes = [line for line in order if line.startswith("PATCH") or line == "write-metadata"]
    assert writes == [OBJECT, "write-metadata", STATUS]
    assert world.lease().metadata.finalizers == (FINALIZER,)
    assert MARK_KEY in (world.project.servers[0].metadata or {})
    assert world.lease().status.server_id == "s1"
    world.end()


@jumps
async def test_without_the_finalizer_nothing_is_done_in_the_cloud(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.declare()
    world.api.breaks(OBJECT, 403)
    await world.turn()
    assert world.project.deeds == []
    assert 5 <= world.pause() <= 6
    world.end()


@jumps
async def test_the_next_turn_is_at_the_next_instant_that_matters(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    uid = await world.settled()
    status = world.lease().status
    assert status.expire_time == START + DAY
    woken, at = world.next_turn()
    assert woken == uid
    assert START < at <= START + DAY
    world.end()


@jumps
async def test_a_turn_with_nothing_to_do_asks_nobody_and_writes_nothing(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    assert await world.turn() == []
    world.end()


@jumps
async def test_many_leases_of_one_secret_read_it_once(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    uids = [world.declare(f"vm{number}", f"s{number}") for number in range(8)]
    await asyncio.gather(*(world.turns.turn(uid) for uid in uids))
    assert world.order.count(f"GET {SECRETS}/clouds") == 1
    world.end()


# ------------------------------------------------------------ the end


@jumps
async def test_a_stage_is_claimed_then_the_renewals_are_listed_then_it_is_done_then_told(
    threads: ThreadPoolExecutor,
) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    order = await world.turn()
    kept = [line for line in order if line in {STATUS, RENEWALS, "stop", "lock"}]
    assert kept[0] == STATUS
    assert kept.index(RENEWALS) < kept.index("stop") < kept.index("lock")
    assert kept[-1] == STATUS
    stage = world.lease().status.stage
    assert stage is not None
    assert stage.done == "Stop"
    world.end()


@jumps
async def test_a_claim_that_is_refused_lets_nothing_be_done(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    world.api.breaks(STATUS, 500)
    await world.turn()
    assert "stop" not in world.order
    world.end()


@pytest.mark.parametrize(("at", "done"), [(STATUS, []), (RENEWALS, []), (READ, ["stop"])])
@jumps
async def test_who_ceases_to_lead_within_a_turn_does_nothing_more_and_tries_it_never(
    threads: ThreadPoolExecutor, at: str, done: list[str]
) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    world.api.before(at, world.leading.stop)
    with pytest.raises(NotLeading):
        await world.turn()
    changes = [line for line in world.order if line.startswith(("PATCH", "POST"))]
    assert changes == [STATUS]  # the claim, which was asked for while it led
    assert world.project.deeds == ["write-metadata", *done]  # what came before it, and no second deed
    assert len(world.deadlines) == 1  # as it was: the turn set none
    assert world.failures() == 0
    world.end()


@jumps
async def test_who_ceases_to_lead_before_a_turn_claims_nothing(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    world.leading.stop()
    with pytest.raises(NotLeading):
        await world.turn()
    assert [line for line in world.order if line.startswith("PATCH") or line == "stop"] == []
    world.end()


@jumps
async def test_a_lease_that_was_edited_unseen_is_read_again_before_harm(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    spec = {**world.api.objects[lease_path()]["spec"], "duration": "90d"}
    world.api.lease(spec=spec, metadata={"generation": 2})
    await world.turn()
    assert "stop" not in world.order
    assert world.lease().status.expire_time == START + 90 * DAY
    world.end()


@jumps
async def test_a_renewal_that_the_watch_has_not_brought_yet_holds_the_stage(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    spec = {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "extendBy": "2d"}
    world.api.put(renewal_path(), spec=spec, metadata={"uid": "uid-of-more", "generation": 1})
    await world.turn()
    assert RENEWALS in world.order
    assert "stop" not in world.order
    assert (world.lease().status.expire_time or START) >= START + 3 * DAY
    assert world.api.objects[renewal_path()]["status"]["granted"].startswith("2d")
    world.end()


# ------------------------------------------------------------ renewals


@jumps
async def test_a_grant_is_written_into_the_lease_before_the_request_is_answered(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    world.ask()
    order = await world.turn()
    writes = [line for line in order if line.startswith("PATCH")]
    assert writes[0] == STATUS
    assert f"PATCH {renewal_path()}/status" in writes
    assert world.lease().status.expire_time == START + 3 * DAY
    assert world.api.objects[renewal_path()]["metadata"]["ownerReferences"][0]["uid"] == "uid-of-vm1"
    world.end()


@jumps
async def test_a_request_that_changed_meanwhile_is_answered_in_a_later_turn(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    world.ask()
    world.api.breaks(f"PATCH {renewal_path()}/status", 409)
    await world.turn()
    await world.turn()
    assert world.api.objects[renewal_path()]["status"]["granted"] == "2d"
    renewals = world.lease().status.renewals
    assert renewals is not None
    assert renewals.count == 1
    world.end()


# ------------------------------------------------------------ others write as well


@jumps
async def test_a_conflict_is_read_again_and_never_sent_again(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.declare()
    world.api.before(STATUS, lambda: world.api.lease(metadata={"labels": {"somebody": "else"}}))
    await world.turn()
    sent = [request for request in world.api.requests if request.line == STATUS]
    versions = [request.body["metadata"]["resourceVersion"] for request in sent]
    assert len(versions) == len(set(versions)) == 2
    first = [request.line for request in world.api.requests].index(STATUS)
    assert READ in [request.line for request in world.api.requests[first:]]
    assert world.lease().metadata.labels == {"somebody": "else"}
    assert world.lease().status.server_id == "s1"
    world.end()


@jumps
async def test_a_conflict_over_the_finalizer_keeps_the_finalizer_of_the_other(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.declare()
    world.api.before(OBJECT, lambda: world.api.lease(metadata={"finalizers": ["a.example/x"]}))
    await world.turn()
    assert world.lease().metadata.finalizers == ("a.example/x", FINALIZER)
    world.end()


@jumps
async def test_a_fight_over_a_field_ends_the_turn_and_goes_on_later(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.declare()
    for number in range(100):
        world.api.before(STATUS, partial(world.api.lease, metadata={"labels": {"n": str(number)}}))
    await world.turn()
    assert len([line for line in world.order if line == STATUS]) <= 12
    assert world.pause() == 5.0
    world.end()


@pytest.mark.parametrize("gone", ["at the write", "at the conflict", "made again"])
@jumps
async def test_a_lease_that_is_gone_is_forgotten(threads: ThreadPoolExecutor, gone: str) -> None:
    world = World(threads)
    uid = world.declare()

    def remove() -> None:
        del world.api.objects[lease_path()]
        if gone == "made again":
            world.api.lease(uid="another", spec={"duration": "1d", "server": {"id": "s1"}})

    world.api.before(STATUS, remove)
    if gone == "at the conflict":
        world.api.breaks(STATUS, 409)
    await world.turn()
    assert world.cache.get(uid) is None
    assert world.deadlines.soonest() is None
    assert tuple(world.clouds.sessions()) == ()
    assert not world.registry.holds(uid)
    world.end()


@jumps
async def test_a_turn_over_one_that_was_forgotten_asks_nothing(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    assert await world.turn("nobody") == []


# ------------------------------------------------------------ a hot object


@jumps
async def test_an_object_that_is_written_too_often_rests(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    turns = 0
    while turns < 100 and world.order == []:
        # somebody takes a condition away each time that we write it
        stored = world.api.objects[lease_path()]
        status = {**stored["status"], "conditions": []}
        world.api.lease(status=status)
        world.watched()
        wrote = await world.turn()
        turns += 1
        if STATUS not in wrote:
            break
        world.order.clear()
    assert turns <= 31
    assert world.pause() == 30.0
    await asyncio.sleep(61)
    assert STATUS in await world.turn()
    world.end()


# ------------------------------------------------------------ coming back


@pytest.mark.parametrize("fault", [503, 429, OSError("away"), TimeoutError()])
@jumps
async def test_the_pauses_after_a_cluster_that_is_away_grow_from_five_seconds_to_ten_minutes(
    threads: ThreadPoolExecutor, fault: int | Exception
) -> None:
    world = World(threads)
    world.declare()
    world.api.breaks(OBJECT, *[fault] * 12)
    pauses = []
    for _ in range(12):
        await world.turn()
        pauses.append(world.pause())
    assert all(5 * 2**number <= pause <= 6 * 2**number for number, pause in enumerate(pauses[:7]))
    assert all(600 <= pause <= 720 for pause in pauses[8:])
    await world.turn()
    assert world.lease().metadata.held
    world.end()


@jumps
async def test_a_turn_that_went_well_begins_the_pauses_anew(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    world.next_turn()
    for name in ("one", "two"):
        world.ask(name)
        world.api.breaks(STATUS, 503)
        await world.turn()
        assert 5 <= world.pause() <= 6
        await world.turn()
        world.next_turn()
    world.end()


@jumps
async def test_a_cloud_that_is_away_is_told_and_tried_again_with_growing_pauses(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.fault = CloudUnavailable("Keystone did not answer.")
    world.declare()
    pauses = []
    for _ in range(3):
        await world.turn()
        pauses.append(world.pause())
    accepted = find(world.lease().status.conditions, ConditionType.ACCEPTED)
    assert accepted is not None
    assert (accepted.status, accepted.reason) == ("False", "CloudUnavailable")
    assert all(5 * 2**number <= pause <= 6 * 2**number for number, pause in enumerate(pauses))
    world.end()


@jumps
async def test_refused_credentials_are_told_in_keystone_s_words(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    world.fault = cloud.CredentialsRefused("Keystone refused the credentials (401): No.")
    world.declare()
    await world.turn()
    accepted = find(world.lease().status.conditions, ConditionType.ACCEPTED)
    assert accepted is not None
    assert (accepted.reason, "(401): No." in accepted.message) == ("CredentialsRefused", True)
    world.end()


# ------------------------------------------------------------ what breaks


@jumps
async def test_what_breaks_in_one_object_never_stops_another(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    broken, sound = world.declare("vm1", "s1"), world.declare("vm2", "s2")
    world.project.away = RuntimeError("a bug")
    await world.turn(broken)
    world.project.away = None
    assert world.failures() == 1
    assert 5 <= world.pause() <= 6
    await world.turn(sound)
    assert world.lease("vm2").status.server_id == "s2"
    assert world.failures() == 1
    world.end()


@jumps
async def test_an_object_that_this_version_cannot_read_is_told_so(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    uid = world.declare(color="blue")
    await world.turn(uid)
    conditions = world.api.objects[lease_path()]["status"]["conditions"]
    accepted = next(condition for condition in conditions if condition["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "UnsupportedValue")
    assert world.project.deeds == []
    assert world.failures() == 0
    world.end()


@jumps
async def test_an_api_server_that_was_restored_from_a_backup_is_believed(threads: ThreadPoolExecutor) -> None:
    world = World(threads)
    await world.settled()
    await world.until(START + DAY + SECOND)
    world.api.breaks(RENEWALS, 500)
    await world.turn()
    claim = world.lease().status.next_action
    assert claim is not None
    assert claim.claimed_time is not None
    world.api.version = 10  # what was written since the backup never was
    stored = world.api.objects[lease_path()]
    world.api.lease(spec={**stored["spec"], "suspend": True}, metadata={"generation": 2})
    world.watched()
    await world.turn()
    assert "stop" not in world.order
    world.end()
