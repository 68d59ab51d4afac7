"""The leader lock on the real parts: two replicas, one acts; it is killed, stopped, asked to end, its lock edited.

Each replica reaches the API server and Nova through proxies of its own, so that what it did is known: the credentials
lead to the second one's Nova only once the first is connected to its own.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import kubeconfigs
from tests.e2e.api import Api
from tests.e2e.conftest import ADMIN, Users
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import Lessor
from tests.e2e.proxy import Proxy, Seen

pytestmark = pytest.mark.usefixtures("_crds")

LOCK_WITHIN, EFFECT_WITHIN = 20.0, 30.0
LEASE, DEADLINE, PAUSE, LOOK = 15.0, 10.0, 10.0, 2.5


def until(holds: Callable[[], bool], within: float, what: str) -> float:
    """Wait until it holds; gives the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"{what}: not within {within} s"
        time.sleep(0.1)
    return time.monotonic() - began


class Replica:
    """One operator, with its ways to the API server and to Nova."""

    def __init__(self, things: ExitStack, alice: User, folder: Path, namespace: str) -> None:
        url, trust = kubeconfigs.upstream(ADMIN)
        self.kube = things.enter_context(Proxy(url, verify=trust))
        self.nova = things.enter_context(Proxy(alice.root("compute")))
        folder.mkdir()
        kubeconfig = kubeconfigs.through(ADMIN, folder / "kubeconfig", self.kube.url)
        flags = ("--leader-elect", "--namespace", namespace, "--operator-namespace", namespace)
        self.lessor = Lessor(kubeconfig, folder / "lessor.log", *flags)
        things.callback(self.lessor.kill)

    @property
    def effects(self) -> list[str]:
        """What it told Nova to do."""
        return [_name(seen) for seen in self.nova.seen if seen.method != "GET"]

    @property
    def writes(self) -> list[Seen]:
        """What it wrote to the API server: all but looks."""
        return [seen for seen in self.kube.seen if seen.method != "GET"]

    def forget(self) -> None:
        """Begin to count anew."""
        self.kube.seen.clear()
        self.nova.seen.clear()


def _name(seen: Seen) -> str:
    action = re.match(rb'\{"([a-zA-Z-]+)"', seen.body)
    return action.group(1).decode() if action else f"{seen.method} {seen.path.rsplit('/', 1)[-1]}"


class Pair:
    """Two replicas, the first of which leads, over one server of one user."""

    def __init__(self, things: ExitStack, leases: Leases, api: Api, alice: User, folder: Path) -> None:
        self.leases = leases
        self.alice = alice
        self._api = api
        self._lock = f"/apis/coordination.k8s.io/v1/namespaces/{leases.namespace}/leases/lessor"
        self.server = alice.boot("led")
        things.callback(alice.remove, self.server)
        self.first = Replica(things, alice, folder / "first", leases.namespace)
        self.second = Replica(things, alice, folder / "second", leases.namespace)
        self._credentials(self.first)
        self.first.lessor.start()
        until(self.first.lessor.leads, 10, "the first leads")
        self.second.lessor.start()

    def _credentials(self, replica: Replica) -> None:
        override = replica.nova.url + self.alice.path("compute")
        self.leases.apply(secret("cloud", self.alice, compute_endpoint_override=override))

    def declare(self, **spec: Any) -> None:
        """Declare a lease that the first serves; who connects from then on goes the second's way."""
        self.leases.lease("led", self.server, **spec)
        self.leases.until("led", "Ready", ("True", "InTerm"))
        self._credentials(self.second)

    @property
    def lock(self) -> dict[str, Any]:
        """What the lock holds."""
        return dict((self._api.get(self._lock) or {}).get("spec") or {})

    def edit(self, **spec: Any) -> None:
        """Change the lock by hand."""
        self._api.merge(self._lock, {"spec": spec})

    def delete(self) -> None:
        """Delete the lock."""
        self._api.delete(self._lock)

    def logs(self) -> str:
        return self.first.lessor.log() + "\n----\n" + self.second.lessor.log()


@pytest.fixture
def pair(leases: Leases, api: Api, users: Users, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as things:
        made = Pair(things, leases, api, users["alice"], tmp_path)
        yield made
        print(made.logs())


def test_after_a_kill_the_other_acts_within_thirty_seconds_and_nothing_is_done_twice(pair: Pair) -> None:
    pair.declare(duration="20s")
    assert pair.second.writes == []
    assert pair.second.nova.seen == []
    pair.first.lessor.kill()
    killed = time.monotonic()
    pair.first.forget()
    took = until(pair.second.lessor.leads, LOCK_WITHIN, "the other has the lock")
    until(lambda: "os-stop" in pair.second.effects, EFFECT_WITHIN - took, "the other acts")
    acted = time.monotonic() - killed
    print(f"\nkill -9: the lock after {took:.1f} s, the first effect after {acted:.1f} s")
    assert took >= LEASE - LOOK
    assert acted >= took + PAUSE - 0.5
    pair.leases.until("led", "Enforced", ("True", "Stopped"))
    assert pair.alice.actions(pair.server) == ["create", "stop", "lock"]
    assert pair.first.effects == []
    assert pair.lock["leaseTransitions"] == 1


def test_one_that_was_stopped_for_a_minute_does_nothing_and_ends(pair: Pair) -> None:
    pair.declare(duration="10s")
    pair.first.lessor.freeze()
    time.sleep(60)
    pair.leases.until("led", "Enforced", ("True", "Stopped"))
    assert pair.second.lessor.leads()
    pair.leases.renew("more", "led", "1h")  # work for whoever is there
    pair.first.forget()
    pair.first.lessor.thaw()
    thawed = time.monotonic()
    assert pair.first.lessor.wait(5) == 1
    print(f"\nSIGCONT after a minute: ended with 1 after {time.monotonic() - thawed:.2f} s")
    assert pair.first.writes == []
    assert pair.first.effects == []
    pair.leases.until("led", "Ready", ("True", "InTerm"))
    assert pair.alice.actions(pair.server) == ["create", "stop", "lock", "unlock", "start"]


def test_who_is_asked_to_end_releases_the_lock_and_the_other_acts_at_once(pair: Pair) -> None:
    pair.declare(duration="1h")
    pair.first.lessor.ask_to_stop()
    began = time.monotonic()
    took = until(pair.second.lessor.leads, 5, "the other has the lock")
    pair.leases.patch("led", {"duration": "1s"})
    until(lambda: "os-stop" in pair.second.effects, 5, "the other acts")
    print(f"\nSIGTERM: the lock after {took:.1f} s, the first effect after {time.monotonic() - began:.1f} s")
    assert pair.first.lessor.wait() == 0
    assert "the leader lock was released" in pair.first.lessor.log()
    assert pair.lock["leaseTransitions"] == 1


def test_an_api_server_that_restarts_costs_nobody_the_lock_or_ends_the_leader(pair: Pair) -> None:
    script = Path(__file__).with_name("kube") / "kube.sh"
    began = time.monotonic()
    subprocess.run([str(script), "restart", "apiserver", "kill"], check=True, capture_output=True, timeout=120)
    away = time.monotonic() - began
    time.sleep(LEASE + PAUSE)
    leads = [replica.lessor.leads() for replica in (pair.first, pair.second)]
    print(f"\nkube-apiserver restarted in {away:.1f} s: leads {leads}, transitions {pair.lock['leaseTransitions']}")
    assert leads == [True, False] if away < DEADLINE - LOOK else sum(leads) == 1
    assert leads[0] or pair.first.lessor.wait(5) == 1
    assert pair.second.lessor.running


def test_an_api_server_that_is_away_for_seven_seconds_costs_nobody_the_lock(pair: Pair) -> None:
    holder = pair.lock["holderIdentity"]
    for replica in (pair.first, pair.second):
        replica.kube.cut()
    time.sleep(7)
    for replica in (pair.first, pair.second):
        replica.kube.open()
    time.sleep(LEASE + LOOK)
    assert (pair.first.lessor.leads(), pair.second.lessor.leads()) == (True, False)
    assert (pair.lock["holderIdentity"], pair.lock["leaseTransitions"]) == (holder, 0)


def test_who_cannot_reach_the_api_server_ends_by_the_deadline(pair: Pair) -> None:
    pair.first.kube.cut()
    cut = time.monotonic()
    assert pair.first.lessor.wait(DEADLINE + 5) == 1
    assert time.monotonic() - cut <= DEADLINE + 1
    until(pair.second.lessor.leads, LEASE, "the other leads")


def test_a_lock_that_is_deleted_or_emptied_stays_with_its_holder(pair: Pair) -> None:
    holder = pair.lock["holderIdentity"]
    pair.delete()
    until(lambda: pair.lock.get("holderIdentity") == holder, LOOK + 1, "made again")
    pair.edit(holderIdentity="", leaseDurationSeconds=1)
    until(lambda: pair.lock.get("holderIdentity") == holder, LOOK + 1, "written again")
    pair.edit(renewTime="2199-01-01T00:00:00.000000Z", acquireTime=None, leaseDurationSeconds=None)
    time.sleep(LEASE + LOOK)
    assert (pair.first.lessor.leads(), pair.second.lessor.leads()) == (True, False)
    assert pair.lock["renewTime"] < "2199"
    assert "the leader lock was deleted: its holder makes it again" in pair.first.lessor.log()
    assert "the leader lock was emptied: its holder writes it again" in pair.first.lessor.log()


@pytest.mark.parametrize("whom", ["nonsense", "the standby"])
def test_a_lock_that_is_given_away_by_hand_is_nobodys_for_its_time(pair: Pair, whom: str) -> None:
    pair.declare(duration="5s")
    found = re.search(r"the leader lock is held holder=\S+ we=(\S+)", pair.second.lessor.log())
    assert found is not None
    pair.first.forget()
    pair.edit(holderIdentity=found.group(1) if whom == "the standby" else whom)
    edited = time.monotonic()
    assert pair.first.lessor.wait(5) == 1
    assert pair.second.effects == []
    assert "the leader lock names another holder" in pair.first.lessor.log()
    until(lambda: "os-stop" in pair.second.effects, EFFECT_WITHIN + LOOK, "the other acts")
    assert time.monotonic() - edited >= LEASE + PAUSE - 0.5
    pair.leases.until("led", "Enforced", ("True", "Stopped"))
    assert pair.alice.actions(pair.server) == ["create", "stop", "lock"]
