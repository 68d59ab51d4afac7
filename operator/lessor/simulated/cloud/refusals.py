"""How the services say no: a code and their words, and the body in which each of them wraps these.

Source: nova/api/openstack/wsgi.py (Fault), keystone/server/flask/application.py, keystonemiddleware, webob's errors
(Glance), blazar/api/v1/utils.py (render_error_message), neutron/api/v2/resource.py.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus


class Service(StrEnum):
    """The services, by the names of their programs."""

    KEYSTONE = "keystone"
    NOVA = "nova"
    GLANCE = "glance"
    BLAZAR = "blazar"
    NEUTRON = "neutron"

    @property
    def label(self) -> str:
        """The name for people."""
        return self.capitalize()


UNAUTHENTICATED = "The request you have made requires authentication."
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_NOVA_FAULTS: Mapping[int, str] = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(self, service: Service, code: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.service = service
        self.code = code
        self.words = words
        self.headers = headers or {}

    @property
    def title(self) -> str:
        """The standard phrase of the code, or nothing."""
        return _PHRASES.get(self.code, "")

    @property
    def content_type(self) -> str:
        """What the body is."""
        return "text/html" if self.service is Service.GLANCE and self.code != 401 else "application/json"

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        if self.content_type == "text/html":
            return _PAGE.format(code=self.code, title=self.title, words=self.words).encode()
        if self.service is Service.KEYSTONE or self.code == 401:
            outer, inner = "error", {"code": self.code, "message": self.words, "title": self.title}
        elif self.service is Service.BLAZAR:
            name = "INTERNAL_SERVER_ERROR" if self.words == "Internal Server Error" else self.code
            return json.dumps({"error_code": self.code, "error_message": self.words, "error_name": name}).encode()
        elif self.service is Service.NEUTRON:
            outer, inner = "NeutronError", {"type": "HTTPError", "message": self.words, "detail": ""}
        else:
            outer, inner = _NOVA_FAULTS.get(self.code, "computeFault"), {"code": self.code, "message": self.words}
        return json.dumps({outer: inner}).encode()


class Crash(Refused):
    """An answer of the web framework around Blazar. Source: blazar/api/v1/app.py, make_json_error."""

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return json.dumps({"error": self.code, "error_message": self.words}).encode()


_PAGE = """<html>
 <head>
  <title>{code} {title}</title>
 </head>
 <body>
  <h1>{code} {title}</h1>
  {words}<br /><br />


 </body>
</html>"""


def unauthenticated(service: Service) -> Refused:
    """Give the 401 of a missing, unknown or expired token, and of a wrong password."""
    return Refused(service, 401, UNAUTHENTICATED)


def missing_server(server_id: str) -> Refused:
    """Give Nova's 404; a foreign project's server gives the same."""
    return Refused(Service.NOVA, 404, f"Instance {server_id} could not be found.")


def conflict(words: str) -> Refused:
    """Give Nova's 409."""
    return Refused(Service.NOVA, 409, words)


def bad(words: str) -> Refused:
    """Give Nova's 400."""
    return Refused(Service.NOVA, 400, words)


def no_json(service: Service) -> Refused:
    """Give the answer to a body that is no JSON: Blazar's is a fault of its own, in another form than the rest."""
    if service is Service.BLAZAR:
        return Crash(service, 500, "The server encountered an internal error and was unable to complete your request.")
    return Refused(service, 400, "The body is no JSON.")


def incomplete(service: Service, error: Exception) -> Refused:
    """Give the answer to a body that lacks what it needs; Blazar takes it for a fault of its own."""
    if service is Service.BLAZAR:
        return Refused(service, 500, "Internal Server Error")
    return Refused(service, 400, f"The body has not what it needs: {error!r}")


def policy(rule: str) -> Refused:
    """Give Nova's 403 for a rule of its policy."""
    return Refused(Service.NOVA, 403, f"Policy doesn't allow {rule} to be performed.")
