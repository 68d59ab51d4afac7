"""The control plane of the bench: kubectl as its administrator, etcd behind it, Lessor's client for it."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lessor.ports.clock import SystemClock
from lessor.runtime.cluster import Cluster
from tests.bench import clock
from tests.bench.etcd import Etcd

T = TypeVar("T")
_TIMEOUT = 60
_CRDS = ("instanceleases", "leaserenewals", "leases", "leasepolicies")


class Kube:
    """One control plane that kube.sh has started, by the folder of its state."""

    def __init__(self, home: Path) -> None:
        self.kubeconfig = home / "admin.kubeconfig"
        self._kubectl = home / "bin" / "kubectl"
        _, etcd_port = (home / "ports").read_text().split()
        self.etcd = Etcd(f"http://127.0.0.1:{etcd_port}")

    def run(self, *args: str, body: object = None) -> str:
        """Run kubectl, with `body` as JSON for `-f -`; gives what it printed."""
        command = [str(self._kubectl), "--kubeconfig", str(self.kubeconfig), *args]
        text = None if body is None else json.dumps(body)
        answer = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        if answer.returncode:
            raise RuntimeError(f"kubectl {' '.join(args)}: {answer.stderr.strip()}")
        return answer.stdout

    def install(self) -> None:
        """Install the CRDs and all else of deploy/."""
        self.run("apply", "-k", "crds")
        self.run("wait", "--for=condition=Established", *(f"crd/{plural}.lessor.dev" for plural in _CRDS))
        self.run("apply", "-k", "deploy")
        for plural in _CRDS:  # until its cache is there, a watch of a new kind is refused
            clock.until(partial(self._cached, plural), f"the API server serves {plural}", _TIMEOUT)

    def _cached(self, plural: str) -> bool:
        try:
            return bool(self.run("get", "--raw", f"/apis/lessor.dev/v1alpha1/{plural}?resourceVersion=0"))
        except RuntimeError:
            return False

    def namespace(self, name: str, clouds_yaml: str) -> None:
        """Make a namespace with the Secret `cloud`."""
        meta = {"name": name}
        self.run("apply", "-f", "-", body={"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cloud", "namespace": name}}
        self.run("apply", "-f", "-", body={**secret, "stringData": {"clouds.yaml": clouds_yaml}})

    def condition(self, namespace: str, name: str, kind: str) -> tuple[str, str] | None:
        """Give the status and reason of a condition of an InstanceLease."""
        read: dict[str, Any] = json.loads(self.run("-n", namespace, "get", "instancelease", name, "-o", "json"))
        found = [each for each in read.get("status", {}).get("conditions", []) if each["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else None

    def with_client(self, work: Callable[[Cluster], Awaitable[T]]) -> T:
        """Run this with the operator's own client, on the event loop that the operator takes; KUBECONFIG leads it."""
        import uvloop  # noqa: PLC0415 (an extra of the operator; the environment of the Makefile has it)

        async def connected() -> T:
            cluster = await Cluster.connect(SystemClock(), lambda *_: None, lambda *_: None)
            try:
                return await work(cluster)
            finally:
                await cluster.close()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(connected())
