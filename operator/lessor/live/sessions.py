"""Tokens and requests: one keystoneauth session for one set of credentials, nothing ever repeated below a pass.

keystoneauth renews the token by itself when it is about to end, and once when a service answers 401.
Source: keystoneauth1/session.py (401), keystoneauth1/identity/base.py (renewal under a lock).
"""

import email.utils
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from typing import Any

from keystoneauth1 import exceptions, loading
from keystoneauth1 import session as keystone
from keystoneauth1.access.access import AccessInfo

from lessor.live import blazar_answers, calls, classify, credentials, nova, services, transport
from lessor.live.addresses import Reach
from lessor.live.credentials import CloudConfig
from lessor.live.services import Service
from lessor.model.observed import CloudIdentity
from lessor.ports import cloud
from lessor.ports.clock import Clock
from lessor.ports.reservations import UnsupportedResourceType

Observe = Callable[[str, str, str, float], None]

SECONDS = 10.0
LIST_SECONDS = 60.0
_SMALL, _LARGE = 1 << 20, 64 << 20
_LONGEST_QUIET = 600.0
_GOOD = range(200, 300)
# What requests and keystoneauth let through of an answer, or of an URL, that is none.
_GARBAGE = (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_REQUEST = re.compile(r"\s*\(HTTP \d+\)(\s*\(Request-ID: [^)]*\))?$")


class Session:
    """Sends requests with the token of one set of credentials. Thread-safe."""

    def __init__(  # noqa: PLR0913 (what the shell hands in)
        self,
        config: CloudConfig,
        *,
        reach: Reach,
        clock: Clock,
        observe: Observe,
        answered: cloud.Answered,
        before_change: Callable[[], None],
        seconds: float,
    ) -> None:
        self._config = config
        self._reach = reach
        self._clock = clock
        self._observe = observe
        self._answered = answered
        self._before_change = before_change
        self._seconds = seconds
        self._auth = _plugin(config)
        http = transport.session(config.cacert)
        self._session = keystone.Session(auth=self._auth, session=http, redirect=False, app_name="lessor")
        self._endpoints: dict[str, str] = {}
        self._quiet: dict[str, float] = {}
        try:
            self.identity = self._identified()
        except _GARBAGE as error:
            raise cloud.CloudUnavailable("The answer of Keystone cannot be understood.") from error

    def send(self, service: Service, verb: str, method: str, path: str, body: Any = None) -> bytes:  # noqa: ANN401 (JSON)
        """Send one request and give the body of its answer.

        Args:
            service: whose API.
            verb: for metrics, of a small closed set.
            method: of HTTP.
            path: behind the API's version.
            body: JSON, or None.

        Raises:
            UnsupportedResourceType: the cloud has no such service.
            CloudError: as its tree says.
        """
        if service.type not in self._endpoints:
            raise UnsupportedResourceType(f"{_lacks(service, self.identity.region)} Reservations need it.")
        if self._clock.elapsed() < self._quiet.get(service.type, 0.0):
            raise cloud.CloudUnavailable(f"{service.title} asked to be left alone for a while.")
        listing = verb.endswith(".list")
        seconds = max(service.seconds, self._seconds, LIST_SECONDS if listing else 0.0)
        with calls.entered(self._call(service, verb, seconds, _LARGE if listing else _SMALL)):
            if method != "GET":  # here, for a deed may look first, and be held up; its time runs already
                self._before_change()
            began, code = self._clock.elapsed(), "none"
            try:
                answer = self._answer(service, method, path, body)
                code = str(answer.status_code)
            finally:
                self._observe(service.name, verb, code, self._clock.elapsed() - began)
            self._date(service, answer.headers.get("Date"), began)
        if answer.status_code not in _GOOD:
            error = _error(service, method, answer)
            if isinstance(error, cloud.CloudUnavailable) and error.retry_after is not None:
                self._quiet[service.type] = self._clock.elapsed() + min(error.retry_after, _LONGEST_QUIET)
            raise error
        return bytes(answer.content)

    def _call(self, service: Service, verb: str, seconds: float, most_bytes: int) -> calls.Call:
        return calls.Call(
            service=service,
            verb=verb,
            until=self._clock.elapsed() + seconds,
            most_bytes=most_bytes,
            reach=self._reach,
            elapsed=self._clock.elapsed,
        )

    def _answer(self, service: Service, method: str, path: str, body: Any) -> Any:  # noqa: ANN401 (a requests.Response)
        url = self._endpoints[service.type] + path
        try:
            return self._session.request(
                url, method, json=body, headers=dict(service.headers), raise_exc=False, connect_retries=0, log=False
            )
        except exceptions.ClientException as error:
            raise _refused(error, service.title) from error
        except _GARBAGE as error:
            raise cloud.CloudUnavailable(f"{service.title} did not answer: {type(error).__name__}.") from error

    def _date(self, service: Service, value: str | None, began: float) -> None:
        if value is None:
            return
        try:
            date = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return
        # "-0000" is UTC that says nothing of where it was written (RFC 5322, section 3.3): Python gives it no zone
        zoned = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        self._answered(service.name, zoned, began, self._clock.elapsed())

    def _identified(self) -> CloudIdentity:
        """Take a token: who we are, and where the services are."""
        with calls.entered(self._call(services.KEYSTONE, "token", self._seconds, _LARGE)):
            began = self._clock.elapsed()
            try:
                access: AccessInfo = self._auth.get_access(self._session)
            except exceptions.ClientException as error:
                self._observe("keystone", "token", "refused", self._clock.elapsed() - began)
                raise _refused(error, services.KEYSTONE.title) from error
            self._observe("keystone", "token", "201", self._clock.elapsed() - began)
        project = access.project_id
        if project is None:
            raise cloud.InvalidCredentials("The credentials give no token of a project: name one in clouds.yaml.")
        regions = {service.type: self._endpoint(access, service) for service in services.CALLED}
        base, region = services.KEYSTONE.base(self._config.auth["auth_url"]), regions[services.NOVA.type]
        for service in services.OPTIONAL:
            with suppress(*_GARBAGE):  # an entry that cannot be read takes nothing from those that can
                self._find(access, service, region or None)
        return CloudIdentity(
            auth_url=base,
            region=region,
            project_id=str(project),
            user_id=str(access.user_id),
            application_credential=self._config.plugin == credentials.APPLICATION_CREDENTIAL,
        )

    def _find(self, access: AccessInfo, service: Service, region: str | None) -> list[Any]:
        """Find where a service is, if anywhere; gives what the catalogue has of it there."""
        found = access.service_catalog.get_endpoints_data(
            service_type=service.type, interface=self._config.interface, region_name=region
        )
        endpoints: list[Any] = next(iter(found.values()), [])
        override = self._config.overrides.get(service.type)
        if endpoints or override is not None:
            self._endpoints[service.type] = service.base(override or endpoints[0].url)
        return endpoints

    def _endpoint(self, access: AccessInfo, service: Service) -> str:
        """Find where a service is that there must be; gives its region."""
        endpoints = self._find(access, service, self._config.region_name)
        if service.type not in self._endpoints:
            raise cloud.CloudUnavailable(_lacks(service, self._config.region_name))
        regions = {
            endpoint.raw_endpoint.get("region_id") or endpoint.raw_endpoint.get("region") for endpoint in endpoints
        }
        if len(regions) > 1:
            raise cloud.InvalidCredentials(
                f"The cloud has several regions: set region_name to one of {sorted(map(str, regions))}."
            )
        return str(next(iter(regions), self._config.region_name or ""))


def _plugin(config: CloudConfig) -> Any:  # noqa: ANN401 (one of keystoneauth's plugins)
    try:
        return loading.get_plugin_loader(config.plugin).load_from_options(**config.auth)
    except (exceptions.ClientException, TypeError) as error:
        words = classify.printable(str(error))
        raise cloud.InvalidCredentials(f"clouds.yaml does not say all that its auth_type needs: {words}") from error


def _lacks(service: Service, region: str | None) -> str:
    where = f" in region {region}" if region else ""
    return f"The catalogue of Keystone has no {service.title} ({service.type}){where}."


def _error(service: Service, method: str, answer: Any) -> cloud.CloudError:  # noqa: ANN401 (a requests.Response)
    if service is services.BLAZAR:
        return blazar_answers.error(method, answer.status_code, answer.headers, answer.content)
    return classify.error(service.title, answer.status_code, answer.headers, answer.content)


def _refused(error: exceptions.ClientException, title: str) -> cloud.CloudError:
    """Give the error for what keystoneauth raises: its HTTP errors are Keystone's answers to a request for a token."""
    words = classify.printable(_REQUEST.sub("", str(getattr(error, "message", None) or error)))
    if isinstance(error, exceptions.HttpError):
        code = error.http_status or 0
        if classify.away(code):
            headers = getattr(error.response, "headers", {})
            return cloud.CloudUnavailable(
                f"Keystone answered {code}: {words}", retry_after=classify.retry_after(headers)
            )
        return cloud.CredentialsRefused(f"Keystone refused the credentials ({code}): {words}")
    if isinstance(error, exceptions.InvalidResponse):
        return cloud.CloudUnavailable(f"{title} did not answer as {title} does.")
    if isinstance(error, exceptions.ConnectFailure | exceptions.ConnectionError):
        return cloud.CloudUnavailable(f"{title} did not answer: {_plain(words)}")
    return cloud.CredentialsRefused(f"No token can be had with the credentials: {words}")


def _plain(words: str) -> str:
    """Leave out what only a developer reads: the URL with its server's id, and the name of an exception."""
    return "the time was over." if "timed out" in words.lower() else "the connection failed."


def connect(  # noqa: PLR0913 (what the shell hands in)
    clouds_yaml: bytes,
    cacert: bytes | None,
    name: str,
    *,
    reach: Reach,
    clock: Clock,
    observe: Observe,
    answered: cloud.Answered,
    before_change: Callable[[], None] = lambda: None,
    seconds: float = SECONDS,
) -> nova.Nova:
    """Authenticate, and give the cloud as these credentials see it.

    Args:
        clouds_yaml: as it lies in the Secret.
        cacert: PEM, or None.
        name: of the cloud in it.
        reach: how far it may lead.
        clock: for deadlines.
        observe: is told service, verb, code and seconds of each request.
        answered: is told the `Date` of each answer.
        before_change: is called right before each request that changes something; what it raises is passed on.
        seconds: the total time of one request.

    Raises:
        CloudError: no token can be had, and why.
    """
    config = credentials.parse(clouds_yaml, cacert, name)
    session = Session(
        config,
        reach=reach,
        clock=clock,
        observe=observe,
        answered=answered,
        before_change=before_change,
        seconds=seconds,
    )
    return nova.Nova(session)
