"""The objects of one namespace, as a person or a pipeline makes and changes them."""

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from tests.e2e.api import Api


class _Answer(Protocol):
    returncode: int
    stdout: str
    stderr: str


class Leases:
    """Makes, edits, reads and deletes the objects of one namespace."""

    def __init__(self, kubectl: Callable[..., _Answer], api: Api, namespace: str) -> None:
        self._kubectl = kubectl
        self._api = api
        self.namespace = namespace

    def run(self, *args: str, body: str | None = None) -> str:
        """Run kubectl in the namespace; gives what it printed."""
        answer = self._kubectl("-n", self.namespace, *args, input=body)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply manifests."""
        for body in manifests:
            self._api.apply(self._path(body["metadata"]["name"], body["kind"].lower()), body)

    def lease(self, name: str, server: str, **spec: Any) -> None:
        """Apply an InstanceLease; without anything else it lasts a minute."""
        lasts = {} if "expireTime" in spec or "duration" in spec else {"duration": "1m"}
        ref = {"secretName": "cloud", "cloudName": "openstack"}
        body = {"cloudCredentialsRef": ref, "server": {"id": server}, **lasts, **spec}
        self.apply(manifest("InstanceLease", name, body))

    def renew(self, name: str, lease: str, extend_by: str) -> None:
        """Create a LeaseRenewal."""
        spec = {"leaseRef": {"kind": "InstanceLease", "name": lease}, "extendBy": extend_by}
        self.apply(manifest("LeaseRenewal", name, spec))

    def patch(self, name: str, spec: dict[str, Any], kind: str = "instancelease") -> None:
        """Edit a spec by a merge patch."""
        self.run("patch", kind, name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def get(self, name: str, kind: str = "instancelease") -> dict[str, Any]:
        """Read an object."""
        seen = self._read(name, kind)
        assert seen is not None, f"there is no {kind} {name}"
        return seen

    def exists(self, name: str, kind: str = "instancelease") -> bool:
        """Tell whether an object is there."""
        return self._read(name, kind) is not None

    def delete(self, name: str, kind: str = "instancelease") -> None:
        """Delete an object, and do not wait for it to be gone."""
        self._api.delete(self._path(name, kind))

    def _read(self, name: str, kind: str) -> dict[str, Any] | None:
        return self._api.get(self._path(name, kind))

    def _path(self, name: str, kind: str) -> str:
        group = "/api/v1" if kind == "secret" else "/apis/lessor.dev/v1alpha1"
        return f"{group}/namespaces/{self.namespace}/{kind}s/{name}"

    def condition(self, name: str, kind: str, of: str = "instancelease") -> tuple[str, str] | None:
        """Give the status and reason of a condition."""
        found = [c for c in self.get(name, of).get("status", {}).get("conditions", []) if c["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else None

    def until(
        self, name: str, kind: str, want: tuple[str, str], timeout: float = 60.0, of: str = "instancelease"
    ) -> None:
        """Wait for a condition to have this status and reason."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.condition(name, kind, of) == want:
                return
            time.sleep(0.2)
        raise AssertionError(
            f"{kind} of {name} is not {want}: {json.dumps(self.get(name, of).get('status'), indent=1)}"
        )

    def until_gone(self, name: str, kind: str = "instancelease", timeout: float = 60.0) -> None:
        """Wait until an object is gone."""
        end = time.monotonic() + timeout
        while self.exists(name, kind):
            assert time.monotonic() < end, f"{name} is still there: {self.get(name, kind)}"
            time.sleep(0.2)

    def events(self, name: str) -> list[str]:
        """Give the reasons of the Events about an object."""
        listed = json.loads(self.run("get", "events.events.k8s.io", "-o", "json"))["items"]
        return sorted(event["reason"] for event in listed if event["regarding"]["name"] == name)


def manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Give the manifest of an object of the group."""
    return {"apiVersion": "lessor.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
