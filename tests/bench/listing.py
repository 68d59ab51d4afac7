"""The whole list of a crowd of servers from the simulated cloud, against a file of that size, both served by aiohttp.

Both are read to the last byte and not decoded; they take turns, so that a machine whose speed drifts does not decide.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.bench.table import Row, say

LIST = "list"
NAMES = (LIST,)
_SERVERS = int(os.environ.get("BENCH_SERVERS", "50000"))
_RATIO = 2.0
_TURNS = 5
_PAGE = 1000
_TIMEOUT = 60
# The link to the next page stands behind the records.
_NEXT = re.compile(rb'"rel":"next","href":"([^"]+)"')
_TAIL = 1000


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Where it is; `size` in bytes, of the file."""

    url: str
    static: str
    token: str
    size: int


def rows() -> Iterator[Row]:
    """Measure the one row."""
    say(f"make {_SERVERS} servers")
    with _serving(_SERVERS) as crowd, requests.Session() as http:
        http.trust_env = False
        http.headers.update({"X-Auth-Token": crowd.token, "OpenStack-API-Version": "compute 2.73"})
        size, pages = _walk(http, crowd)
        walks, files = [], []
        for _ in range(_TURNS):
            walks.append(_seconds(http, crowd, walked=True))
            files.append(_seconds(http, crowd, walked=False))
    walk, file = min(walks), min(files)
    yield Row(
        f"list {_SERVERS} simulated servers in {pages} pages",
        f"at most {_RATIO:.0f} times a file of its size",
        f"{walk / file:.2f} times ({walk:.2f} s, file {file:.2f} s, {size / 1e6:.0f} MB)",
        walk / file <= _RATIO and size > crowd.size,
    )


def _seconds(http: requests.Session, crowd: _Crowd, *, walked: bool) -> float:
    began = time.perf_counter()
    if walked:
        _walk(http, crowd)
    else:
        http.get(crowd.static, timeout=_TIMEOUT).raise_for_status()
    return time.perf_counter() - began


def _walk(http: requests.Session, crowd: _Crowd) -> tuple[int, int]:
    """Read all pages; gives the bytes and the number of pages."""
    url, size, pages = f"{crowd.url}/compute/v2.1/servers/detail?limit={_PAGE}", 0, 0
    while url:
        answer = http.get(url, timeout=_TIMEOUT)
        answer.raise_for_status()
        size, pages = size + len(answer.content), pages + 1
        link = _NEXT.search(answer.content[-_TAIL:])
        url = link[1].decode() if link is not None else ""
    return size, pages


@contextmanager
def _serving(count: int) -> Iterator[_Crowd]:
    command = [sys.executable, "-m", "tests.bench.crowd", str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        if not words:
            raise RuntimeError("the crowd did not start: see its words above")
        yield _Crowd(words[0], words[1], words[2], int(words[3]))
    finally:
        process.terminate()
        process.wait(_TIMEOUT)
