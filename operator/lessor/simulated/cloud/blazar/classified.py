"""From a refusal of Blazar's to the error of the port that the adapter over HTTP raises for the same answer.

HTTP 500 is Blazar's normal no: its words alone tell what it means. A test holds this and the adapter to the same
errors and sentences.
"""

import re
from datetime import timedelta
from typing import NamedTuple

from lessor.ports import cloud, reservations
from lessor.simulated.cloud import classified
from lessor.simulated.cloud.refusals import Refused

_CHANGES, _ANY = "POST PUT", "GET POST PUT DELETE"
_PROPERTY = "Blazar says this of a property that none of its resources has: see the properties that are asked for."
_LOG = "Its log tells more. What was asked for may have been done all the same."
_TROUBLE = r"^(Can't (add|remove) host|Can't delete Aggregate|Conflict (on|while) )"
_UNKNOWN = (
    r"^BlazarDB(NotFound|InvalidFilter|InvalidFilterOperator|InvalidResourceProperty|ForbiddenResourceProperty): "
)
_SERVICE = r"^External service enforcement filter denied the request|^External Service Filter returned a "


class Row(NamedTuple):
    """A code and words, after requests of these methods, and what they mean; `hint` is what Blazar leaves out."""

    methods: str
    codes: range
    words: str
    error: type[cloud.CloudError]
    hint: str = ""


_TABLE: tuple[Row, ...] = (
    Row(_ANY, range(401, 402), "", cloud.CredentialsRefused),
    Row(_ANY, range(413, 414), "", cloud.CloudUnavailable),
    Row(_ANY, range(429, 430), "", cloud.CloudUnavailable),
    Row(_ANY, range(502, 600), "", cloud.CloudUnavailable),
    Row(_ANY, range(100, 400), "", cloud.CloudUnavailable, "A redirect is not followed."),
    Row(_CHANGES, range(400, 600), r"(?i)\bnot enough [\w\s.-]+ available\b", reservations.NotEnoughResources),
    Row(_CHANGES, range(400, 600), r"\bcan only be extended within \d+ seconds\b", reservations.NotExtendableYet),
    Row(_CHANGES, range(400, 600), r"^Lease duration of .* seconds must be less than", reservations.LeaseRefused),
    Row(_CHANGES, range(400, 600), r"^Datetime is out of lease limits", reservations.LeaseRefused),
    Row(_ANY, range(403, 404), "", cloud.PermissionRefused),
    Row("GET PUT DELETE", range(404, 405), r"\blease_id\b", cloud.NotFound),
    Row(_ANY, range(404, 405), "", reservations.Unexplained),
    Row("POST", range(409, 410), r"^The lease with name: .* already exists", reservations.LeaseExists),
    Row(_ANY, range(409, 410), _TROUBLE, reservations.Unexplained),
    Row(_CHANGES, range(409, 410), "", reservations.LeaseRefused),
    Row(_ANY, range(500, 501), r"^Invalid lease status", reservations.LeaseBusy),
    Row(_CHANGES, range(500, 501), r"\bresource type is not supported\b", reservations.UnsupportedResourceType),
    Row(_CHANGES, range(500, 501), _UNKNOWN, reservations.LeaseRefused, _PROPERTY),
    Row(_ANY, range(500, 502), "", reservations.Unexplained, _LOG),
    Row(_CHANGES, range(400, 401), _SERVICE, cloud.PermissionRefused),
    Row(_CHANGES, range(400, 401), "", reservations.LeaseRefused),
    Row(_ANY, range(1000), "", cloud.RequestRefused),
)


def error(method: str, refused: Refused) -> cloud.CloudError:
    """Give the error for a refusal of a request of this method."""
    words = " ".join(refused.words.split())
    row = next(
        each
        for each in _TABLE
        if method in each.methods.split() and refused.code in each.codes and re.search(each.words, words)
    )
    said = classified.sentence(refused)
    if row.hint:
        said = f"{said.removesuffix('.')}. {row.hint}"
    if issubclass(row.error, cloud.CloudUnavailable):
        return row.error(said, retry_after=classified.retry_after(refused))
    if issubclass(row.error, reservations.NotExtendableYet):
        found = re.search(r"within (\d{1,10}) seconds", words, re.ASCII)
        return row.error(said, timedelta(seconds=int(found[1])) if found is not None else timedelta())
    return row.error(said)
