"""CustomResourceDefinitions: what a CRD makes be served.

Source: k8s.io/apiextensions-apiserver.
"""

from collections.abc import Callable
from datetime import datetime

from lessor.simulated.cluster import ages, builtins, jsonpath, refusals, schemas, validation
from lessor.simulated.cluster.refusals import Cause
from lessor.simulated.cluster.resources import Column, Object, Resource, stamp
from lessor.simulated.cluster.schemas import ANY, BOOLEAN, STRING, items

GROUP = "apiextensions.k8s.io"
_NAMES = schemas.fields(
    plural=STRING, singular=STRING, kind=STRING, listKind=STRING, shortNames=items(STRING), categories=items(STRING)
)
_VERSION = schemas.fields(
    name=STRING,
    served=BOOLEAN,
    storage=BOOLEAN,
    deprecated=BOOLEAN,
    deprecationWarning=STRING,
    schema=schemas.fields(openAPIV3Schema=ANY),
    subresources=ANY,
    additionalPrinterColumns=items(ANY),
    selectableFields=items(ANY),
)
_SPEC = schemas.fields(
    group=STRING,
    scope={**STRING, "enum": ["Cluster", "Namespaced"]},
    names={**_NAMES, "required": ["plural", "kind"]},
    versions=items({**_VERSION, "required": ["name", "served", "storage"]}),
    conversion=ANY,
    preserveUnknownFields=BOOLEAN,
)
_REQUIRED = ["group", "scope", "names", "versions"]
_SCHEMA = schemas.of_object({**schemas.fields(spec={**_SPEC, "required": _REQUIRED}, status=ANY), "required": ["spec"]})


def resource(now: Callable[[], datetime]) -> Resource:
    """Give the resource of the CRDs themselves; the conditions that it sets say when, by this clock."""

    def prepare(new: Object, old: Object | None) -> Object:
        settled = {**new, "spec": _spec(new["spec"]), "status": _status(new, old, now())}
        try:
            for each in served(settled):
                validation.check(each.schema)
        except (AttributeError, TypeError, ValueError) as error:
            cause = Cause("FieldValueInvalid", f"Invalid value: it cannot be served: {error}", "spec.versions")
            kind = f"CustomResourceDefinition.{GROUP}"
            raise refusals.invalid(kind, new["metadata"]["name"], [cause]) from error
        return settled

    return Resource(
        group=GROUP,
        version="v1",
        kind="CustomResourceDefinition",
        plural=builtins.CRDS,
        singular="customresourcedefinition",
        namespaced=False,
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        storage=f"{builtins.CRDS}.{GROUP}",
        status=True,
        generations=True,
        unconditional=False,
        schema=_SCHEMA,
        columns=(
            builtins.NAME,
            Column(
                name="Created At",
                type="date",
                description="When it was created.",
                cell=lambda raw, _: raw["metadata"]["creationTimestamp"],
            ),
        ),
        fields={"metadata.name": builtins.BY_META["metadata.name"]},
        prepare=prepare,
    )


def served(crd: Object) -> list[Resource]:
    """Give the resources that a CRD makes be served, one for each version."""
    spec = crd["spec"]
    return [_resource(spec, version) for version in spec["versions"] if version.get("served")]


def storage(crd: Object) -> str:
    """Give what its objects are kept under."""
    return f"{crd['spec']['names']['plural']}.{crd['spec']['group']}"


def _resource(spec: Object, version: Object) -> Resource:
    names = spec["names"]
    selectable = {each["jsonPath"].removeprefix("."): each["jsonPath"] for each in version.get("selectableFields", ())}
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names["singular"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        storage=f"{names['plural']}.{spec['group']}",
        custom=True,
        status="status" in version.get("subresources", {}),
        generations=True,
        unconditional=False,
        schema=schemas.of_object(version.get("schema", {}).get("openAPIV3Schema") or schemas.ANY),
        columns=(builtins.NAME, *map(_column, version.get("additionalPrinterColumns") or (_AGE,))),
        fields={**builtins.BY_META, **{name: jsonpath.path(text) for name, text in selectable.items()}},
    )


_AGE = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": "When it was created.",
}


def _column(column: Object) -> Column:
    text = column["jsonPath"]
    return Column(
        name=column["name"],
        type=column["type"],
        format=column.get("format", ""),
        description=column.get("description") or f"Custom resource definition column (in JSONPath format): {text}",
        priority=column.get("priority", 0),
        cell=_cell(jsonpath.path(text), column["type"]),
    )


def _cell(path: jsonpath.Path, kind: str) -> Callable[[Object, datetime], object]:
    def cell(raw: Object, now: datetime) -> object:
        value = path.first(raw)
        if value is None:
            return None
        return ages.since(value, now) if kind == "date" else _printed(value, kind)

    return cell


def _printed(value: object, kind: str) -> object:
    match kind, value:
        case "string", str() | None:
            return value
        case "string", _:
            return schemas.text(value)
        case "integer", int() | float() if not isinstance(value, bool):
            return int(value)
        case "number", int() | float() if not isinstance(value, bool):
            return float(value)
        case "boolean", bool():
            return value
    return None


def _spec(spec: Object) -> Object:
    names = spec["names"]
    kind = names["kind"]
    full = {"singular": kind.lower(), "listKind": f"{kind}List", **names}
    return {"conversion": {"strategy": "None"}, **spec, "names": full}


def _status(crd: Object, old: Object | None, now: datetime) -> Object:
    conditions = (old or {}).get("status", {}).get("conditions") or [
        _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
        _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
    ]
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    return {"conditions": conditions, "acceptedNames": _spec(crd["spec"])["names"], "storedVersions": stored}


def _condition(kind: str, reason: str, message: str, now: datetime) -> Object:
    return {
        "type": kind,
        "status": "True",
        "lastTransitionTime": stamp(now),
        "reason": reason,
        "message": message,
    }
