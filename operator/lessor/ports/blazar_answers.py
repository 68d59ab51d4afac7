"""The one table from (method, code, text) of Blazar's answer to the error that passes know.

500 is Blazar's normal no: "no room", "busy" and "no such type" are told apart by their words alone. Its words are kept.
Rows are tried in their order, and the last ones fit whatever is left. `blazar:` is the upstream source, `chi:`
Chameleon's; "ran" says that it was seen on Blazar 18 with the other services of OpenStack.
"""

import re
from datetime import timedelta
from enum import Enum, auto
from typing import NamedTuple

from lessor.ports import cloud, reservations

ANY = "GET POST PUT DELETE"
CHANGES = "POST PUT"


class Whose(Enum):
    """Who wrote the body of an answer."""

    BLAZAR = auto()  # `{"error_code": 409, "error_message": "...", "error_name": 409}`
    ANYBODY = auto()  # that, or what stands around Blazar: its own web framework, keystonemiddleware, a proxy


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        name: of the row.
        methods: of HTTP.
        codes: of the answer; from the first up to the last.
        whose: body it must be.
        words: a regular expression that is searched for in the words of the body.
        error: what it means.
        source: where Blazar says so.
        hint: what Blazar's words leave out; "" for nothing.
    """

    name: str
    methods: str
    codes: tuple[int, int]
    whose: Whose
    words: str
    error: type[cloud.CloudError]
    source: str
    hint: str = ""


_PROPERTY = "Blazar says this of a property that none of its resources has: see the properties that are asked for."
_LOG = "Its log tells more. What was asked for may have been done all the same."
_OWN, _ALL = Whose.BLAZAR, Whose.ANYBODY
_NO = (400, 599)

TABLE: tuple[Row, ...] = (
    # who we are, and what stands before Blazar
    Row("no token", ANY, (401, 401), _ALL, "", cloud.CredentialsRefused, "ran; keystonemiddleware:auth_token"),
    Row("too large", ANY, (413, 413), _ALL, "", cloud.CloudUnavailable, "RFC 9110, section 15.5.14"),
    Row("too many requests", ANY, (429, 429), _ALL, "", cloud.CloudUnavailable, "RFC 6585, section 4"),
    Row("proxy", ANY, (502, 599), _ALL, "", cloud.CloudUnavailable, "RFC 9110, section 15.6: a proxy, or maintenance"),
    Row(
        "redirect",
        ANY,
        (100, 399),
        _ALL,
        "",
        cloud.CloudUnavailable,
        "RFC 9110, section 15.4",
        "A redirect is not followed.",
    ),
    # no room: 500, 400 for floating IPs upstream
    Row(
        "no room",
        CHANGES,
        _NO,
        _OWN,
        r"(?i)\bnot enough [\w\s.-]+ available\b",
        reservations.NotEnoughResources,
        "ran; blazar:blazar/manager/exceptions.py; chi: the same, and `... available with query`",
    ),
    # the lease's own time
    Row(
        "too early",
        CHANGES,
        _NO,
        _OWN,
        r"\bcan only be extended within \d+ seconds\b",
        reservations.NotExtendableYet,
        "chi:blazar/enforcement/exceptions.py:MaxLeaseUpdateWindowException",
    ),
    Row(
        "too long",
        CHANGES,
        _NO,
        _OWN,
        r"^Lease duration of .* seconds must be less than or equal to",
        reservations.LeaseRefused,
        "blazar:blazar/enforcement/exceptions.py:MaxLeaseDurationException; 403 after POST, 400 after PUT",
    ),
    Row(
        "before end outside",
        CHANGES,
        _NO,
        _OWN,
        r"^Datetime is out of lease limits",
        reservations.LeaseRefused,
        "ran: 403; blazar:blazar/manager/service.py:_check_date_within_lease_limits",
    ),
    # 403: policy
    Row(
        "policy",
        ANY,
        (403, 403),
        _ALL,
        "",
        cloud.PermissionRefused,
        "ran; blazar:blazar/exceptions.py:PolicyNotAuthorized",
    ),
    # 404: the lease, or anything else
    Row(
        "no such lease",
        "GET PUT DELETE",
        (404, 404),
        _OWN,
        r"\blease_id\b",
        cloud.NotFound,
        "ran; blazar:blazar/api/v1/validation.py:check_exists",
    ),
    Row(
        "no such flavor",
        CHANGES,
        (404, 404),
        _OWN,
        r"^Flavor .* could not be found",
        reservations.LeaseRefused,
        "ran; novaclient:exceptions.py:NotFound, of blazar:blazar/plugins/flavor/flavor_plugin.py",
    ),
    Row(
        "something of its own is gone",
        ANY,
        (404, 404),
        _OWN,
        "",
        reservations.Unexplained,
        "blazar:blazar/manager/exceptions.py: NoFreePool, AggregateNotFound and others, in the middle of a change",
    ),
    Row(
        "not Blazar's 404",
        ANY,
        (404, 404),
        _ALL,
        "",
        cloud.CloudUnavailable,
        "blazar:blazar/api/v1/app.py:make_json_error, of a wrong path; an ingress without a Blazar behind it",
        "That is not what Blazar says of a lease that is not there.",
    ),
    # 409
    Row(
        "same id",
        "POST",
        (409, 409),
        _OWN,
        r"^The lease with name: .* already exists",
        reservations.LeaseExists,
        "ran; blazar:blazar/manager/exceptions.py:LeaseNameAlreadyExists, which it says of an id",
    ),
    Row(
        "its own conflict",
        ANY,
        (409, 409),
        _OWN,
        r"^(Can't (add|remove) host|Can't delete Aggregate|Conflict (on|while) )",
        reservations.Unexplained,
        "blazar:blazar/manager/exceptions.py:CantAddHost; blazar:blazar/utils/openstack/exceptions.py: its own trouble",
    ),
    Row(
        "conflict",
        CHANGES,
        (409, 409),
        _OWN,
        "",
        reservations.LeaseRefused,
        "ran; blazar:blazar/manager/exceptions.py: NotImplemented, CantUpdateParameter",
    ),
    # 500
    Row(
        "busy",
        ANY,
        (500, 500),
        _OWN,
        r"^Invalid lease status",
        reservations.LeaseBusy,
        "ran; blazar:blazar/exceptions.py:InvalidStatus",
    ),
    Row(
        "no such type",
        CHANGES,
        (500, 500),
        _OWN,
        r"\bresource type is not supported\b",
        reservations.UnsupportedResourceType,
        "ran; blazar:blazar/manager/exceptions.py:UnsupportedResourceType",
    ),
    Row(
        "no such property",
        CHANGES,
        (500, 500),
        _OWN,
        r"^BlazarDB(NotFound|InvalidFilter|InvalidFilterOperator|InvalidResourceProperty|ForbiddenResourceProperty): ",
        reservations.LeaseRefused,
        "ran; blazar:blazar/db/sqlalchemy/api.py:host_get_all_by_queries",
        _PROPERTY,
    ),
    Row(
        "fault",
        ANY,
        (500, 501),
        _ALL,
        "",
        reservations.Unexplained,
        "ran: a trust that cannot be used, a wrong type; blazar:blazar/api/v1/utils.py:internal_error; RPC timeouts",
        _LOG,
    ),
    # 400
    Row(
        "site says no",
        CHANGES,
        (400, 400),
        _OWN,
        r"^External service enforcement filter denied the request|^External Service Filter returned a ",
        cloud.PermissionRefused,
        "blazar:blazar/enforcement/filters/external_service_filter.py:_post; chi: the same: also when that is away",
    ),
    Row(
        "spec",
        CHANGES,
        (400, 400),
        _OWN,
        "",
        reservations.LeaseRefused,
        "ran; blazar:blazar/manager/exceptions.py; blazar:blazar/enforcement/exceptions.py: the service's own text",
    ),
    # what is left of 400, 405, 406, 409, 422 and all other codes
    Row("anything else", ANY, (0, 999), _ALL, "", cloud.RequestRefused, "RFC 9110, section 15.5"),
)


def row(method: str, code: int, whose: Whose, words: str) -> Row:
    """Give the first row that fits an answer other than 2xx: whose body it has, and its words, in one line."""
    return next(
        each
        for each in TABLE
        if (each.methods == ANY or method in each.methods.split())
        and each.codes[0] <= code <= each.codes[1]
        and each.whose in {whose, Whose.ANYBODY}
        and re.search(each.words, words)
    )


def error(found: Row, said: str, words: str, retry_after: float | None) -> cloud.CloudError:
    """Give the error that a row stands for.

    Args:
        found: the row.
        said: the sentence that tells service, code and words.
        words: of the body, in one line.
        retry_after: the pause in seconds that was asked for; None: none was.
    """
    whole = f"{said.removesuffix('.')}. {found.hint}" if found.hint else said
    if issubclass(found.error, cloud.CloudUnavailable):
        return found.error(whole, retry_after=retry_after)
    if issubclass(found.error, reservations.NotExtendableYet):
        return found.error(whole, _window(words))
    return found.error(whole)


def _window(words: str) -> timedelta:
    found = re.search(r"within (\d{1,10}) seconds", words, re.ASCII)
    return timedelta(seconds=int(found[1])) if found is not None else timedelta()
