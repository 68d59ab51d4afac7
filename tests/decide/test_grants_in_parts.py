"""A grant at a part of a second is told as long as it is."""

from datetime import timedelta

import pytest

from tests.decide.test_grants import AFTER, NOW, asked, request

HALF = timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("now", "rules"),
    [
        pytest.param(NOW + HALF, {"from": "Now", "extendBy": "5d"}, id="from now"),
        pytest.param(AFTER + HALF, {"extendBy": "5d"}, id="after the end"),
    ],
)
@pytest.mark.parametrize("extend_by", [None, "9d"])
def test_a_grant_at_a_part_of_a_second_is_told_as_long_as_it_is(
    now: object, rules: dict[str, str], extend_by: str | None
) -> None:
    (decision,) = asked(request(extend_by=extend_by), now=now, declared={"renewal": rules}).decisions  # type: ignore[arg-type]
    assert decision.status.message is not None
    assert decision.status.message.startswith("Granted 5d" + (":" if extend_by is None else " of 9d:"))
