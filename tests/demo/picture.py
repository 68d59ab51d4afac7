"""Draws the last picture of a demonstration that just ran: `make -B docs/demo.svg`."""

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from lessor.demo import play
from lessor.demo.screen import Screen

_WIDTH, _HEIGHT = 124, 40


def draw(path: Path) -> None:
    """Run a demonstration as fast as it goes, and draw how its screen looks at the end."""
    unseen = Console(file=io.StringIO(), force_terminal=True, width=_WIDTH, height=_HEIGHT)
    drawn = Console(file=io.StringIO(), record=True, force_terminal=True, width=_WIDTH, height=_HEIGHT)

    class Drawn(play.Performance):
        def _summary(self) -> list[str]:  # type: ignore[override]
            screen = Screen(drawn, self._board, self._begin)
            for line in self._news.lines:
                screen.tell(line)
            screen.now = self._clock.now()
            drawn.print(screen.drawn())
            return list(super()._summary())

    play.main(play.Options(seconds=0), unseen, Drawn)
    svg = drawn.export_svg(title="lessor demo")
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))  # fonts that nobody may load


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
