"""Every schema keeps the rules that hold for all of them: bounded, described, no floats, no phase, no defaults."""

import re

import pytest

from lessor.model import names
from lessor.model.conditions import ConditionType
from lessor.model.names import Kind
from tests.contract import examples, schemas

SHORT_NAMES = {Kind.LEASE: "blz", Kind.INSTANCE_LEASE: "ilease", Kind.LEASE_POLICY: "lpol", Kind.LEASE_RENEWAL: "lren"}
CONDITIONS = {
    Kind.LEASE: "Accepted Reserved Active Ready Expiring Expired Notified Degraded Sequestered",
    Kind.INSTANCE_LEASE: "Accepted ServerFound Active Ready Marked Notified Expiring Expired Enforced Exempt",
    Kind.LEASE_RENEWAL: "Completed Granted",
}
KEYED = {"status.conditions": ["type"], "status.reservations": ["name"], "spec.reservations": ["name"]}
EXACTLY_ONE = "exactly one of"
UNIONS = ("spec.server", "spec.import", "spec.reservations[]")  # all of their optional fields are members of the union

each_kind = pytest.mark.parametrize("kind", Kind)


def nodes(kind: Kind, half: str = "") -> list[tuple[str, schemas.Schema]]:
    """Give every schema of a kind, or of its spec or status, with its path."""
    return [(path, node) for path, node in schemas.nodes(schemas.schema(kind)) if path.startswith(half)]


def rules(kind: Kind) -> list[str]:
    """Give the message of every CEL rule of a kind."""
    return [rule["message"] for _, node in nodes(kind) for rule in node.get("x-kubernetes-validations", [])]


def bounded(node: schemas.Schema, *, status: bool) -> bool:
    """Tell whether a value can only be so large; a counter in a status may grow."""
    match node["type"]:
        case "string":
            return "enum" in node or node["maxLength"] > 0
        case "array":
            return node["maxItems"] > 0
        case "integer":
            return node["minimum"] >= 0 and (status or "maximum" in node)
    return "additionalProperties" not in node or node["maxProperties"] > 0


@each_kind
def test_a_kind_is_named_as_the_group_names_it(kind: Kind) -> None:
    crd = schemas.definition(kind)
    assert crd["metadata"] == {"name": f"{kind.plural}.{names.GROUP}"}
    assert crd["spec"]["group"] == names.GROUP
    assert crd["spec"]["scope"] == ("Cluster" if kind is Kind.LEASE_POLICY else "Namespaced")
    assert crd["spec"]["names"] == {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": kind.plural,
        "singular": kind.lower(),
        "shortNames": [SHORT_NAMES[kind]],
        "categories": ["lessor"],
    }


@each_kind
def test_a_kind_has_one_version_with_a_status_of_its_own(kind: Kind) -> None:
    (version,) = schemas.definition(kind)["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == (names.VERSION, True, True)
    assert version["subresources"] == {"status": {}}
    assert schemas.schema(kind)["required"] == ["spec"]


@each_kind
def test_every_field_is_described_in_sentences(kind: Kind) -> None:
    # The API server describes metadata itself and allows nobody else to.
    silent = {
        path for path, node in nodes(kind) if not re.fullmatch(r"[A-Z].*\.", node.get("description", ""), re.DOTALL)
    }
    assert silent == {"metadata"}


@each_kind
def test_every_value_is_bounded(kind: Kind) -> None:
    assert [path for path, node in nodes(kind) if not bounded(node, status=path.startswith("status."))] == []


@each_kind
def test_no_field_is_a_float(kind: Kind) -> None:
    assert {node["type"] for _, node in nodes(kind)} <= {"string", "integer", "boolean", "array", "object"}


@each_kind
def test_no_field_is_a_phase(kind: Kind) -> None:
    assert [path for path, _ in nodes(kind) if "phase" in path.lower()] == []


@each_kind
def test_no_field_is_defaulted_or_nullable(kind: Kind) -> None:
    assert [path for path, node in nodes(kind) if node.keys() & {"default", "nullable"}] == []


@each_kind
def test_lists_of_a_status_are_replaced_whole_but_for_conditions_and_reservations(kind: Kind) -> None:
    lists = {path: node for path, node in nodes(kind, "status") if node["type"] == "array"}
    keyed = {path: node["x-kubernetes-list-map-keys"] for path, node in lists.items() if path in KEYED}
    assert keyed == {path: keys for path, keys in KEYED.items() if path in lists}
    assert {node["x-kubernetes-list-type"] for path, node in lists.items() if path not in KEYED} <= {"atomic"}
    assert "status.conditions" in keyed


@each_kind
def test_lists_of_a_spec_say_how_they_are_merged(kind: Kind) -> None:
    lists = {path: node for path, node in nodes(kind, "spec") if node["type"] == "array"}
    assert {node["x-kubernetes-list-type"] for path, node in lists.items() if path not in KEYED} <= {"atomic", "set"}


def test_reservations_are_known_by_their_names() -> None:
    reservations = dict(nodes(Kind.LEASE))["spec.reservations"]
    assert reservations["x-kubernetes-list-type"] == "map"
    assert reservations["x-kubernetes-list-map-keys"] == KEYED["spec.reservations"]


def test_stages_are_declared_by_one_hand() -> None:
    assert dict(nodes(Kind.INSTANCE_LEASE))["spec.expiry.stages"]["x-kubernetes-list-type"] == "atomic"


@each_kind
def test_an_optional_field_of_a_spec_says_what_its_absence_means(kind: Kind) -> None:
    silent = []
    for path, node in nodes(kind, "spec"):
        union = any(EXACTLY_ONE in rule["message"] for rule in node.get("x-kubernetes-validations", []))
        for name, child in node.get("properties", {}).items():
            alternative = union and (path in UNIONS or EXACTLY_ONE in child["description"])
            said = "Default: " in child["description"] or alternative
            if name not in node.get("required", []) and not said:
                silent.append(f"{path}.{name}")
    assert silent == []


@each_kind
def test_a_status_is_never_refused_for_what_it_says(kind: Kind) -> None:
    forbidden = {"x-kubernetes-validations", "pattern", "minItems"}
    assert [path for path, node in nodes(kind, "status") if node.keys() & forbidden] == []


@each_kind
def test_an_example_shows_each_rule(kind: Kind) -> None:
    refusals = {refusal for path, refusal in examples.cases() if examples.kind(path) == kind}
    assert set(rules(kind)) - refusals == set()


@each_kind
def test_a_rule_is_told_without_the_words_of_its_code(kind: Kind) -> None:
    assert [rule for rule in rules(kind) if re.search(r"\b(self|oldSelf|invalid|failed)\b", rule)] == []


@each_kind
def test_columns_print_instants_as_strings(kind: Kind) -> None:
    columns = schemas.version(kind)["additionalPrinterColumns"]
    assert [column["name"] for column in columns if column["type"] == "date"] == ["Age"]
    assert columns[-1] == {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_the_conditions_of_a_kind_are_described(kind: Kind) -> None:
    said = dict(nodes(kind))["status.conditions"]["description"]
    besides = set() if kind is Kind.LEASE_RENEWAL else {"Suspended", "Reconciling", "Stalled"}
    assert {each for each in ConditionType if re.search(rf"\b{each}\b", said)} == set(
        CONDITIONS[kind].split()
    ) | besides


def test_renewals_are_found_by_their_lease() -> None:
    assert schemas.version(Kind.LEASE_RENEWAL)["selectableFields"] == [{"jsonPath": ".spec.leaseRef.name"}]


def test_the_folder_holds_one_file_a_kind() -> None:
    files = {f"{kind.plural}.yaml" for kind in Kind}
    assert {path.name for path in schemas.CRDS.glob("*.yaml")} == files
    (kustomization,) = schemas.documents((schemas.CRDS / "Kustomization").read_text())
    assert set(kustomization["resources"]) == files
