"""The operator is killed at every request of a Lease's life on the real Blazar: before it, after it, its answer lost.

In the end the same: one lease in Blazar, extended once and renamed, then none. Each life has a namespace, an operator
and proxies of its own.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e import kubeconfigs
from tests.e2e.api import Api
from tests.e2e.blazar import Blazar
from tests.e2e.conftest import ADMIN, Kubectl, Users, own_namespace
from tests.e2e.leases import Leases, manifest
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import ForkServer, Lessor
from tests.e2e.proxy import Fate, Proxy, Seen
from tests.e2e.striking import Struck, everywhere

AT_ONCE = int(os.environ.get("LESSOR_E2E_AT_ONCE", "8"))
NAME = "life"
PATIENCE = 200.0  # a claim of a process that died is asked for again after a minute


def _own(seen: Seen) -> str | None:
    if match := re.search(r"/v1/leases(/[0-9a-f-]+)?$", seen.path):
        if seen.method == "GET" and match.group(1) is None:
            return None  # the list that comes each minute
        return f"blazar {seen.method} {'lease' if match.group(1) else 'leases'} {_keys(seen)}".strip()
    match = re.search(r"lessor.dev/v1alpha1/.*/(leases|leaserenewals)(/[a-z0-9-]+(?:/status)?)$", seen.path)
    return f"kube {seen.method} {match.group(1)}{match.group(2)} {_parts(seen)}".strip() if match else None


def _keys(seen: Seen) -> str:
    return ",".join(sorted(json.loads(seen.body))) if seen.method == "PUT" else ""


def _parts(seen: Seen) -> str:
    """The parts of a status that a PATCH changes: claims and reports follow each other, and are not the same."""
    return ",".join(sorted(json.loads(seen.body).get("status", {}))) if seen.method == "PATCH" else ""


class Theatre:
    """Plays the life."""

    def __init__(self, kubectl: Kubectl, api: Api, alice: User, folder: Path, forks: ForkServer) -> None:
        self._kubectl = kubectl
        self._api = api
        self._alice = alice
        self._folder = folder
        self._forks = forks
        self.blazar = Blazar(alice)
        self._count = 0
        self._lock = threading.Lock()

    def play(self, at: int | None = None, fate: Fate = Fate.PASS) -> Struck:
        """Play it, struck at this request of its own; check how it ends."""
        with self._lock:
            self._count += 1
            number = self._count
        with ExitStack() as things:
            namespace = things.enter_context(own_namespace(self._api))
            url, trust = kubeconfigs.upstream(ADMIN)
            kube = things.enter_context(Proxy(url, verify=trust))
            blazar = things.enter_context(Proxy(self._alice.root("reservation")))
            kubeconfig = kubeconfigs.through(ADMIN, self._folder / f"{number}.kubeconfig", kube.url)
            lessor = Lessor(kubeconfig, self._folder / f"{number}.log", "--namespace", namespace, forks=self._forks)
            things.callback(lessor.kill)
            struck = Struck(lessor, _own)
            kube.judge = blazar.judge = struck.judge(at, fate)
            kube.strike = blazar.strike = struck.strike
            lessor.start()
            struck.restarted()
            leases = Leases(self._kubectl, self._api, namespace)
            override = blazar.url + self._alice.path("reservation")
            leases.apply(secret("cloud", self._alice, reservation_endpoint_override=override))
            self._live(leases, number)
        return struck

    def _live(self, leases: Leases, number: int) -> None:
        start = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0)
        end = start + timedelta(hours=1)
        spec = {
            "cloudCredentialsRef": {"secretName": "cloud", "cloudName": "openstack"},
            "leaseName": f"life-{number}",
            "startTime": _text(start),
            "endTime": _text(end),
            "reservations": [{"name": "vm", "instance": {"vcpus": 1, "memoryMiB": 64, "diskGiB": 1}}],
        }
        leases.apply(manifest("Lease", NAME, spec))
        leases.until(NAME, "Ready", ("True", "Reserved"), PATIENCE, of="lease")
        ref = {"leaseRef": {"kind": "Lease", "name": NAME}, "extendBy": "1h"}
        leases.apply(manifest("LeaseRenewal", "more", ref))
        leases.until("more", "Granted", ("True", "Full"), PATIENCE, of="leaserenewal")
        leases.patch(NAME, {"leaseName": f"life-{number}-renamed"}, "blz")
        self._until(lambda: len(self.blazar.named(f"life-{number}-renamed")) == 1)
        (seen,) = (one for one in self.blazar.all() if one["name"].startswith(f"life-{number}-"))
        assert seen["end_date"][:16] == _text(end + timedelta(hours=1))[:16]
        status = leases.get(NAME, "lease")["status"]
        assert seen["id"] == status["leaseID"]
        assert [grant["name"] for grant in status["renewals"]["history"]] == ["more"]
        leases.delete(NAME, "lease")
        leases.until_gone(NAME, "lease", PATIENCE)
        assert not [one for one in self.blazar.all() if one["name"].startswith((f"life-{number}-", f"life-{number} "))]

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.5)


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def theatre(
    kubectl: Kubectl, api: Api, users: Users, _crds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Theatre]:
    forks = ForkServer()
    made = Theatre(kubectl, api, users["alice"], tmp_path_factory.mktemp("lives"), forks)
    made.blazar.clear()
    yield made
    forks.close()
    made.blazar.clear()


def test_a_death_at_any_request_of_a_lease_makes_no_other_lease(theatre: Theatre) -> None:
    recorded = min((theatre.play().requests for _ in range(2)), key=len)
    print("\n" + ", ".join(f"{number} {signature}" for number, signature in enumerate(recorded, 1)))
    began = time.monotonic()
    faults, missed = everywhere(lambda at, fate: theatre.play(at, fate).struck.is_set(), recorded, AT_ONCE, "a Lease")
    took = time.monotonic() - began
    print(f"{3 * len(recorded)} deaths at {len(recorded)} requests in {took:.0f} s", flush=True)
    assert faults == []
    assert missed == []
