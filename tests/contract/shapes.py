"""The shape of a schema and of a struct in one form, so that the two can be compared field by field.

A shape is a table: the path of each field (`expiry.stages[].after`) to its type and whether it must be there.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import msgspec
from msgspec import inspect

from lessor.model.times import Duration
from tests.contract.schemas import Schema

DURATION_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `type` in the words of a schema; `required`, without it the object is refused."""

    type: str
    required: bool


Shape = dict[str, Field]

_PLAIN: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "integer",
    inspect.BoolType: "boolean",
    inspect.DateTimeType: "instant",
    inspect.StructType: "object",
}
_CUSTOM: dict[type, str] = {Duration: "string"}


def of_schema(schema: Schema, path: str = "") -> Shape:
    """Give the shape of an object's schema."""
    required = schema.get("required", [])
    shape: Shape = {}
    for name, child in schema["properties"].items():
        here = f"{path}{name}"
        shape[here] = Field(_schema_type(child), name in required)
        shape |= _below_schema(child, here)
    return shape


def _schema_type(schema: Schema) -> str:
    if schema["type"] == "array":
        return f"array of {_schema_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_schema_type(schema['additionalProperties'])}"
    return "instant" if schema.get("format") == "date-time" else schema["type"]


def _below_schema(schema: Schema, path: str) -> Shape:
    if schema["type"] == "array":
        return _below_schema(schema["items"], f"{path}[]")
    return of_schema(schema, f"{path}.") if "properties" in schema else {}


def of_struct(struct: type[msgspec.Struct], path: str = "") -> Shape:
    """Give the shape of a struct as it travels."""
    return _of_info(inspect.type_info(struct), path)


def _of_info(info: inspect.Type, path: str) -> Shape:
    assert isinstance(info, inspect.StructType)
    shape: Shape = {}
    for field in info.fields:
        here = f"{path}{field.encode_name}"
        kind = _without_none(field.type)
        shape[here] = Field(_struct_type(kind), field.required)
        shape |= _below_info(kind, here)
    return shape


def _without_none(info: inspect.Type) -> inspect.Type:
    """Give the type of a field that may be absent: None means absent and never travels."""
    if not isinstance(info, inspect.UnionType):
        return info
    (kind,) = [each for each in info.types if not isinstance(each, inspect.NoneType)]
    return kind


def _struct_type(info: inspect.Type) -> str:
    match info:
        case inspect.VarTupleType(item_type=item):
            return f"array of {_struct_type(item)}"
        case inspect.DictType(value_type=value):
            return f"map of {_struct_type(value)}"
        case inspect.CustomType(cls=cls):
            return _CUSTOM[cls]
    return _PLAIN[type(info)]


def _below_info(info: inspect.Type, path: str) -> Shape:
    if isinstance(info, inspect.VarTupleType):
        return _below_info(info.item_type, f"{path}[]")
    return _of_info(info, f"{path}.") if isinstance(info, inspect.StructType) else {}


def durations(struct: type[msgspec.Struct]) -> set[str]:
    """Give the paths of a struct's durations, which are strings of one form."""
    return _durations(inspect.type_info(struct), "")


def _durations(info: inspect.Type, path: str) -> set[str]:
    match _without_none(info):
        case inspect.CustomType(cls=cls) if cls is Duration:
            return {path}
        case inspect.VarTupleType(item_type=item):
            return _durations(item, f"{path}[]")
        case inspect.StructType(fields=fields):
            below = (_durations(field.type, f"{path}.{field.encode_name}".lstrip(".")) for field in fields)
            return set().union(*below)
    return set()


def differences(schema: Schema, struct: type[msgspec.Struct], answered: AbstractSet[str] = frozenset()) -> list[str]:
    """Give a sentence for each field that is not the same on both sides.

    `answered`: the paths that the schema requires, and whose absence the model reads so that it is answered in words.
    """
    there, here = of_schema(schema), of_struct(struct)
    here |= {path: Field(here[path].type, required=True) for path in answered & here.keys() if not here[path].required}
    said = [f"{path} is in the schema and not in the model" for path in there.keys() - here.keys()]
    said += [f"{path} is in the model and not in the schema" for path in here.keys() - there.keys()]
    said += [
        f"{path} is {_words(there[path])} in the schema and {_words(here[path])} in the model"
        for path in there.keys() & here.keys()
        if there[path] != here[path]
    ]
    return sorted(said)


def _words(field: Field) -> str:
    return f"{'required' if field.required else 'optional'} {field.type}"
