"""The operator whole, on the API server and the cloud in memory: what the watch tells becomes turns, in time."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lessor.metrics import Metrics
from lessor.model.marks import Seal
from lessor.model.names import Kind
from lessor.runtime.cluster import object_path
from lessor.runtime.leading import Leading
from lessor.runtime.operator import Operator
from lessor.runtime.timekeeping import Timekeeping
from lessor.settings import Settings
from tests.runtime.apiserver import SECRETS, APIServer, lease_path, renewal_path
from tests.runtime.clock import START
from tests.runtime.jumping import LoopClock, jumps
from tests.runtime.project import Project, server

REF = {"secretName": "clouds", "cloudName": "openstack"}


@dataclass
class World:
    """An operator with what it stands on.

    Attributes:
        blind: the watch brings nothing.
    """

    api: APIServer = field(default_factory=APIServer)
    project: Project = field(default_factory=Project)
    blind: bool = False

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.metrics = Metrics("0")
        self.leading = Leading(self.clock)
        self.leading.take_alone()
        self.api.put(f"{SECRETS}/clouds", data={"clouds.yaml": base64.b64encode(b"{}").decode()})
        connect: Any = lambda *_: self.project  # noqa: E731 (a cloud that takes every proof)
        self.operator = Operator(
            cluster=self.api.cluster(self.clock),
            clock=self.clock,
            connect=connect,
            seal=Seal("installation-1", b"k" * 32),
            settings=Settings(probe_port=0),
            metrics=self.metrics,
            timekeeping=Timekeeping(self.clock),
            leading=self.leading,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.operator.run())
        self.api.changed = self.brought
        self.all_brought()
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for uid in self.operator._cache.uids(Kind.INSTANCE_LEASE):
                self.operator._turns[Kind.INSTANCE_LEASE].forget(uid)

    def brought(self, path: str) -> None:
        """The watch brings an object as it is."""
        kind = next((kind for kind in Kind if f"/{kind.plural}/" in path and "lessor.dev" in path), None)
        if kind is not None and not self.blind:
            self.operator.put(kind, self.api.objects[path])

    def all_brought(self) -> None:
        """The watch begins with all there is."""
        for path in tuple(self.api.objects):
            self.brought(path)

    def declare(self, name: str = "vm1", server_id: str = "s1", **spec: Any) -> None:
        self.project.servers.append(server(server_id))
        body = {"cloudCredentialsRef": REF, "server": {"id": server_id}, "duration": "20m", **spec}
        self.api.lease(name, f"uid-of-{name}", spec=body, metadata={"generation": 1})

    def ask(self, name: str = "more") -> None:
        spec = {"leaseRef": {"kind": "InstanceLease", "name": "vm1"}, "extendBy": "2d"}
        self.api.put(renewal_path(name), spec=spec, metadata={"uid": f"uid-of-{name}", "generation": 1})

    def status(self, path: str) -> dict[str, Any]:
        status: dict[str, Any] = self.api.objects[path].get("status", {})
        return status

    def said(self, path: str, kind: str) -> tuple[str, str] | None:
        conditions = self.status(path).get("conditions", ())
        return next(((one["status"], one["reason"]) for one in conditions if one["type"] == kind), None)

    async def until(self, **span: float) -> None:
        await asyncio.sleep((START + timedelta(**span) - self.clock.now()).total_seconds())


@jumps
async def test_a_lease_is_served_and_its_server_is_stopped_at_its_end_within_seconds() -> None:
    world = World()
    world.declare()
    async with world.running():
        await asyncio.sleep(10)
        assert world.said(lease_path(), "Ready") == ("True", "InTerm")
        end = START + timedelta(minutes=20)
        assert world.status(lease_path())["expireTime"] <= f"{end + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
        await world.until(minutes=20, seconds=-1)
        assert "stop" not in world.project.calls
        await world.until(minutes=20, seconds=15)
        assert world.project.deeds.count("stop") == 1
        assert world.said(lease_path(), "Ready") == ("True", "Expired")


@jumps
async def test_a_turn_that_is_refused_because_nobody_is_sure_to_lead_comes_again() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(5)
        world.leading.close()
        world.declare()
        await asyncio.sleep(20)
        assert world.status(lease_path()) == {}
        world.leading.take_alone()
        await asyncio.sleep(20)
        assert world.said(lease_path(), "Ready") == ("True", "InTerm")


@jumps
async def test_nothing_is_done_before_all_objects_are_known() -> None:
    world = World(blind=True)
    world.declare()
    async with world.running():
        await asyncio.sleep(300)
        assert world.operator._ready() == "the first list of all kinds is not through"
        assert world.operator._alive() is None
        assert world.project.calls == []
        assert world.api.lines("PATCH") == []
        world.blind = False
        world.all_brought()
        await asyncio.sleep(10)
        assert world.operator._ready() is None
        assert world.said(lease_path(), "Ready") == ("True", "InTerm")


@jumps
async def test_an_idle_fleet_writes_nothing_and_asks_for_its_list_only() -> None:
    world = World()
    for number in range(5):
        world.declare(f"vm{number}", f"s{number}", duration="90d")
    async with world.running():
        await asyncio.sleep(60)
        writes, looks = len(world.api.lines("PATCH")), world.project.calls.count("get")
        await asyncio.sleep(3600)
        assert len(world.api.lines("PATCH")) == writes
        assert world.project.calls.count("get") == looks
        assert len(world.project.listed) <= 60 + 2


@jumps
async def test_a_renewal_is_answered_at_once_through_its_lease() -> None:
    world = World()
    world.declare()
    async with world.running():
        await asyncio.sleep(10)
        world.ask()
        await asyncio.sleep(5)
        assert world.said(renewal_path(), "Granted") == ("True", "Full")
        assert world.status(lease_path())["renewals"]["count"] == 1


@jumps
async def test_a_renewal_of_no_lease_waits_and_is_answered_when_the_lease_is_there() -> None:
    world = World()
    async with world.running():
        await asyncio.sleep(1)
        world.ask()
        await asyncio.sleep(5)
        assert world.said(renewal_path(), "Completed") == ("False", "LeaseNotFound")
        world.declare()
        await asyncio.sleep(30)
        assert world.said(renewal_path(), "Granted") == ("True", "Full")


@jumps
async def test_a_kind_that_is_not_served_yet_is_told_so_once() -> None:
    world = World()
    path = object_path(Kind.LEASE_POLICY, "", "everyone")
    world.api.put(path, spec={}, metadata={"generation": 1})
    async with world.running():
        await asyncio.sleep(900)
        assert world.said(path, "Accepted") == ("False", "NotImplementedYet")
        assert world.api.lines("PATCH") == [f"PATCH {path}/status"]


@jumps
async def test_a_lease_that_was_deleted_unseen_is_dropped_by_the_comparison() -> None:
    world = World()
    world.declare()
    async with world.running():
        await asyncio.sleep(10)
        del world.api.objects[lease_path()]
        await asyncio.sleep(620)
        assert len(world.operator._cache) == 0
        await world.until(minutes=30)
        assert "stop" not in world.project.calls


@jumps
async def test_after_a_restart_nothing_is_done_twice_and_no_end_is_missed() -> None:
    world = World()
    world.declare()
    async with world.running():
        await asyncio.sleep(10)
    writes, deeds = len(world.api.lines("PATCH")), len(world.project.deeds)
    await world.until(minutes=10)
    again = World(api=world.api, project=world.project)
    async with again.running():
        await asyncio.sleep(60)
        assert (len(world.api.lines("PATCH")), len(world.project.deeds)) == (writes, deeds)
        await again.until(minutes=20, seconds=15)
        assert world.project.deeds.count("stop") == 1


@jumps
async def test_what_breaks_over_one_lease_leaves_the_others_served() -> None:
    world = World()
    world.declare("vm1", "s1")
    world.declare("vm2", "s2")
    world.api.breaks(f"PATCH {lease_path('vm1')}", *[403] * 1000)
    async with world.running():
        await asyncio.sleep(600)
        assert world.said(lease_path("vm2"), "Ready") == ("True", "InTerm")
        await world.until(minutes=20, seconds=15)
        assert world.said(lease_path("vm2"), "Ready") == ("True", "Expired")
