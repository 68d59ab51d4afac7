"""What a reservation asks of the properties of hosts: `[">=", "$vcpus", "4"]`, or several of them behind an "and".

Source: blazar/utils/plugins.py (convert_requirements), blazar/db/sqlalchemy/api.py (host_get_all_by_queries).
"""

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from lessor.simulated.cloud.blazar import refusals

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Requirement(NamedTuple):
    """One of them."""

    key: str
    compare: str
    value: str

    def holds(self, have: object) -> bool:
        """Tell whether a value fits. The database compares numbers as numbers; capabilities are strings to it."""
        wanted: object = self.value
        if isinstance(have, int):
            try:
                wanted = int(self.value)
            except ValueError:
                wanted = 0
        return _COMPARE[self.compare](have, wanted)


def read(text: Any) -> list[Requirement]:  # noqa: ANN401 (JSON)
    """Read what is asked.

    Raises:
        Refused: 400: it is not of that form.
    """
    try:
        asked = json.loads(text or "[]") if isinstance(text, str) else text
    except ValueError:
        raise refusals.malformed_requirements(text) from None
    return _converted(asked)


def _converted(asked: Any) -> list[Requirement]:  # noqa: ANN401 (JSON)
    if _is_one(asked):
        return [Requirement(asked[1][1:], asked[0], asked[2])]
    if isinstance(asked, list) and not asked:
        return []
    if isinstance(asked, list) and len(asked) > 1 and asked[0] == "and":
        every = [_converted(each) for each in asked[1:]]
        if all(every):
            return [each[0] for each in every]
    raise refusals.malformed_requirements(asked)


def _is_one(asked: Any) -> bool:  # noqa: ANN401 (JSON)
    return (
        isinstance(asked, list)
        and len(asked) == 3
        and all(isinstance(each, str) for each in asked)
        and asked[0] in _COMPARE
        and len(asked[1]) > 1
        and asked[1].startswith("$")
        and len(asked[2]) > 0
    )


def known(requirements: Iterable[Requirement], keys: Iterable[str]) -> None:
    """Refuse a property that no resource has.

    Raises:
        Refused: 500: the database knows it not.
    """
    have = set(keys)
    if any(each.key not in have for each in requirements):
        raise refusals.database("BlazarDBNotFound")
