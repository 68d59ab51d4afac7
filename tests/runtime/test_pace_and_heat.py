from lessor.runtime.heat import Heat
from lessor.runtime.pacing import Pacing
from tests.runtime.clock import SetClock

CLOUD = ("team-a", "clouds", "openstack")


def test_no_more_deletions_an_hour_than_allowed() -> None:
    clock = SetClock()
    pace = Pacing(2, clock).of(CLOUD)
    assert [pace.take(), pace.take(), pace.take()] == [True, True, False]
    clock.pass_(3601)
    assert pace.left() == 2


def test_each_cloud_has_its_own_pace() -> None:
    pacing = Pacing(1, SetClock())
    assert pacing.of(CLOUD).take()
    assert pacing.of(("team-b", "clouds", "openstack")).take()
    assert not pacing.of(CLOUD).take()


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
