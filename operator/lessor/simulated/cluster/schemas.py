"""Structural schemas: what an object becomes by them, and the schema of the metadata of every object.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}.
"""

import copy
import json
from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time", "nullable": True}
ANY: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def fields(**properties: Schema) -> Schema:
    """Give the schema of an object with these fields."""
    return {"type": "object", "properties": properties}


def values(schema: Schema) -> Schema:
    """Give the schema of a map to values of this one."""
    return {"type": "object", "additionalProperties": schema}


def items(schema: Schema, **more: object) -> Schema:
    """Give the schema of a list."""
    return {"type": "array", "items": schema, **more}


_OWNER = fields(apiVersion=STRING, kind=STRING, name=STRING, uid=STRING, controller=BOOLEAN, blockOwnerDeletion=BOOLEAN)
METADATA = fields(
    name=STRING,
    generateName=STRING,
    namespace=STRING,
    selfLink=STRING,
    uid=STRING,
    resourceVersion=STRING,
    generation=INTEGER,
    creationTimestamp=INSTANT,
    deletionTimestamp=INSTANT,
    deletionGracePeriodSeconds=INTEGER,
    labels=values(STRING),
    annotations=values(STRING),
    ownerReferences=items(_OWNER),
    finalizers=items(STRING),
    managedFields=items(ANY),
)


def of_object(schema: Schema) -> Schema:
    """Give the schema of a whole object: with its type and its metadata, whatever the schema itself says of them."""
    properties = {**schema.get("properties", {}), "apiVersion": STRING, "kind": STRING, "metadata": METADATA}
    return {**schema, "type": "object", "properties": properties}


def shaped(value: object, schema: Schema, unknown: list[str], at: str = "") -> object:
    """Give a value as it is stored: without unknown fields and stray nulls, with the defaults.

    Args:
        value: what was sent; it stays as it is.
        schema: structural.
        unknown: gets the paths of the fields that were dropped.
        at: the path of the value.
    """
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource") and at:
            schema = of_object(schema)
        return _shaped_fields(value, schema, unknown, at)
    if isinstance(value, list) and "items" in schema:
        within = schema["items"]
        return [
            shaped(_default(within) if _stray(each, within) else each, within, unknown, f"{at}[{number}]")
            for number, each in enumerate(value)
        ]
    return value


def _shaped_fields(value: Schema, schema: Schema, unknown: list[str], at: str) -> Schema:
    properties, further = schema.get("properties", {}), schema.get("additionalProperties")
    result: Schema = {}
    for name, each in value.items():
        path = f"{at}.{name}" if at else name
        within = properties.get(name, further)
        if isinstance(within, dict):
            if not _stray(each, within):
                result[name] = shaped(each, within, unknown, path)
            elif within.get("default") is not None:
                result[name] = _default(within)
        elif within or schema.get("x-kubernetes-preserve-unknown-fields"):
            result[name] = each
        else:
            unknown.append(path)
    for name, within in properties.items():
        if name not in result and within.get("default") is not None:
            result[name] = shaped(_default(within), within, [], "")
    return result


def _stray(value: object, schema: Schema) -> bool:
    return value is None and not schema.get("nullable") and bool(schema)


def _default(schema: Schema) -> object:
    return copy.deepcopy(schema.get("default"))


def within(schema: Schema) -> Iterable[Schema]:
    """Give a schema and all that stand in it as fields, items and values."""
    yield schema
    for each in schema.get("properties", {}).values():
        yield from within(each)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from within(schema[name])


def text(value: object) -> str:
    """Give a value as a cell of type string prints it: Go's words for what is no string."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else json.dumps(value, separators=(",", ":"))
