"""Label and field selectors.

Source: k8s.io/apimachinery/pkg/labels/selector.go and fields/selector.go.
"""

import re
from collections.abc import Callable, Mapping

from lessor.simulated.cluster import refusals
from lessor.simulated.cluster.resources import Object, Resource

Selector = Callable[[Object], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<not>notin|in)\s*\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^=!]+?)\s*(?P<sign>!=|==|=)\s*(?P<value>.*)$")
_COMMA = re.compile(r",(?![^(]*\))")


def selector(resource: Resource, query: Mapping[str, str]) -> Selector:
    """Give what tells whether an object, in the form that the resource shows, is meant by a query.

    Raises:
        Refusal: a selector cannot be read, or names a field that cannot be selected by.
    """
    tests = [*_labels(query.get("labelSelector", "")), *_fields(resource, query.get("fieldSelector", ""))]
    return lambda raw: all(test(raw) for test in tests)


def _labels(text: str) -> list[Selector]:
    return [_label(part.strip()) for part in _COMMA.split(text) if part.strip()]


def _label(part: str) -> Selector:
    chosen = _SET.match(part)
    if chosen is not None:
        values = {value.strip() for value in chosen["values"].split(",")}
        return _label_in(chosen["key"], values, wanted=chosen["not"] == "in")
    equal = _EQUAL.match(part)
    if equal is not None:
        return _label_in(equal["key"], {equal["value"].strip()}, wanted=equal["sign"] != "!=")
    if not re.fullmatch(r"!?\s*[A-Za-z0-9][-A-Za-z0-9_./]*", part):
        raise refusals.bad_request(f"unable to parse requirement: {part!r}")
    name = part.lstrip("! ")
    return lambda raw: (name in _of(raw)) is not part.startswith("!")


def _label_in(name: str, values: set[str], *, wanted: bool) -> Selector:
    def test(raw: Object) -> bool:
        value = _of(raw).get(name)
        return (value is not None and value in values) is wanted

    return test


def _of(raw: Object) -> Mapping[str, str]:
    return raw["metadata"].get("labels") or {}


def _fields(resource: Resource, text: str) -> list[Selector]:
    return [_field(resource, part.strip()) for part in text.split(",") if part.strip()]


def _field(resource: Resource, part: str) -> Selector:
    equal = _EQUAL.match(part)
    if equal is None:
        raise refusals.bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    found = resource.fields.get(equal["key"])
    if found is None:
        raise refusals.bad_request(f"field label not supported: {equal['key']}")
    path, value, wanted = found, equal["value"], equal["sign"] != "!="
    return lambda raw: (_text(path.first(raw)) == value) is wanted


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
