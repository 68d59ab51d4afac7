"""A simulated cloud served from a thread with a loop of its own, and the live adapters that talk to it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from lessor.live import sessions
from lessor.live.addresses import Reach
from lessor.live.nova import Nova
from lessor.ports.clock import Clock, SystemClock
from lessor.simulated.clock import SimClock
from lessor.simulated.cloud.cloud import Cloud
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.faults import Faults

START = datetime(2026, 3, 1, 8, 0, 0, tzinfo=UTC)
_TIMEOUT = 60


class World:
    """A cloud with a clock; alice and anna in one project, bob in another, root an administrator in a third.

    Its tokens live long: keystoneauth compares their end with the wall's clock.
    """

    def __init__(self, seed: int = 0, life: timedelta = timedelta(days=3650), *, chameleon: bool = False) -> None:
        self.clock = SimClock(START)
        self.faults = Faults()
        self.cloud = Cloud(self.clock.now, faults=self.faults, seed=seed, token_life=life, chameleon=chameleon)
        self.team, self.other, self.admins = (self.cloud.add_project(name) for name in ("team-a", "team-b", "admin"))
        self.alice = self.cloud.add_user("alice", email="alice@example.com")
        self.anna, self.bob, self.root = (self.cloud.add_user(name) for name in ("anna", "bob", "root"))
        for user in (self.alice, self.anna):
            self.cloud.assign(user, self.team, "member")
        self.cloud.assign(self.bob, self.other, "member")
        self.cloud.assign(self.root, self.admins, "admin")

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.jump(self.clock.now() + timedelta(seconds=seconds))

    def rest(self) -> None:
        """Let everything come to its end."""
        while (soonest := self.cloud.next_transition()) is not None:
            self.clock.jump(soonest)
            self.cloud.settle()

    def lines(self) -> list[str]:
        """Give what was asked."""
        return [call.line for call in self.cloud.calls]


def connect(
    world: World, url: str, user: User, project: Project, clock: Clock | None = None, seconds: float = 10.0
) -> Nova:
    """Give the live adapters, as this user on this project."""
    return connected(world.cloud.clouds_yaml(url, user, project), clock, seconds)


def connected(clouds_yaml: str, clock: Clock | None = None, seconds: float = 10.0) -> Nova:
    """Give the live adapters by these credentials."""
    return sessions.connect(
        clouds_yaml.encode(),
        None,
        "openstack",
        reach=Reach.LOOPBACK_ONLY,
        clock=clock if clock is not None else SystemClock(),
        observe=_pass_over,
        answered=_pass_over,
        seconds=seconds,
    )


def _pass_over(*_: Any, **__: Any) -> None:
    """What the adapters tell of their requests is no matter here."""


@contextmanager
def serving(cloud: Cloud) -> Iterator[str]:
    """Serve while the block runs; gives the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = cloud.serve()
    try:
        yield asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(_TIMEOUT)
    finally:
        asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result(_TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
