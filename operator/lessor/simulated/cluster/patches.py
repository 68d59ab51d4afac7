"""The three ways to patch. A patch never changes what it is applied to.

Source: RFC 7386 (merge patch), RFC 6902 (JSON patch, by the `jsonpatch` library) and
k8s.io/apimachinery/pkg/util/strategicpatch for the kinds whose lists Kubernetes itself knows.
"""

import copy
from typing import Any

import jsonpatch
import jsonpointer

from lessor.simulated.cluster import refusals
from lessor.simulated.cluster.resources import Object

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

# The lists of the builtin kinds here that are merged, by the field that names an item; empty: items are plain values.
_MERGED = {"finalizers": "", "ownerReferences": "uid", "secrets": "name"}
_DIRECTIVE, _DELETED, _ORDER = "$patch", "$deleteFromPrimitiveList/", "$setElementOrder/"


def merged(old: object, patch: object) -> object:
    """Apply a merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def stepped(old: Object, patch: object) -> object:
    """Apply a JSON patch.

    Raises:
        Refusal: it is none, or it does not fit; also when a `test` fails.
    """
    if not isinstance(patch, list):
        raise refusals.bad_request("error decoding patch: it is no list of steps")
    try:
        return jsonpatch.JsonPatch(patch).apply(copy.deepcopy(old))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise refusals.generic(422) from error


def strategic(old: object, patch: object) -> object:
    """Apply a strategic merge patch, by the lists that builtin kinds merge."""
    if not isinstance(patch, dict):
        return patch
    if patch.get(_DIRECTIVE) == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    result: Object = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if key.startswith(_DELETED):
            name = key.removeprefix(_DELETED)
            result[name] = [each for each in result.get(name) or [] if each not in value]
        elif key == _DIRECTIVE or key.startswith(_ORDER):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, list) and key in _MERGED:
            result[key] = _merged_list(result.get(key) or [], value, _MERGED[key])
        else:
            result[key] = strategic(result.get(key), value)
    return result


def _merged_list(old: list[Any], patch: list[Any], name: str) -> list[Any]:
    if not name:
        return [*old, *(each for each in patch if each not in old)]
    if any(each.get(_DIRECTIVE) == "replace" for each in patch):
        return [each for each in patch if _DIRECTIVE not in each]
    result = {each.get(name): each for each in old}
    for each in patch:
        if each.get(_DIRECTIVE) == "delete":
            result.pop(each.get(name), None)
        else:
            result[each.get(name)] = strategic(result.get(each.get(name)), each)
    return list(result.values())
