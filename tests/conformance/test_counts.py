"""How many cases there are, and how many are skipped on one side: neither shrinks or grows unseen."""

from pathlib import Path

import pytest

COUNTS = {"cloud": (666, 21, 0), "cluster": (241, 0, 0)}  # cases, only on the simulated side, only on the real one


@pytest.mark.parametrize("part", COUNTS)
def test_the_cases_are_counted(part: str, request: pytest.FixtureRequest) -> None:
    folder = Path(__file__).parent / part
    items = [
        item
        for item in request.session.items
        if item.path.parent == folder and "side" in getattr(item, "fixturenames", ())
    ]
    if {item.path for item in items} != set(folder.glob("test_*.py")):
        pytest.skip("only a part of the cases was collected")
    cases = [item for item in items if item.callspec.params["side"] == "simulated"]  # type: ignore[attr-defined]
    only = [mark.args[0] for item in cases if (mark := item.get_closest_marker("only")) is not None]
    assert (len(cases), only.count("simulated"), only.count("real")) == COUNTS[part]
