"""Bodies of requests: read, and held against the schema of what they are for."""

from dataclasses import dataclass

import msgspec

from lessor.simulated.cluster import protobuf, refusals, schemas
from lessor.simulated.cluster.refusals import Refusal
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.wire import JSON, Request

_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class Shaped:
    """An object as it is to be stored, and what the client is warned of."""

    raw: Object
    warnings: tuple[str, ...] = ()


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
    raw.setdefault("metadata", {})
    return raw


def _check_type(raw: Object, resource: Resource) -> None:
    if resource.custom and not raw.get("kind"):
        raise refusals.bad_request(f"Object 'Kind' is missing in '{refusals.shown(raw)}'")
    version, kind = raw.get("apiVersion") or resource.api_version, raw.get("kind") or resource.kind
    if version != resource.api_version:
        words = f"the API version in the data ({version}) does not match the expected API version"
        raise refusals.bad_request(f"{words} ({resource.api_version})")
    if kind != resource.kind:
        group = f"{resource.version}, Kind={resource.kind}" if not resource.group else f"{resource.api_version}"
        raise refusals.bad_request(f"{kind} in version {resource.version!r} cannot be handled as a {group}")


def shaped(raw: Object, resource: Resource, request: Request) -> Shaped:
    """Give the object without unknown fields, with the defaults; `fieldValidation` says what becomes of the unknown.

    Raises:
        Refusal: 400, there are unknown fields and the client is strict.
    """
    unknown: list[str] = []
    kept = schemas.shaped(raw, resource.schema, unknown)
    words = [f'unknown field "{path}"' for path in sorted(unknown)]
    match request.query.get("fieldValidation", "Warn"):
        case "Strict" if words:
            said = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
            raise Refusal(400, f"{said}: strict decoding error: {', '.join(words)}")
        case "Ignore":
            words = []
    assert isinstance(kept, dict)  # noqa: S101 (an object stays one)
    return Shaped(kept, tuple(words))
