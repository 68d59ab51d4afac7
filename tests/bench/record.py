"""Writes the table into docs/benchmarks.md, with what it ran on."""

import os
import platform
from importlib import metadata
from pathlib import Path

from tests.bench import clock
from tests.bench.table import Table

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
_PACKAGES = ("kopf", "kubernetes", "aiohttp", "msgspec", "uvloop")


def record(table: Table) -> None:
    """Put the table and the machine between the two marks.

    Raises:
        RuntimeError: the page has no such marks.
    """
    text = PAGE.read_text()
    head, began, rest = text.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not began or not ended:
        raise RuntimeError(f"{PAGE} has no {BEGIN} followed by {END}")
    lines = [began, f"Run on {clock.now():%Y-%m-%d}: {_machine()}.", "", *table.lines, ended]
    PAGE.write_text(head + "\n".join(lines) + tail)


def _machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    parts = (
        f"{len(os.sched_getaffinity(0))} cores ({_processor()})",
        f"{gigabytes:.0f} GB",
        f"Linux {platform.release()}",
        f"Kubernetes {os.environ['BENCH_KUBERNETES']}",
        f"Python {platform.python_version()}",
        packages,
    )
    return ", ".join(parts)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
