"""The JSONPath that printer columns and selectable fields use: `.a.b`, `['a','b']`, `[0]`, `[*]`, `[?(@.a=="b")]`.

Source: k8s.io/client-go/util/jsonpath.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Step = Callable[[object], Iterator[object]]

_TOKEN = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\]])+)
      | \[(?P<index>-?\d+)\]
      | \[(?P<every>\*)\]
      | \[(?P<names>'[^']*'(?:\s*,\s*'[^']*')*)\]
      | \[\?\(@(?P<left>[^=!<>)]+?)\s*==\s*(?P<right>"[^"]*"|'[^']*'|[^)]+?)\s*\)\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Path:
    """One path, read once."""

    text: str
    steps: tuple[Step, ...]

    def find(self, value: object) -> list[object]:
        """Give all that it leads to, in order; what is missing is left out."""
        found = [value]
        for step in self.steps:
            found = [each for one in found for each in step(one)]
        return found

    def first(self, value: object) -> object:
        """Give the first of them; None: there is none."""
        found = self.find(value)
        return found[0] if found else None


def path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: it uses more than this subset.
    """
    steps, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"the JSONPath {text!r} cannot be read from {text[at:]!r} on")
        steps.append(_step(token))
        at = token.end()
    return Path(text, tuple(steps))


def _step(token: re.Match[str]) -> Step:
    if token["field"] is not None:
        return _names((token["field"].replace("\\.", "."),))
    if token["index"] is not None:
        return _index(int(token["index"]))
    if token["names"] is not None:
        return _names(tuple(re.findall(r"'([^']*)'", token["names"])))
    if token["every"] is not None:
        return _every
    return _where(path(token["left"]), token["right"].strip("\"'"))


def _names(names: tuple[str, ...]) -> Step:
    def step(value: object) -> Iterator[object]:
        if isinstance(value, dict):
            yield from (value[name] for name in names if name in value)

    return step


def _index(number: int) -> Step:
    def step(value: object) -> Iterator[object]:
        if isinstance(value, list) and -len(value) <= number < len(value):
            yield value[number]

    return step


def _every(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _where(left: Path, right: str) -> Step:
    def step(value: object) -> Iterator[object]:
        if isinstance(value, list):
            yield from (each for each in value if any(str(found) == right for found in left.find(each)))

    return step
