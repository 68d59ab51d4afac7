"""The pretend world of `lessor demo`, as a visitor with kubectl finds it when the story is told."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.performance import Demo
from tests.demo.test_demo import BOOKINGS, ENDS
from tests.e2e.conftest import KUBECTL

MANIFEST = """
apiVersion: lessor.dev/v1alpha1
kind: LeaseRenewal
metadata: {name: web-1-once-more, namespace: team-a}
spec: {leaseRef: {kind: InstanceLease, name: web-1}, extendBy: 90d, reason: a visitor asks}
"""


class Visitor:
    """Somebody with kubectl and the kubeconfig of the demonstration."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *args: str, stdin: str | None = None) -> str:
        command = [str(KUBECTL), "--kubeconfig", str(self._kubeconfig), *args]
        answer = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    kubeconfig = tmp_path_factory.mktemp("demo") / "kubeconfig"
    demo = Demo("--seconds", "0", "--serve", "--kubeconfig", str(kubeconfig))
    try:
        demo.until("goes on at real speed")
        yield Visitor(kubeconfig)
    finally:
        demo.kill()


def test_kubectl_shows_how_every_lease_ended(visitor: Visitor) -> None:
    items = json.loads(visitor("get", "ilease", "-A", "-o", "json"))["items"]
    statuses = {item["metadata"]["name"]: item["status"]["serverStatus"] for item in items}
    assert statuses == {name: status for name, (status, _, _) in ENDS.items()}


def test_the_table_has_a_line_for_each_lease_and_no_age_ahead(visitor: Visitor) -> None:
    lines = visitor("get", "ilease", "-A").splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "SERVER", "STATUS", "EXPIRES", "NEXT", "READY", "REASON", "AGE"]
    assert len(lines) == 1 + len(ENDS)
    assert all(line.split()[-1].startswith("3") and line.endswith("d") for line in lines[1:])


def test_kubectl_shows_the_leases_of_hosts(visitor: Visitor) -> None:
    lines = visitor("get", "blz", "-A").splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "STATE", "START", "END", "READY", "REASON", "AGE"]
    shown = {name: (state, ready, reason) for _, name, state, _, _, ready, reason, _ in map(str.split, lines[1:])}
    assert shown == BOOKINGS


def test_describe_tells_the_events_and_explain_the_fields(visitor: Visitor) -> None:
    told = visitor("describe", "ilease", "web-1", "-n", "team-a")
    assert "Restored" in told
    assert "Stopped" in told
    waited = visitor("describe", "blz", "sweep", "-n", "team-b")
    assert "NotEnoughResources" in waited
    assert "Activated" in waited
    assert "after" in visitor("explain", "ilease.spec.expiry.stages")


def test_a_visitor_brings_a_server_back(visitor: Visitor) -> None:
    visitor("apply", "-f", "-", stdin=MANIFEST)
    visitor("wait", "lren/web-1-once-more", "-n", "team-a", "--for=condition=Granted", "--timeout=30s")
    visitor("wait", "ilease/web-1", "-n", "team-a", "--for=condition=Active", "--timeout=60s")
    status = "jsonpath={.status.serverStatus}"
    visitor("wait", "ilease/web-1", "-n", "team-a", f"--for={status}=ACTIVE", "--timeout=60s")
