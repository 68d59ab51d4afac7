"""The protobuf bodies that kubectl sends for builtin kinds: `kubectl create namespace`, `create secret`, `auth can-i`.

Only what is needed to read them: answers are JSON, which all clients accept. Source: the generated.proto files of
k8s.io/api and k8s.io/apimachinery; the envelope is runtime.Unknown behind four bytes.
"""

import base64
from collections.abc import Callable, Iterator

from lessor.simulated.cluster import refusals
from lessor.simulated.cluster.resources import Object

TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_MOST_BITS = 63
_VARINT, _BYTES = 0, 2

Value = int | bytes
Read = Callable[[Value], object]


def read(data: bytes) -> Object:
    """Read the object in an envelope.

    Raises:
        Refusal: it cannot be read, or is of a kind that nobody sends like this.
    """
    if not data.startswith(_MAGIC):
        raise refusals.bad_request("the body is not valid protobuf: the four bytes at the start are missing")
    try:
        envelope = _message(_ENVELOPE)(data[len(_MAGIC) :])
        said = envelope.get("typeMeta", {})
        kind = _KINDS.get(said.get("kind", ""), _unknown)
        return {**said, **kind(envelope.get("raw", b""))}
    except (ValueError, IndexError) as error:
        raise refusals.bad_request(f"the body is not valid protobuf: {error}") from error


def _unknown(_: object) -> Object:
    raise refusals.unsupported(("application/json",))


# ------------------------------------------------------------ the wire format


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == _VARINT:
            number, at = _varint(data, at)
            yield tag >> 3, number
        elif tag & 7 == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise ValueError("it ends too early")
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {tag & 7}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift <= _MOST_BITS:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number is too long")


# ------------------------------------------------------------ what a field holds


def _raw(value: Value) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes belong")  # noqa: TRY004 (what was sent is wrong, not who calls)
    return value


def _text(value: Value) -> str:
    return _raw(value).decode()


def _base64(value: Value) -> str:
    return base64.b64encode(_raw(value)).decode()


def _message(fields: dict[int, tuple[str, Read]]) -> Callable[[Value], Object]:
    """Read a message; a field that is empty is left out, one whose name ends in `[]` is a list."""

    def message(value: Value) -> Object:
        found: Object = {}
        for number, each in _fields(_raw(value)):
            name, inner = fields.get(number, ("", bool))
            held = inner(each)
            if name.endswith("[]"):
                found.setdefault(name.removesuffix("[]"), []).append(held)
            elif name.endswith("{}"):
                found.setdefault(name.removesuffix("{}"), {}).update(held)
            elif name and held not in ("", {}, b""):
                found[name] = held
        return found

    return message


def _entry(inner: Read) -> Read:
    """Read one entry of a map."""

    def entry(value: Value) -> object:
        parts = dict(_fields(_raw(value)))
        return {_text(parts.get(1, b"")): inner(parts.get(2, b""))}

    return entry


# ------------------------------------------------------------ the kinds

_ENVELOPE: dict[int, tuple[str, Read]] = {
    1: ("typeMeta", _message({1: ("apiVersion", _text), 2: ("kind", _text)})),
    2: ("raw", _raw),
}
_METADATA: tuple[str, Read] = (
    "metadata",
    _message(
        {
            1: ("name", _text),
            2: ("generateName", _text),
            3: ("namespace", _text),
            11: ("labels{}", _entry(_text)),
            12: ("annotations{}", _entry(_text)),
            14: ("finalizers[]", _text),
        }
    ),
)
_ATTRIBUTES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
_ABOUT: dict[int, tuple[str, Read]] = {number: (name, _text) for number, name in enumerate(_ATTRIBUTES, 1)}
_REVIEWED = _message(
    {
        1: ("resourceAttributes", _message(_ABOUT)),
        2: ("nonResourceAttributes", _message({1: ("path", _text), 2: ("verb", _text)})),
    }
)
_KINDS: dict[str, Callable[[Value], Object]] = {
    "Namespace": _message({1: _METADATA}),
    "Secret": _message(
        {
            1: _METADATA,
            2: ("data{}", _entry(_base64)),
            3: ("type", _text),
            4: ("stringData{}", _entry(_text)),
            5: ("immutable", bool),
        }
    ),
    "ConfigMap": _message(
        {1: _METADATA, 2: ("data{}", _entry(_text)), 3: ("binaryData{}", _entry(_base64)), 4: ("immutable", bool)}
    ),
    "ServiceAccount": _message({1: _METADATA, 4: ("automountServiceAccountToken", bool)}),
    "SelfSubjectAccessReview": _message({2: ("spec", _REVIEWED)}),
}
