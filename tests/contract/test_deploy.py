"""The manifests of deploy/ keep to the names of the code and to the least that the operator needs."""

from typing import Any

import pytest

from lessor.model import names
from lessor.model.names import Kind
from tests.contract import schemas

DEPLOY = schemas.ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.glob("*.yaml") if path.name != "kustomization.yaml")
OBJECTS = [each for path in FILES for each in schemas.documents(path.read_text())]
GUARD = "lessor-policy-guard.lessor.dev"
KEEPER = "lessor-requested-by-kept.lessor.dev"
KINDS = {kind.plural for kind in Kind}


def found(kind: str, name: str) -> dict[str, Any]:
    """Give the one manifest of that kind and name."""
    (each,) = [each for each in OBJECTS if each["kind"] == kind and each["metadata"]["name"] == name]
    return each


def verbs(role: dict[str, Any], resource: str, group: str) -> set[str]:
    """Give the verbs that a role has on a resource."""
    rules = [rule for rule in role["rules"] if group in rule["apiGroups"] and resource in rule["resources"]]
    return {verb for rule in rules for verb in rule["verbs"]}


def test_the_kustomization_takes_every_file() -> None:
    (kustomization,) = schemas.documents((DEPLOY / "kustomization.yaml").read_text())
    assert sorted(kustomization["resources"]) == ["../crds", *(path.name for path in FILES)]


def test_no_role_has_a_wildcard() -> None:
    rules = [rule for each in OBJECTS for rule in each.get("rules", [])]
    assert rules
    for rule in rules:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_the_operator_reads_secrets_by_name_and_makes_its_own_only() -> None:
    everywhere, at_home = found("ClusterRole", "lessor-operator"), found("Role", "lessor-operator")
    assert at_home["metadata"]["namespace"] == "lessor-system"
    assert verbs(everywhere, "secrets", "") == {"get"}
    assert verbs(at_home, "secrets", "") == {"create"}


def test_the_operator_writes_config_maps_by_name_and_deletes_none() -> None:
    everywhere, at_home = found("ClusterRole", "lessor-operator"), found("Role", "lessor-operator")
    assert verbs(everywhere, "configmaps", "") == {"get", "create", "patch"}
    assert verbs(at_home, "configmaps", "") == set()


def test_the_operator_holds_its_leader_lock_at_home_and_touches_no_other() -> None:
    everywhere, at_home = found("ClusterRole", "lessor-operator"), found("Role", "lessor-operator")
    assert verbs(everywhere, "leases", "coordination.k8s.io") == set()
    rules = [rule for rule in at_home["rules"] if rule["apiGroups"] == ["coordination.k8s.io"]]
    assert [(rule.get("resourceNames"), rule["verbs"]) for rule in rules] == [
        ([names.LEADER_LOCK], ["get", "update"]),
        (None, ["create"]),
    ]


def test_two_replicas_stand_apart_and_are_not_taken_down_together() -> None:
    deployment, budget = found("Deployment", "lessor"), found("PodDisruptionBudget", "lessor")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert deployment["spec"]["replicas"] == 2
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert spread["labelSelector"]["matchLabels"] == budget["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("kind", Kind)
def test_the_operator_writes_status_and_no_spec(kind: Kind) -> None:
    role = found("ClusterRole", "lessor-operator")
    besides = {
        Kind.LEASE_RENEWAL: {"patch", "delete"},  # ownerReferences; those decided long ago are cleared away
        Kind.INSTANCE_LEASE: {"patch"},  # the finalizer
        Kind.LEASE: {"patch"},  # the finalizer, and the annotation that says which lease is its own
        Kind.LEASE_POLICY: {"enforce"},  # it answers the objects of policies, which the guard watches
    }
    assert verbs(role, kind.plural, names.GROUP) == {"get", "list", "watch"} | besides.get(kind, set())
    assert verbs(role, f"{kind.plural}/status", names.GROUP) == {"patch"}


def test_who_may_enforce_is_a_short_list() -> None:
    roles = [each for each in OBJECTS if "rules" in each]
    able = {each["metadata"]["name"] for each in roles if "enforce" in verbs(each, "leasepolicies", names.GROUP)}
    assert able == {"lessor-operator", "lessor-policy-admin"}


def test_a_renewer_changes_no_lease() -> None:
    role = found("ClusterRole", "lessor-renewer")
    assert {resource for rule in role["rules"] for resource in rule["resources"]} < KINDS
    assert verbs(role, "leaserenewals", names.GROUP) == {"get", "list", "watch", "create"}
    for kind in (Kind.INSTANCE_LEASE, Kind.LEASE):
        assert verbs(role, kind.plural, names.GROUP) == {"get", "list", "watch"}


@pytest.mark.parametrize("kind", [Kind.LEASE, Kind.INSTANCE_LEASE, Kind.LEASE_RENEWAL])
def test_who_edits_a_namespace_edits_its_leases_and_writes_no_status(kind: Kind) -> None:
    view, edit = found("ClusterRole", "lessor-view"), found("ClusterRole", "lessor-edit")
    assert verbs(view, kind.plural, names.GROUP) == {"get", "list", "watch"}
    assert verbs(edit, kind.plural, names.GROUP) == {"create", "update", "patch", "delete", "deletecollection"}
    people = [each for each in OBJECTS if "rules" in each and each["metadata"]["name"] != "lessor-operator"]
    assert [each for each in people if verbs(each, f"{kind.plural}/status", names.GROUP)] == []


def test_the_requester_is_stamped_under_the_names_of_the_code() -> None:
    policy = found("MutatingAdmissionPolicy", names.STAMP_POLICY)
    assert names.REQUESTED_BY in policy["spec"]["mutations"][0]["applyConfiguration"]["expression"]
    assert names.REQUESTED_BY in found("ValidatingAdmissionPolicy", KEEPER)["spec"]["validations"][0]["expression"]


@pytest.mark.parametrize("name", [names.STAMP_POLICY, KEEPER, GUARD])
def test_an_admission_policy_is_bound_and_fails_closed(name: str) -> None:
    (policy,) = [each for each in OBJECTS if each["kind"].endswith("Policy") and each["metadata"]["name"] == name]
    binding = found(f"{policy['kind']}Binding", name)
    assert binding["spec"]["policyName"] == name
    assert policy["spec"]["failurePolicy"] == "Fail"


def test_the_guard_sees_every_way_to_touch_a_policys_lease() -> None:
    (rule,) = found("ValidatingAdmissionPolicy", GUARD)["spec"]["matchConstraints"]["resourceRules"]
    assert set(rule["operations"]) == {"CREATE", "UPDATE", "DELETE"}
    assert rule["resources"] == ["instanceleases", "instanceleases/status"]


def test_the_pod_runs_restricted_and_answers_probes() -> None:
    pod = found("Deployment", "lessor")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["run"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["ports"] == [{"name": "probes", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "probes"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "probes"}
