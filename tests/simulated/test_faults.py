"""Faults: which request they strike, how many, and how often."""

import pytest

from lessor.simulated.faults import Fault, Faults, What

CUT = Fault(what=What.CUT_AFTER)
LIMIT = Fault(what=What.REFUSE, code=429, message="Slow down", headers={"Retry-After": "7"})


def test_without_rules_all_is_well() -> None:
    assert Faults().draw("os-stop s1") is None


def test_a_rule_strikes_the_requests_that_it_names_and_as_many_as_it_says() -> None:
    faults = Faults()
    faults.add("^os-stop ", CUT, times=2)
    drawn = [faults.draw(line) for line in ("lock s1", "os-stop s1", "os-stop s2", "os-stop s3")]
    assert drawn == [None, CUT, CUT, None]


def test_a_lasting_rule_strikes_until_it_is_taken_away() -> None:
    faults = Faults()
    rule = faults.add("s1", LIMIT, times=None)
    assert [faults.draw("get s1") for _ in range(3)] == [LIMIT] * 3
    faults.take_away(rule)
    assert faults.draw("get s1") is None


def test_the_oldest_rule_comes_first_and_clear_ends_all() -> None:
    faults = Faults()
    faults.add("get", CUT)
    faults.add("get", LIMIT, times=None)
    assert [faults.draw("get s1"), faults.draw("get s1")] == [CUT, LIMIT]
    faults.clear()
    assert faults.draw("get s1") is None


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_what_happens_by_rate_is_the_same_for_the_same_seed(rate: float) -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("get", CUT, times=None, rate=rate)
        return [faults.draw("get") is not None for _ in range(1000)]

    assert struck(7) == struck(7)
    assert rate * 0.8 * 1000 <= sum(struck(7)) <= rate * 1.2 * 1000
