import msgspec

from lessor.model.observed import CloudIdentity
from lessor.runtime.heat import Heat
from lessor.runtime.pacing import Pacing
from tests.runtime.clock import SetClock

CLOUD = CloudIdentity(auth_url="http://keystone/v3", region="one", project_id="p1", user_id="u1")


def test_no_more_deletions_an_hour_than_allowed() -> None:
    clock = SetClock()
    pace = Pacing(2, clock).of(CLOUD)
    assert [pace.take(), pace.take(), pace.take()] == [True, True, False]
    clock.pass_(3601)
    assert pace.left() == 2


def test_each_cloud_has_its_own_pace() -> None:
    pacing = Pacing(1, SetClock())
    assert pacing.of(CLOUD).take()
    assert pacing.of(msgspec.structs.replace(CLOUD, region="two")).take()
    assert not pacing.of(CLOUD).take()


def test_whoever_leads_to_a_cloud_shares_its_pace() -> None:
    pacing = Pacing(1, SetClock())
    assert pacing.of(CLOUD).take()
    assert not pacing.of(msgspec.structs.replace(CLOUD, project_id="p2", user_id="u2")).take()


def test_an_object_that_is_written_on_and_on_is_hot_until_it_rested() -> None:
    clock = SetClock()
    heat = Heat(clock)
    for _ in range(30):
        assert not heat.is_hot("a")
        heat.wrote("a")
    assert heat.is_hot("a")
    assert not heat.is_hot("b")
    clock.pass_(61)
    assert not heat.is_hot("a")
