"""What deploy/ installs, tried for real: requesters are stamped and kept, a policy's leases guarded, roles hold."""

import json
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from lessor.model import names
from tests.contract import examples, schemas
from tests.e2e.api import Api
from tests.e2e.conftest import Answer, Kubectl, own_namespace

pytestmark = pytest.mark.e2e

DEPLOY = schemas.ROOT / "deploy"
OPERATOR = "system:serviceaccount:lessor-system:lessor"
GUARDED = "this InstanceLease belongs to the LeasePolicy research"
KEPT = "says who asked and cannot change"
PATIENCE_SECONDS = 15

RENEWAL = (examples.EXAMPLES / "valid" / "renewal.yaml").read_text()
OWN = (examples.EXAMPLES / "valid" / "stop-after-90-days.yaml").read_text()
POLICYS = (examples.EXAMPLES / "valid" / "under-a-policy.yaml").read_text()
POLICYS_NAME = "instancelease/1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"


def eventually(check: Callable[[], bool]) -> None:
    """Wait until it holds: the API server takes up new roles and policies within some seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not check():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.2)


def accepted(answer: Answer) -> str:
    """Give what kubectl printed; fail when it was refused."""
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def requester(kubectl: Kubectl, namespace: str, name: str) -> str | None:
    """Give the stamp on a LeaseRenewal."""
    found = json.loads(accepted(kubectl("get", "-n", namespace, "lren", name, "-o", "json")))
    return found["metadata"].get("annotations", {}).get(names.REQUESTED_BY)


def manifest(text: str, *, name: str) -> str:
    """Give an example under another name."""
    return text.replace("  name: db-1-once-more\n", f"  name: {name}\n")


def forged(text: str) -> str:
    """Give an example with a stamp of the writer's own."""
    return text.replace("metadata:\n", f"metadata:\n  annotations: {{{names.REQUESTED_BY}: bob}}\n")


def bind(kubectl: Kubectl, namespace: str, role: str, user: str) -> None:
    """Give a user a role in a namespace."""
    accepted(
        kubectl("create", "rolebinding", "-n", namespace, f"{user}-{role}", f"--clusterrole={role}", f"--user={user}")
    )


def may(kubectl: Kubectl, *question: str, user: str) -> bool:
    """Ask the API server whether a user may."""
    return kubectl("auth", "can-i", *question, user=user).stdout.strip() == "yes"


@pytest.fixture(scope="module", autouse=True)
def installed(kubectl: Kubectl, api: Api) -> None:
    accepted(kubectl("apply", "-f", str(DEPLOY / "namespace.yaml")))
    accepted(kubectl("apply", "-k", str(DEPLOY)))
    accepted(kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"))
    with own_namespace(api) as probe:
        accepted(kubectl("apply", "-n", probe, "-f", "-", input=POLICYS))
        eventually(lambda: stamps(kubectl, probe) and keeps(kubectl, probe) and guards(kubectl, probe))


def stamps(kubectl: Kubectl, probe: str) -> bool:
    """Tell whether the stamping has begun; for a moment the policies do not know a new CRD, and refuse its objects."""
    kubectl("delete", "-n", probe, "-f", "-", "--ignore-not-found", input=RENEWAL)
    made = kubectl("create", "-n", probe, "-f", "-", input=forged(RENEWAL))
    return made.returncode == 0 and requester(kubectl, probe, "db-1-once-more") == "admin"


def keeps(kubectl: Kubectl, probe: str) -> bool:
    """Tell whether a change of the stamp is refused yet."""
    change = (
        "annotate",
        "--dry-run=server",
        "--overwrite",
        "-n",
        probe,
        "lren/db-1-once-more",
        f"{names.REQUESTED_BY}=x",
    )
    return KEPT in kubectl(*change).stderr


def guards(kubectl: Kubectl, probe: str) -> bool:
    """Tell whether the guard stands yet, against one who was given all but the verb."""
    kubectl("create", "rolebinding", "-n", probe, "nobody", "--clusterrole=lessor-edit", "--user=contract-nobody")
    delete = ("delete", "--dry-run=server", "-n", probe, POLICYS_NAME, "--as=contract-nobody")
    return GUARDED in kubectl(*delete).stderr


@pytest.fixture
def editors(kubectl: Kubectl, namespace: str) -> str:
    """Give a namespace in which alice may edit leases and renewals, without the verb enforce."""
    bind(kubectl, namespace, "lessor-view", "alice")
    bind(kubectl, namespace, "lessor-edit", "alice")
    eventually(lambda: may(kubectl, "delete", "leaserenewals.lessor.dev", "-n", namespace, user="alice"))
    return namespace


@pytest.fixture
def enforcer(kubectl: Kubectl, editors: str) -> Iterator[str]:
    """Give a namespace in which alice may also touch what belongs to the LeasePolicy research."""
    name = f"contract-enforcer-{uuid.uuid4().hex[:8]}"
    rule = {
        "apiGroups": [names.GROUP],
        "resources": ["leasepolicies"],
        "resourceNames": ["research"],
        "verbs": ["enforce"],
    }
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule],
    }
    accepted(kubectl("create", "-f", "-", input=json.dumps(role)))
    accepted(kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=alice"))
    eventually(lambda: may(kubectl, "enforce", "leasepolicies.lessor.dev/research", user="alice"))
    yield editors
    kubectl("delete", "clusterrole,clusterrolebinding", name)


def test_deploy_passes_a_dry_run_without_warnings(kubectl: Kubectl) -> None:
    answer = kubectl("apply", "-k", str(DEPLOY), "--dry-run=server")
    accepted(answer)
    assert answer.stderr == ""


def test_a_forged_requester_is_stamped_over(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", user="alice", input=forged(RENEWAL)))
    assert requester(kubectl, editors, "db-1-once-more") == "alice"


def test_every_way_of_creating_is_stamped(kubectl: Kubectl, editors: str) -> None:
    for verb in (["create"], ["apply"], ["apply", "--server-side"]):
        name = "-".join(["renewal", *verb]).replace("--", "")
        accepted(kubectl(*verb, "-n", editors, "-f", "-", user="alice", input=forged(manifest(RENEWAL, name=name))))
        assert requester(kubectl, editors, name) == "alice"


def test_applying_the_same_manifest_again_is_accepted(kubectl: Kubectl, editors: str) -> None:
    for _ in range(2):
        accepted(kubectl("apply", "-n", editors, "-f", "-", user="alice", input=RENEWAL))
    assert requester(kubectl, editors, "db-1-once-more") == "alice"


@pytest.mark.parametrize("user", ["alice", "admin"])
@pytest.mark.parametrize("change", [f"{names.REQUESTED_BY}=bob", f"{names.REQUESTED_BY}-"], ids=["changed", "removed"])
def test_the_requester_cannot_change(kubectl: Kubectl, editors: str, user: str, change: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", user="alice", input=RENEWAL))
    answer = kubectl("annotate", "--overwrite", "-n", editors, "lren/db-1-once-more", change, user=user)
    assert answer.returncode != 0
    assert KEPT in answer.stderr
    assert requester(kubectl, editors, "db-1-once-more") == "alice"


def test_other_annotations_of_a_renewal_may_change(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", user="alice", input=RENEWAL))
    accepted(kubectl("annotate", "-n", editors, "lren/db-1-once-more", "team=a", user="alice"))


def test_a_renewer_renews_and_changes_no_lease(kubectl: Kubectl, namespace: str) -> None:
    bind(kubectl, namespace, "lessor-renewer", "bob")
    eventually(lambda: may(kubectl, "create", "leaserenewals.lessor.dev", "-n", namespace, user="bob"))
    accepted(kubectl("create", "-n", namespace, "-f", "-", user="bob", input=RENEWAL))
    assert requester(kubectl, namespace, "db-1-once-more") == "bob"
    assert may(kubectl, "get", "instanceleases.lessor.dev", "-n", namespace, user="bob")
    for verb in ("create", "update", "patch", "delete"):
        assert not may(kubectl, verb, "instanceleases.lessor.dev", "-n", namespace, user="bob"), verb
    for verb in ("update", "patch", "delete"):
        assert not may(kubectl, verb, "leaserenewals.lessor.dev", "-n", namespace, user="bob"), verb


def test_the_clusters_own_roles_take_ours_in(kubectl: Kubectl, namespace: str) -> None:
    bind(kubectl, namespace, "edit", "bob")
    eventually(lambda: may(kubectl, "create", "instanceleases.lessor.dev", "-n", namespace, user="bob"))
    assert may(kubectl, "watch", "leaserenewals.lessor.dev", "-n", namespace, user="bob")
    assert not may(kubectl, "enforce", "leasepolicies.lessor.dev/research", user="bob")


def test_a_policys_lease_needs_the_verb_to_be_created(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", user="alice", input=OWN))
    answer = kubectl("create", "-n", editors, "-f", "-", user="alice", input=POLICYS)
    assert answer.returncode != 0
    assert GUARDED in answer.stderr


def test_a_policys_lease_needs_the_verb_to_be_touched(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", input=POLICYS))
    touches: list[tuple[str, ...]] = [
        ("patch", POLICYS_NAME, "--type=merge", "-p", '{"spec":{"suspend":true}}'),
        ("annotate", POLICYS_NAME, "team=a"),
        ("delete", POLICYS_NAME),
        ("delete", "ilease", "--all"),
    ]
    for touch in touches:
        answer = kubectl(*touch, "-n", editors, user="alice")
        assert answer.returncode != 0, touch
        assert GUARDED in answer.stderr, touch


def test_a_policys_leases_need_the_verb_to_be_deleted_together(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", input=POLICYS))
    collection = f"/apis/{names.API_VERSION}/namespaces/{editors}/instanceleases"
    assert GUARDED in kubectl("delete", "--raw", collection, user="alice").stderr
    accepted(kubectl("get", "-n", editors, POLICYS_NAME))


def test_a_policys_lease_needs_the_verb_for_its_status(kubectl: Kubectl, editors: str) -> None:
    accepted(kubectl("create", "-n", editors, "-f", "-", input=POLICYS))
    rule = ("--verb=get,patch", "--resource=instanceleases.lessor.dev/status")
    accepted(kubectl("create", "role", "-n", editors, "status", *rule))
    accepted(kubectl("create", "rolebinding", "-n", editors, "status", "--role=status", "--user=alice"))
    question = ("patch", "instanceleases.lessor.dev", "--subresource=status", "-n", editors)
    eventually(lambda: may(kubectl, *question, user="alice"))
    patch = ("--subresource=status", "--type=merge", "-p", '{"status":{"serverName":"x"}}')
    answer = kubectl("patch", "-n", editors, POLICYS_NAME, *patch, user="alice")
    assert answer.returncode != 0
    assert GUARDED in answer.stderr


def test_with_the_verb_a_policys_lease_may_be_touched(kubectl: Kubectl, enforcer: str) -> None:
    accepted(kubectl("create", "-n", enforcer, "-f", "-", user="alice", input=POLICYS))
    accepted(kubectl("annotate", "-n", enforcer, POLICYS_NAME, "team=a", user="alice"))
    accepted(kubectl("delete", "-n", enforcer, POLICYS_NAME, user="alice"))


def test_the_verb_on_one_policy_is_none_on_another(kubectl: Kubectl, enforcer: str) -> None:
    other = POLICYS.replace("name: research", "name: teaching")
    answer = kubectl("create", "-n", enforcer, "-f", "-", user="alice", input=other)
    assert answer.returncode != 0
    assert "belongs to the LeasePolicy teaching" in answer.stderr


def test_a_namespace_that_goes_takes_a_policys_leases_along(kubectl: Kubectl, editors: str) -> None:
    hold = '{"metadata":{"finalizers":["lessor.dev/held-by-a-test"]}}'
    accepted(kubectl("create", "-n", editors, "-f", "-", input=POLICYS))
    accepted(kubectl("patch", "-n", editors, POLICYS_NAME, "--type=merge", "-p", hold))
    assert GUARDED in kubectl("delete", "-n", editors, POLICYS_NAME, "--wait=false", user="alice").stderr
    accepted(kubectl("delete", "namespace", editors, "--wait=false"))
    try:
        eventually(lambda: kubectl("delete", "-n", editors, POLICYS_NAME, "--wait=false", user="alice").returncode == 0)
        update = kubectl("annotate", "-n", editors, POLICYS_NAME, "team=a", user="alice")
        assert GUARDED in update.stderr
    finally:
        kubectl("patch", "-n", editors, POLICYS_NAME, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    accepted(kubectl("wait", "--for=delete", f"namespace/{editors}", "--timeout=30s"))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (("get", "secrets", "-n", "default"), "yes"),
        (("list", "secrets", "-n", "default"), "no"),
        (("watch", "secrets", "-n", "lessor-system"), "no"),
        (("create", "secrets", "-n", "lessor-system"), "yes"),
        (("create", "secrets", "-n", "default"), "no"),
        (("get", "namespaces/kube-system"), "yes"),
        (("get", "namespaces/default"), "no"),
        (("patch", "instanceleases.lessor.dev", "-n", "default"), "yes"),
        (("create", "instanceleases.lessor.dev", "-n", "default"), "no"),
        (("delete", "instanceleases.lessor.dev", "-n", "default"), "no"),
        (("delete", "leaserenewals.lessor.dev", "-n", "default"), "yes"),
        (("patch", "leases.lessor.dev", "--subresource=status", "-n", "default"), "yes"),
        (("enforce", "leasepolicies.lessor.dev/research"), "yes"),
        (("patch", "leases.lessor.dev", "-n", "default"), "yes"),
        (("create", "leases.lessor.dev", "-n", "default"), "no"),
        (("delete", "leases.lessor.dev", "-n", "default"), "no"),
        (("update", "leases.lessor.dev", "-n", "default"), "no"),
        (("create", "configmaps", "-n", "default"), "yes"),
        (("patch", "configmaps", "-n", "default"), "yes"),
        (("list", "configmaps", "-n", "default"), "no"),
        (("delete", "configmaps", "-n", "default"), "no"),
        (("create", "leases.coordination.k8s.io", "-n", "lessor-system"), "yes"),
        (("get", "leases.coordination.k8s.io/lessor", "-n", "lessor-system"), "yes"),
        (("update", "leases.coordination.k8s.io/lessor", "-n", "lessor-system"), "yes"),
        (("update", "leases.coordination.k8s.io/other", "-n", "lessor-system"), "no"),
        (("delete", "leases.coordination.k8s.io/lessor", "-n", "lessor-system"), "no"),
        (("create", "leases.coordination.k8s.io", "-n", "default"), "no"),
        (("get", "leases.coordination.k8s.io/lessor", "-n", "kube-system"), "no"),
        (("get", f"mutatingadmissionpolicies.admissionregistration.k8s.io/{names.STAMP_POLICY}"), "yes"),
        (("get", "mutatingadmissionpolicies.admissionregistration.k8s.io/other"), "no"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_the_operator_may_do_this_and_no_more(kubectl: Kubectl, question: tuple[str, ...], expected: str) -> None:
    answer = kubectl("auth", "can-i", *question, f"--as={OPERATOR}")
    assert answer.stdout.strip() == expected
