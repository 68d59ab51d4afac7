"""Events: core/v1 and events.k8s.io/v1 are two views of one store, with other names for the same fields.

Kept in the form of core/v1. Source: k8s.io/kubernetes/pkg/apis/{core/v1,events/v1}/conversion.go,
pkg/apis/core/validation/events.go (the stricter rules of the newer view).
"""

from datetime import datetime
from functools import partial

from lessor.simulated.cluster import ages, jsonpath, refusals, schemas
from lessor.simulated.cluster.refusals import Cause
from lessor.simulated.cluster.resources import Column, Object, Resource
from lessor.simulated.cluster.schemas import INSTANT, INTEGER, STRING

_STORAGE = "events"
_NEWER = {  # core/v1 to events.k8s.io/v1
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_OLDER = {newer: older for older, newer in _NEWER.items()}
_FIXED = ("involvedObject", "reason", "message", "type", "eventTime", "action", "reportingComponent")
_REQUIRED = {
    "reportingComponent": "reportingController",
    **{name: name for name in ("reportingInstance", "action", "reason")},
}
# What Go sends though it is not set.
_ALWAYS: Object = {"eventTime": None, "reportingComponent": "", "reportingInstance": "", "source": {}}
_STAMPS: Object = {"firstTimestamp": None, "lastTimestamp": None}


def _renamed(names: dict[str, str], raw: Object) -> Object:
    return {names.get(name, name): value for name, value in raw.items()}


def _kept(raw: Object) -> Object:
    return {**_ALWAYS, **_STAMPS, **raw}


def _kept_newer(raw: Object) -> Object:
    return _kept(_renamed(_OLDER, raw))


def _newer(new: Object, old: Object | None) -> Object:
    """Keep the rules of events.k8s.io: an Event of a series changes in nothing but its series."""
    causes = [*_missing(new)] if old is None else [*_changed(new, old)]
    series = new.get("series")
    if series and (old is None or series != old.get("series")) and series.get("count", 0) < 2:
        causes.append(Cause("FieldValueInvalid", 'Invalid value: "": should be at least 2', "series.count"))
    if causes:
        raise refusals.invalid("Event", new["metadata"].get("name", ""), causes)
    return new


def _missing(new: Object) -> list[Cause]:
    required = _REQUIRED if new.get("eventTime") else {"eventTime": "eventTime"}
    causes = [
        Cause("FieldValueRequired", "Required value", shown) for name, shown in required.items() if not new.get(name)
    ]
    if new.get("type") not in {"Normal", "Warning"}:
        words = f'Invalid value: "": has invalid value: {new.get("type", "")}'
        causes.append(Cause("FieldValueInvalid", words, "type"))
    return causes


def _changed(new: Object, old: Object) -> list[Cause]:
    return [
        Cause("FieldValueInvalid", f"Invalid value: {refusals.shown(new.get(name))}: field is immutable", name)
        for name in _FIXED
        if new.get(name) != old.get(name)
    ]


# ------------------------------------------------------------ how they are printed


def _first(raw: Object, now: datetime) -> str:
    return ages.since(raw.get("firstTimestamp") or raw.get("eventTime"), now)


def _last(raw: Object, now: datetime) -> str:
    series = raw.get("series") or {}
    last = series.get("lastObservedTime") or raw.get("lastTimestamp")
    return ages.since(last, now) if last else _first(raw, now)


def _object(raw: Object, _now: datetime) -> str:
    about = raw.get("involvedObject") or {}
    return "/".join(part for part in (about.get("kind", "").lower(), about.get("name", "")) if part)


def _source(raw: Object, _now: datetime) -> str:
    source = raw.get("source") or {}
    component = source.get("component") or raw.get("reportingComponent") or ""
    host = source.get("host") or raw.get("reportingInstance") or ""
    return ", ".join(part for part in (component, host) if part)


def _count(raw: Object, _now: datetime) -> int:
    return int((raw.get("series") or {}).get("count") or raw.get("count") or 1)


def _text(path: jsonpath.Path, raw: Object, _now: datetime) -> str:
    return str(path.first(raw) or "").strip()


def _column(name: str, text: str, priority: int = 0, form: str = "") -> Column:
    return Column(name=name, priority=priority, format=form, cell=partial(_text, jsonpath.path(text)))


_COLUMNS = (
    Column(name="Last Seen", cell=_last),
    _column("Type", ".type"),
    _column("Reason", ".reason"),
    Column(name="Object", cell=_object),
    _column("Subobject", ".involvedObject.fieldPath", 1),
    Column(name="Source", priority=1, cell=_source),
    _column("Message", ".message"),
    Column(name="First Seen", priority=1, cell=_first),
    Column(name="Count", priority=1, cell=_count),
    _column("Name", ".metadata.name", 1, "name"),
)


def _of_newer(column: Column) -> Column:
    cell = column.cell
    return Column(
        name=column.name,
        format=column.format,
        priority=column.priority,
        cell=lambda raw, now: cell(_renamed(_OLDER, raw), now),
    )


# ------------------------------------------------------------ the two views

_ABOUT = schemas.fields(
    **dict.fromkeys(("apiVersion", "kind", "name", "namespace", "uid", "resourceVersion", "fieldPath"), STRING)
)
_FIELDS = {
    "involvedObject": _ABOUT,
    "related": _ABOUT,
    "source": schemas.fields(component=STRING, host=STRING),
    "series": schemas.fields(count=INTEGER, lastObservedTime=INSTANT),
    "count": INTEGER,
    **dict.fromkeys(("firstTimestamp", "lastTimestamp", "eventTime"), INSTANT),
    **dict.fromkeys(("message", "reason", "type", "action", "reportingComponent", "reportingInstance"), STRING),
}
_ABOUT_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_BY = (
    "metadata.name",
    "metadata.namespace",
    "reason",
    "type",
    "reportingComponent",
    *(f"involvedObject.{name}" for name in _ABOUT_FIELDS),
)


def _selected() -> dict[str, jsonpath.Path]:
    return {name: jsonpath.path(f".{name}") for name in _BY}


def _selected_newer() -> dict[str, jsonpath.Path]:
    found = {}
    for name in _BY:
        first, dot, rest = name.partition(".")
        shown = f"{_NEWER.get(first, first)}{dot}{rest}"
        found[shown] = jsonpath.path(f".{shown}")
    return found


VIEWS = (
    Resource(
        group="",
        version="v1",
        kind="Event",
        plural="events",
        singular="event",
        short_names=("ev",),
        storage=_STORAGE,
        creates=True,
        schema=schemas.of_object(schemas.fields(**_FIELDS)),
        columns=_COLUMNS,
        fields=_selected(),
        kept=_kept,
    ),
    Resource(
        group="events.k8s.io",
        version="v1",
        kind="Event",
        plural="events",
        singular="event",
        short_names=("ev",),
        storage=_STORAGE,
        creates=True,
        schema=schemas.of_object(schemas.fields(**_renamed(_NEWER, _FIELDS))),
        columns=tuple(_of_newer(column) for column in _COLUMNS),
        fields=_selected_newer(),
        shown=partial(_renamed, _NEWER),
        kept=_kept_newer,
        prepare=_newer,
    ),
)
