"""How typed values travel: one name rule, one encoder, one decoder, one merge patch for all kinds."""

from typing import Any, TypeVar

import msgspec

from lessor.model.times import Duration

T = TypeVar("T")

_ACRONYMS = {"id": "ID", "ids": "IDs", "ip": "IP", "ips": "IPs", "mib": "MiB", "gib": "GiB", "url": "URL", "uid": "UID"}


def wire_name(field: str) -> str:
    """Give a field's name in the API: camelCase, with the acronyms of the field whole (`server_id`: `serverID`)."""
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(_ACRONYMS.get(word, word.capitalize()) for word in rest)


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=wire_name):
    """A value that travels as JSON. None means absent; unknown fields are passed over."""


class Declared(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a spec. An unknown field is an error: to pass it over would be to promise what is not done."""


def _decode_hook(wanted: type, value: Any) -> Any:  # noqa: ANN401 (msgspec hands over any JSON value)
    if wanted is Duration:
        if not isinstance(value, str):
            raise ValueError("a duration is a string such as 90d")
        return Duration(value)
    raise NotImplementedError(f"no way to read a {wanted}")


def _encode_hook(value: Any) -> Any:  # noqa: ANN401 (msgspec hands over any value)
    if isinstance(value, Duration):
        return value.text
    raise NotImplementedError(f"no way to write a {type(value)}")


_encoder = msgspec.json.Encoder(enc_hook=_encode_hook)


def encode(value: object) -> bytes:
    """Write a value as JSON."""
    return _encoder.encode(value)


def decoder(wanted: type[T]) -> msgspec.json.Decoder[T]:
    """Make a decoder of JSON into the wanted type."""
    return msgspec.json.Decoder(wanted, dec_hook=_decode_hook)


def to_builtins(value: object) -> Any:  # noqa: ANN401 (JSON)
    """Give a value as plain dicts, lists and strings."""
    return msgspec.to_builtins(value, enc_hook=_encode_hook)


def from_builtins(value: object, wanted: type[T]) -> T:
    """Read plain dicts, lists and strings as the wanted type.

    Raises:
        msgspec.ValidationError: with the path of the fault in its text.
    """
    return msgspec.convert(value, wanted, dec_hook=_decode_hook)


def merge_patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Give the JSON merge patch that makes `new` of `old`: the difference, null for what went, lists whole.

    Empty when nothing changed. Source: RFC 7386.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch
