"""The cloud in the process, as the port that passes are written against: as one user on one project sees it.

It goes the way of the adapters: a token at first, a new one before the old one ends or when a service answers 401, no
other request a second time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from lessor.model import names, times
from lessor.model.observed import CloudIdentity, ObservedImage, ObservedServer, ServerEvent
from lessor.ports import cloud
from lessor.simulated.cloud import classified, records
from lessor.simulated.cloud.blazar.port import BlazarPort
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.exchange import line, lying, shortened
from lessor.simulated.cloud.fleet import Page
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.images import Image
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.cloud.refusals import Refused, Service
from lessor.simulated.cloud.server import Server
from lessor.simulated.faults import Fault, What

_PAGE = 500
_NAME_MOST = 255
_MARGIN = timedelta(seconds=120)
_LONGEST_QUIET = 600.0
T = TypeVar("T")
Ask = Callable[[Token, Fault | None], T]
Classify = Callable[[Refused], cloud.CloudError]


class Port:
    """`ports.cloud.ListedCloud`."""

    def __init__(self, core: Core, user: User, project: Project, auth_url: str, method: str = "password") -> None:
        """Take a token, by this method of Keystone's.

        Raises:
            CloudError: there is none for them.
        """
        self._core = core
        self._user = user
        self._project = project
        self._method = method
        self._quiet: dict[Service, datetime] = {}
        self._token: Token | None = self._authenticated(Service.KEYSTONE)
        self.identity = CloudIdentity(
            auth_url=auth_url,
            region=core.region,
            project_id=project.id,
            user_id=user.id,
            application_credential=method == "application_credential",
        )
        self._reservations = BlazarPort(core, self.identity, self._send)

    @property
    def reservations(self) -> BlazarPort:
        """Blazar, as the same credentials see it."""
        return self._reservations

    # ------------------------------------------------------------ looking

    def probe(self) -> None:
        """Ask for one server's name."""
        self._nova("servers.probe", "", lambda who, _: self._core.compute.page(who, {"limit": "1"}, "index"))

    def server(self, server_id: str) -> ObservedServer | None:
        """Read one server."""
        try:
            return self._nova("servers.get", server_id, lambda who, _: self._observed(who, server_id))
        except cloud.NotFound:
            return None

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        """Give the servers of exactly this name."""
        named: dict[str, ObservedServer] = {}
        for page in self._pages({}, lambda server: server.name == name):
            named |= {server.id: server for server in page}
        return tuple(named.values())

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        """List the project's servers."""
        if changes_since is None:
            return self._pages({}, lambda _: True)
        return self._pages({"changes-since": times.text(changes_since.astimezone(UTC))}, lambda _: True)

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        """Give the os-instance-actions, newest first."""
        try:
            _, entries = self._nova(
                "servers.actions.list", server_id, lambda who, _: self._core.compute.entries(who, server_id)
            )
        except cloud.NotFound:
            return ()
        return tuple(
            ServerEvent(action=entry.action, user_id=entry.user_id, start_time=records.naive(entry.start) or "")
            for entry in entries
        )

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        """Find the image of a stage."""
        found = self._images({names.STAGE_KEY: stage})
        images = [image for image in found if image.properties.get("instance_uuid") in {None, server_id}]
        best = next((image for image in images if image.status == "active"), images[0] if images else None)
        return None if best is None else ObservedImage(id=best.id, status=best.status, name=best.name)

    # ------------------------------------------------------------ acting

    def stop(self, server_id: str) -> None:
        """os-stop."""
        self.act(server_id, "os-stop")

    def start(self, server_id: str) -> None:
        """os-start."""
        self.act(server_id, "os-start")

    def lock(self, server_id: str, reason: str) -> None:
        """Lock."""
        self.act(server_id, "lock", {"locked_reason": reason})

    def unlock(self, server_id: str) -> None:
        """Unlock."""
        self.act(server_id, "unlock")

    def shelve(self, server_id: str) -> None:
        """Shelve."""
        self.act(server_id, "shelve")

    def unshelve(self, server_id: str) -> None:
        """Unshelve."""
        self.act(server_id, "unshelve")

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        """Make an image of it."""
        self.act(server_id, "createImage", {"name": name[:_NAME_MOST], "metadata": {names.STAGE_KEY: stage}})

    def delete(self, server_id: str) -> None:
        """DELETE."""
        with suppress(cloud.NotFound):
            self._nova("servers.delete", server_id, lambda who, _: self._core.compute.delete(who, server_id))

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        """Merge items into the metadata."""
        self._nova(
            "servers.metadata.update",
            server_id,
            lambda who, _: self._core.compute.write_metadata(who, server_id, items),
        )

    def remove_metadata(self, server_id: str, key: str) -> None:
        """Take one item off the metadata."""
        with suppress(cloud.NotFound):
            self._nova(
                "servers.metadata.delete",
                server_id,
                lambda who, _: self._core.compute.remove_metadata(who, server_id, key),
            )

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        """Delete the image that shelving made."""
        for image in self._images({"name": f"{name}-shelved", "instance_uuid": server_id}):
            with suppress(cloud.NotFound):
                self._send(
                    Service.GLANCE,
                    line("images.delete", image.id),
                    lambda who, _, image=image: self._core.images.delete(who, image.id),  # type: ignore[misc]
                )

    def act(self, server_id: str, action: str, value: Mapping[str, Any] | None = None) -> None:
        """Do a server action by the name that it has in the body of Nova's request."""
        self._nova(action, server_id, lambda who, _: self._core.compute.act(who, server_id, action, value))

    # ------------------------------------------------------------ requests

    def _observed(self, who: Token, server_id: str) -> ObservedServer:
        server = self._core.compute.get(who, server_id)
        if server.cell not in self._core.compute.cells_down:
            return _seen(server)
        return ObservedServer(id=server.id, project_id=server.project_id, created=server.created)

    def _pages(
        self, query: Mapping[str, str], wanted: Callable[[Server], bool]
    ) -> Iterator[tuple[ObservedServer, ...]]:
        asked = {**query, "limit": str(_PAGE)}
        while True:
            page = self._page(dict(asked), wanted)
            yield tuple(map(_seen, page.servers))
            if not page.full:
                return
            asked["marker"] = page.servers[-1].id

    def _page(self, query: Mapping[str, str], wanted: Callable[[Server], bool]) -> Page:
        def ask(who: Token, fault: Fault | None) -> Page:
            return lying(self._core.compute.page(who, query, "detail", wanted), fault)

        try:
            return self._nova("servers.list", "", ask)
        except cloud.RequestRefused as error:
            if "marker" not in query:
                raise
            raise cloud.CloudUnavailable(f"The list changed while it was read: {error}") from error

    def _images(self, query: Mapping[str, str]) -> tuple[Image, ...]:
        def ask(who: Token, fault: Fault | None) -> tuple[Image, ...]:
            return shortened(tuple(self._core.images.listed(who, query))[:10], fault)

        return self._send(Service.GLANCE, "images.list", ask)

    def _nova(self, operation: str, server_id: str, ask: Ask[T]) -> T:
        return self._send(Service.NOVA, line(operation, server_id), ask)

    def _send(self, service: Service, what: str, ask: Ask[T], classify: Classify = classified.error) -> T:
        """Send a request; at a 401 once more with a new token, as keystoneauth does."""
        if self._core.now() < self._quiet.get(service, datetime.min.replace(tzinfo=UTC)):
            raise cloud.CloudUnavailable(f"{service.label} asked to be left alone for a while.")
        try:
            return self._once(service, what, ask)
        except Refused as refused:
            if refused.code != 401:
                raise self._classified(refused, classify) from None
        self._token = None
        try:
            return self._once(service, what, ask)
        except Refused as refused:
            raise self._classified(refused, classify) from None

    def _held(self, service: Service) -> Token:
        """Give the token, a new one when there is none or it is about to end."""
        if self._token is None or self._token.expires - self._core.now() < _MARGIN:
            self._token = None
            self._token = self._authenticated(service)
        return self._token

    def _classified(self, refused: Refused, classify: Classify) -> cloud.CloudError:
        error = classify(refused)
        if isinstance(error, cloud.CloudUnavailable) and error.retry_after is not None:
            pause = timedelta(seconds=min(error.retry_after, _LONGEST_QUIET))
            self._quiet[refused.service] = self._core.now() + pause
        return error

    def _once(self, service: Service, what: str, ask: Ask[T]) -> T:
        held = self._held(service)
        if service in self._core.away:
            raise classified.cut(service)
        with self._core.lock:
            self._core.settle()
            fault = self._drawn(service, what, held)
            _refuse(service, fault)
            with _answered(service, fault):
                who = self._core.identity.token(held.id, service)
                return ask(who, fault)

    def _drawn(self, service: Service, what: str, who: Token | None) -> Fault | None:
        """Draw what goes wrong, and let go wrong what leaves no answer and does so before anything is done."""
        fault = self._core.asked(what, who)
        match fault.what if fault is not None else None:
            case What.HANG:
                raise classified.silent(service)
            case What.CUT_BEFORE:
                raise classified.cut(service)
        return fault

    def _authenticated(self, service: Service) -> Token:
        """Take a new token for a request to this service, which is named when no answer comes."""
        if Service.KEYSTONE in self._core.away:
            raise classified.cut(service)
        try:
            with self._core.lock:
                fault = self._drawn(service, "token", None)
                _refuse(Service.KEYSTONE, fault)
                with _answered(Service.KEYSTONE, fault, service):
                    return self._core.identity.give(self._user, self._project, (self._method,))
        except Refused as refused:
            raise classified.no_token(refused) from None


class Person(Port):
    """A person at the dashboard: the same port, and the faults, which are the operator's to meet, pass it by."""

    def _drawn(self, service: Service, what: str, who: Token | None) -> Fault | None:
        del service
        self._core.note(what, who)
        return None


def _refuse(service: Service, fault: Fault | None) -> None:
    if fault is not None and fault.what is What.REFUSE:
        raise Refused(service, fault.code, fault.message, fault.headers)


@contextmanager
def _answered(service: Service, fault: Fault | None, named: Service | None = None) -> Iterator[None]:
    """Let the answer that the block comes to, a refusal too, be lost or another one if the fault says so."""
    what = fault.what if fault is not None else None
    try:
        yield
    except Refused:
        if what not in {What.CUT_AFTER, What.REFUSE_AFTER}:
            raise
    if what is What.CUT_AFTER:
        raise classified.cut(named or service)
    if fault is not None and what is What.REFUSE_AFTER:
        raise Refused(service, fault.code, fault.message, fault.headers)


def _seen(server: Server) -> ObservedServer:
    return ObservedServer(
        id=server.id,
        name=server.name,
        project_id=server.project_id,
        status=server.status,
        created=server.created,
        metadata=dict(server.metadata),
        locked=server.locked_by is not None,
        locked_reason=server.locked_reason,
        vm_state=server.vm_state,
        task_state=server.task_state,
    )
