"""Credentials that break and heal, a cloud that is away or hangs: said in a sentence, nothing lost, nothing hot."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ADMIN, Users
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import Lessor
from tests.e2e.proxy import Fate, Proxy, Seen


def message(leases: Leases, name: str, kind: str = "Ready") -> str:
    conditions = leases.get(name)["status"]["conditions"]
    return next(str(condition["message"]) for condition in conditions if condition["type"] == kind)


def with_password(user: User, password: str) -> dict[str, Any]:
    return secret("cloud", user, auth={**user.config["auth"], "password": password})


@pytest.fixture
def server(users: Users) -> Iterator[str]:
    made = users["alice"].boot("faults")
    yield made
    users["alice"].remove(made)


def test_credentials_heal_by_themselves_within_a_minute(
    lessor: Lessor, leases: Leases, users: Users, server: str
) -> None:
    alice = users["alice"]
    lessor.start()
    leases.lease("faults", server, duration="1h")
    leases.until("faults", "Accepted", ("False", "CredentialsMissing"))
    assert "There is no Secret cloud" in message(leases, "faults")
    leases.apply(with_password(alice, "wrong"))
    leases.until("faults", "Accepted", ("False", "CredentialsRefused"), timeout=60)
    assert "The request you have made requires authentication" in message(leases, "faults")
    leases.apply(secret("cloud", alice, profile="http://127.0.0.1/profile"))
    leases.until("faults", "Accepted", ("False", "InvalidCredentials"), timeout=60)
    leases.apply(secret("cloud", alice))
    leases.until("faults", "Ready", ("True", "InTerm"), timeout=60)
    tokens = lessor.get("metrics").count('lessor_openstack_requests_total{code="refused"')
    assert tokens <= 1
    assert "wrong" not in lessor.log()


def test_one_bad_object_stops_no_other(lessor: Lessor, leases: Leases, users: Users, server: str) -> None:
    lessor.start()
    leases.apply(secret("cloud", users["alice"]))
    nowhere = {"secretName": "nowhere", "cloudName": "openstack"}
    leases.lease("bad", server, duration="1h", cloudCredentialsRef=nowhere)
    leases.lease("owned", server, duration="1h", owner={"name": "alice"})
    leases.lease("noticed", server, duration="5s", notifications={"minNotice": "1d"})
    leases.until("bad", "Accepted", ("False", "CredentialsMissing"))
    leases.until("owned", "Accepted", ("False", "NotImplementedYet"))
    leases.until("noticed", "Enforced", ("False", "NoticeRequired"))
    leases.patch("noticed", {"notifications": {"minNotice": "0s"}})
    leases.until("noticed", "Enforced", ("True", "Stopped"))


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (429, {"Retry-After": "3"}), (500, {})], ids=["503", "429", "500"]
)
def test_a_cloud_that_refuses_for_a_while_loses_nothing(
    lessor: Lessor, leases: Leases, users: Users, server: str, status: int, headers: dict[str, str]
) -> None:
    alice = users["alice"]
    with Proxy(alice.root("compute")) as nova:
        nova.refusal = (status, headers, b'{"error": {"message": "not now"}}')
        lessor.start()
        leases.apply(secret("cloud", alice, compute_endpoint_override=nova.url + alice.path("compute")))
        leases.lease("away", server, duration="8s")
        leases.until("away", "Ready", ("True", "InTerm"))
        nova.judge = lambda _: Fate.REFUSE
        nova.seen.clear()
        leases.until("away", "Enforced", ("False", "CloudUnavailable"), timeout=30)
        time.sleep(12)
        own = [seen for seen in nova.seen if server in seen.path]
        assert len(own) <= 12, "hot"
        nova.judge = lambda _: Fate.PASS
        leases.until("away", "Enforced", ("True", "Stopped"), timeout=60)
        assert alice.actions(server) == ["create", "stop", "lock"]


def test_a_cloud_that_hangs_is_given_up_and_asked_again(
    lessor: Lessor, leases: Leases, users: Users, server: str
) -> None:
    alice = users["alice"]
    with Proxy(alice.root("compute")) as nova:
        hung: list[Seen] = []

        def judge(seen: Seen) -> Fate:
            if b"os-stop" in seen.body and not hung:
                hung.append(seen)
                return Fate.HANG
            return Fate.PASS

        nova.judge = judge
        lessor.start()
        leases.apply(secret("cloud", alice, compute_endpoint_override=nova.url + alice.path("compute")))
        leases.lease("hangs", server, duration="5s")
        leases.until("hangs", "Enforced", ("True", "Stopped"), timeout=60)
        assert alice.actions(server) == ["create", "stop", "lock"]


def test_missing_crds_or_namespaces_end_the_process_with_a_sentence(users: Users, tmp_path: Path) -> None:
    del users
    lessor = Lessor(ADMIN, tmp_path / "lessor.log", "--operator-namespace", "not-there")
    lessor.start(wait=False)
    assert lessor.wait() == 2
    assert "there is no namespace not-there" in lessor.log()
