"""Each effect and each write of a life is cut, in each way; the life goes on, and ends as if nothing had been."""

import pytest

from tests.passes import lives
from tests.passes.knife import How, Knife
from tests.passes.lives import LIVES, Life

CUTS = [pytest.param(life, how, id=f"{life.__name__}-{how.name.lower()}") for life in LIVES for how in How]


@pytest.mark.parametrize(("life", "how"), CUTS)
def test_a_life_that_is_cut_anywhere_ends_the_same_and_does_nothing_twice_or_early(life: Life, how: How) -> None:
    whole = Knife()
    plain = life(whole)
    expected, soonest = lives.outcome(plain), lives.first_harms(plain)
    for at, point in enumerate(whole.points):
        world = life(Knife(at=at, how=how))
        assert (at, point, expected) == (at, point, lives.outcome(world))
        assert all(when >= soonest[call] for call, when in lives.first_harms(world).items()), (at, point)


@pytest.mark.parametrize("how", list(How))
def test_a_request_that_comes_between_claim_and_list_saves_the_server_whatever_is_cut(how: How) -> None:
    whole = Knife()
    lives.renewed_between_claim_and_list(whole)
    for at, point in enumerate(whole.points):
        world = lives.renewed_between_claim_and_list(Knife(at=at, how=how))
        assert (at, point, ("active", False), ("True", "Full")) == (at, point, world.state, world.granted())
        assert lives.outcome(world)["harms"] == {}
