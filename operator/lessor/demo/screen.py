"""How the story looks: a live table with its timeline in a terminal, plain lines anywhere else."""

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lessor.demo.board import Board, Cell, Row
from lessor.demo.news import Line
from lessor.demo.story import DAYS

_TAIL, _LEAST_TAIL = 9, 3
_AROUND = 9  # lines of the picture that are neither a server nor something that happens
_WIDE = 110
_SHORTEST = 0.08  # seconds between two pictures
_CELL_STYLES = {
    Cell.NOTHING: "",
    Cell.WAITING: "magenta",
    Cell.RUNNING: "green",
    Cell.LATE: "red",
    Cell.HELD: "yellow",
    Cell.SHELVED: "blue",
    Cell.GONE: "bright_black",
}
_LEGEND = (
    (Cell.WAITING, "waits"),
    (Cell.RUNNING, "in use"),
    (Cell.LATE, "past its end"),
    (Cell.HELD, "stopped"),
    (Cell.SHELVED, "shelved"),
    (Cell.GONE, "deleted"),
)


class Teller(Protocol):
    """Whoever tells the story. Used as a context manager while it lasts."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and leave the terminal as it was."""

    def say(self, lines: Iterable[str]) -> None:
        """Say something outside the story."""

    def tell(self, line: Line) -> None:
        """Tell what happens."""

    def show(self, now: datetime) -> None:
        """Show how all is at this instant."""


class Plain:
    """Lines of text, for a pipe or a log."""

    def __init__(self, console: Console, begin: datetime) -> None:
        self._console = console
        self._begin = begin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, lines: Iterable[str]) -> None:
        """Print the lines."""
        for line in lines:
            self._print(line)

    def tell(self, line: Line) -> None:
        """Print the line."""
        self._print(line.plain(self._begin))

    def show(self, now: datetime) -> None:
        """Nothing: how all is stands in the summary."""

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
        self._console.file.flush()


class Screen:
    """The live table, and the last lines under it. `now`: of the last picture."""

    def __init__(self, console: Console, board: Board, begin: datetime) -> None:
        self._console = console
        self._board = board
        self._begin = begin
        self._lines: list[Line] = []
        self.now = begin
        self._drawn = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._live.stop()

    def say(self, lines: Iterable[str]) -> None:
        """Print the lines above the table."""
        for line in lines:
            self._console.print(line, highlight=False, markup=False)

    def tell(self, line: Line) -> None:
        """Add the line to those under the table."""
        self._lines.append(line)

    def show(self, now: datetime) -> None:
        """Draw all anew, as often as an eye can follow."""
        self.now = now
        if self._console.get_time() - self._drawn >= _SHORTEST:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._console.get_time()
        self._live.update(self.drawn(), refresh=True)

    def drawn(self) -> Group:
        """Give the whole picture."""
        room = self._console.height - len(self._board.rows) - _AROUND
        lines = max(_LEAST_TAIL, min(_TAIL, room))
        tail = Text("\n", no_wrap=True, overflow="ellipsis").join(
            _told(line, self._begin) for line in self._lines[-lines:]
        )
        return Group(self._table(), Panel(tail, title="what happens", title_align="left", height=lines + 2))

    def _table(self) -> Table:
        day = (self.now - self._begin) // timedelta(days=1)
        table = Table(
            title=f"a simulation: day {day} of {DAYS}, {self.now:%Y-%m-%d %H:%M} UTC",
            caption=_legend(),
            expand=True,
            title_justify="left",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        wide = self._console.width >= _WIDE
        for heading in ("owner", "name", *(("its cloud says",) if wide else ()), "its lease says", "ends"):
            table.add_column(heading, no_wrap=True)
        table.add_column("day by day", min_width=DAYS, no_wrap=True)
        for row in self._board.rows.values():
            table.add_row(row.person, row.name, *((row.server,) if wide else ()), row.lease, row.ends, _bar(row))
        return table


def _bar(row: Row) -> Text:
    spans = ((cell, len(list(days))) for cell, days in itertools.groupby(row.days))
    return Text.assemble(*((cell.value * length, _CELL_STYLES[cell]) for cell, length in spans))


def _legend() -> Text:
    parts: list[str | tuple[str, str]] = []
    for cell, meaning in _LEGEND:
        parts += [(cell.value * 2, _CELL_STYLES[cell]), f" {meaning}   "]
    return Text.assemble(*parts)


def _told(line: Line, begin: datetime) -> Text:
    style = "yellow" if line.warning else "cyan" if line.who == "lessor" else ""
    return Text(line.plain(begin), style=style, no_wrap=True, overflow="ellipsis")
