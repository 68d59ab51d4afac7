"""kubectl on the simulated API server: every verb that the demonstration's reader may try."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lessor.model.names import Kind
from lessor.ports.clock import SystemClock
from lessor.simulated.cluster.server import APIServer
from tests.contract import schemas
from tests.e2e.conftest import KUBECTL, TIMEOUT_SECONDS, Answer
from tests.simulated.cluster import threaded

_LEASE = (schemas.CRDS / "examples" / "valid" / "stop-after-90-days.yaml").read_text()
_NAME = "instancelease.lessor.dev/" + schemas.documents(_LEASE)[0]["metadata"]["name"]
_READY = (
    '{"status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "Held",'
    ' "message": "held", "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}]}}'
)

Run = Callable[..., str]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    """Give kubectl, told where the server is."""
    server = APIServer(now=SystemClock().now, crds=[schemas.definition(kind) for kind in Kind])
    with threaded.serving(server) as url:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(server.kubeconfig(url))
        yield [str(KUBECTL), "--kubeconfig", str(kubeconfig), "--cache-dir", str(tmp_path / "cache")]


@pytest.fixture
def run(command: list[str]) -> Run:
    def run(*args: str, code: int = 0, stdin: str | None = None) -> str:
        answer: Answer = subprocess.run(
            [*command, *args], input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        assert answer.returncode == code, (args, answer.stdout, answer.stderr)
        return answer.stdout + answer.stderr

    return run


@pytest.fixture
def lease(run: Run) -> str:
    """Give the name of a lease that was applied."""
    run("apply", "-f", "-", stdin=_LEASE)
    return _NAME


def test_version_and_resources(run: Run) -> None:
    assert "Server Version: v1.36" in run("version")
    assert "ilease" in run("api-resources", "--api-group=lessor.dev")


def test_create_makes_builtin_objects(run: Run) -> None:
    assert "namespace/team-a created" in run("create", "namespace", "team-a")
    run("create", "secret", "generic", "clouds", "-n", "team-a", "--from-literal=clouds.yaml=x")
    run("create", "configmap", "settings", "-n", "team-a", "--from-literal=a=b")
    run("create", "serviceaccount", "robot", "-n", "team-a")
    printed = run("get", "secrets,configmaps,serviceaccounts", "-n", "team-a", "-o", "name").split()
    assert printed == ["secret/clouds", "configmap/settings", "serviceaccount/robot"]
    assert run("get", "secret", "clouds", "-n", "team-a", "-o", "jsonpath={.data.clouds\\.yaml}") == "eA=="
    assert "AlreadyExists" in run("create", "namespace", "team-a", code=1)


def test_apply_makes_leaves_and_changes(run: Run) -> None:
    assert "created" in run("apply", "-f", "-", stdin=_LEASE)
    assert "unchanged" in run("apply", "-f", "-", stdin=_LEASE)
    assert "configured" in run("apply", "-f", "-", stdin=_LEASE.replace("90d", "30d"))
    assert run("get", _NAME, "-o", "jsonpath={.spec.duration} {.metadata.generation}") == "30d 2"


def test_apply_refuses_what_the_schema_refuses(run: Run) -> None:
    unknown = (schemas.CRDS / "examples" / "invalid" / "unknown-field.yaml").read_text()
    assert "strict decoding error: unknown field" in run("apply", "-f", "-", stdin=unknown, code=1)
    wrong = _LEASE.replace("90d", "a while")
    assert "is invalid: spec.duration: Invalid value" in run("apply", "-f", "-", stdin=wrong, code=1)


def test_apply_takes_crds(run: Run) -> None:
    crd = (schemas.CRDS / "leases.yaml").read_text()
    run("delete", "crd", "leases.lessor.dev")
    assert "created" in run("apply", "-f", "-", stdin=crd)
    assert "condition met" in run("wait", "crd/leases.lessor.dev", "--for=condition=Established", "--timeout=10s")


def test_diff_and_dry_run_change_nothing(run: Run, lease: str) -> None:
    changed = _LEASE.replace("90d", "30d")
    printed = run("diff", "-f", "-", stdin=changed, code=1)
    assert "-  duration: 90d" in printed
    assert "+  duration: 30d" in printed
    assert "server dry run" in run("apply", "-f", "-", "--dry-run=server", stdin=changed)
    assert run("get", lease, "-o", "jsonpath={.spec.duration}") == "90d"


def test_get_prints_the_columns_of_the_crd(run: Run, lease: str) -> None:
    run("patch", lease, "--subresource=status", "--type=merge", "-p", _READY)
    header, row = run("get", "ilease").splitlines()
    assert header.split() == ["NAME", "SERVER", "STATUS", "EXPIRES", "NEXT", "READY", "REASON", "AGE"]
    assert row.split()[1:3] == ["True", "Held"]
    assert "PROJECT" in run("get", "lessor", "-o", "wide")
    assert run("get", "instanceleases", "-A", "--chunk-size=1", "-o", "name").strip() == lease


def test_get_watches(command: list[str], run: Run, lease: str) -> None:
    with subprocess.Popen(
        [*command, "get", "ilease", "-w", "-o", "name"], stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline().strip() == lease
            run("annotate", lease, "a=b")
            assert watching.stdout.readline().strip() == lease
        finally:
            watching.kill()


def test_label_and_annotate(run: Run, lease: str) -> None:
    run("label", lease, "team=a")
    run("annotate", lease, "lessor.dev/reconcile-requested-at=now")
    run("label", "namespace", "default", "team=a")
    assert run("get", "ilease", "-l", "team=a", "-o", "name").strip() == lease
    assert run("get", "ns", "-l", "team=a", "-o", "name").strip() == "namespace/default"
    run("label", lease, "team-")
    assert "No resources found" in run("get", "ilease", "-l", "team=a")


def test_patch_in_all_its_ways(run: Run, lease: str) -> None:
    run("patch", lease, "--type=merge", "-p", '{"spec": {"duration": "5d"}}')
    path = '"path": "/spec/duration"'
    steps = f'[{{"op": "test", {path}, "value": "5d"}}, {{"op": "replace", {path}, "value": "6d"}}]'
    run("patch", lease, "--type=json", "-p", steps)
    assert run("get", lease, "-o", "jsonpath={.spec.duration}") == "6d"
    assert "the server rejected our request" in run("patch", lease, "--type=json", "-p", steps, code=1)
    run("patch", "namespace", "default", "-p", '{"metadata": {"labels": {"a": "b"}}}')
    assert "patched (no change)" in run("patch", lease, "--type=merge", "-p", '{"status": {"serverID": "x"}}')


def test_wait_for_a_condition_and_for_a_deletion(run: Run, lease: str) -> None:
    assert "timed out" in run("wait", lease, "--for=condition=Ready", "--timeout=1s", code=1)
    run("patch", lease, "--subresource=status", "--type=merge", "-p", _READY)
    assert "condition met" in run("wait", lease, "--for=condition=Ready", "--timeout=10s")
    run("delete", lease, "--wait=false")
    run("wait", lease, "--for=delete", "--timeout=10s")


def test_describe_shows_events(run: Run, lease: str) -> None:
    uid = run("get", lease, "-o", "jsonpath={.metadata.uid}")
    name = lease.split("/")[1]
    event = f"""
apiVersion: events.k8s.io/v1
kind: Event
metadata: {{name: one}}
eventTime: 2026-01-01T00:00:00.000000Z
reportingController: lessor.dev/operator
reportingInstance: lessor
action: Stop
reason: Stopped
type: Normal
note: the server is stopped
regarding: {{apiVersion: lessor.dev/v1alpha1, kind: InstanceLease, name: {name}, namespace: default, uid: {uid}}}
"""
    run("create", "-f", "-", stdin=event)
    printed = run("describe", lease)
    assert "Cloud Credentials Ref:" in printed
    assert "the server is stopped" in printed
    assert "the server is stopped" in run("events", "--for", lease)
    assert "the server is stopped" in run("get", "events")
    assert "Status:       Active" in run("describe", "namespace", "default")


def test_explain_prints_the_descriptions(run: Run) -> None:
    assert "How long the lease lasts" in run("explain", "instancelease.spec.duration")
    assert "stages" in run("explain", "ilease.spec.expiry")


def test_delete_by_name_label_and_namespace(run: Run, lease: str) -> None:
    assert "deleted" in run("delete", lease)
    assert "NotFound" in run("get", lease, code=1)
    run("create", "namespace", "team-b")
    run("apply", "-n", "team-b", "-f", "-", stdin=_LEASE)
    assert "deleted" in run("delete", "namespace", "team-b")
    assert "No resources found" in run("get", "ilease", "-A")
    run("apply", "-f", "-", stdin=_LEASE)
    assert "deleted" in run("delete", "ilease", "--all")


def test_who_may_do_what(run: Run) -> None:
    assert run("auth", "can-i", "delete", "instanceleases").strip() == "yes"
