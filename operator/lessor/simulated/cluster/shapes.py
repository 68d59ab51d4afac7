"""The forms in which a client may ask for objects: as they are, as a Table, or their metadata alone.

Source: k8s.io/apiserver/pkg/endpoints/handlers/response.go, k8s.io/apimachinery/pkg/apis/meta/v1 (Table).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from lessor.simulated.cluster.refusals import Refusal
from lessor.simulated.cluster.resources import Object, Resource
from lessor.simulated.cluster.watches import Render
from lessor.simulated.cluster.wire import Request

_META = "meta.k8s.io/v1"


class As(StrEnum):
    """What is sent for an object."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


class Shape:
    """The form that one request asked for."""

    def __init__(self, request: Request, now: Callable[[], datetime]) -> None:
        """Read what the client accepts; ages are by this clock.

        Raises:
            Refusal: 406, nothing that it accepts can be given.
        """
        self.form = _accepted(request.header("accept"))
        self._include = request.query.get("includeObject", "") or "Metadata"
        self._now = now

    def one(self, resource: Resource, shown: Object) -> Object:
        """Give one object."""
        if self.form is As.TABLE:
            return self._table(resource, [shown], {"resourceVersion": shown["metadata"].get("resourceVersion", "")})
        return _metadata(shown) if self.form is not As.OBJECT else shown

    def many(self, resource: Resource, shown: Sequence[Object], metadata: Object) -> Object:
        """Give a list. The items of builtin kinds name no type, those of CRDs' kinds do: as the real one's."""
        if self.form is As.TABLE:
            return self._table(resource, shown, metadata)
        if self.form is As.OBJECT:
            items = list(shown) if resource.custom else [_untyped(each) for each in shown]
            return {
                "kind": f"{resource.kind}List",
                "apiVersion": resource.api_version,
                "metadata": metadata,
                "items": items,
            }
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": _META,
            "metadata": metadata,
            "items": [_metadata(each) for each in shown] or None,  # as the real one sends an empty one
        }

    def events(self, resource: Resource) -> Render:
        """Give what renders the objects of one watch; of its Tables only the first has the columns."""
        first = True

        def render(_: str, shown: Object) -> Object:
            nonlocal first
            if self.form is not As.TABLE:
                return self.one(resource, shown)
            version = {"resourceVersion": shown["metadata"].get("resourceVersion", "")}
            table = self._table(resource, [shown], version)
            if not first:
                table["columnDefinitions"] = None
            first = False
            return table

        return render

    def _table(self, resource: Resource, shown: Sequence[Object], metadata: Object) -> Object:
        now = self._now()
        return {
            "kind": "Table",
            "apiVersion": _META,
            "metadata": metadata,
            "columnDefinitions": [
                {
                    "name": column.name,
                    "type": column.type,
                    "format": column.format,
                    "description": column.description,
                    "priority": column.priority,
                }
                for column in resource.columns
            ],
            "rows": [
                {"cells": [column.cell(each, now) for column in resource.columns], "object": self._row_object(each)}
                for each in shown
            ],
        }

    def _row_object(self, shown: Object) -> Object | None:
        match self._include:
            case "None":
                return None
            case "Object":
                return shown
        return _metadata(shown)


def _untyped(shown: Object) -> Object:
    return {name: value for name, value in shown.items() if name not in {"apiVersion", "kind"}}


def _metadata(shown: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": shown["metadata"]}


def _accepted(accept: str) -> As:
    for choice in (accept or "*/*").split(","):
        media, *parts = [part.strip() for part in choice.split(";")]
        if media not in {"application/json", "application/*", "*/*"}:
            continue
        wanted = dict(part.partition("=")[::2] for part in parts)
        if "as" not in wanted:
            return As.OBJECT
        if wanted["as"] in set(As) and wanted.get("g") == "meta.k8s.io" and wanted.get("v") in {"v1", "v1beta1"}:
            return As(wanted["as"])
    raise Refusal(406, "only the following media types are accepted: application/json")
