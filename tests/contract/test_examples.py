"""What can be said of the examples without an API server: the model reads the valid ones, each file has one point."""

import json
from pathlib import Path
from typing import Any

import pytest

from lessor.model import names, wire
from lessor.model.instancelease import InstanceLeaseSpec
from lessor.model.lease import LeaseSpec
from lessor.model.leaserenewal import LeaseRenewalSpec
from lessor.model.names import Kind
from tests.contract import examples, schemas, shapes

SPECS: dict[str, type] = {
    Kind.LEASE: LeaseSpec,
    Kind.INSTANCE_LEASE: InstanceLeaseSpec,
    Kind.LEASE_RENEWAL: LeaseRenewalSpec,
}
VALID = [path for path, refusal in examples.cases() if refusal is None]


def objects(path: Path) -> list[dict[str, Any]]:
    """Give the objects of our group in an example."""
    every = [each for step in examples.steps(path) for each in schemas.documents(step)]
    return [each for each in every if each["apiVersion"] == names.API_VERSION]


@pytest.mark.parametrize("path", VALID, ids=examples.name)
def test_the_model_reads_what_the_schema_allows(path: Path) -> None:
    for each in objects(path):
        if each["kind"] in SPECS:
            spec = wire.from_builtins(each["spec"], SPECS[each["kind"]])
            assert json.loads(wire.encode(spec)) == each["spec"]


@pytest.mark.parametrize("path", VALID, ids=examples.name)
def test_a_valid_example_says_what_it_is_for(path: Path) -> None:
    assert path.read_text().startswith("# ")


def test_there_are_both_kinds_of_answers() -> None:
    answers = [refusal is None for _, refusal in examples.cases()]
    assert answers.count(True) > 10
    assert answers.count(False) > 40


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_valid_example(kind: Kind) -> None:
    assert any(each["kind"] == kind for path in VALID for each in objects(path))


def test_every_field_of_a_spec_is_in_a_valid_example() -> None:
    shown = {path for example in VALID for each in objects(example) for path in paths(each["spec"], each["kind"])}
    declared = {f"{kind}.{path}" for kind, struct in SPECS.items() for path in shapes.of_struct(struct)}
    assert declared - shown == set()


def paths(value: object, path: str) -> set[str]:
    """Give the path of every field that is set in a value."""
    if isinstance(value, list):
        return {deeper for each in value for deeper in paths(each, f"{path}[]")}
    if not isinstance(value, dict):
        return set()
    below = {deeper for key, child in value.items() for deeper in paths(child, f"{path}.{key}")}
    return below | {f"{path}.{key}" for key in value}
