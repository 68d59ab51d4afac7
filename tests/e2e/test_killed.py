"""The operator is killed at every request of a recorded life: before it, after it, and after it with the answer lost.

In the end the same state, no stage early, none twice. Each life has its own namespace, operator, proxies and server.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import kubeconfigs
from tests.e2e.api import Api
from tests.e2e.conftest import ADMIN, Kubectl, Users, own_namespace
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import ForkServer, Lessor
from tests.e2e.proxy import Fate, Proxy, Seen
from tests.e2e.striking import Struck, everywhere

AT_ONCE = int(os.environ.get("LESSOR_E2E_AT_ONCE", "6"))
NAME = "life"
LENGTH = "6s"


@dataclass(frozen=True)
class Life:
    """One life: what is declared, what a person does in it, and how it must end."""

    name: str
    spec: dict[str, Any]
    person: Callable[["Stage"], None]
    actions: tuple[str, ...]
    ends: Callable[["Stage"], None]


@dataclass
class Stage:
    """Where one life is played."""

    leases: Leases
    alice: User
    server: str
    struck: Struck


def _own(server: str) -> Callable[[Seen], str | None]:
    def own(seen: Seen) -> str | None:
        if server in seen.path:
            path = seen.path.split(server, 1)[1]
            action = re.match(rb'\{"([a-zA-Z-]+)"', seen.body)
            return f"nova {seen.method} {path} {action.group(1).decode() if action else ''}".strip()
        match = re.search(r"/(instanceleases|leaserenewals)(/[a-z0-9-]+(?:/status)?|\?fieldSelector=\S+)$", seen.path)
        return f"kube {seen.method} {match.group(1)}{match.group(2).split('=')[0]}{_parts(seen)}" if match else None

    return own


def _parts(seen: Seen) -> str:
    """The parts of a status that a PATCH changes: claims and reports follow each other, and are not the same."""
    patch = json.loads(seen.body).get("status", {}) if seen.method == "PATCH" else {}
    return f" {','.join(sorted(patch))}" if patch else ""


def _stopped(stage: Stage) -> None:
    stage.leases.until(NAME, "Enforced", ("True", "Stopped"))
    stage.leases.delete(NAME)
    stage.leases.until_gone(NAME)


def _let_go(stage: Stage) -> None:
    seen = stage.alice.server(stage.server)
    assert seen is not None
    assert (seen["status"], seen["locked"], seen["metadata"]) == ("SHUTOFF", False, {})


def _renewed(stage: Stage) -> None:
    stage.leases.until(NAME, "Enforced", ("True", "Stopped"))
    stage.leases.renew("more", NAME, "1h")
    stage.leases.until(NAME, "Ready", ("True", "InTerm"))
    stage.leases.until("more", "Granted", ("True", "Full"), of="leaserenewal")


def _back(stage: Stage) -> None:
    seen, lease = stage.alice.server(stage.server), stage.leases.get(NAME)
    assert seen is not None
    assert (seen["status"], seen["locked"]) == ("ACTIVE", False)
    assert [grant["name"] for grant in lease["status"]["renewals"]["history"]] == ["more"]
    assert seen["metadata"]["lessor_expires"] == lease["status"]["expireTime"]
    renewal = stage.leases.get("more", "leaserenewal")
    assert renewal["status"]["grantedUntil"] == lease["status"]["expireTime"]


def _deleted(stage: Stage) -> None:
    stage.leases.until(NAME, "Enforced", ("True", "Deleted"), timeout=90)


def _nothing_left(stage: Stage) -> None:
    stage.alice.until_gone(stage.server)
    (image,) = stage.alice.images_of(stage.server)
    assert image["status"] == "active"


def _steps(*steps: tuple[str, str, bool]) -> dict[str, Any]:
    return {"stages": [{"after": after, "action": action, "lock": lock} for after, action, lock in steps]}


LIVES = (
    Life("stopped", {}, _stopped, ("create", "stop", "lock", "unlock"), _let_go),
    Life("renewed", {}, _renewed, ("create", "stop", "lock", "unlock", "start"), _back),
    Life(
        "deleted",
        {"expiry": _steps(("0s", "Snapshot", True), ("3s", "Delete", False))},
        _deleted,
        ("create", "createImage", "lock", "unlock", "delete"),
        _nothing_left,
    ),
)


class Theatre:
    """Plays lives."""

    def __init__(self, kubectl: Kubectl, api: Api, alice: User, folder: Path, forks: ForkServer) -> None:
        self._forks = forks
        self._kubectl = kubectl
        self._api = api
        self._alice = alice
        self._folder = folder
        self._count = 0
        self._lock = threading.Lock()

    def play(self, life: Life, strike_at: int | None = None, fate: Fate = Fate.PASS) -> Stage:
        """Play a life, struck at this request of its own (counted without repeats); check how it ends."""
        with self._lock:
            self._count += 1
            number = self._count
        with ExitStack() as things:
            namespace = things.enter_context(own_namespace(self._api))
            url, trust = kubeconfigs.upstream(ADMIN)
            kube = things.enter_context(Proxy(url, verify=trust))
            nova = things.enter_context(Proxy(self._alice.root("compute")))
            kubeconfig = kubeconfigs.through(ADMIN, self._folder / f"{number}.kubeconfig", kube.url)
            log = self._folder / f"{number}.log"
            lessor = Lessor(kubeconfig, log, "--namespace", namespace, forks=self._forks)
            things.callback(lessor.kill)
            server = self._alice.boot(f"life-{number}")
            things.callback(self._alice.remove, server)
            struck = Struck(lessor, _own(server))
            stage = Stage(Leases(self._kubectl, self._api, namespace), self._alice, server, struck)
            kube.judge = nova.judge = struck.judge(strike_at, fate)
            kube.strike = nova.strike = struck.strike
            lessor.start()
            struck.restarted()
            stage.leases.apply(
                secret("cloud", self._alice, compute_endpoint_override=nova.url + self._alice.path("compute"))
            )
            began = time.time()
            stage.leases.lease(NAME, server, duration=LENGTH, **life.spec)
            life.person(stage)
            self._check(stage, life, began)
        return stage

    def _check(self, stage: Stage, life: Life, began: float) -> None:
        life.ends(stage)
        assert tuple(stage.alice.actions(stage.server)) == life.actions
        harm = stage.alice.action_times(stage.server)[1]
        assert harm >= began + 6 - 1, "a stage ran before its time"


@pytest.fixture(scope="module")
def theatre(
    kubectl: Kubectl, api: Api, users: Users, _crds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Theatre]:
    forks = ForkServer()
    yield Theatre(kubectl, api, users["alice"], tmp_path_factory.mktemp("lives"), forks)
    forks.close()


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_a_death_at_any_request_changes_nothing(theatre: Theatre, life: Life) -> None:
    recorded = min((theatre.play(life).struck.requests for _ in range(2)), key=len)
    print(f"\n{life.name}: " + ", ".join(f"{number} {signature}" for number, signature in enumerate(recorded, 1)))
    began = time.monotonic()
    faults, missed = everywhere(
        lambda at, fate: theatre.play(life, at, fate).struck.struck.is_set(), recorded, AT_ONCE, life.name
    )
    took = time.monotonic() - began
    print(f"{life.name}: {3 * len(recorded)} deaths at {len(recorded)} requests in {took:.0f} s", flush=True)
    assert faults == []
    assert missed == []
