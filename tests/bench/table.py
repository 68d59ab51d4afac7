"""The one table: what, target, figure, verdict; a row as soon as its figures are there. Progress goes to stderr."""

import sys
from dataclasses import dataclass

_WIDTHS = (46, 56, 62, 7)
HEAD = ("what", "target", "figure", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured row."""

    what: str
    target: str
    figure: str
    met: bool

    @property
    def line(self) -> str:
        """The row as a line of the table."""
        return _line((self.what, self.target, self.figure, "met" if self.met else "MISSED"))


class Table:
    """Prints itself line by line to stdout."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    @property
    def lines(self) -> list[str]:
        """What was printed."""
        return [_line(HEAD), _line(tuple("-" * width for width in _WIDTHS)), *(row.line for row in self.rows)]

    def add(self, row: Row) -> None:
        """Take a row and print it, the head before the first one."""
        self.rows.append(row)
        _print(self.lines if len(self.rows) == 1 else [row.line])

    @property
    def met(self) -> bool:
        """Whether no target was missed."""
        return all(row.met for row in self.rows)


def say(text: str) -> None:
    """Tell how far the work is."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def _print(lines: list[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)) + " |"
