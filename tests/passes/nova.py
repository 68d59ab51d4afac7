"""The cloud as passes ask it: the simulated one's port, each call noted and open to a cut (see `knife`)."""

from collections.abc import Callable
from datetime import datetime

from lessor.model.observed import ObservedImage, ObservedServer, ServerEvent
from lessor.ports import cloud as errors
from lessor.simulated.clock import SimClock
from tests.passes.knife import Knife
from tests.passes.project import US, OneProject

_READS = ("get", "list")


class Nova(OneProject):
    """`ports.cloud.Cloud`.

    Attributes:
        calls: everything that was asked, in order.
        done: what changed the world, and when.
        lose: calls that are done and whose answer is lost, once each.
        deaf: calls that are accepted, and whose task Nova gives up at once: the server is as before.
            Source: nova/compute/manager.py, reverts_task_state.
        identity: who we are, as credentials say.
    """

    def __init__(self, clock: SimClock) -> None:
        super().__init__(clock)
        self.calls: list[str] = []
        self.done: list[tuple[datetime, str]] = []
        self.lose: set[str] = set()
        self.deaf: set[str] = set()
        self.identity = US
        self.knife = Knife()

    def deeds(self) -> list[str]:
        """Everything that was asked of the cloud and may change it."""
        return [call for call in self.calls if not call.startswith(_READS)]

    def server(self, server_id: str) -> ObservedServer | None:
        self.calls.append("get-server")
        return self.port.server(server_id)

    def servers_named(self, name: str) -> tuple[ObservedServer, ...]:
        self.calls.append("list-servers")
        return self.port.servers_named(name)

    def events(self, server_id: str) -> tuple[ServerEvent, ...]:
        self.calls.append("get-events")
        return self.port.events(server_id)

    def stage_image(self, server_id: str, stage: str) -> ObservedImage | None:
        self.calls.append("list-images")
        return self.port.stage_image(server_id, stage)

    def stop(self, server_id: str) -> None:
        self._do("stop", server_id, lambda: self.port.stop(server_id))

    def start(self, server_id: str) -> None:
        self._do("start", server_id, lambda: self.port.start(server_id))

    def shelve(self, server_id: str) -> None:
        self._do("shelve", server_id, lambda: self.port.shelve(server_id))

    def unshelve(self, server_id: str) -> None:
        self._do("unshelve", server_id, lambda: self.port.unshelve(server_id))

    def lock(self, server_id: str, reason: str) -> None:
        self._do("lock", server_id, lambda: self.port.lock(server_id, reason))

    def unlock(self, server_id: str) -> None:
        self._do("unlock", server_id, lambda: self.port.unlock(server_id))

    def snapshot(self, server_id: str, name: str, stage: str) -> None:
        self._do("snapshot", server_id, lambda: self.port.snapshot(server_id, name, stage))

    def delete(self, server_id: str) -> None:
        self._do("delete", server_id, lambda: self.port.delete(server_id))

    def write_metadata(self, server_id: str, items: dict[str, str]) -> None:
        self._do("write-metadata", server_id, lambda: self.port.write_metadata(server_id, items))

    def remove_metadata(self, server_id: str, key: str) -> None:
        self._do("remove-metadata", server_id, lambda: self.port.remove_metadata(server_id, key))

    def sweep_shelved_image(self, server_id: str, name: str) -> None:
        self._do("sweep", server_id, lambda: self.port.sweep_shelved_image(server_id, name))

    def _do(self, call: str, server_id: str, deed: Callable[[], None]) -> None:
        self.calls.append(call)
        self.knife.before(call, errors.CloudUnavailable("503"))
        there = self.known(server_id) is not None
        deed()
        if not there:
            return
        if call in self.deaf:
            self.tasks.drop(self.cloud.compute.fleet.servers[server_id], self.clock.now())
        self.done.append((self.clock.now(), call))
        if call in self.lose:
            self.lose.discard(call)
            raise errors.CloudUnavailable("the answer was cut")
        self.knife.after(errors.CloudUnavailable("the answer was cut"))
