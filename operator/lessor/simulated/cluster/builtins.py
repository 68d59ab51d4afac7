"""The kinds that are there without a CRD: their schemas, printer columns, and what the server itself fills in.

Source: k8s.io/api, k8s.io/kubernetes/pkg/registry/{core,coordination} and pkg/printers/internalversion/printers.go.
"""

import base64
from datetime import datetime

from lessor.simulated.cluster import ages, eventviews, jsonpath, refusals, schemas
from lessor.simulated.cluster.refusals import Cause
from lessor.simulated.cluster.resources import VERBS, Column, Object, Resource
from lessor.simulated.cluster.schemas import ANY, BOOLEAN, INSTANT, INTEGER, STRING

_NAME_TEXT = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a"
    " client to request the generation of an appropriate name automatically. Name is primarily intended for creation"
    " idempotence and configuration definition. Cannot be updated. More info:"
    " https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
CRDS = "customresourcedefinitions"
NAMESPACES = "namespaces"
BY_META = {name: jsonpath.path(f".{name}") for name in ("metadata.name", "metadata.namespace")}


def _at(text: str) -> jsonpath.Path:
    return jsonpath.path(text)


def _name(raw: Object, _now: datetime) -> object:
    return raw["metadata"].get("name", "")


def _age(raw: Object, now: datetime) -> object:
    return ages.since(raw["metadata"].get("creationTimestamp"), now)


NAME = Column(name="Name", format="name", description=_NAME_TEXT, cell=_name)
AGE = Column(name="Age", description="When it was created.", cell=_age)


def _count(*names: str) -> Column:
    return Column(name="Data", cell=lambda raw, _: sum(len(raw.get(name) or ()) for name in names))


def _shows(name: str, text: str) -> Column:
    path = _at(text)
    return Column(name=name, cell=lambda raw, _: str(path.first(raw) or ""))


# ------------------------------------------------------------ what the server fills in


def _namespace(new: Object, old: Object | None) -> Object:
    metadata = new["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    new = {**new, "metadata": {**metadata, "labels": labels}}
    if old is None:
        return {**new, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    return {**new, "spec": old["spec"]}


def _secret(new: Object, old: Object | None) -> Object:
    """Keep the rules of Secrets: their data is base64, their type stays."""
    for value in (new.get("data") or {}).values():
        try:
            base64.b64decode(value or "", validate=True)
        except ValueError as error:
            words = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data'
            raise refusals.bad_request(words) from error
    kind = new.get("type", "Opaque")
    if old is not None and kind != old["type"]:
        cause = Cause("FieldValueInvalid", f"Invalid value: {refusals.shown(kind)}: field is immutable", "type")
        raise refusals.invalid("Secret", new["metadata"]["name"], [cause])
    text = {name: base64.b64encode(value.encode()).decode() for name, value in (new.get("stringData") or {}).items()}
    data = {**(new.get("data") or {}), **text}
    kept = {name: value for name, value in new.items() if name not in {"stringData", "data"}}
    return {"type": "Opaque", **kept, **({"data": data} if data else {})}


def _allowed(new: Object, _old: Object | None) -> Object:
    return {**new, "status": {"allowed": True}}


# ------------------------------------------------------------ the table

_REVIEW = Resource(
    group="authorization.k8s.io",
    version="v1",
    kind="SelfSubjectAccessReview",
    plural="selfsubjectaccessreviews",
    singular="selfsubjectaccessreview",
    namespaced=False,
    verbs=("create",),
    storage="",
    schema=schemas.of_object(schemas.fields(spec=ANY, status=ANY)),
    prepare=_allowed,
)


def _core(kind: str, schema: Object, **more: object) -> Resource:
    plural = f"{kind.lower()}s"
    settled: Object = {"columns": (NAME, AGE), "fields": BY_META, **more}
    return Resource(
        group="",
        version="v1",
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        storage=plural,
        schema=schemas.of_object(schema),
        **settled,
    )


BUILTIN: tuple[Resource, ...] = (
    _core(
        "Namespace",
        schemas.fields(spec=schemas.fields(finalizers=schemas.items(STRING)), status=ANY),
        namespaced=False,
        verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
        short_names=("ns",),
        status=True,
        columns=(NAME, _shows("Status", ".status.phase"), AGE),
        fields={"metadata.name": _at(".metadata.name"), "status.phase": _at(".status.phase")},
        prepare=_namespace,
    ),
    _core(
        "Secret",
        schemas.fields(
            type=STRING,
            data=schemas.values({"type": "string", "format": "byte", "nullable": True}),
            stringData=schemas.values(STRING),
            immutable=BOOLEAN,
        ),
        columns=(NAME, _shows("Type", ".type"), _count("data"), AGE),
        fields={**BY_META, "type": _at(".type")},
        prepare=_secret,
    ),
    _core(
        "ConfigMap",
        schemas.fields(
            data=schemas.values(STRING),
            binaryData=schemas.values({"type": "string", "format": "byte"}),
            immutable=BOOLEAN,
        ),
        short_names=("cm",),
        columns=(NAME, _count("data", "binaryData"), AGE),
    ),
    _core(
        "ServiceAccount",
        schemas.fields(
            secrets=schemas.items(ANY), imagePullSecrets=schemas.items(ANY), automountServiceAccountToken=BOOLEAN
        ),
        short_names=("sa",),
    ),
    *eventviews.VIEWS,
    Resource(
        group="coordination.k8s.io",
        version="v1",
        kind="Lease",
        plural="leases",
        singular="lease",
        storage="leases.coordination.k8s.io",
        unconditional=False,
        creates=True,
        schema=schemas.of_object(
            schemas.fields(
                spec=schemas.fields(
                    holderIdentity=STRING,
                    leaseDurationSeconds=INTEGER,
                    acquireTime=INSTANT,
                    renewTime=INSTANT,
                    leaseTransitions=INTEGER,
                    strategy=STRING,
                    preferredHolder=STRING,
                )
            )
        ),
        columns=(NAME, _shows("Holder", ".spec.holderIdentity"), AGE),
        fields=BY_META,
    ),
    _REVIEW,
)
