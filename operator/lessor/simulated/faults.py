"""What goes wrong, for how many requests, and how often: the same for the simulated cloud and the simulated cluster.

A service asks `draw` once for each request, with a line that names it ("os-stop 1b9d6bcd-...", "PATCH /apis/..."), and
does what the fault that it gets says; None: all is well.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """What goes wrong with one request."""

    REFUSE = "Refuse"  # nothing is done; an answer of the given code and words
    REFUSE_AFTER = "RefuseAfter"  # it is done; an answer of the given code and words all the same
    HANG = "Hang"  # nothing is done, and no answer comes
    CUT_BEFORE = "CutBefore"  # nothing is done; the connection is closed
    CUT_AFTER = "CutAfter"  # it is done; the connection is closed
    TRUNCATE = "Truncate"  # a list gives fewer items than there are, and does not say so
    EMPTY = "Empty"  # a list gives no item
    LATE = "Late"  # an event of a watch comes only with the next one
    REPEAT = "Repeat"  # an event of a watch comes twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `code`, `message` and `headers` are those of the answer that refuses."""

    what: What
    code: int = 503
    message: str = "Service Unavailable"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rule:
    """A fault for the requests whose lines match.

    Attributes:
        left: how many more it strikes; None: until it is taken away.
        struck: how many it struck so far.
    """

    pattern: re.Pattern[str]
    fault: Fault
    left: int | None
    rate: float
    struck: int = 0

    def matches(self, line: str) -> bool:
        """Tell whether the rule is about this request."""
        return self.left != 0 and self.pattern.search(line) is not None


class Faults:
    """The rules. What happens by rate is the same each time for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 (a story, no secret)
        self._rules: list[Rule] = []

    def add(self, pattern: str, fault: Fault, *, times: int | None = 1, rate: float = 1.0) -> Rule:
        """Let requests whose line matches the regular expression go wrong.

        Args:
            pattern: searched in the line.
            fault: what happens.
            times: how many requests it strikes; None: all, until `take_away`.
            rate: of the requests that match, from 0 to 1.
        """
        rule = Rule(re.compile(pattern), fault, times, rate)
        self._rules.append(rule)
        return rule

    def take_away(self, rule: Rule) -> None:
        """Let it be well again."""
        self._rules = [other for other in self._rules if other is not rule]

    def clear(self) -> None:
        """Let all be well again."""
        self._rules.clear()

    def draw(self, line: str) -> Fault | None:
        """Give what goes wrong with this request, the oldest rule first; None: nothing."""
        for rule in self._rules:
            if rule.matches(line) and (rule.rate >= 1.0 or self._random.random() < rule.rate):
                rule.struck += 1
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return None
