"""The schemas and the typed model say the same, both ways; a field on one side only is found wherever it is planted."""

import copy
import types
import typing
from enum import StrEnum

import msgspec
import pytest

from lessor.model import times
from lessor.model.conditions import ConditionStatus
from lessor.model.instancelease import Action, InstanceLeaseSpec, InstanceLeaseStatus, OnDelete, RenewFrom
from lessor.model.lease import Affinity, BeforeEndAction, LeaseSpec, LeaseStatus, OnServerError, RenewalMode
from lessor.model.leaserenewal import LeaseRenewalSpec, LeaseRenewalStatus
from lessor.model.names import Kind
from tests.contract import schemas, shapes

PAIRS = [
    pytest.param(Kind.INSTANCE_LEASE, "spec", InstanceLeaseSpec, id="InstanceLease.spec"),
    pytest.param(Kind.INSTANCE_LEASE, "status", InstanceLeaseStatus, id="InstanceLease.status"),
    pytest.param(Kind.LEASE, "spec", LeaseSpec, id="Lease.spec"),
    pytest.param(Kind.LEASE, "status", LeaseStatus, id="Lease.status"),
    pytest.param(Kind.LEASE_RENEWAL, "spec", LeaseRenewalSpec, id="LeaseRenewal.spec"),
    pytest.param(Kind.LEASE_RENEWAL, "status", LeaseRenewalStatus, id="LeaseRenewal.status"),
]
ENUMS: list[tuple[Kind, str, type[StrEnum]]] = [
    (Kind.INSTANCE_LEASE, "spec.expiry.stages[].action", Action),
    (Kind.INSTANCE_LEASE, "spec.onDelete", OnDelete),
    (Kind.INSTANCE_LEASE, "spec.renewal.from", RenewFrom),
    (Kind.INSTANCE_LEASE, "status.conditions[].status", ConditionStatus),
    (Kind.LEASE, "spec.reservations[].host.beforeEndAction", BeforeEndAction),
    (Kind.LEASE, "spec.reservations[].instance.affinity", Affinity),
    (Kind.LEASE, "spec.renewal.mode", RenewalMode),
    (Kind.LEASE, "spec.onServerError.action", OnServerError),
    (Kind.LEASE, "spec.onDelete", OnDelete),
    (Kind.LEASE, "status.conditions[].status", ConditionStatus),
    (Kind.LEASE_RENEWAL, "status.conditions[].status", ConditionStatus),
]
DECLARED = [Kind.INSTANCE_LEASE, Kind.LEASE, Kind.LEASE_RENEWAL]
# A Lease without it can only come from another CRD than ours: `decide.lease` tells what is missing.
ANSWERED = {(Kind.LEASE, "spec"): {"cloudCredentialsRef"}}
RENEWABLE = {Kind.INSTANCE_LEASE, Kind.LEASE}

Struct = type[msgspec.Struct]


def part(kind: Kind, half: str) -> schemas.Schema:
    """Give the schema of a kind's spec or status."""
    return schemas.schema(kind)["properties"][half]


def differences(kind: Kind, half: str, schema: schemas.Schema, struct: Struct) -> list[str]:
    """Give what is not the same in a schema of that kind's half and a struct."""
    return shapes.differences(schema, struct, ANSWERED.get((kind, half), set()))


def structs(struct: Struct) -> list[Struct]:
    """Give a struct and all that it holds."""
    found = [struct]
    for field in msgspec.structs.fields(struct):
        found += [deeper for each in _held(field.type) for deeper in structs(each)]
    return found


def _held(annotation: object) -> list[Struct]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [each for argument in typing.get_args(annotation) for each in _held(argument)]


def with_field(struct: Struct, target: Struct) -> Struct:
    """Give a copy of the struct in which the target, itself or one that it holds, has one field more."""
    fields: list[tuple[str, object, object]] = []
    for field in msgspec.structs.fields(struct):
        optional = msgspec.field(default=None)
        fields.append((field.name, _with_field(field.type, target), msgspec.field() if field.required else optional))
    if struct is target:
        fields.append(("planted", str | None, None))
    return msgspec.defstruct(struct.__name__, fields, rename=_names(struct), kw_only=True)


def _with_field(annotation: object, target: Struct) -> object:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return with_field(annotation, target)
    if isinstance(annotation, types.UnionType):
        return typing.Union[tuple(_with_field(each, target) for each in typing.get_args(annotation))]  # noqa: UP007
    if typing.get_origin(annotation) is tuple:
        return tuple[_with_field(typing.get_args(annotation)[0], target), ...]
    return annotation


def _names(struct: Struct) -> dict[str, str]:
    return {field.name: field.encode_name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(("kind", "half", "struct"), PAIRS)
def test_schema_and_model_have_the_same_fields(kind: Kind, half: str, struct: Struct) -> None:
    assert differences(kind, half, part(kind, half), struct) == []


@pytest.mark.parametrize(("kind", "half", "struct"), PAIRS)
def test_a_field_planted_in_the_schema_is_found(kind: Kind, half: str, struct: Struct) -> None:
    objects = [path for path, node in schemas.nodes(part(kind, half)) if "properties" in node]
    for at in objects:
        planted = copy.deepcopy(part(kind, half))
        dict(schemas.nodes(planted))[at]["properties"]["planted"] = {"type": "string"}
        path = f"{at}.planted".lstrip(".")
        assert differences(kind, half, planted, struct) == [f"{path} is in the schema and not in the model"]


@pytest.mark.parametrize(("kind", "half", "struct"), PAIRS)
def test_a_field_planted_in_the_model_is_found(kind: Kind, half: str, struct: Struct) -> None:
    for target in structs(struct):
        said = differences(kind, half, part(kind, half), with_field(struct, target))
        assert said, target
        assert all(each.endswith("planted is in the model and not in the schema") for each in said)


@pytest.mark.parametrize(("kind", "half", "struct"), PAIRS)
def test_a_copy_with_nothing_planted_is_the_same(kind: Kind, half: str, struct: Struct) -> None:
    assert differences(kind, half, part(kind, half), with_field(struct, msgspec.Struct)) == []


def test_another_type_or_duty_is_found() -> None:
    planted = copy.deepcopy(part(Kind.INSTANCE_LEASE, "spec"))
    planted["properties"]["suspend"]["type"] = "string"
    planted["properties"]["cloudCredentialsRef"]["required"] = ["secretName"]
    assert shapes.differences(planted, InstanceLeaseSpec) == [
        "cloudCredentialsRef.cloudName is optional string in the schema and required string in the model",
        "suspend is optional string in the schema and optional boolean in the model",
    ]


@pytest.mark.parametrize(("kind", "path", "enum"), ENUMS, ids=[f"{kind}.{path}" for kind, path, _ in ENUMS])
def test_an_enumeration_has_the_members_of_the_model(kind: Kind, path: str, enum: type[StrEnum]) -> None:
    assert dict(schemas.nodes(schemas.schema(kind)))[path]["enum"] == list(enum)


def test_what_the_schema_requires_and_the_model_answers_is_required_by_no_other() -> None:
    for (kind, half), paths in ANSWERED.items():
        (struct,) = [each.values[2] for each in PAIRS if each.values[:2] == (kind, half)]
        assert shapes.differences(part(kind, half), struct) == [
            f"{path} is required object in the schema and optional object in the model" for path in sorted(paths)
        ]


def test_a_device_is_not_snapshotted() -> None:
    node = dict(schemas.nodes(part(Kind.LEASE, "spec")))["reservations[].device.beforeEndAction"]
    assert set(node["enum"]) == set(BeforeEndAction) - {BeforeEndAction.SNAPSHOT}


def test_a_renewal_names_one_of_the_kinds_with_an_end() -> None:
    assert set(part(Kind.LEASE_RENEWAL, "spec")["properties"]["leaseRef"]["properties"]["kind"]["enum"]) == RENEWABLE


@pytest.mark.parametrize("kind", DECLARED)
def test_every_duration_of_a_spec_has_the_form_that_the_model_reads(kind: Kind) -> None:
    (struct,) = [each.values[2] for each in PAIRS if each.values[:2] == (kind, "spec")]
    nodes = dict(schemas.nodes(part(kind, "spec")))
    for path in shapes.durations(struct):
        node = nodes[path]
        assert node["pattern"] == times.DURATION_PATTERN, path
        assert (node["minLength"], node["maxLength"]) == (1, shapes.DURATION_LENGTH), path


@pytest.mark.parametrize("kind", DECLARED)
def test_only_after_and_min_notice_may_be_zero(kind: Kind) -> None:
    (struct,) = [each.values[2] for each in PAIRS if each.values[:2] == (kind, "spec")]
    nodes = dict(schemas.nodes(part(kind, "spec")))
    over_zero = {path for path in shapes.durations(struct) if "x-kubernetes-validations" in nodes[path]}
    assert shapes.durations(struct) - over_zero <= {"expiry.stages[].after", "notifications.minNotice"}
