"""Structural schemas checked: by `jsonschema`, in the words of the API server.

jsonschema does not know `nullable`, int-or-string and the lists that are sets and maps: the first two are translated,
the last two are checked here. Source: k8s.io/kube-openapi/pkg/validation/validate and validation/errors,
k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype, apimachinery/pkg/util/validation/field/errors.go.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import jsonschema

from lessor.simulated.cluster import schemas
from lessor.simulated.cluster.refusals import Cause, shown
from lessor.simulated.cluster.schemas import Schema

Check = Callable[[object], list[Cause]]

_formats = jsonschema.FormatChecker(formats=())
_INSTANT = re.compile(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$")
_BLOCKING = frozenset(
    ("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")
)
_UNCHECKED = Cause(
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
    "<nil>",
)


@_formats.checks("date-time")
def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return _INSTANT.match(value) is not None


def check(schema: Schema) -> Check:
    """Give what finds all that is wrong with an object by a structural schema."""
    validator = jsonschema.Draft4Validator(_plain(schema), format_checker=_formats)
    rules = any("x-kubernetes-validations" in each for each in schemas.within(schema))

    def checked(value: object) -> list[Cause]:
        errors = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
        causes = [cause for error in errors for cause in _causes(error)]
        causes += _repeated(value, schema, "")
        blocked = rules and any(cause.reason in _BLOCKING for cause in causes)
        return [*causes, _UNCHECKED] if blocked else causes

    return checked


# ------------------------------------------------------------ what jsonschema understands


def _plain(schema: Schema) -> Schema:
    result = {key: _plain_part(key, value) for key, value in schema.items() if key not in {"default", "nullable"}}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if schema.get("nullable"):
        result = {"anyOf": [{"type": "null"}, result]} if "type" not in result else _nullable(result)
    return result


def _nullable(plain: Schema) -> Schema:
    types = plain["type"] if isinstance(plain["type"], list) else [plain["type"]]
    more = {"enum": [*plain["enum"], None]} if "enum" in plain else {}
    return {**plain, "type": [*types, "null"], **more}


def _plain_part(key: str, value: object) -> object:
    if key in {"properties", "patternProperties"} and isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if key in {"allOf", "anyOf", "oneOf"} and isinstance(value, list):
        return [_plain(each) for each in value]
    if key in {"items", "not", "additionalProperties"} and isinstance(value, dict):
        return _plain(value)
    return value


# ------------------------------------------------------------ the words


def _causes(error: jsonschema.ValidationError) -> Iterator[Cause]:
    at = _path(error.absolute_path)
    value: Any = error.instance
    limit: Any = error.validator_value
    match error.validator:
        case "required":
            missing = next(name for name in limit if f"'{name}'" in error.message and name not in value)
            yield Cause("FieldValueRequired", "Required value", f"{at}.{missing}" if at else missing)
        case "enum":
            allowed = ", ".join(json.dumps(each) for each in limit if each is not None)
            words = f"Unsupported value: {shown(value)}: supported values: {allowed}"
            yield Cause("FieldValueNotSupported", words, at)
        case "maxLength":
            yield Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", at)
        case "maxItems" | "maxProperties":
            words = f"Too many: {len(value)}: must have at most {limit} {_plural(limit, 'item')}"
            yield Cause("FieldValueTooMany", words, at)
        case "format":
            words = f"{at} in body must be of type {limit}: {shown(value)}"
            yield Cause("FieldValueTypeInvalid", f"Invalid value: {shown(value)}: {words}", at)
        case "type":
            words = f"{at} in body must be of type {_type(limit)}: {json.dumps(_kind(value))}"
            yield Cause("FieldValueTypeInvalid", f"Invalid value: {json.dumps(_kind(value))}: {words}", at)
        case _:
            words = _WORDS.get(str(error.validator), "must validate its schema").format(limit)
            counted = len(value) if str(error.validator) in {"minItems", "minProperties"} else value
            yield Cause("FieldValueInvalid", f"Invalid value: {shown(counted)}: {at} in body {words}", at)


_WORDS = {
    "pattern": "should match '{}'",
    "minLength": "should be at least {} chars long",
    "minItems": "should have at least {} items",
    "minProperties": "should have at least {} properties",
    "minimum": "should be greater than or equal to {}",
    "maximum": "should be less than or equal to {}",
    "multipleOf": "should be a multiple of {}",
    "uniqueItems": "shouldn't contain duplicates",
    "not": "must not validate the schema (not)",
}


def _type(limit: object) -> str:
    kinds = [kind for kind in (limit if isinstance(limit, list) else [limit]) if kind != "null"]
    return ",".join(str(kind) for kind in kinds)


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (dict, "object"),
    (list, "array"),
)


def _plural(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


def _path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


# ------------------------------------------------------------ sets and maps


def _repeated(value: object, schema: Schema, at: str) -> list[Cause]:
    causes: list[Cause] = []
    if isinstance(value, list) and "items" in schema:
        causes += _duplicates(value, schema, at)
        for number, each in enumerate(value):
            causes += _repeated(each, schema["items"], f"{at}[{number}]")
    if isinstance(value, dict):
        for name, each in value.items():
            within = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if isinstance(within, dict):
                causes += _repeated(each, within, f"{at}.{name}".lstrip("."))
    return causes


def _duplicates(value: list[object], schema: Schema, at: str) -> Iterator[Cause]:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            identity: Callable[[object], object] = _same
        case "map":
            identity = partial(_keys, schema["x-kubernetes-list-map-keys"])
        case _:
            return
    seen: list[object] = []
    for number, each in enumerate(value):
        own = identity(each)
        if own in seen:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {shown(own)}", f"{at}[{number}]")
        seen.append(own)


def _same(value: object) -> object:
    return value


def _keys(names: list[str], value: object) -> object:
    return {name: value[name] for name in sorted(names) if name in value} if isinstance(value, dict) else value
