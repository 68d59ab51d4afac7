"""The page on Leases shows what the tests try: its manifests are example files, its words those of the code."""

import re

import pytest

from lessor.model import names
from lessor.model.conditions import ConditionType, Reason
from lessor.model.lease import Reservation
from lessor.model.names import Kind
from tests.contract import examples, schemas, shapes
from tests.contract.test_schemas import CONDITIONS

PAGE = (schemas.ROOT / "docs" / "leases.md").read_text()
MANIFESTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
VALID = {path.read_text(): path for path, refusal in examples.cases() if refusal is None}
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
TYPES = sorted(path for path in shapes.of_struct(Reservation) if "." not in path and path != "name")
FIELDS = {path.split(".")[-1] for path in shapes.of_schema(schemas.schema(Kind.LEASE))}


def test_every_manifest_of_the_page_is_an_example_file() -> None:
    assert MANIFESTS
    assert [text for text in MANIFESTS if text not in VALID] == []


def test_every_example_of_a_lease_is_on_the_page_but_the_edit() -> None:
    left = {path.stem for text, path in VALID.items() if examples.kind(path) == Kind.LEASE and text not in MANIFESTS}
    assert left == {"lease-edited"}


@pytest.mark.parametrize("member", TYPES)
def test_every_type_of_reservation_is_shown(member: str) -> None:
    assert any(re.search(rf"^    {member}:", text, re.MULTILINE) for text in MANIFESTS)


def test_every_condition_of_the_page_is_one_of_a_lease() -> None:
    rows = re.findall(r"^\| `([A-Z]\w+)` \|", PROSE, re.MULTILINE)
    described = dict(schemas.nodes(schemas.schema(Kind.LEASE)))["status.conditions"]["description"]
    assert rows
    assert [row for row in rows if row not in described] == []
    assert set(CONDITIONS[Kind.LEASE].split()) - set(rows) == {"Notified", "Sequestered"}


def test_every_verdict_of_the_page_is_of_the_closed_sets() -> None:
    verdicts = re.findall(r"([A-Z]\w+)=(?:True|False|Unknown)/(\w+)", PROSE)
    assert verdicts
    for kind, reason in verdicts:
        assert kind in set(ConditionType)
        assert reason in set(Reason)
    waited = re.findall(r"--for=condition=(\w+)", PAGE)
    assert set(waited) <= set(ConditionType)


def test_every_field_and_annotation_of_the_page_is_ours() -> None:
    fields = re.findall(r"`([a-z]+(?:[A-Z]\w*)+)`", PROSE)
    assert fields
    assert [field for field in fields if field not in FIELDS] == []
    annotations = set(re.findall(r"lessor\.dev/[a-z-]+", PROSE)) - {names.API_VERSION}
    assert annotations == {names.FORCE_FORGET, names.RECONCILE_REQUESTED_AT}
