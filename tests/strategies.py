"""What Hypothesis draws: instants, durations, specs, grants, requests, marks, whole facts; and how they are shifted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from lessor.decide import stages, window
from lessor.decide.facts import Facts, Failed, Holder, Look
from lessor.model import names, times
from lessor.model.conditions import Condition, ConditionStatus, ConditionType, Fault, Reason
from lessor.model.instancelease import (
    Action,
    Before,
    CloudCredentialsRef,
    Exemption,
    Expiry,
    InstanceLease,
    InstanceLeaseSpec,
    InstanceLeaseStatus,
    NextAction,
    OnDelete,
    Renewal,
    RenewalsStatus,
    RenewFrom,
    ServerRef,
    Stage,
    StageStatus,
)
from lessor.model.leaserenewal import LeaseRenewal
from lessor.model.marks import Mark, Seal
from lessor.model.observed import ObservedImage, ObservedServer
from lessor.model.plans import Deed, Effect, Purpose
from lessor.model.times import Duration
from tests import builders
from tests.builders import DAY, HOUR, SEAL, SERVER, START, US

T = TypeVar("T")

# ---------------------------------------------------------------- time

_CENTURY = 100 * 366 * 86400


def _whole(count: int) -> timedelta:
    return timedelta(seconds=count)


# Instants to the second in UTC, as they stand in a status.
seconds: SearchStrategy[datetime] = st.integers(0, _CENTURY).map(
    lambda count: datetime(2000, 1, 1, tzinfo=UTC) + _whole(count)
)
zones: SearchStrategy[timezone] = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
micros: SearchStrategy[timedelta] = st.integers(0, 999_999).map(lambda count: timedelta(microseconds=count))
# Instants as a person or a cloud may write them: with fractions, in any zone.
instants: SearchStrategy[datetime] = st.builds(
    lambda instant, micro, zone: (instant + micro).astimezone(zone), seconds, micros, zones
)
# How far a whole drawing is shifted; never by fractions, for the grain of a status is the second.
shifts: SearchStrategy[timedelta] = st.integers(-_CENTURY // 10, _CENTURY // 10).map(_whole)


def spans(least: timedelta = times.ZERO, most: timedelta = 400 * DAY) -> SearchStrategy[timedelta]:
    """Draw lengths of whole seconds."""
    return st.integers(int(least.total_seconds()), int(most.total_seconds())).map(_whole)


def durations(least: timedelta = timedelta(seconds=1), most: timedelta = 400 * DAY) -> SearchStrategy[Duration]:
    """Draw durations of the API."""
    return spans(least, most).map(Duration.of)


# Durations as a person may write them: any units, largest first, leading zeros too.
written: SearchStrategy[str] = st.builds(
    lambda counts, width: "".join(
        f"{count:0{width}d}{unit}" for count, unit in zip(counts, "wdhms", strict=True) if count is not None
    ),
    st.tuples(*[st.none() | st.integers(0, 99_999)] * 5),
    st.integers(1, 5),
).filter(bool)

# ---------------------------------------------------------------- what is declared

_LENGTH = 60 * DAY


def near(anchor: datetime, before: timedelta = 30 * DAY, after: timedelta = _LENGTH) -> SearchStrategy[datetime]:
    """Draw instants around this one, with fractions and in any zone."""
    return st.builds(
        lambda span, micro, zone: (anchor + span + micro).astimezone(zone), spans(-before, after), micros, zones
    )


renewal_rules: SearchStrategy[Renewal] = st.builds(
    Renewal,
    extend_by=st.none() | durations(most=_LENGTH),
    from_=st.sampled_from([None, *RenewFrom]),
    window=st.none() | durations(most=_LENGTH),
    max_renewals=st.none() | st.integers(0, 4),
    max_total=st.none() | durations(most=3 * _LENGTH),
)


@st.composite
def expiries(draw: DrawFn) -> Expiry:
    """Draw stages as the API server takes them: `after` rising, each action at most once, Delete last."""
    chosen = draw(st.lists(st.sampled_from([Action.STOP, Action.SHELVE, Action.SNAPSHOT]), unique=True))
    actions = [*chosen, *([Action.DELETE] if not chosen or draw(st.booleans()) else [])]
    after = sorted(draw(st.sets(spans(most=9 * DAY), min_size=len(actions), max_size=len(actions))))
    locks = draw(st.tuples(*[st.booleans()] * len(actions)))
    parts = zip(after, actions, locks, strict=True)
    return Expiry(stages=tuple(Stage(after=Duration.of(at), action=action, lock=lock) for at, action, lock in parts))


def _declared(end: Duration | datetime, **parts: Any) -> InstanceLeaseSpec:
    return InstanceLeaseSpec(
        cloud_credentials_ref=CloudCredentialsRef(secret_name="clouds", cloud_name="openstack"),
        server=ServerRef(id=SERVER),
        duration=end if isinstance(end, Duration) else None,
        expire_time=end if isinstance(end, datetime) else None,
        **parts,
    )


def specs(ends: SearchStrategy[datetime]) -> SearchStrategy[InstanceLeaseSpec]:
    """Draw specs that are accepted; those that declare an end or an exemption have one of these."""
    return st.builds(
        _declared,
        durations(most=_LENGTH) | ends,
        renewal=st.none() | renewal_rules,
        expiry=st.none() | expiries(),
        exemption=st.none() | st.builds(Exemption, until=ends, reason=st.sampled_from([None, "thesis"])),
        on_delete=st.sampled_from([None, *OnDelete]),
    )


# ---------------------------------------------------------------- what was granted and what is asked for


def _granted(anchor: datetime, each: list[tuple[timedelta, timedelta]], more: int, *, limited: bool) -> RenewalsStatus:
    """Grants one after the other: each as (how long after the one before it, how far it moves the end)."""
    history, time, end = [], anchor, anchor + 10 * DAY
    for number, (wait, length) in enumerate(each):
        time = time + wait
        end = max(end, time) + length
        history.append(builders.grant(Duration.of(length).text, end, name=f"earlier-{number}", time=time))
    total = sum((length for _, length in each), more * DAY)
    return RenewalsStatus(
        count=len(each) + more,
        remaining=2 if limited else None,
        extended=Duration.of(total),
        history=tuple(history),
    )


def grants(anchor: datetime = START) -> SearchStrategy[RenewalsStatus | None]:
    """Draw what was granted since the anchor, some of it so long ago that the history has forgotten it."""
    one = st.tuples(spans(most=5 * DAY), spans(timedelta(seconds=1), _LENGTH))
    some = st.builds(_granted, st.just(anchor), st.lists(one, max_size=4), st.integers(0, 2), limited=st.booleans())
    return st.none() | some


def _asked(number: int, length: Duration | None, age: timedelta, *, decided: bool) -> LeaseRenewal:
    make = builders.decided if decided else builders.request
    request = make(
        f"more-{number}",
        creation_timestamp=START + age,
        annotations={names.REQUESTED_BY: "alice"} if number % 2 else {},
    )
    return msgspec.structs.replace(request, spec=msgspec.structs.replace(request.spec, extend_by=length))


requests: SearchStrategy[tuple[LeaseRenewal, ...]] = st.lists(
    st.builds(
        _asked,
        st.integers(0, 9),
        st.none() | durations(most=2 * _LENGTH),
        spans(most=_LENGTH),
        decided=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda request: request.metadata.uid,
).map(tuple)

uids = st.uuids().map(str)
marks: SearchStrategy[Mark] = st.builds(
    Mark,
    installation=uids,
    object=uids,
    server=uids,
    start=seconds,
    count=st.integers(0, 10**6),
    extended=spans(most=9999 * 366 * DAY),
)

# ---------------------------------------------------------------- what is seen

VM_STATES = (
    "active",
    "stopped",
    "paused",
    "suspended",
    "shelved",
    "shelved_offloaded",
    "rescued",
    "resized",
    "error",
    "building",
    "soft-delete",
    "deleted",
    "of-a-newer-nova",
)
TASKS = ("powering-off", "powering-on", "shelving", "image_snapshot", "deleting", "rebuilding")
OTHER = Seal("another-installation", b"o" * 32)

metadata: SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.builds(
        lambda count, days: builders.marked(count=count, extended=days * DAY), st.integers(0, 3), st.integers(0, 9)
    ),
    st.just(builders.marked()),
    st.just(builders.marked(object="another-object")),
    st.just(
        {names.MARK_KEY: OTHER.write(Mark(installation=OTHER.installation, object="uid-1", server=SERVER, start=START))}
    ),
)


@st.composite
def servers(draw: DrawFn) -> ObservedServer:
    """Draw a server in any state that Nova may show."""
    locked = draw(st.booleans())
    return builders.server(
        vm_state=draw(st.sampled_from(VM_STATES)),
        task_state=draw(st.none() | st.sampled_from(TASKS)),
        status=draw(st.sampled_from(["ACTIVE", "ACTIVE", "SHUTOFF", "UNKNOWN"])),
        locked=locked,
        locked_reason=draw(st.sampled_from([None, "Expired 2026. Renew: ask", "mine"])) if locked else None,
        metadata=draw(metadata),
        project_id=draw(st.sampled_from([US.project_id] * 5 + ["another"])),
    )


Choose = Callable[[str, Any, SearchStrategy[Any]], Any]
_SAID = ("Accepted", "ServerFound", "Marked", "Active", "Ready", "Expiring", "Expired", "Enforced", "Exempt")


@st.composite
def _conditions(draw: DrawFn, before: SearchStrategy[datetime]) -> tuple[Condition, ...]:
    """Draw what was said: anything, also in words of another version."""
    return tuple(
        builders.condition(
            kind,
            draw(st.sampled_from([*ConditionStatus, "Perhaps"])),
            draw(st.sampled_from([*Reason, "Smudged"])),
            draw(before),
        )
        for kind in draw(st.lists(st.sampled_from(ConditionType), unique=True, max_size=6))
    )


def _settled(*, ended: bool) -> tuple[Condition, ...]:
    """What a lease says that is well, in its term or after its end."""
    said = {"Accepted": "Accepted", "ServerFound": "Found", "Marked": "Marked"}
    more = {"Expiring": "EndsSoon", "Expired": "EndReached"} if ended else {}
    return tuple(builders.condition(kind, "True", reason) for kind, reason in {**said, **more}.items())


def _done(declared: InstanceLeaseSpec, number: int, time: datetime) -> StageStatus | None:
    """The first stages as done, one every day."""
    actions = [stage.action for stage in declared.stages][:number]
    return StageStatus(done=actions[-1], time=time, earlier=tuple(actions[:-1])) if actions else None


@st.composite
def lives(draw: DrawFn, odd: Choose) -> tuple[InstanceLeaseSpec, InstanceLeaseStatus, datetime]:
    """Draw a spec, the status of a lease that began at `START`, and the instant: before its end, at it, or after it."""
    declared = draw(specs(near(START)))
    declared = msgspec.structs.replace(declared, suspend=odd("suspend", False, st.just(True)))
    renewals = draw(grants())
    term = window.at(declared, START, renewals)
    done = _done(declared, draw(st.sampled_from([0, 0, 1, 1, 2, 3])), term.end)
    due = stages.pending(declared, builders.begun(stage=done), term)
    wait = draw(st.sampled_from([-DAY, -timedelta(seconds=1), times.ZERO, timedelta(seconds=3), HOUR, 3 * DAY]))
    now = max(START, (due.time if due is not None and draw(st.booleans()) else term.end) + wait) + draw(micros)
    before = spans(most=max(times.ZERO, times.whole_second(now) - START)).map(lambda age: START + age)
    claim = None
    if due is not None:
        claimed = min(times.whole_second(now), due.time) if due.time <= now and draw(st.booleans()) else None
        claim = NextAction(action=due.action, time=due.time, claimed_time=claimed)
    other = st.none() | st.builds(
        NextAction,
        action=st.sampled_from(Action),
        time=before,
        claimed_time=st.none() | before,
        blocked_by=st.sampled_from([None, "Frozen"]),
    )
    if done is not None and done.time > now:  # the end was moved since
        done = msgspec.structs.replace(done, time=START)
    actions = draw(st.sampled_from(((), ("Stop",), ("Stop", "Shelve"), tuple(Action))))
    was = Before(vm_state=draw(st.sampled_from(VM_STATES[:6])), locked=False, claimed=actions)
    harmed = done is not None or (claim is not None and claim.claimed_time is not None)
    status = builders.begun(
        *odd("conditions", _settled(ended=term.end <= now), _conditions(before)),
        renewals=renewals,
        stage=odd("stage", done, st.none() | st.builds(StageStatus, done=st.sampled_from(Action), time=before)),
        before=odd("before", was if harmed else None, st.sampled_from([None, was])),
        next_action=odd("next action", claim, other),
        marked_time=odd("marked time", START, st.none()),
        cloud=odd("cloud", builders.CLOUD, st.none()),
        server_id=odd("server id", SERVER, st.none()),
    )
    return declared, odd("status", status, st.just(InstanceLeaseStatus())), now


_FAULTS = st.sampled_from([Reason.CLOUD_UNAVAILABLE, Reason.CREDENTIALS_MISSING, Reason.PERMISSION_DENIED])
_REFUSALS = st.sampled_from(
    [Reason.SERVER_BUSY, Reason.SERVER_LOCKED, Reason.CLOUD_UNAVAILABLE, Reason.ACTION_FAILED, Reason.NOT_WRITABLE]
)
failures: SearchStrategy[Failed] = st.builds(
    Failed,
    effect=st.builds(Effect, deed=st.sampled_from(Deed), purpose=st.sampled_from(Purpose), server_id=st.just(SERVER)),
    fault=st.builds(Fault, _REFUSALS, st.just("Nova said no")),
    wrong_state=st.booleans(),
)


_IMAGES = st.sampled_from(["queued", "saving", "active", "killed"])
_COMMON = st.sampled_from(["active", "active", "stopped", "shelved_offloaded"])
_ODD = (
    "suspend",
    "conditions",
    "stage",
    "before",
    "next action",
    "marked time",
    "cloud",
    "server id",
    "status",
    "server",
    "task",
    "finalizer",
    "deletion",
    "annotations",
    "identity",
    "fault",
    "events",
    "image",
    "holder",
    "mark lives",
    "clock",
    "freeze",
    "pace",
    "done",
    "failed",
)


def _up_to_date(declared: InstanceLeaseSpec, status: InstanceLeaseStatus) -> dict[str, str]:
    """The metadata of a server whose mark is as it should be."""
    granted = status.renewals if status.renewals is not None else RenewalsStatus()
    term = window.at(declared, START, status.renewals)
    mark = builders.marked(count=granted.count, extended=granted.sum)
    return {**mark, names.EXPIRES_KEY: times.text(term.end)}


@st.composite
def facts(draw: DrawFn) -> Facts:
    """Draw all that one pass may know of a lease: a life that is well but for up to four things that are odd."""
    strange = draw(st.sets(st.sampled_from(_ODD), max_size=4))

    def odd(what: str, usual: Any, other: SearchStrategy[Any]) -> Any:
        return draw(other) if what in strange else usual

    declared, status, now = draw(lives(odd))
    usual = builders.server(metadata=_up_to_date(declared, status), vm_state=draw(_COMMON))
    server = odd("server", usual, st.none() | servers())
    task = odd("task", None, st.sampled_from(TASKS))
    if server is not None and task is not None:
        server = msgspec.structs.replace(server, task_state=task)
    gone = st.sampled_from([Look.ABSENT, Look.NOT_LOOKED, Look.AMBIGUOUS])
    event = st.builds(
        lambda action, user, age: builders.event(action, user, now - age),
        st.sampled_from(["lock", "lock", "unlock", "stop", "start", "shelve", "unshelve", "delete", "reboot"]),
        st.sampled_from([US.user_id, US.user_id, "alice"]),
        spans(most=HOUR),
    )
    return Facts(
        lease=InstanceLease(
            metadata=builders.meta(
                generation=2,
                finalizers=odd("finalizer", (names.FINALIZER,), st.just(())),
                deletion_timestamp=odd("deletion", None, st.just(times.whole_second(now))),
                annotations=odd(
                    "annotations",
                    {},
                    st.sampled_from([{names.RECONCILE_REQUESTED_AT: "now"}, {names.FORCE_FORGET: "true"}]),
                ),
            ),
            spec=declared,
            status=status,
        ),
        now=now,
        seal=SEAL,
        live=draw(st.sampled_from([True, True, True, False])),
        identity=odd("identity", US, st.none()),
        fault=odd("fault", None, st.builds(Fault, _FAULTS, st.just("no answer"))),
        look=Look.FOUND if server is not None else draw(gone),
        server=server,
        events=odd("events", (), st.none() | st.lists(event, max_size=3).map(tuple)),
        image=odd("image", None, st.builds(ObservedImage, id=st.just("i"), status=_IMAGES)),
        holder=odd("holder", None, st.sampled_from([Holder(name=None), Holder(name="vm2")])),
        mark_lives=odd("mark lives", False, st.just(True)),
        renewals=draw(st.just(()) | requests),
        stamped=draw(st.booleans()),
        clock_certain=odd("clock", True, st.just(False)),
        frozen=odd("freeze", False, st.just(True)),
        may_delete=odd("pace", True, st.just(False)),
        done=odd("done", frozenset(), st.frozensets(st.sampled_from(Deed), min_size=1, max_size=2)),
        failed=odd("failed", (), st.lists(failures, min_size=1, max_size=1).map(tuple)),
    )


# ---------------------------------------------------------------- shifting

_WRITTEN = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=Z|\.)"), "%Y-%m-%dT%H:%M:%S"),
    (re.compile(r"\d{8}T\d{6}(?=Z)"), "%Y%m%dT%H%M%S"),
)
_DATE = re.compile(r"(?<=-expired-)\d{8}")


def shifted(value: T, by: timedelta) -> T:
    """Give the same value with every instant in it that much later: in fields, in sentences, in sealed marks.

    Dates without a time of day (in the names of snapshots) are taken out: they do not shift evenly.
    """
    return _shifted(value, by)  # type: ignore[no-any-return]


def _shifted(value: Any, by: timedelta) -> Any:
    if isinstance(value, datetime):
        return value + by
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text(value, by)
    if isinstance(value, Mapping):
        return {key: _shifted(inner, by) for key, inner in value.items()}
    if isinstance(value, (tuple, frozenset)):
        return type(value)(_shifted(inner, by) for inner in value)
    if isinstance(value, msgspec.Struct):
        parts = {name: _shifted(getattr(value, name), by) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **parts)
    if is_dataclass(value) and not isinstance(value, (type, Seal)):
        return replace(value, **{part.name: _shifted(getattr(value, part.name), by) for part in fields(value)})
    return value


def _text(value: str, by: timedelta) -> str:
    for seal in (SEAL, OTHER):
        mark = seal.read(value)
        if mark is not None and mark.installation == seal.installation:
            return seal.write(_shifted(mark, by))
    for pattern, form in _WRITTEN:
        value = pattern.sub(lambda match, form=form: _moved(match.group(), form, by), value)
    return _DATE.sub("DATE", value)


def _moved(text: str, form: str, by: timedelta) -> str:
    return (datetime.strptime(text, form).replace(tzinfo=UTC) + by).strftime(form)
