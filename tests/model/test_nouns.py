"""What the nouns say of themselves: defaults of a spec, states of a server, names, Events."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from lessor.model import names
from lessor.model.instancelease import DEFAULT_STAGES, Action, RenewalsStatus
from lessor.model.names import Kind
from lessor.model.observed import ObservedServer
from lessor.model.plans import WARNINGS, Event, EventReason
from lessor.model.times import Duration
from tests import builders
from tests.model import vocabulary


def test_without_stages_the_server_is_stopped_and_locked_at_the_end() -> None:
    assert builders.spec().stages == DEFAULT_STAGES
    assert [(stage.action, stage.after.delta, stage.lock) for stage in DEFAULT_STAGES] == [
        (Action.STOP, timedelta(), True)
    ]


def test_declared_stages_stand_in_the_place_of_the_default() -> None:
    declared = builders.spec(expiry=builders.stages(("1d", "Shelve"), ("8d", "Delete")))
    assert [stage.action for stage in declared.stages] == ["Shelve", "Delete"]


@pytest.mark.parametrize(
    ("notifications", "want"),
    [
        pytest.param(None, timedelta(), id="no notifications"),
        pytest.param({}, timedelta(), id="none declared"),
        pytest.param({"minNotice": "7d"}, timedelta(days=7), id="declared"),
    ],
)
def test_no_notice_is_asked_for_unless_declared(notifications: dict[str, Any] | None, want: timedelta) -> None:
    assert builders.spec(notifications=notifications).min_notice == want


def test_grants_have_a_sum() -> None:
    assert RenewalsStatus().sum == timedelta()
    assert RenewalsStatus(extended=Duration("3d")).sum == timedelta(days=3)


@dataclass(frozen=True)
class Case:
    id: str
    why: str
    server: ObservedServer
    known: bool
    over: bool


SERVERS = (
    Case("running", "All is there.", builders.server(), known=True, over=False),
    Case("cell-down", "Nova shows UNKNOWN for a cell that is down.", builders.server(status="UNKNOWN"),
         known=False, over=False),
    Case("bare", "A record of an id alone decides nothing.", ObservedServer(id="s"), known=False, over=False),
    Case("no-lock", "Without `locked` nobody knows whose hand is on it.", builders.server(locked=None),
         known=False, over=False),
    Case("no-metadata", "Without metadata nobody knows whose it is.", builders.server(metadata=None),
         known=False, over=False),
    Case("no-state", "Without vm_state nothing can be chosen.", builders.server(vm_state=None),
         known=False, over=False),
    Case("deleted", "A deleted server is still shown for a while.", builders.server(vm_state="deleted"),
         known=True, over=True),
    Case("soft", "A softly deleted one is over too.",
         builders.server(vm_state="soft-delete", status="SOFT_DELETED"), known=True, over=True),
    Case("status", "The status says it even where vm_state is hidden.",
         builders.server(vm_state=None, status="DELETED"), known=False, over=True),
)  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in SERVERS])
def test_a_server_says_whether_it_is_known_and_over(case: Case) -> None:
    assert (case.server.known, case.server.over) == (case.known, case.over), case.why


def test_our_finalizer_alone_holds_an_object() -> None:
    assert builders.meta().held
    assert not builders.meta(finalizers=("foregroundDeletion",)).held


def test_an_object_is_named_with_its_namespace_where_it_has_one() -> None:
    assert builders.meta().key == "team-a/vm1"
    assert builders.meta(namespace="").key == "vm1"


@pytest.mark.parametrize(
    ("kind", "plural"),
    list(zip(Kind, ["leases", "instanceleases", "leasepolicies", "leaserenewals"], strict=True)),
)
def test_a_kind_has_its_plural(kind: Kind, plural: str) -> None:
    assert kind.plural == plural


def test_everything_that_we_put_on_an_object_has_our_group() -> None:
    ours = (names.FINALIZER, names.REQUESTED_BY, names.RECONCILE_REQUESTED_AT, names.FORCE_FORGET, names.API_VERSION)
    assert all(name.startswith("lessor.dev/") for name in ours)


def test_a_renewal_is_decided_when_it_is_completed() -> None:
    assert builders.decided().decided
    assert not builders.request().decided


def test_an_event_is_normal_or_a_warning_as_the_vocabulary_says() -> None:
    said = {reason: Event(reason, "").type for reason in EventReason}
    wanted = dict.fromkeys(vocabulary.NORMAL.split(), "Normal") | dict.fromkeys(vocabulary.WARNING.split(), "Warning")
    assert said == wanted
    assert set(EventReason) >= WARNINGS
