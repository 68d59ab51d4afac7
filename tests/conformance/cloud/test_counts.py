"""How many cases there are, and how many are skipped on one side: neither shrinks or grows unseen."""

from pathlib import Path

import pytest

CASES, ONLY_SIMULATED, ONLY_REAL = 417, 4, 0


def test_the_cases_are_counted(request: pytest.FixtureRequest) -> None:
    here = Path(__file__).parent
    items = [
        item
        for item in request.session.items
        if item.path.parent == here and "side" in getattr(item, "fixturenames", ())
    ]
    if {item.path for item in items} != set(here.glob("test_*.py")) - {Path(__file__)}:
        pytest.skip("only a part of the cases was collected")
    cases = [item for item in items if item.callspec.params["side"] == "simulated"]  # type: ignore[attr-defined]
    only = [mark.args[0] for item in cases if (mark := item.get_closest_marker("only")) is not None]
    assert (len(cases), only.count("simulated"), only.count("real")) == (CASES, ONLY_SIMULATED, ONLY_REAL)
