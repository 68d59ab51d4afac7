"""Replicas of the operator on one API server and one cloud in memory, each with a candidacy, to be killed and stopped.

Stopped means SIGSTOP: nothing of it goes on, and its clocks do. What each of them does is kept with its time.
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from lessor.metrics import Metrics
from lessor.model.marks import Seal
from lessor.model.names import LEADER_LOCK, Kind
from lessor.ports.leading import NotLeading
from lessor.runtime.cluster import Cluster
from lessor.runtime.election import Election, LockLost
from lessor.runtime.leaderlock import LeaderLock
from lessor.runtime.leading import Leading
from lessor.runtime.operator import Operator
from lessor.runtime.timekeeping import Timekeeping
from lessor.settings import Settings
from tests.runtime.apiserver import SECRETS, APIServer
from tests.runtime.jumping import LoopClock
from tests.runtime.project import Project, server

LOCKS = "/apis/coordination.k8s.io/v1/namespaces/lessor-system/leases"
LOCK = f"{LOCKS}/{LEADER_LOCK}"
PAUSE = 10.0
_READS = {"probe", "list", "get", "events", "images"}


@dataclass(frozen=True)
class Deed:
    """What a replica did: a write to the API server, or a call to the cloud. `effect`: it changes the cloud."""

    at: float
    by: str
    what: str
    effect: bool = False


class OwnClock(LoopClock):
    """The clock of one replica: its sleepers do not wake while it is stopped; its wall clock may be set."""

    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()
        self.going.set()
        self.wall_is_ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.wall_is_ahead

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self.going.wait()

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        came = await super().wait(event, seconds)
        await self.going.wait()
        return came


@dataclass
class Line:
    """A replica's way to the API server; stands where the client is."""

    replica: "Replica"
    cut: bool = False
    mute: bool = False
    seconds: float = 0.0

    @property
    def configuration(self) -> Any:
        return self.replica.town.api.configuration

    async def update_params_for_auth(self, *_: Any) -> None:
        await self.replica.clock.going.wait()

    async def call_api(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if self.cut:
            raise aiohttp.ClientConnectionError("refused")
        if self.mute:
            await asyncio.sleep(3600)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if method != "GET":
            self.replica.did(f"{method} {url}")
        return await self.replica.town.api.call_api(method, url, *args, **kwargs)


class Seen:
    """The project as one replica sees it: its calls are kept."""

    def __init__(self, replica: "Replica") -> None:
        self._replica = replica
        self.identity = replica.town.project.identity

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            town = self._replica.town
            before = len(town.project.calls)
            try:
                return getattr(town.project, name)(*args)
            finally:
                for what in town.project.calls[before:]:
                    self._replica.did(what, effect=what not in _READS)

        return call


class Replica:
    """One process."""

    def __init__(self, town: "Town", name: str) -> None:
        self.town = town
        self.name = name
        self.clock = OwnClock()
        self.metrics = Metrics("0")
        self.line = Line(self)
        self.leading = Leading(self.clock, self.metrics.leads)
        self.blind = False
        self.over = False
        self.lost = False
        api: Any = self.line
        first = not town.replicas  # whoever is there first makes the installation
        cluster = Cluster(api, self.clock, lambda *_: None, lambda *_: None)
        cloud: Any = Seen(self)
        self.operator = Operator(
            cluster=cluster.guarded(self.leading.assure),
            clock=self.clock,
            connect=lambda *_: cloud,
            seal=Seal("installation-1", b"k" * 32),
            settings=Settings(probe_port=0),
            metrics=self.metrics,
            timekeeping=Timekeeping(self.clock),
            leading=self.leading,
        )
        self.lock = LeaderLock(cluster, self.clock, self.leading, namespace="lessor-system", pause=PAUSE, first=first)
        self.election = Election(self.lock, self.leading, self.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def did(self, what: str, *, effect: bool = False) -> None:
        self.town.deeds.append(Deed(self.clock.elapsed(), self.name, what, effect))

    @property
    def acts(self) -> bool:
        """Whether an effect would be let through now."""
        try:
            self.leading.assure()
        except NotLeading:
            return False
        return not self.over and self.clock.going.is_set()

    @property
    def leads(self) -> bool:
        return self.leading.left() > 0 and not self.over

    def start(self) -> "Replica":
        electing = asyncio.create_task(self.election.run())
        electing.add_done_callback(self._elected)
        self._tasks = [asyncio.create_task(self.operator.run()), electing]
        self.see_all()
        return self

    def _elected(self, electing: "asyncio.Task[None]") -> None:
        self.lost = not electing.cancelled() and isinstance(electing.exception(), LockLost)
        self.kill()

    def kill(self) -> None:
        """End it, as SIGKILL and the end of its own do."""
        self.over = True
        for task in self._tasks:
            task.cancel()
        for uid in self.operator._cache.uids(Kind.INSTANCE_LEASE):
            self.operator._clouds.leave(uid)

    async def terminate(self) -> None:
        """End it as SIGTERM does."""
        self._tasks[0].cancel()
        await asyncio.wait(self._tasks[:1])
        self.leading.close()
        drained = await self.operator.drained(12)
        self._tasks[1].remove_done_callback(self._elected)
        self._tasks[1].cancel()
        await asyncio.wait(self._tasks)
        if drained:
            await self.election.resign()
        self.kill()

    def stop(self) -> None:
        self.clock.going.clear()

    def go_on(self) -> None:
        self.clock.going.set()
        self.see_all()

    def see_all(self) -> None:
        for path in tuple(self.town.api.objects):
            self.see(path)

    def see(self, path: str) -> None:
        """The watch brings an object."""
        kind = next((kind for kind in Kind if f"/{kind.plural}/" in path and "lessor.dev" in path), None)
        if kind is not None and not (self.blind or self.over or self.line.cut) and self.clock.going.is_set():
            self.operator.put(kind, self.town.api.objects[path])


@dataclass
class Town:
    """The API server, the cloud, and the replicas that were started.

    Attributes:
        deeds: of all replicas, in their order, writes of the leader lock among them.
        most: how many replicas could act at one moment, at most.
    """

    api: APIServer = field(default_factory=APIServer)
    project: Project = field(default_factory=Project)
    replicas: list[Replica] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    most: int = 0

    def __post_init__(self) -> None:
        self.api.put(f"{SECRETS}/clouds", data={"clouds.yaml": base64.b64encode(b"{}").decode()})
        self.api.changed = lambda path: [replica.see(path) for replica in self.replicas]
        self._guard = asyncio.create_task(self._count())

    def start(self, name: str) -> Replica:
        replica = Replica(self, name)
        self.replicas.append(replica)
        return replica.start()

    async def pair(self) -> tuple[Replica, Replica]:
        """Start two, and give them once the first leads and the second stands by."""
        first = self.start("first")
        await asyncio.sleep(5)
        second = self.start("second")
        await asyncio.sleep(5)
        assert (first.acts, second.acts) == (True, False)
        return first, second

    def declare(self, duration: str = "20m") -> None:
        self.project.servers.append(server("s1"))
        ref = {"secretName": "clouds", "cloudName": "openstack"}
        body = {"cloudCredentialsRef": ref, "server": {"id": "s1"}, "duration": duration}
        self.api.lease("vm1", "uid-of-vm1", spec=body, metadata={"generation": 1})

    def effects(self, by: str | None = None, *, since: float = 0.0) -> list[str]:
        return [deed.what for deed in self.deeds if deed.effect and by in {None, deed.by} and deed.at >= since]

    def writes(self, by: str, *, since: float = 0.0) -> list[str]:
        """What a replica wrote to the API server, but the lock."""
        mine = [deed for deed in self.deeds if deed.by == by and deed.at >= since]
        return [deed.what for deed in mine if "http" in deed.what and LOCKS not in deed.what]

    @property
    def spec(self) -> dict[str, Any]:
        """What the lock holds."""
        spec: dict[str, Any] = self.api.objects[LOCK].get("spec", {})
        return spec

    def edit(self, **spec: Any) -> None:
        """Change fields of the lock by hand; None takes one off."""
        kept = {**self.spec, **spec}
        self.api.put(LOCK, spec={key: value for key, value in kept.items() if value is not None})

    async def end(self) -> None:
        self._guard.cancel()
        for replica in self.replicas:
            replica.kill()
            replica.clock.going.set()
        await asyncio.sleep(0.01)

    async def _count(self) -> None:
        while True:
            self.most = max(self.most, sum(replica.acts for replica in self.replicas))
            await asyncio.sleep(0.05)


async def until(holds: Callable[[], bool], within: float = 60.0) -> float:
    """Wait until it holds; gives the seconds that it took."""
    began = asyncio.get_running_loop().time()
    while not holds():
        assert asyncio.get_running_loop().time() - began < within, "it did not come about in time"
        await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time() - began
