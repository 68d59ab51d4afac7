"""Nova: what each request does to the servers, and how it is refused.

Source: nova/compute/api.py and nova/api/openstack/compute; tried on Nova 34.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lessor.simulated.cloud import states
from lessor.simulated.cloud.fleet import Fleet, Page
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.images import Images
from lessor.simulated.cloud.refusals import Refused, Service, bad, conflict, missing_server, policy
from lessor.simulated.cloud.server import Flavor, Server
from lessor.simulated.cloud.states import Action
from lessor.simulated.cloud.tasks import Tasks

KEY = re.compile(r"^[a-zA-Z0-9-_:. ]{1,255}$")
_MOST_ITEMS, _LONGEST = 128, 255
# Source: nova/api/openstack/compute/servers.py (_get_instance).
_BY_MAPPING = frozenset({"os-start", "os-stop"})
_UNEXPECTED = (
    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if "
    "possible.\n<class '{}'>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a server's os-instance-actions."""

    action: str
    request_id: str
    user_id: str
    project_id: str
    start: datetime


class Compute:
    """Nova's core.

    Attributes:
        cells_down: cells that do not answer.
        soft_delete: a deleted server can be restored. Nova: `reclaim_instance_interval`.
    """

    def __init__(self, now: Callable[[], datetime], fresh: Callable[[], str], images: Images) -> None:
        self.fleet = Fleet()
        self.tasks = Tasks(images=images)
        self.flavors: dict[str, Flavor] = {}
        self.cells_down: set[str] = set()
        self.soft_delete = False
        self._images = images
        self._now = now
        self._fresh = fresh
        self._entries: dict[str, list[Entry]] = {}

    # ------------------------------------------------------------ looking

    def get(self, who: Token, server_id: str) -> Server:
        """Give a server to its project and to administrators; look at its cell before its fields."""
        server = self.fleet.servers.get(server_id)
        if server is None or server.vm_state == "deleted" or not _may_see(who, server):
            raise missing_server(server_id)
        return server

    def reachable(self, who: Token, server_id: str) -> Server:
        """Give a server whose cell answers."""
        server = self.get(who, server_id)
        if server.cell in self.cells_down:
            raise Refused(Service.NOVA, 500, _UNEXPECTED.format("nova.exception.NovaException"))
        return server

    def mapped(self, server_id: str) -> None:
        """Refuse an id that never was a server's, where Nova looks for its cell first."""
        if server_id not in self.fleet.servers:
            raise Refused(Service.NOVA, 404, f"Instance {server_id} has no mapping to a cell.")

    def page(
        self, who: Token, query: Mapping[str, str], rule: str, wanted: Callable[[Server], bool] = lambda _: True
    ) -> Page:
        """Give a page of servers, of those that are wanted."""
        return self.fleet.page(who, query, rule, self.cells_down, wanted)

    def entries(self, who: Token, server_id: str) -> tuple[Server, list[Entry]]:
        """Give what was asked of a server, newest first; of a deleted one too, until it is archived."""
        server = self.fleet.servers.get(server_id)
        if server is None or not _may_see(who, server):
            raise missing_server(server_id)
        if server.cell in self.cells_down:
            raise Refused(Service.NOVA, 500, _UNEXPECTED.format("nova.exception.NovaException"))
        return server, list(reversed(self._entries_of(server)))

    def flavor(self, flavor_id: str, project_id: str | None, *, admin: bool = False) -> Flavor:
        """Give a flavor to those who see it."""
        found = self.flavors.get(flavor_id)
        if found is None or not (admin or found.is_seen_by(project_id)):
            raise Refused(Service.NOVA, 404, f"Flavor {flavor_id} could not be found.")
        return found

    def listed_flavors(self, who: Token) -> list[Flavor]:
        """Give the public flavors and those of the project; an administrator sees no more without asking for it."""
        return [each for each in self.flavors.values() if each.is_seen_by(who.project_id)]

    # ------------------------------------------------------------ acting

    def act(self, who: Token, server_id: str, name: str, value: Any = None) -> Server:  # noqa: ANN401 (JSON)
        """Do a server action by its name in the body.

        Raises:
            Refused: as Nova does.
        """
        match name:
            case "lock":
                return self._lock(who, server_id, value)
            case "unlock":
                return self._unlock(who, server_id)
            case "os-resetState":
                return self._reset(who, server_id, value)
            case "reboot":
                name = str(value["type"]).upper()
        if name not in states.ACTIONS:
            raise bad(f"There is no such action: {name}")
        if name in _BY_MAPPING:
            self.mapped(server_id)
        return self._begin(who, self.reachable(who, server_id), name, value)

    def _begin(self, who: Token, server: Server, name: str, value: Any) -> Server:  # noqa: ANN401 (JSON)
        """Let an action of the table begin."""
        action = states.ACTIONS[name]
        if action.policy and not who.admin:
            raise policy(action.policy)
        flavor = self._wanted(server, value) if name == "resize" else None
        if name == "createImage":
            check_metadata(value.get("metadata") or {})
        _allow(who, server, action)
        if name == "forceDelete":
            return self._delete(who, server, action, states.DELETE)
        if name == "createImage":
            server.task_image_id = self._snapshot(who, server, value["name"], value.get("metadata") or {})
        if name == "shelve":
            server.task_image_id = self._snapshot(who, server, f"{server.name}-shelved", {})
        if flavor is not None:
            server.flavor, server.other_flavor = flavor, server.flavor
        self._log(who, server, action.logged)
        self.tasks.begin(server, action.plan(server.vm_state), self._now())
        return server

    def delete(self, who: Token, server_id: str) -> Server:
        """DELETE a server: softly where the cloud does that and it was ever launched."""
        server = self.reachable(who, server_id)
        _allow(who, server, states.ACTIONS["delete"])
        soft = self.soft_delete and server.launched is not None
        return self._delete(who, server, states.ACTIONS["delete"], states.SOFT_DELETE if soft else states.DELETE)

    def _delete(self, who: Token, server: Server, action: Action, plan: states.Plan) -> Server:
        if server.undeletable or server.task_state in {"deleting", "soft-deleting"}:
            return server
        if server.vm_state in {"shelved", "shelved_offloaded"}:
            self._images.remove(server.shelved_image_id)
        server.shelved_image_id = None
        if server.vm_state == "resized":
            server.vm_state = "active" if server.power_state == states.RUNNING else "stopped"
        self._log(who, server, action.logged)
        self.tasks.begin(server, plan, self._now())
        return server

    def _wanted(self, server: Server, value: Any) -> Flavor:  # noqa: ANN401 (JSON)
        wanted = self.flavors.get(str(value["flavorRef"]))
        if wanted is None:
            raise bad(f"Flavor {value['flavorRef']} could not be found.")
        if wanted.id == server.flavor.id:
            raise bad("When resizing, instances must change flavor!")
        return wanted

    def _snapshot(self, who: Token, server: Server, name: str, metadata: Mapping[str, str]) -> str:
        """Make the image, in the project of the token; another's server's project becomes a member of it.

        Source: nova/compute/utils.py, initialize_instance_snapshot_metadata.
        """
        properties = {"instance_uuid": server.id, "user_id": who.user_id, "image_type": "snapshot", **metadata}
        if server.image_id is not None:
            properties["base_image_ref"] = server.image_id
        foreign = who.project_id != server.project_id
        image = self._images.make(
            str(who.project_id),
            name,
            properties,
            visibility="shared" if foreign else "private",
            members={server.project_id: "pending"} if foreign else {},
        )
        return image.id

    def _lock(self, who: Token, server_id: str, value: Any) -> Server:  # noqa: ANN401 (JSON)
        reason = _reason(value)
        server = self.reachable(who, server_id)
        owner = server.project_id == who.project_id
        if server.locked_by is not None and owner:
            return server
        server.locked_by = "owner" if owner else "admin"
        server.locked_reason = reason or server.locked_reason
        return self._changed(who, server, "lock")

    def _unlock(self, who: Token, server_id: str) -> Server:
        server = self.reachable(who, server_id)
        expected = "owner" if server.project_id == who.project_id else "admin"
        if server.locked_by not in {None, expected} and not who.admin:
            raise policy("os_compute_api:os-lock-server:unlock:unlock_override")
        server.locked_by = server.locked_reason = None
        return self._changed(who, server, "unlock")

    def _reset(self, who: Token, server_id: str, value: Any) -> Server:  # noqa: ANN401 (JSON)
        server = self.reachable(who, server_id)
        if not who.admin:
            raise policy("os_compute_api:os-admin-actions:reset_state")
        server.vm_state = str(value["state"])
        if server.vm_state == "active":
            server.power_state = states.RUNNING
        self.tasks.drop(server, self._now())
        return self._changed(who, server, "reset_state")

    def _changed(self, who: Token, server: Server, logged: str) -> Server:
        self._log(who, server, logged)
        server.touch(self._now())
        return server

    def rename(self, who: Token, server_id: str, wanted: Mapping[str, Any]) -> Server:
        """Change the name or the description."""
        server = self.reachable(who, server_id)
        server.name = str(wanted.get("name", server.name)).strip()
        server.description = wanted.get("description", server.description)
        server.touch(self._now())
        return server

    # ------------------------------------------------------------ metadata and tags

    def write_metadata(self, who: Token, server_id: str, items: Mapping[str, str], *, anew: bool = False) -> Server:
        """Merge items into the metadata; or put them in the place of all."""
        _check_form(items)
        server = self.reachable(who, server_id)
        _allow(who, server, _UPDATE_METADATA)
        metadata = dict(items) if anew else {**server.metadata, **items}
        check_metadata(metadata)
        server.metadata = metadata
        server.touch(self._now())
        return server

    def remove_metadata(self, who: Token, server_id: str, key: str) -> None:
        """Take one item off the metadata. `updated` stays.

        Source: nova/db/main/api.py (instance_metadata_delete) writes only the table of metadata.
        """
        server = self.reachable(who, server_id)
        if key not in server.metadata:
            raise Refused(Service.NOVA, 404, "Metadata item was not found")
        _allow(who, server, _DELETE_METADATA)
        server.metadata = {name: value for name, value in server.metadata.items() if name != key}
        server.encoded = None

    def write_tags(self, who: Token, server_id: str, tags: tuple[str, ...], word: str) -> Server:
        """Put these tags in the place of all. `updated` stays. Source: server_tags.py writes only the table of tags."""
        self.mapped(server_id)
        server = self.reachable(who, server_id)
        if server.vm_state not in states.TAG_STATES:
            raise _wrong(word, server, "vm_state", server.vm_state)
        server.tags, server.encoded = tuple(sorted(set(tags))), None
        return server

    # ------------------------------------------------------------ who did what

    def _log(self, who: Token, server: Server, action: str) -> None:
        entry = Entry(
            action=action,
            request_id=f"req-{self._fresh()}",
            user_id=who.user_id,
            project_id=who.project_id or "",
            start=self._now(),
        )
        self._entries[server.id] = [*self._entries_of(server), entry]

    def log_create(self, who: Token, server: Server) -> None:
        """Enter who booted it; without this it was the server's own user."""
        self._entries[server.id] = []
        self._log(who, server, "create")

    def _entries_of(self, server: Server) -> list[Entry]:
        known = self._entries.get(server.id)
        if known is not None:
            return known
        request = f"req-{server.id}"
        return [
            Entry(
                action="create",
                request_id=request,
                user_id=server.user_id,
                project_id=server.project_id,
                start=server.created,
            )
        ]


_UPDATE_METADATA = Action(word="update metadata", logged="", states=states.METADATA_STATES, any_task=True)
_DELETE_METADATA = Action(word="delete metadata", logged="", states=states.METADATA_STATES, any_task=True)


def _may_see(who: Token, server: Server) -> bool:
    return who.admin or server.project_id == who.project_id


def _allow(who: Token, server: Server, action: Action) -> None:
    """Refuse what Nova refuses, in its order: the lock, the host, the vm_state, the task, the first launch."""
    if server.locked_by is not None and not who.admin and not action.past_lock:
        raise conflict(f"Instance {server.id} is locked")
    if action.needs_host and server.host is None:
        raise conflict(f"Instance {server.id} is not ready")
    if action.states is not None and server.vm_state not in action.states:
        raise _wrong(action.word, server, "vm_state", server.vm_state)
    if not action.any_task and server.task_state is not None:
        raise _wrong(action.word, server, "task_state", server.task_state)
    if not action.unlaunched and server.launched is None:
        raise conflict(f"Instance {server.id} is in an invalid state for '{action.word}'")


def _wrong(word: str, server: Server, attribute: str, state: str) -> Refused:
    return conflict(f"Cannot '{word}' instance {server.id} while it is in {attribute} {state}")


def _reason(value: Any) -> str | None:  # noqa: ANN401 (JSON)
    if value is None:
        return None
    reason = value.get("locked_reason")
    if reason is not None and not 0 < len(reason) <= _LONGEST:
        fault = "is too long" if reason else "should be non-empty"
        raise bad(f"Invalid input for field/attribute locked_reason. Value: {reason}. {reason!r} {fault}")
    return reason  # type: ignore[no-any-return]


def check_metadata(items: Mapping[str, str]) -> None:
    """Refuse metadata that Nova refuses: by their form with 400, by their number with 403."""
    _check_form(items)
    if len(items) > _MOST_ITEMS:
        raise Refused(Service.NOVA, 403, f"Maximum number of metadata items exceeds {_MOST_ITEMS}")


def _check_form(items: Mapping[str, object]) -> None:
    for key, value in items.items():
        if KEY.match(key) is None:
            raise bad(
                f"Invalid input for field/attribute metadata. Value: {dict(items)}. "
                f"{key!r} does not match any of the regexes: '{KEY.pattern}'"
            )
        if not isinstance(value, str):
            raise bad(f"Invalid input for field/attribute {key}. Value: {value}. {value!r} is not of type 'string'")
        if len(value) > _LONGEST:
            raise bad(f"Invalid input for field/attribute {key}. Value: {value}. {value!r} is too long")
