"""Bodies of requests: read, and held against the schema of what they are for."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from lessor.simulated.cluster import protobuf, refusals, schemas
from lessor.simulated.cluster.refusals import Cause, Refusal
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.wire import JSON, Request

_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class Shaped:
    """An object as it is to be stored; `unknown` says which fields were dropped, if the client wants to know."""

    raw: Object
    unknown: tuple[str, ...] = ()


def media_type(request: Request) -> str:
    """Give the type of the body, without parameters."""
    return request.header("content-type").split(";")[0].strip() or JSON


def json(request: Request) -> object:
    """Read a body of JSON, of whatever type it says that it is.

    Raises:
        Refusal: 400.
    """
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusals.bad_request(f"the body is not valid JSON: {error}") from error


def read(request: Request, resource: Resource) -> Object:
    """Read the object in a body, and check that it is of this resource.

    Raises:
        Refusal: 415, or 400.
    """
    kind = media_type(request)
    if kind == protobuf.TYPE and not resource.custom:
        raw: object = protobuf.read(request.body)
    elif kind == JSON:
        raw = json(request)
    else:
        raise refusals.unsupported(_TYPES if resource.custom else (*_TYPES, protobuf.TYPE))
    if not isinstance(raw, dict):
        raise refusals.bad_request("the body is no object")
    _check_type(raw, resource)
    if not isinstance(raw.setdefault("metadata", {}), dict):
        raise refusals.bad_request("the metadata of the object is no object")
    return raw


def _check_type(raw: Object, resource: Resource) -> None:
    if resource.custom and not raw.get("kind"):
        raise refusals.bad_request(f"Object 'Kind' is missing in '{refusals.shown(raw)}'")
    version, kind = raw.get("apiVersion") or resource.api_version, raw.get("kind") or resource.kind
    if version != resource.api_version:
        words = f"the API version in the data ({version}) does not match the expected API version"
        raise refusals.bad_request(f"{words} ({resource.api_version})")
    if kind != resource.kind and not resource.custom:
        raise refusals.bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')


def shaped(raw: Object, resource: Resource, request: Request) -> Shaped:
    """Give the object without unknown fields, with the defaults.

    Raises:
        Refusal: 422, it is of another kind.
    """
    kind = raw.get("kind") or resource.kind
    if kind != resource.kind:
        cause = Cause("FieldValueInvalid", f"Invalid value: {refusals.shown(kind)}: must be {resource.kind}", "kind")
        raise refusals.invalid(f"{kind}.{resource.group}", raw["metadata"].get("name", ""), [cause])
    unknown: list[str] = []
    kept = schemas.shaped(raw, resource.schema, unknown)
    unknown.sort(key=lambda path: (not path.startswith("metadata."), path))
    if not isinstance(kept, dict):
        raise TypeError(kept)
    ignored = request.query.get("fieldValidation") == "Ignore"
    return Shaped(kept, () if ignored else tuple(f'unknown field "{path}"' for path in unknown))


def check_strict(shaped: Shaped, request: Request, refuse: Callable[[str], Refusal]) -> None:
    """Refuse unknown fields where the client asks for it (`fieldValidation=Strict`).

    Raises:
        Refusal: what is made of the words.
    """
    if shaped.unknown and request.query.get("fieldValidation") == "Strict":
        raise refuse(f"strict decoding error: {', '.join(shaped.unknown)}")


def undecodable(resource: Resource, words: str) -> Refusal:
    """Say that a body cannot be read as an object of this resource."""
    kind = resource.kind
    return refusals.bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {words}')
