"""Thirty Leases while operators are killed: in the end each has one lease in Blazar, none is lost, none double."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.blazar import Blazar
from tests.e2e.conftest import ADMIN, Users
from tests.e2e.leases import Leases, manifest
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import Lessor
from tests.e2e.proxy import Fate, Proxy, Seen

pytestmark = pytest.mark.usefixtures("_crds")

COUNT = 30
KILLS, EVERY = 12, 4.0
SETTLED = 240.0  # a claim of a process that died is asked for again after a minute


class Crowd:
    """Thirty Leases of one namespace, their user's Blazar, and a proxy in front of it."""

    def __init__(self, leases: Leases, api: Api, alice: User, proxy: Proxy) -> None:
        self.leases = leases
        self.alice = alice
        self.proxy = proxy
        self.blazar = Blazar(alice)
        self._api = api
        override = proxy.url + alice.path("reservation")
        leases.apply(secret("cloud", alice, reservation_endpoint_override=override))

    def declare(self, numbers: range) -> None:
        start = (datetime.now(UTC) + timedelta(days=20)).replace(second=0, microsecond=0)
        spec = {
            "cloudCredentialsRef": {"secretName": "cloud", "cloudName": "openstack"},
            "startTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "duration": "1h",
            "reservations": [{"name": "vm", "instance": {"vcpus": 1, "memoryMiB": 64, "diskGiB": 1}}],
        }
        for number in numbers:
            self.leases.apply(manifest("Lease", f"crowd-{number}", spec))

    def all(self) -> list[dict[str, Any]]:
        path = f"/apis/lessor.dev/v1alpha1/namespaces/{self.leases.namespace}/leases"
        return list((self._api.get(path) or {}).get("items", []))

    def ready(self) -> int:
        return sum(_is_ready(one) for one in self.all())

    def check(self) -> None:
        """One lease in Blazar for each object, under the id that its status tells."""
        told = [one["status"]["leaseID"] for one in self.all()]
        there = Counter(lease["id"] for lease in self.blazar.all())
        assert len(set(told)) == COUNT
        assert there == Counter(told)


def _is_ready(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any((one["type"], one["status"], one["reason"]) == ("Ready", "True", "Reserved") for one in conditions)


def until(holds: Callable[[], bool], within: float, what: str) -> float:
    """Wait until it holds; gives the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"{what}: not within {within} s"
        time.sleep(0.5)
    return time.monotonic() - began


@pytest.fixture
def crowd(leases: Leases, api: Api, users: Users) -> Iterator[Crowd]:
    with Proxy(users["alice"].root("reservation")) as proxy:
        made = Crowd(leases, api, users["alice"], proxy)
        made.blazar.clear()
        yield made
        made.blazar.clear()


def test_one_replica_is_killed_every_few_seconds(crowd: Crowd, lessor: Lessor) -> None:
    lessor.start()
    crowd.declare(range(COUNT))
    for _ in range(KILLS):
        time.sleep(EVERY)
        lessor.kill()
        lessor.start(wait=False)
    took = until(lambda: crowd.ready() == COUNT, SETTLED, "all are reserved")
    posts = sum(seen.method == "POST" for seen in crowd.proxy.seen)
    print(f"\n{KILLS} kills: all reserved {took:.0f} s after the last, {posts} POSTs for {COUNT} leases")
    crowd.check()


def test_the_leader_of_two_is_killed_right_after_its_first_post(crowd: Crowd, namespace: str, tmp_path: Path) -> None:
    with ExitStack() as things:
        flags = ("--leader-elect", "--namespace", namespace, "--operator-namespace", namespace)
        pair = [Lessor(ADMIN, tmp_path / f"{name}.log", *flags) for name in ("one", "two")]
        for one in pair:
            things.callback(one.kill)
            one.start()
        until(lambda: any(one.leads() for one in pair), 20, "one leads")
        strikes = [Fate.AFTER, Fate.CUT, Fate.AFTER]
        share = COUNT // len(strikes)
        for number, fate in enumerate(strikes):
            _kill_at_the_first_post(crowd, pair, fate, range(number * share, (number + 1) * share))
        took = until(lambda: crowd.ready() == COUNT, SETTLED, "all are reserved")
        posts = sum(seen.method == "POST" for seen in crowd.proxy.seen)
        print(f"\n3 leaders killed: all reserved {took:.0f} s after the last, {posts} POSTs for {COUNT} leases")
        crowd.check()


def _kill_at_the_first_post(crowd: Crowd, pair: list[Lessor], fate: Fate, declared: range) -> None:
    """Let whoever leads send one POST, and kill it; it stands by again afterwards."""
    struck: list[Lessor] = []

    def judge(seen: Seen) -> Fate:
        return fate if seen.method == "POST" and not struck else Fate.PASS

    def strike() -> None:
        leader = next(one for one in pair if one.running and one.leads())
        struck.append(leader)
        leader.kill()

    crowd.proxy.strike, crowd.proxy.judge = strike, judge
    crowd.declare(declared)
    until(lambda: bool(struck), 120, "the leader sent a POST")
    crowd.proxy.judge = lambda _: Fate.PASS
    struck[0].start(wait=False)
