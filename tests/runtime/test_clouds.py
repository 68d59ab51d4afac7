"""One session for one set of credentials: shared, healed when its Secret changes, never hot."""

import asyncio
import base64
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lessor.model.conditions import Fault, Reason
from lessor.model.instancelease import (
    CloudCredentialsRef,
    InstanceLease,
    InstanceLeaseSpec,
    InstanceLeaseStatus,
    ServerRef,
)
from lessor.model.meta import ObjectMeta
from lessor.model.observed import ObservedServer
from lessor.ports import cloud
from lessor.runtime.clouds import Clouds, Session
from tests.runtime.apiserver import SECRETS, APIServer
from tests.runtime.clock import START
from tests.runtime.jumping import LoopClock, jumps, settled
from tests.runtime.project import Project

SECRET = f"{SECRETS}/clouds"
GET_SECRET = f"GET {SECRET}"
KEY = ("team-a", "clouds", "openstack")


@dataclass
class World:
    """The sessions with what they stand on.

    Attributes:
        tried: the credentials that were tried, and when.
        fault: what connecting raises.
        woken: each time that leases were woken.
        session: the one that a test is about.
    """

    api: APIServer = field(default_factory=APIServer)
    project: Project = field(default_factory=Project)
    tried: list[tuple[float, bytes, bytes | None, str]] = field(default_factory=list)
    fault: Exception | None = None
    woken: list[tuple[str, ...]] = field(default_factory=list)
    clouds: Clouds = field(init=False)
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.began = self.clock.elapsed()
        self.clouds = Clouds(self.api.cluster(self.clock), self.clock, self._connect, self._wake)
        self.clouds.begin()

    def _connect(self, clouds_yaml: bytes, cacert: bytes | None, name: str) -> Any:
        self.tried.append((self.passed(), clouds_yaml, cacert, name))
        if self.fault is not None:
            raise self.fault
        return self.project

    def _wake(self, uids: Iterable[str]) -> None:
        if woken := tuple(uids):
            self.woken.append(woken)

    def passed(self) -> float:
        return self.clock.elapsed() - self.began

    def secret(self, content: bytes = b"one", **data: bytes) -> None:
        encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
        self.api.put(SECRET, data={"clouds.yaml": base64.b64encode(content).decode(), **encoded})

    def enter(self, uid: str = "a", **changes: Any) -> Session:
        session = self.clouds.enter(lease(uid, **changes))
        assert session is not None
        return session

    def end(self) -> None:
        for session in tuple(self.clouds.sessions()):
            for uid in tuple(session.leases):
                self.clouds.leave(uid)


def lease(
    uid: str,
    namespace: str = "team-a",
    ref: str = "clouds",
    server: str | None = "s1",
    status: str | None = None,
) -> InstanceLease:
    meta = ObjectMeta(name=f"lease-{uid}", namespace=namespace, uid=uid, creation_timestamp=START)
    spec = InstanceLeaseSpec(
        cloud_credentials_ref=CloudCredentialsRef(secret_name=ref, cloud_name="openstack"),
        server=None if server is None else ServerRef(id=server),
    )
    return InstanceLease(metadata=meta, spec=spec, status=InstanceLeaseStatus(server_status=status))


AWAY = Fault(Reason.CLOUD_UNAVAILABLE, "away")


async def connected(*uids: str) -> World:
    """Give a world whose leases are served."""
    world = World()
    world.secret()
    for uid in uids:
        world.session = world.enter(uid)
    await settled()
    assert world.session.usable is world.project
    return world


def refused(words: str = "Keystone says no.") -> cloud.CredentialsRefused:
    return cloud.CredentialsRefused(words)


# ------------------------------------------------------------ one session for many leases


@jumps
async def test_many_leases_of_one_secret_share_one_session() -> None:
    world = World()
    world.secret()
    sessions = [world.enter(f"lease-{number}") for number in range(50)]
    await asyncio.gather(*(world.clouds.ready(session) for session in sessions))
    assert {id(session) for session in sessions} == {id(sessions[0])}
    assert sessions[0].cloud is world.project
    assert len(world.tried) == 1
    assert world.api.lines() == [GET_SECRET]
    world.end()


@jumps
async def test_another_namespace_secret_or_cloud_is_another_session() -> None:
    world = World()
    keys = {
        world.enter("a").key,
        world.enter("b", namespace="team-b").key,
        world.enter("c", ref="other").key,
    }
    assert keys == {KEY, ("team-b", "clouds", "openstack"), ("team-a", "other", "openstack")}
    world.end()


@jumps
async def test_the_keys_of_the_secret_are_handed_over_decoded() -> None:
    world = World()
    world.secret(b"clouds: {}", cacert=b"PEM")
    await world.clouds.ready(world.enter())
    assert world.tried == [(0.0, b"clouds: {}", b"PEM", ("team-a", "clouds", "openstack"))]
    world.end()


@jumps
async def test_a_lease_without_credentials_has_no_session() -> None:
    world = World()
    bare = InstanceLease(metadata=lease("a").metadata, spec=InstanceLeaseSpec())
    assert world.clouds.enter(bare) is None


@jumps
async def test_the_session_of_no_lease_ends() -> None:
    world = World()
    world.secret()
    world.enter("a")
    world.enter("b")
    world.clouds.leave("a")
    assert len(tuple(world.clouds.sessions())) == 1
    world.clouds.leave("b")
    world.clouds.leave("never entered")
    assert tuple(world.clouds.sessions()) == ()
    await asyncio.sleep(3600)
    assert len(world.project.listed) == 0


@jumps
async def test_a_lease_that_turns_to_another_secret_leaves_the_first() -> None:
    world = World()
    world.enter("a")
    session = world.enter("a", ref="other")
    assert [one.key for one in world.clouds.sessions()] == [session.key]
    world.end()


# ------------------------------------------------------------ a Secret that is missing, and heals


@jumps
async def test_a_missing_secret_is_named_with_the_way_out() -> None:
    world = World()
    session = world.enter()
    await world.clouds.ready(session)
    assert session.fault == Fault(
        Reason.CREDENTIALS_MISSING,
        "There is no Secret clouds in namespace team-a. Make one with the key clouds.yaml.",
    )
    world.end()


@jumps
async def test_a_missing_key_is_named() -> None:
    world = World()
    world.api.put(SECRET, data={"clouds.yml": ""})
    session = world.enter()
    await world.clouds.ready(session)
    assert session.fault == Fault(Reason.CREDENTIALS_MISSING, "The Secret clouds has no key clouds.yaml.")
    world.end()


@jumps
async def test_a_secret_without_any_data_has_no_key_either() -> None:
    world = World()
    world.api.put(SECRET)
    session = world.enter()
    await world.clouds.ready(session)
    assert session.fault is not None
    assert session.fault.reason is Reason.CREDENTIALS_MISSING
    world.end()


@pytest.mark.parametrize("hours", [0, 1, 48])
@jumps
async def test_a_secret_that_appears_heals_its_leases_within_thirty_seconds(hours: int) -> None:
    world = World()
    session = world.enter("a")
    world.enter("b")
    await asyncio.sleep(hours * 3600 + 1)
    world.woken.clear()
    world.secret()
    appeared = world.passed()
    await asyncio.sleep(30)
    assert session.cloud is world.project
    assert session.fault is None
    assert world.tried[0][0] - appeared <= 30
    assert world.woken[0] == ("a", "b")
    world.end()


@jumps
async def test_a_secret_that_is_mended_is_tried_within_thirty_seconds() -> None:
    world = World()
    world.secret(b"wrong")
    world.fault = refused()
    session = world.enter()
    await asyncio.sleep(24 * 3600)
    world.fault = None
    world.secret(b"right")
    mended = world.passed()
    await asyncio.sleep(30)
    assert session.cloud is world.project
    assert world.tried[-1][0] - mended <= 30
    assert world.tried[-1][1] == b"right"
    world.end()


@jumps
async def test_a_cloud_that_comes_back_is_found_without_a_new_secret() -> None:
    world = World()
    world.secret()
    world.fault = cloud.CloudUnavailable("away")
    session = world.enter()
    await asyncio.sleep(3600)
    world.fault = None
    await asyncio.sleep(720)
    assert session.cloud is world.project
    world.end()


# ------------------------------------------------------------ never hot


@jumps
async def test_refused_credentials_are_tried_with_growing_pauses() -> None:
    world = World()
    world.secret()
    world.fault = refused()
    world.enter()
    await asyncio.sleep(24 * 3600)
    times = [passed for passed, *_ in world.tried]
    pauses = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert all(pause >= 5 * 2**number for number, pause in enumerate(pauses[:7]))
    assert all(600 <= pause <= 720 for pause in pauses[8:])
    world.end()


@pytest.mark.parametrize("has_secret", [True, False])
@jumps
async def test_a_day_of_faults_costs_two_looks_at_the_secret_a_minute(has_secret: bool) -> None:
    world = World()
    if has_secret:
        world.secret()
    world.fault = refused()
    world.enter()
    await asyncio.sleep(24 * 3600)
    assert len(world.api.requests) <= 2 * 24 * 60 + 300
    world.end()


@jumps
async def test_a_lease_that_asks_again_and_again_tries_nothing() -> None:
    world = World()
    world.secret()
    world.fault = refused()
    session = world.enter()
    for _ in range(100):
        await world.clouds.ready(session)
    assert len(world.tried) == 1
    world.end()


@jumps
async def test_the_same_fault_again_is_no_news() -> None:
    world = World()
    world.secret()
    world.fault = refused()
    world.enter()
    await asyncio.sleep(3600)
    assert len(world.tried) > 5
    assert world.woken == [("a",)]
    world.end()


@jumps
async def test_another_fault_is_news() -> None:
    world = World()
    world.secret()
    world.fault = refused("one")
    session = world.enter()
    await asyncio.sleep(10)
    world.fault = refused("other")
    await asyncio.sleep(60)
    assert session.fault == Fault(Reason.CREDENTIALS_REFUSED, "other")
    assert world.woken == [("a",), ("a",)]
    world.end()


@jumps
async def test_a_secret_that_cannot_be_read_is_tried_again() -> None:
    world = World()
    world.secret()
    world.api.breaks(GET_SECRET, 403)
    session = world.enter()
    await world.clouds.ready(session)
    assert session.fault is not None
    assert session.fault.reason is Reason.CLOUD_UNAVAILABLE
    await asyncio.sleep(30)
    assert session.cloud is world.project
    world.end()


# ------------------------------------------------------------ credentials that stop working


@jumps
async def test_what_one_lease_sees_refused_is_everybody_s_news() -> None:
    world = await connected("a", "b")
    world.fault = refused()
    world.clouds.report(world.session, "a", Fault(Reason.CREDENTIALS_REFUSED, "revoked"))
    assert world.session.cloud is None
    assert world.session.fault == Fault(Reason.CREDENTIALS_REFUSED, "revoked")
    assert world.woken == [("a", "b")]
    world.end()


@jumps
async def test_what_only_one_server_refuses_is_its_lease_s_own_affair() -> None:
    world = await connected("a", "b")
    world.clouds.report(world.session, "a", Fault(Reason.PERMISSION_DENIED, "x"))
    await asyncio.sleep(30)
    assert world.session.usable is world.project
    assert (world.project.probed, world.woken) == (0, [])
    world.end()


# ------------------------------------------------------------ a cloud that is away


@jumps
async def test_a_cloud_that_a_pass_found_away_is_asked_once_for_all() -> None:
    world = await connected("a", "b", "c")
    world.project.away = cloud.CloudUnavailable("away")
    for uid in ("a", "b", "c"):
        world.clouds.report(world.session, uid, AWAY)
    await settled()
    assert world.project.probed == 1
    assert world.session.usable is None
    assert world.session.fault == AWAY
    assert world.session.cloud is world.project
    world.end()


@jumps
async def test_one_that_only_seemed_away_stays_in_use() -> None:
    world = await connected("a")
    world.clouds.report(world.session, "a", AWAY)
    await settled()
    assert world.project.probed == 1
    assert world.session.usable is world.project
    world.end()


@jumps
async def test_those_who_waited_for_it_are_woken_when_it_is_back_and_no_others() -> None:
    world = await connected("a", "b")
    world.project.away = cloud.CloudUnavailable("away")
    world.clouds.report(world.session, "a", AWAY)
    await asyncio.sleep(3600)
    assert world.woken == []
    world.project.away = None
    await asyncio.sleep(720)
    assert world.woken == [("a",)]
    assert world.session.usable is world.project
    assert len(world.tried) == 1
    world.end()


@jumps
async def test_one_that_is_away_is_asked_with_growing_pauses() -> None:
    world = await connected("a")
    world.project.away = world.project.fault = cloud.CloudUnavailable("away")
    world.clouds.report(world.session, "a", AWAY)
    await asyncio.sleep(24 * 3600)
    assert world.project.probed <= 24 * 6 + 10
    assert len(world.project.listed) == 1
    world.end()


@jumps
async def test_other_words_for_being_away_are_no_news() -> None:
    world = await connected("a")
    world.project.away = cloud.CloudUnavailable("one")
    world.clouds.report(world.session, "a", AWAY)
    await settled()
    said = world.session.fault
    world.project.away = cloud.CloudUnavailable("other")
    await asyncio.sleep(60)
    assert world.session.fault == said
    world.end()


@jumps
async def test_credentials_that_are_refused_while_it_was_away_are_news() -> None:
    world = await connected("a", "b")
    world.project.away = cloud.CloudUnavailable("away")
    world.clouds.report(world.session, "a", AWAY)
    await settled()
    world.project.away = world.fault = refused()
    await asyncio.sleep(60)
    assert world.session.fault == Fault(Reason.CREDENTIALS_REFUSED, "Keystone says no.")
    assert world.woken == [("a", "b")]
    world.end()


@jumps
async def test_a_secret_that_changes_while_it_is_away_is_tried_at_once() -> None:
    world = await connected("a")
    world.project.away = cloud.CloudUnavailable("away")
    world.clouds.report(world.session, "a", AWAY)
    await asyncio.sleep(3600)
    world.secret(b"of another cloud")
    await asyncio.sleep(30)
    assert world.session.usable is world.project
    assert world.tried[-1][1] == b"of another cloud"
    world.end()


@jumps
async def test_a_list_that_fails_puts_the_cloud_in_doubt() -> None:
    world = await connected("a")
    world.project.fault = world.project.away = cloud.CloudUnavailable("away")
    await asyncio.sleep(61)
    assert world.session.usable is None
    world.end()


@jumps
async def test_refused_credentials_are_seen_by_the_inventory_and_the_secret_is_read_again() -> None:
    world = World()
    world.secret(b"old")
    session = world.enter()
    await asyncio.sleep(90)
    world.project.fault = refused("revoked")
    world.fault = refused("revoked")
    await asyncio.sleep(60)
    assert session.fault == Fault(Reason.CREDENTIALS_REFUSED, "revoked")
    world.project.fault, world.fault = None, None
    world.secret(b"new")
    await asyncio.sleep(30)
    assert session.cloud is world.project
    assert world.tried[-1][1] == b"new"
    world.end()


# ------------------------------------------------------------ the inventory of a session


@jumps
async def test_a_connected_session_lists_once_a_minute() -> None:
    world = World()
    world.secret()
    world.enter()
    await asyncio.sleep(9 * 60 + 30)
    assert len(world.project.listed) == 10
    assert world.api.lines() == [GET_SECRET]
    world.end()


@pytest.mark.parametrize(
    "fault",
    [cloud.CloudUnavailable("away"), cloud.PermissionRefused("no"), cloud.RequestRefused("no"), RuntimeError("x")],
)
@jumps
async def test_a_list_that_fails_is_tried_again_in_a_minute_and_breaks_nothing(fault: Exception) -> None:
    world = World()
    world.secret()
    world.project.fault = fault
    session = world.enter()
    await asyncio.sleep(30)
    world.project.fault = None
    world.project.servers = [ObservedServer(id="s1", status="SHUTOFF")]
    await asyncio.sleep(60)
    assert session.cloud is world.project
    assert len(world.project.listed) == 2
    assert session.inventory.get("s1") is not None
    world.end()


@jumps
async def test_a_server_that_changed_wakes_its_lease_and_no_other() -> None:
    world = World()
    world.secret()
    world.project.servers = [ObservedServer(id="s1", status="ACTIVE"), ObservedServer(id="s2", status="ACTIVE")]
    world.enter("a", server="s1", status="ACTIVE")
    world.enter("b", server="s2", status="ACTIVE")
    await asyncio.sleep(30)
    world.project.servers = [ObservedServer(id="s1", status="SHUTOFF"), ObservedServer(id="s2", status="ACTIVE")]
    await asyncio.sleep(60)
    assert world.woken == [("a",)]
    world.end()


@jumps
async def test_a_lease_that_leaves_takes_its_server_out_of_the_inventory() -> None:
    world = World()
    world.secret()
    world.project.servers = [ObservedServer(id="s1", status="ACTIVE"), ObservedServer(id="s2", status="ACTIVE")]
    session = world.enter("a", server="s1", status="ACTIVE")
    world.enter("b", server="s2", status="ACTIVE")
    await settled()
    assert len(session.inventory) == 2
    world.clouds.leave("a")
    assert session.inventory.get("s1") is None
    world.end()


# ------------------------------------------------------------ nothing breaks it, nothing makes it hot


@jumps
async def test_a_pass_that_fails_in_a_cloud_that_is_there_makes_no_hot_loop() -> None:
    """Glance is down, or one cell: each pass says CloudUnavailable, and each probe of Nova is answered."""
    world = await connected("a")
    loop = asyncio.get_running_loop()
    passes = 0

    def passed(uids: Iterable[str] = ("a",)) -> None:
        nonlocal passes
        if not tuple(uids):
            return
        passes += 1
        loop.call_later(0.1, world.clouds.report, world.session, "a", AWAY)

    world.clouds._wake = passed
    passed()
    await asyncio.sleep(60)
    assert passes == 1  # the lease comes back by its own growing pause, not by being woken
    world.end()


@pytest.mark.parametrize("fault", [KeyError("x-subject-token"), TypeError("unhashable type: 'list'")])
@jumps
async def test_what_breaks_in_connecting_is_a_fault_like_another_and_is_not_tried_for_each_lease(
    fault: Exception,
) -> None:
    world = World()
    world.secret()
    world.fault = fault
    session = world.enter()
    for _ in range(10):
        await world.clouds.ready(session)
    assert session.fault is not None
    assert session.fault.reason is Reason.CLOUD_UNAVAILABLE
    assert len(world.tried) == 1
    world.end()


@jumps
async def test_no_server_is_listed_before_all_leases_are_entered() -> None:
    world = World()
    world.secret()
    world.clouds._begun.clear()
    world.enter()
    await asyncio.sleep(300)
    assert world.tried == []
    world.clouds.begin()
    await asyncio.sleep(1)
    assert len(world.tried) == 1
    world.end()
