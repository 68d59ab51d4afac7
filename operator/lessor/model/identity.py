"""Which Blazar lease is whose: the id that we choose, and the annotation by which a restored object knows its own."""

import hashlib

import msgspec

from lessor.model import names, wire
from lessor.model.meta import Instant, ObjectMeta
from lessor.model.wire import Wire

_NAMESPACE = bytes.fromhex("6c6573736f722e6465762f4c65617365")  # "lessor.dev/Lease"


class Identity(Wire, frozen=True, kw_only=True):
    """What an object says of itself in the annotation `lessor.dev/identity`.

    `start`: when its lease was asked for. A backup that is restored under a new uid carries it: the lease is adopted
    then, and not made a second time.
    """

    namespace: str
    name: str
    lease_id: str
    start: Instant


_decoder = wire.decoder(Identity)


def lease_id(uid: str, attempt: int) -> str:
    """Give the id of the Blazar lease of this object and attempt: always the same, so that a POST is never doubled.

    A UUID of version 5 over "<uid>/<attempt>". Source: RFC 9562, section 5.5.
    """
    digest = bytearray(hashlib.sha1(_NAMESPACE + f"{uid}/{attempt}".encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def of(meta: ObjectMeta) -> Identity | None:
    """Give what the object says of itself; None: nothing, or it was copied from an object of another name."""
    try:
        identity = _decoder.decode(meta.annotations.get(names.IDENTITY, ""))
    except msgspec.MsgspecError:
        return None
    return identity if (identity.namespace, identity.name) == (meta.namespace, meta.name) else None


def text(identity: Identity) -> str:
    """Give the value of the annotation."""
    return wire.encode(identity).decode()
