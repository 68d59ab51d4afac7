"""How typed values travel: names, durations, merge patches."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessor.model import wire
from lessor.model.instancelease import InstanceLeaseSpec, Stage
from lessor.model.times import Duration
from lessor.model.wire import Wire

JSON = {"duration": "90d", "renewal": {"from": "Now"}, "server": {"id": "1"}}


class Odd(Wire, frozen=True):
    """A value that holds what does not travel."""

    part: complex


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("duration", "duration"),
        ("expire_time", "expireTime"),
        ("server_id", "serverID"),
        ("project_ids", "projectIDs"),
        ("floating_ip", "floatingIP"),
        ("floating_ips", "floatingIPs"),
        ("memory_mib", "memoryMiB"),
        ("size_gib", "sizeGiB"),
        ("auth_url", "authURL"),
        ("trustor_uid", "trustorUID"),
        ("from_", "from"),
        ("id", "id"),
        ("uid", "uid"),
        ("last_handled_reconcile_at", "lastHandledReconcileAt"),
    ],
)
def test_a_field_has_the_name_of_the_api(field: str, name: str) -> None:
    assert wire.wire_name(field) == name


def test_what_is_read_is_written_again_as_it_was() -> None:
    spec = wire.from_builtins(JSON, InstanceLeaseSpec)
    assert wire.to_builtins(spec) == JSON
    assert wire.decoder(InstanceLeaseSpec).decode(wire.encode(spec)) == spec


def test_defaults_do_not_travel() -> None:
    assert wire.encode(Stage(after=Duration("0s"), action="Stop")) == b'{"after":"0s","action":"Stop"}'


def test_a_duration_keeps_the_text_of_its_owner() -> None:
    stage = wire.from_builtins({"after": "24h", "action": "Stop"}, Stage)
    assert wire.to_builtins(stage)["after"] == "24h"


@pytest.mark.parametrize("value", [90, 1.5, None, [], {"days": 1}], ids=repr)
def test_a_duration_is_a_string(value: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"a duration is a string such as 90d - at `\$.after`"):
        wire.from_builtins({"after": value, "action": "Stop"}, Stage)


def test_a_fault_names_its_path() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"'soon' is not a duration .* - at `\$.duration`"):
        wire.from_builtins({"duration": "soon"}, InstanceLeaseSpec)


def test_an_unknown_field_of_a_spec_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `color`"):
        wire.from_builtins({"color": "red"}, InstanceLeaseSpec)


def test_a_type_that_has_no_form_on_the_wire_is_a_bug_that_shows() -> None:
    with pytest.raises(NotImplementedError, match="no way to write a <class 'complex'>"):
        wire.encode(Odd(part=1j))
    with pytest.raises(NotImplementedError, match="no way to read a <class 'complex'>"):
        wire.from_builtins({"part": "1j"}, Odd)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    old: dict[str, Any]
    new: dict[str, Any]
    want: dict[str, Any]


PATCHES = (
    Case("same", "Nothing changed: nothing is sent.", {"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2}}, {}),
    Case("added", "A new field is sent.", {}, {"a": 1}, {"a": 1}),
    Case("changed", "A changed field alone is sent.", {"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),
    Case("gone", "null takes a field away.", {"a": 1}, {}, {"a": None}),
    Case("inside", "Only the difference inside an object is sent.", {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}},
         {"a": {"c": None}}),
    Case("lists", "A list is sent whole.", {"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 3]}),
    Case("kind", "An object in the place of a value is sent whole.", {"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    Case("value", "A value in the place of an object is sent.", {"a": {"b": 1}}, {"a": 1}, {"a": 1}),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in PATCHES])
def test_a_merge_patch_is_the_difference(case: Case) -> None:
    assert wire.merge_patch(case.old, case.new) == case.want, case.why


def merged(target: Any, patch: Any) -> Any:
    """Apply a patch as the API server does. Source: RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def without_empty(value: Any) -> Any:
    """Take empty objects out: a merge patch cannot tell them from absent ones, and no status holds one."""
    if not isinstance(value, dict):
        return value
    kept = {key: without_empty(inner) for key, inner in value.items()}
    return {key: inner for key, inner in kept.items() if inner != {}}


documents = st.recursive(
    st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), documents, max_size=3).map(without_empty)


@given(objects, objects)
def test_a_merge_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = wire.merge_patch(old, new)
    assert without_empty(merged(old, patch)) == new
    assert (patch == {}) == (old == new)
