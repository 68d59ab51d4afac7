"""etcd by its JSON gateway: fleets are written straight into it, and its revision tells when what was written.

Source: etcd.io, "gRPC gateway": keys and values as base64, numbers as strings.
"""

import base64
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import requests

from tests.bench import clock

_AT_ONCE = 100  # etcd takes 128 operations in one transaction
_TIMEOUT = 60
_POLL = 0.1
REGISTRY = "/registry/"


@dataclass(frozen=True, slots=True)
class Stored:
    """One key: the revision of its last write, and how often it was written."""

    key: str
    revision: int
    version: int


class Etcd:
    """One etcd."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def get(self, key: str) -> bytes:
        """Read one value."""
        answer = self._call("range", {"key": _text(key)})
        return base64.b64decode(answer["kvs"][0]["value"])

    def values(self, prefix: str) -> list[bytes]:
        """Read all under a prefix."""
        answer = self._call("range", _under(prefix))
        return [base64.b64decode(kv["value"]) for kv in answer.get("kvs", [])]

    def put(self, items: Iterable[tuple[str, bytes]]) -> Iterator[int]:
        """Write many; gives the revision of each, in their order."""
        left = iter(items)
        while batch := list(islice(left, _AT_ONCE)):
            puts = [
                {"requestPut": {"key": _text(key), "value": base64.b64encode(value).decode()}} for key, value in batch
            ]
            answer = self._call("txn", {"success": puts})
            yield from [int(answer["header"]["revision"])] * len(batch)

    def delete(self, prefix: str) -> None:
        """Delete all under a prefix."""
        self._call("deleterange", _under(prefix))

    def revision(self) -> int:
        """Give the present revision: it rises with each write by whomever."""
        answer = self._call("range", {"key": _text("-"), "count_only": True})
        return int(answer["header"]["revision"])

    def keys(self, prefix: str, *, since: int = 0, until: int = 0) -> list[Stored]:
        """List the keys whose last write came at or after `since`, and at or before `until` unless that is 0."""
        bounds = {"min_mod_revision": str(since), "max_mod_revision": str(until)}
        answer = self._call("range", {**_under(prefix), **bounds, "keys_only": True})
        return [
            Stored(base64.b64decode(kv["key"]).decode(), int(kv["mod_revision"]), int(kv["version"]))
            for kv in answer.get("kvs", [])
        ]

    def _call(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"{self._url}/v3/kv/{what}", json=body, timeout=_TIMEOUT)
        if answer.status_code != requests.codes.ok:
            raise RuntimeError(f"etcd refused {what}: {answer.text[:300]}")
        return dict(answer.json())


class Revisions:
    """Notes ten times a second how far the revision is, so that each write has its time without anybody in its way."""

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._times: list[float] = []
        self._revisions: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._note()

    def time_of(self, revision: int) -> float:
        """Give the wall time by which this revision was there, a tenth of a second late at most; after the end only."""
        return self._times[bisect_left(self._revisions, revision)]

    def _run(self) -> None:
        while not self._stop.wait(_POLL):
            self._note()

    def _note(self) -> None:
        self._revisions.append(self._etcd.revision())
        self._times.append(clock.wall())


def _under(prefix: str) -> dict[str, str]:
    return {"key": _text(prefix), "range_end": _text(prefix[:-1] + chr(ord(prefix[-1]) + 1))}


def _text(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
