"""The mark on a server: it survives being written and read, and nobody else can write one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lessor.model.marks import Mark, Seal
from tests import strategies

NOVA_MOST = 255  # Source: nova/api/openstack/compute/schemas/server_metadata.py, a metadata value
SEAL = Seal("7a0f4a3e-3d67-4e9b-8a52-0f4f2a4bbd11", b"k" * 32)
MARK = Mark(
    installation=SEAL.installation,
    object="93d2f6a1-54f5-4f0e-9f57-1f4bb5be1a70",
    server="1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    start=datetime(2026, 3, 1, 8, tzinfo=UTC),
    count=3,
    extended=timedelta(days=21),
)
VALUE = SEAL.write(MARK)


@given(strategies.marks)
def test_a_mark_survives_being_written_and_read(mark: Mark) -> None:
    assert Seal(mark.installation, b"k" * 32).read(SEAL.write(mark)) == mark


@given(strategies.marks)
def test_a_mark_fits_in_a_metadata_value(mark: Mark) -> None:
    assert len(SEAL.write(mark)) <= NOVA_MOST


def test_the_largest_mark_fits_in_a_metadata_value() -> None:
    longest = Mark(
        installation="i" * 36,
        object="o" * 36,
        server="s" * 36,
        start=datetime(9999, 12, 30, tzinfo=UTC),
        count=10**9,
        extended=timedelta(days=9999 * 366),
    )
    assert len(SEAL.write(longest)) <= NOVA_MOST


@given(st.integers(0, len(VALUE) - 1), st.characters())
def test_a_mark_with_another_character_anywhere_is_no_mark_of_ours(at: int, character: str) -> None:
    assume(character != VALUE[at])
    read = SEAL.read(VALUE[:at] + character + VALUE[at + 1 :])
    assert read is None or read.installation != SEAL.installation


@given(st.integers(0, len(VALUE) - 1))
def test_a_mark_that_is_cut_is_no_mark(length: int) -> None:
    assert SEAL.read(VALUE[:length]) is None


@given(strategies.marks, st.binary(min_size=16, max_size=32).filter(lambda key: key != SEAL.key))
def test_a_mark_of_another_key_is_no_mark_of_ours(mark: Mark, key: bytes) -> None:
    assert Seal(mark.installation, SEAL.key).read(Seal(mark.installation, key).write(mark)) is None


@given(strategies.marks)
def test_a_mark_of_another_installation_is_read_without_its_key(mark: Mark) -> None:
    assert SEAL.read(Seal(mark.installation, b"another").write(mark)) == mark


@given(st.text())
def test_any_text_is_read_or_no_mark(value: str) -> None:
    assert SEAL.read(value) is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"2;{VALUE[2:]}", id="a newer form"),
        pytest.param("1;other;o;s;soon;0;0;x", id="a start that is no instant"),
        pytest.param("1;other;o;s;2026-03-01T08:00:00Z;many;0;x", id="a count that is no number"),
        pytest.param(f"1;other;o;s;2026-03-01T08:00:00Z;0;{10**30};x", id="a sum past all time"),
        pytest.param("1;other;o;s;2026-03-01T08:00:00Z;0;0;0;x", id="a field too many"),
        pytest.param("1;other;o;s;2026-03-01T08:00:00Z;0;x", id="a field too few"),
    ],
)
def test_what_another_installation_wrote_in_another_form_is_no_mark(value: str) -> None:
    assert SEAL.read(value) is None
