from datetime import timedelta

import msgspec
import pytest

from lessor.model.conditions import Condition, ConditionType
from lessor.model.instancelease import CloudStatus, InstanceLease, InstanceLeaseSpec, InstanceLeaseStatus
from lessor.model.meta import ObjectMeta
from lessor.runtime.registry import Registry
from tests.runtime.clock import START

SERVER = ("http://keystone/v3", "RegionOne", "server-1")
OTHER = ("http://keystone/v3", "RegionOne", "server-2")


def lease(uid: str, age_days: int = 0) -> InstanceLease:
    made = START - timedelta(days=age_days)
    meta = ObjectMeta(name=f"lease-{uid}", namespace="team-a", uid=uid, creation_timestamp=made)
    return InstanceLease(metadata=meta, spec=InstanceLeaseSpec())


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def registry(woken: list[str]) -> Registry:
    return Registry(woken.append)


def test_the_first_of_two_holds_the_server_when_it_is_older(registry: Registry) -> None:
    assert registry.claim(SERVER, lease("a", 2)) is None
    assert registry.claim(SERVER, lease("b", 1)) == "team-a/lease-a"


def test_an_older_one_takes_it_over_and_the_younger_is_woken(registry: Registry, woken: list[str]) -> None:
    assert registry.claim(SERVER, lease("b", 1)) is None
    assert registry.claim(SERVER, lease("a", 2)) is None
    assert woken == ["b"]
    assert registry.claim(SERVER, lease("b", 1)) == "team-a/lease-a"


def test_a_tie_of_age_goes_by_uid(registry: Registry) -> None:
    registry.claim(SERVER, lease("b"))
    assert registry.claim(SERVER, lease("a")) is None
    assert registry.claim(SERVER, lease("b")) == "team-a/lease-a"


def test_the_next_in_line_is_woken_when_the_holder_goes(registry: Registry, woken: list[str]) -> None:
    registry.claim(SERVER, lease("a", 2))
    registry.claim(SERVER, lease("b", 1))
    registry.release("a")
    assert woken == ["b"]
    assert registry.claim(SERVER, lease("b", 1)) is None


def test_one_in_line_who_goes_wakes_nobody(registry: Registry, woken: list[str]) -> None:
    registry.claim(SERVER, lease("a", 2))
    registry.claim(SERVER, lease("b", 1))
    registry.release("b")
    registry.release("never entered")
    assert woken == []


def test_only_the_holder_holds(registry: Registry) -> None:
    registry.claim(SERVER, lease("a", 2))
    registry.claim(SERVER, lease("b", 1))
    assert registry.holds("a")
    assert not registry.holds("b")
    assert not registry.holds("c")


def test_a_lease_that_turns_to_another_server_leaves_the_first(registry: Registry, woken: list[str]) -> None:
    registry.claim(SERVER, lease("a", 2))
    registry.claim(OTHER, lease("a", 2))
    assert registry.claim(SERVER, lease("b", 1)) is None
    assert woken == []


def test_one_that_another_serves_holds_its_server_as_long_as_its_status_says_so(registry: Registry) -> None:
    cloud = CloudStatus(auth_url="http://keystone/v3", region="RegionOne", project_id="p1")
    accepted = Condition(
        type=ConditionType.ACCEPTED, status="True", reason="Accepted", message="", last_transition_time=START
    )
    status = InstanceLeaseStatus(server_id="s1", cloud=cloud, conditions=(accepted,))
    held = msgspec.structs.replace(lease("a"), status=status)
    registry.restore(held)
    assert registry.holds("a")
    registry.restore(msgspec.structs.replace(held, spec=InstanceLeaseSpec(suspend=True)))
    assert not registry.holds("a")
