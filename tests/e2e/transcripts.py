"""Console blocks of a Markdown page: run again, compared with what stands there, or written anew."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<instant>"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"(?<=\s)(\d+m)?\d+s(?=\s|$)"), "<age>"),
    (re.compile(r" +"), " "),
)

Run = Callable[[str], str]


@dataclass(frozen=True)
class Step:
    """One command and what it printed."""

    command: str
    output: str


def replay(page: str, run: Run) -> tuple[str, list[tuple[Step, Step]]]:
    """Run every command of the page in its order.

    Gives the page with what was printed now, and the pairs of steps, as written and as run, that differ in more than
    instants, ages, ids and the width of columns.
    """
    differing: list[tuple[Step, Step]] = []

    def block(match: re.Match[str]) -> str:
        lines = []
        for written in _steps(match.group()):
            now = Step(written.command, run(written.command))
            if _steady(now.output) != _steady(written.output):
                differing.append((written, now))
            lines.append(f"$ {now.command}\n{now.output}")
        return "".join(lines)

    return _BLOCK.sub(block, page), differing


def _steps(block: str) -> list[Step]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [Step(*part.split("\n", 1)) for part in parts]


def _steady(output: str) -> str:
    for pattern, name in _VOLATILE:
        output = pattern.sub(name, output)
    return "\n".join(line.rstrip() for line in output.splitlines())
