from datetime import timedelta

from lessor.runtime.timekeeping import Timekeeping
from tests.runtime.clock import SetClock


def answered(keeping: Timekeeping, clock: SetClock, skew: float, source: str = "kubernetes", took: float = 0.1) -> None:
    sent = clock.elapsed()
    date = clock.now() + timedelta(seconds=took / 2 - skew)
    clock.pass_(took)
    keeping.answered(source, date.replace(microsecond=0), sent, clock.elapsed())


def test_clocks_that_agree_are_certain() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, 0)
    assert keeping.certain()
    assert keeping.skews() == {"kubernetes": 0.0}


def test_more_than_a_minute_apart_is_uncertain_either_way() -> None:
    for skew in (62.0, -62.0):
        clock = SetClock()
        keeping = Timekeeping(clock)
        answered(keeping, clock, skew)
        assert not keeping.certain()


def test_the_last_answer_counts() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, 90)
    answered(keeping, clock, 0)
    assert keeping.certain()


def test_one_source_that_differs_is_enough() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, 90, "kubernetes")
    answered(keeping, clock, 0, "team-a/clouds/openstack nova")
    assert not keeping.certain("team-a/clouds/openstack ")


def test_the_clock_of_a_cloud_concerns_those_who_are_led_there_and_nobody_else() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, 0, "kubernetes")
    answered(keeping, clock, 18000, "team-a/clouds/openstack nova")
    answered(keeping, clock, 0, "team-a/clouds/openstack glance")
    assert not keeping.certain("team-a/clouds/openstack ")
    assert keeping.certain("team-b/clouds/openstack ")
    assert keeping.certain()


def test_the_metrics_tell_the_worst_of_the_clouds_and_forget_those_that_are_no_more() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, -90, "team-a/clouds/openstack nova", took=0.0)
    answered(keeping, clock, 0, "team-b/clouds/openstack nova")
    assert {source: round(skew) for source, skew in keeping.skews().items()} == {"openstack": -90}
    keeping.forget("team-a/clouds/openstack ")
    assert keeping.skews() == {"openstack": 0.0}


def test_a_slow_answer_is_no_skew() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    answered(keeping, clock, 0, took=200.0)
    assert keeping.certain()


def test_a_step_of_the_wall_clock_is_remembered_for_ten_minutes() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    clock.set_wall(3600)
    assert not keeping.certain()
    clock.pass_(599)
    assert not keeping.certain()
    clock.pass_(2)
    assert keeping.certain()


def test_slow_drift_is_no_step() -> None:
    clock = SetClock()
    keeping = Timekeeping(clock)
    for _ in range(100):
        clock.pass_(60)
        clock.set_wall(0.01)
        assert keeping.certain()


def test_a_step_is_noted_at_each_answer_and_not_only_when_somebody_asks() -> None:
    clock = SetClock()
    timekeeping = Timekeeping(clock)
    clock.set_wall(30)
    timekeeping.answered("kubernetes", clock.now(), clock.elapsed(), clock.elapsed())
    clock.pass_(700)
    assert timekeeping.certain()
