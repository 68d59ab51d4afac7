"""What is known of the objects: by uid, as small JSON, never older than our own last write."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from lessor.model.names import Kind

_META = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "labels",
    "annotations",
    "ownerReferences",
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(slots=True)
class Entry:
    """One object. `body` is its JSON without managedFields; `version` its resourceVersion."""

    kind: Kind
    uid: str
    namespace: str
    name: str
    version: int
    body: bytes
    lease_name: str | None = None


class Cache:
    """The objects. Used on the event loop only."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._by_name: dict[tuple[Kind, str, str], str] = {}
        self._renewals: dict[tuple[str, str], set[str]] = {}

    def put(self, kind: Kind, raw: dict[str, Any]) -> Entry | None:
        """Take an object as the API server gave it. None: it is older than, or the same as, what is known."""
        meta = raw["metadata"]
        version = int(meta["resourceVersion"])
        known = self._entries.get(meta["uid"])
        if known is not None and known.version >= version:
            return None
        entry = Entry(
            kind=kind,
            uid=meta["uid"],
            namespace=meta.get("namespace", ""),
            name=meta["name"],
            version=version,
            body=small(raw),
            lease_name=_lease_name(kind, raw),
        )
        self._enter(entry)
        return entry

    def gone(self, uid: str) -> Entry | None:
        """Forget an object; gives what was known of it."""
        entry = self._entries.pop(uid, None)
        if entry is None:
            return None
        key = (entry.kind, entry.namespace, entry.name)
        if self._by_name.get(key) == uid:
            del self._by_name[key]
        if entry.lease_name is not None:
            requests = self._renewals.get((entry.namespace, entry.lease_name), set())
            requests.discard(uid)
            if not requests:
                self._renewals.pop((entry.namespace, entry.lease_name), None)
        return entry

    def get(self, uid: str) -> Entry | None:
        """Give one object."""
        return self._entries.get(uid)

    def named(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        """Give one object by its name."""
        uid = self._by_name.get((kind, namespace, name))
        return self._entries.get(uid) if uid is not None else None

    def renewals(self, namespace: str, lease_name: str) -> Iterator[Entry]:
        """Give the LeaseRenewals that name this lease, whatever kind they name with it."""
        for uid in self._renewals.get((namespace, lease_name), ()):
            yield self._entries[uid]

    def uids(self, kind: Kind) -> list[str]:
        """Give the uids of all objects of a kind."""
        return [uid for uid, entry in self._entries.items() if entry.kind is kind]

    def __len__(self) -> int:
        return len(self._entries)

    def _enter(self, entry: Entry) -> None:
        self._entries[entry.uid] = entry
        self._by_name[entry.kind, entry.namespace, entry.name] = entry.uid
        if entry.lease_name is not None:
            self._renewals.setdefault((entry.namespace, entry.lease_name), set()).add(entry.uid)


def small(raw: dict[str, Any]) -> bytes:
    """Give the JSON of what Lessor reads of an object: no managedFields, no copy of the manifest."""
    meta = {key: raw["metadata"][key] for key in _META if key in raw["metadata"]}
    if _LAST_APPLIED in meta.get("annotations", ()):
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if key != _LAST_APPLIED}
    return msgspec.json.encode({"metadata": meta, "spec": raw.get("spec", {}), "status": raw.get("status", {})})


def _lease_name(kind: Kind, raw: dict[str, Any]) -> str | None:
    if kind is not Kind.LEASE_RENEWAL:
        return None
    name = raw.get("spec", {}).get("leaseRef", {}).get("name")
    return name if isinstance(name, str) else None
