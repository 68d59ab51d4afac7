"""Whether a process may still change anything: by the age of its last renewal, on a clock that does not stop."""

import pytest
from typer.testing import CliRunner

from lessor import cli
from lessor.metrics import Metrics
from lessor.model.names import Kind
from lessor.ports.leading import NotLeading
from lessor.runtime.leading import Leading
from tests.runtime.apiserver import APIServer, lease_path
from tests.runtime.clock import SetClock


def allowed(leading: Leading) -> bool:
    try:
        leading.assure()
    except NotLeading:
        return False
    return True


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def leading(clock: SetClock) -> Leading:
    made = Leading(clock)
    made.take(began=clock.elapsed(), pause=0.0)
    return made


def test_who_never_took_the_lock_may_do_nothing(clock: SetClock) -> None:
    assert not allowed(Leading(clock))


@pytest.mark.parametrize(("age", "may"), [(0, True), (5, True), (9.9, True), (10, False), (60, False)])
def test_a_renewal_is_good_for_ten_seconds_from_its_start(
    leading: Leading, clock: SetClock, age: float, may: bool
) -> None:
    began = clock.elapsed()
    clock.pass_(2)
    leading.renew(began)
    clock.pass_(age - 2 if age >= 2 else 0)
    assert allowed(leading) is may


def test_a_renewal_that_is_answered_too_late_is_none(leading: Leading, clock: SetClock) -> None:
    clock.pass_(9)
    began = clock.elapsed()
    clock.pass_(2)
    leading.renew(began)
    assert not allowed(leading)


def test_a_wall_clock_that_is_set_changes_nothing(leading: Leading, clock: SetClock) -> None:
    clock.set_wall(3600)
    assert allowed(leading)
    clock.pass_(11)
    clock.set_wall(-7200)
    assert not allowed(leading)


def test_who_took_over_waits_for_the_pause_from_then_on(clock: SetClock) -> None:
    leading = Leading(clock)
    leading.take(began=clock.elapsed(), pause=10.0)
    for _ in range(4):
        clock.pass_(2.4)
        leading.renew(clock.elapsed())
        assert not allowed(leading)
    clock.pass_(0.5)
    assert allowed(leading)


def test_who_took_over_knows_how_long_a_request_of_the_one_before_may_last(clock: SetClock, leading: Leading) -> None:
    assert leading.unsettled(90) == 0
    after = Leading(clock)
    after.take(began=clock.elapsed(), pause=10.0)
    clock.pass_(30)
    assert after.unsettled(90) == pytest.approx(60)
    clock.pass_(61)
    assert after.unsettled(90) == 0


def test_who_closes_holds_the_lock_and_does_nothing_more(leading: Leading) -> None:
    leading.close()
    assert leading.left() > 0
    assert not allowed(leading)


def test_who_lost_it_never_leads_again(leading: Leading, clock: SetClock) -> None:
    leading.stop()
    leading.renew(clock.elapsed())
    assert not allowed(leading)


def test_without_an_election_this_process_leads_for_ever(clock: SetClock) -> None:
    leading = Leading(clock)
    leading.take_alone()
    clock.pass_(10**9)
    assert allowed(leading)


def test_the_metric_tells_who_leads(clock: SetClock) -> None:
    metrics = Metrics("0")
    leading = Leading(clock, metrics.leads)
    assert b"lessor_leader 0.0" in metrics.text()
    leading.take(began=clock.elapsed(), pause=10.0)
    assert b"lessor_leader 1.0" in metrics.text()
    leading.stop()
    assert b"lessor_leader 0.0" in metrics.text()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_write_of_one_that_does_not_lead_is_sent(clock: SetClock, method: str) -> None:
    api, leading = APIServer(), Leading(clock)
    api.lease()
    cluster = api.cluster(clock).guarded(leading.assure)
    with pytest.raises(NotLeading):
        await cluster.request(method, lease_path(), resource="instanceleases", body={})
    assert api.requests == []
    await cluster.read(Kind.INSTANCE_LEASE, "team-a", "vm1")
    assert api.lines() == [f"GET {lease_path()}"]


def test_the_help_names_the_flag_and_its_variable() -> None:
    text = CliRunner().invoke(cli.app, ["run", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    assert "--no-leader-elect" in text
    assert "LESSOR_LEADER_ELECT" in text


class Early(SetClock):
    """A clock whose pauses end a little too early, as uvloop's do."""

    async def sleep(self, seconds: float) -> None:
        self.pass_(max(seconds - 0.0003, 0.0001))


async def test_nobody_acts_before_the_pause_is_over_though_a_timer_fires_early() -> None:
    leading = Leading(Early())
    leading.take(began=1000.0, pause=9.0)
    await leading.acting()
    assert allowed(leading)
