"""The same cases on the simulated and on the real parts: `LESSOR_CONFORMANCE=real` runs each on both, with a table.

A case asks for `side` ("simulated" or "real"), itself or by way of the fixture that gives it the cloud or the cluster.
One that a fact forbids on one side says so: `@pytest.mark.only("simulated", because="...")`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable

import pytest

SIDES = ("simulated", "real")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "side" in metafunc.fixturenames:
        both = os.environ.get("LESSOR_CONFORMANCE") == "real"
        metafunc.parametrize("side", SIDES if both else SIDES[:1], scope="session")


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        only, callspec = item.get_closest_marker("only"), getattr(item, "callspec", None)
        side = callspec.params.get("side") if callspec is not None else None
        if only is not None and side is not None and side != only.args[0]:
            item.add_marker(pytest.mark.skip(reason=f"only {only.args[0]}: {only.kwargs['because']}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table (case, simulated, real) when both sides ran."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if isinstance(report, pytest.TestReport) and outcome in {"passed", "failed", "error", "skipped"}:
                _enter(said, report.nodeid, outcome)
    if any("real" in sides for sides in said.values()):
        _print(terminalreporter, said)


def _enter(said: dict[str, dict[str, str]], nodeid: str, outcome: str) -> None:
    folder, _, case = nodeid.partition("conformance/")
    for side in SIDES:
        if folder.endswith("tests/") and f"[{side}" in case:
            said[case.replace(f"[{side}]", "").replace(f"[{side}-", "[")][side] = outcome


def _print(terminalreporter: pytest.TerminalReporter, said: dict[str, dict[str, str]]) -> None:
    widest = max(len(case) for case in said)
    terminalreporter.section("conformance")
    terminalreporter.write_line(f"{'case':{widest}}  simulated  real")
    for case in sorted(said):
        sides = [said[case].get(side, "not run") for side in SIDES]
        terminalreporter.write_line(f"{case:{widest}}  {sides[0]:9}  {sides[1]}")
    agree = sum(len(set(sides.values()) - {"skipped"}) == 1 for sides in said.values())
    terminalreporter.write_line(f"{agree} of {len(said)} cases agree")
