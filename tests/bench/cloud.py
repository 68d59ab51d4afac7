"""The stub's process, and what the bench tells and asks it."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import msgspec
import requests
import yaml

from lessor.model.observed import CloudIdentity, ObservedServer
from tests.bench import stub

_TIMEOUT = 60
_CREDENTIALS = {"username": "bench", "password": "bench", "project_name": "bench", "user_domain_name": "Default"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the stub got it: when, what, for which server."""

    time: float
    what: str
    server_id: str


class StubCloud:
    """The cloud, as long as the block runs."""

    def __init__(self) -> None:
        self._http = requests.Session()
        self._http.trust_env = False

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.stub"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the stub of the cloud did not start: see its words above")
        self._url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_TIMEOUT)

    @property
    def clouds_yaml(self) -> str:
        """Give the credentials that lead to it."""
        auth = {"auth_url": f"{self._url}/v3", "project_domain_name": "Default", **_CREDENTIALS}
        return yaml.safe_dump({"clouds": {"openstack": {"auth": auth, "region_name": stub.REGION}}})

    @property
    def identity(self) -> CloudIdentity:
        """Give whom these credentials are."""
        return CloudIdentity(auth_url=f"{self._url}/v3", region=stub.REGION, project_id=stub.PROJECT, user_id=stub.USER)

    def add(self, servers: Iterable[ObservedServer]) -> None:
        """Make these servers, or make them anew."""
        body = msgspec.json.encode([(server.id, server.name, server.metadata) for server in servers])
        self._http.post(f"{self._url}/bench/servers", data=body, timeout=_TIMEOUT).raise_for_status()

    def clear(self) -> None:
        """Forget all servers."""
        self._http.delete(f"{self._url}/bench/servers", timeout=_TIMEOUT).raise_for_status()

    def requests(self) -> list[Request]:
        """Give the requests that came since this was asked last."""
        answer = self._http.get(f"{self._url}/bench/requests", timeout=_TIMEOUT)
        answer.raise_for_status()
        return [Request(*each) for each in answer.json()]
