"""The whole operator but for Kopf, in one process with the simulated cluster and cloud, on a clock that jumps.

It may die at any request and be started again; cluster, cloud and time go on.
"""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lessor import __version__, crds
from lessor.metrics import Metrics
from lessor.model import names
from lessor.model.names import Kind
from lessor.runtime import seal
from lessor.runtime.cluster import Cluster, ClusterError, list_path, object_path
from lessor.runtime.leading import Leading
from lessor.runtime.operator import Operator
from lessor.runtime.timekeeping import Timekeeping
from lessor.settings import Settings
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.server import Server
from lessor.simulated.cluster.server import APIServer
from lessor.simulated.cluster.wire import Answer, Request
from tests.whole.guard import Guard, GuardedAPI, GuardedCloud

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
TEAM, OTHER_TEAM, LEASE, BOOKING = "team-a", "team-b", "db-1", "training"
HOSTS = ("bm-a", "bm-b", "bm-c")
_CRDS = crds.documents()
_CALM = 2
_RESTART = timedelta(seconds=7)
_MOST_JUMPS = 2000
_CLOUDS = "e30="  # never read: the port is handed out as it is


class Restless(AssertionError):
    """The operator never comes to rest."""


@dataclass
class Whole:
    """The world, and the operator that lives in it now.

    Attributes:
        guard: what the operator asks goes through it.
        starts: how often an operator was started.
        deaf: no watch tells of anything.
        chameleon: the cloud's Blazar is Chameleon's.
        credential: the Secret holds an application credential.
        freeze: the operator is started with --freeze.
    """

    guard: Guard = field(default_factory=Guard)
    starts: int = 0
    deaf: bool = False
    chameleon: bool = False
    credential: bool = False
    freeze: bool = False

    def __post_init__(self) -> None:
        self.clock = SimClock(START)
        self.api = APIServer(now=self.clock.now, crds=_CRDS, seed=1)
        self.cloud = Cloud(self.clock.now, seed=1, chameleon=self.chameleon)
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.api.observe(self._changed)
        for namespace in (TEAM, OTHER_TEAM, "lessor-system"):
            self.api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        for namespace in (TEAM, OTHER_TEAM):
            secret = {"metadata": {"name": "clouds"}, "data": {"clouds.yaml": _CLOUDS}}
            self.api.create(f"/api/v1/namespaces/{namespace}/secrets", secret)
        self.project = self.cloud.add_project(TEAM)
        self.alice, self.agent = self.cloud.add_user("alice"), self.cloud.add_user("lessor")
        for user in (self.alice, self.agent):
            self.cloud.assign(user, self.project, "member")
        self.hosts = [self.cloud.inventory.add_host(name) for name in HOSTS]
        public = self.cloud.networks.make("public", is_external=True)
        for number in (100, 101):
            self.cloud.inventory.add_floating_ip(public, f"203.0.113.{number}")
        self.server: Server = self.cloud.boot(self.project, self.alice, LEASE)
        self._operator: Operator | None = None
        self._running: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ people

    def declare(self, **spec: Any) -> None:
        """Make the lease of the server."""
        given = {
            "cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"},
            "server": {"id": self.server.id},
        }
        self._make(Kind.INSTANCE_LEASE, LEASE, {**given, **spec})

    def book(self, name: str = BOOKING, namespace: str = TEAM, **spec: Any) -> None:
        """Make a Lease; of one host for a day, if nothing else is said."""
        given = {"cloudCredentialsRef": {"secretName": "clouds", "cloudName": "openstack"}}
        what = {} if "import" in spec else {"reservations": [{"name": "nodes", "host": {"minCount": 1}}]}
        self._make(Kind.LEASE, name, {**given, **what, **spec}, namespace)

    def renew(self, name: str, extend_by: str, kind: Kind = Kind.INSTANCE_LEASE) -> None:
        """Make a LeaseRenewal."""
        lease = LEASE if kind is Kind.INSTANCE_LEASE else BOOKING
        self._make(Kind.LEASE_RENEWAL, name, {"leaseRef": {"kind": kind.value, "name": lease}, "extendBy": extend_by})

    def edit(self, patch: dict[str, Any], name: str = BOOKING, kind: Kind = Kind.LEASE) -> None:
        """Merge a patch into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        path = object_path(kind, TEAM, name)
        self.api.handle(Request("PATCH", path, headers=headers, body=json.dumps(patch).encode()))

    def remove(self, kind: Kind = Kind.INSTANCE_LEASE) -> None:
        """Delete the lease."""
        self.asked("DELETE", object_path(kind, TEAM, LEASE if kind is Kind.INSTANCE_LEASE else BOOKING))

    def remove_by_force(self) -> None:
        """Delete the lease, past its finalizer."""
        path = object_path(Kind.INSTANCE_LEASE, TEAM, LEASE)
        headers = {"Content-Type": "application/merge-patch+json"}
        self.api.handle(Request("PATCH", path, headers=headers, body=b'{"metadata": {"finalizers": null}}'))
        self.remove()

    def _make(self, kind: Kind, name: str, spec: dict[str, Any], namespace: str = TEAM) -> None:
        body = {"apiVersion": names.API_VERSION, "kind": kind.value, "metadata": {"name": name}, "spec": spec}
        self.api.create(list_path(kind, namespace), body)

    def asked(self, method: str, path: str) -> Answer:
        """Ask the API server, as somebody else."""
        return self.api.handle(Request(method, path))

    # ------------------------------------------------------------ the operator

    async def start(self) -> None:
        """Start an operator that knows nothing but what cluster and cloud tell; one that cannot is started again."""
        while True:
            self.starts += 1
            try:
                self._operator = await self._made()
            except ClusterError:
                self._restarted()
                continue
            for (kind, _), body in self.objects.items():
                self._operator.put(Kind(kind), body)
            self._running = asyncio.create_task(self._operator.run())
            return

    async def _made(self) -> Operator:
        metrics, timekeeping = Metrics(__version__), Timekeeping(self.clock)
        api: Any = GuardedAPI(self.api.in_process(), self.guard)
        as_whom = self.cloud.as_credential if self.credential else self.cloud.as_user
        cloud: Any = GuardedCloud(as_whom(self.agent, self.project), self.guard)
        cluster = Cluster(api, self.clock, metrics.kubernetes, timekeeping.answered)
        settings, leading = Settings(probe_port=0, freeze=self.freeze), Leading(self.clock)
        leading.take_alone()
        return Operator(
            cluster=cluster,
            clock=self.clock,
            connect=lambda *_: cloud,
            seal=(await seal.ensure(cluster, settings.operator_namespace)).seal,
            settings=settings,
            metrics=metrics,
            timekeeping=timekeeping,
            leading=leading,
        )

    def _restarted(self) -> None:
        """A new process is there, some seconds after the old one died; nothing more goes wrong."""
        self.guard.dead, self.guard.at = False, None
        self.clock.jump(self.clock.now() + _RESTART)

    async def kill(self) -> None:
        """End the operator: nothing that it was about to do is done any more."""
        running, self._running, self._operator = self._running, None, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    # ------------------------------------------------------------ time

    async def until(self, instant: datetime) -> None:
        """Let the time pass, by way of everything that somebody wakes for."""
        for _ in range(_MOST_JUMPS):
            await self.rest()
            if self.clock.now() >= instant:
                return
            wanted = (self._operator.wakes_at() if self._operator is not None else None, self.cloud.next_transition())
            to = min((*(at for at in wanted if at is not None), instant))
            self.clock.jump(max(to, self.clock.now() + timedelta(seconds=1)))
            self.cloud.settle()
        raise Restless(self.clock.now())

    async def after(self, **span: float) -> None:
        """Let the time pass until so long after the start."""
        await self.until(START + timedelta(**span))

    async def rest(self) -> None:
        """Return when nobody has anything left to do now; a dead operator is started anew on the way."""
        calm = 0
        while calm < _CALM:
            await asyncio.sleep(0.0002)
            if self.guard.dead:
                await self.kill()
                self._restarted()
                await self.start()
                calm = 0
            calm = calm + 1 if self._operator is not None and self._operator.idle else 0

    # ------------------------------------------------------------ looking

    @property
    def lease(self) -> dict[str, Any] | None:
        """The InstanceLease; None: it is gone."""
        return next((body for (kind, _), body in self.objects.items() if kind == Kind.INSTANCE_LEASE), None)

    def booking(self, name: str = BOOKING) -> dict[str, Any] | None:
        """The Lease; None: it is gone."""
        bodies = (body for (kind, _), body in self.objects.items() if kind == Kind.LEASE)
        return next((body for body in bodies if body["metadata"]["name"] == name), None)

    def said(self, condition: str, name: str | None = None) -> tuple[str, str] | None:
        """Give status and reason of a condition of the InstanceLease, or of the Lease of this name."""
        body = self.lease if name is None else self.booking(name)
        conditions = (body or {}).get("status", {}).get("conditions", ())
        return next(((one["status"], one["reason"]) for one in conditions if one["type"] == condition), None)

    def renewal(self, name: str) -> dict[str, Any]:
        """Give the status of a LeaseRenewal."""
        bodies = (body for (kind, _), body in self.objects.items() if kind == Kind.LEASE_RENEWAL)
        return next(body.get("status", {}) for body in bodies if body["metadata"]["name"] == name)

    def done(self) -> list[str]:
        """Give the server's os-instance-actions, oldest first."""
        events = self.cloud.as_user(self.alice, self.project).events(self.server.id)
        return [event.action for event in reversed(events)]

    def _changed(self, change: str, body: dict[str, Any]) -> None:
        if body.get("apiVersion") != names.API_VERSION:
            return
        kind, uid = str(body["kind"]), str(body["metadata"]["uid"])
        copy = json.loads(json.dumps(body))
        if change == "DELETED":
            self.objects.pop((kind, uid), None)
        else:
            self.objects[kind, uid] = copy
        if self._operator is None or self.deaf:
            return
        loop = asyncio.get_running_loop()
        loop.call_soon(self._operator.gone if change == "DELETED" else self._operator.put, Kind(kind), copy)
