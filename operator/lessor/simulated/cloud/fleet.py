"""All servers, in the order of Nova's lists, and the pages of them that a query gives.

Source: nova/api/openstack/compute/servers.py (_get_servers), nova/db/main/api.py (instance_get_all_by_filters_sort).
"""

import bisect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lessor.model import times
from lessor.simulated.cloud import states
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.refusals import Refused, Service, bad, policy
from lessor.simulated.cloud.server import Server

MOST = 1000
Test = Callable[[Server], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; `full`: Nova sends the link to the next one with it, whether there is one or not."""

    servers: tuple[Server, ...]
    full: bool


class Fleet:
    """The servers by id, deleted ones too, and in their order by project; `None` stands for all projects."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self._ordered: dict[str | None, list[Server]] = {None: []}

    def add(self, server: Server) -> None:
        """Take a server in."""
        self.servers[server.id] = server
        for key in (None, server.project_id):
            servers = self._ordered.setdefault(key, [])
            if servers and servers[-1].order > server.order:
                bisect.insort(servers, server, key=lambda each: each.order)
            else:
                servers.append(server)

    def archive(self, server: Server) -> None:
        """Forget a server, as `nova-manage db archive_deleted_rows` does."""
        del self.servers[server.id]
        for key in (None, server.project_id):
            self._ordered[key].remove(server)

    def page(self, who: Token, query: Mapping[str, str], rule: str, down: Collection[str], wanted: Test) -> Page:
        """Give the page that a query asks for; servers of cells that are down are left out in silence.

        Args:
            who: asks.
            query: as in the URL.
            rule: "index" or "detail", for the words of a refusal.
            down: the cells that do not answer.
            wanted: one test more.

        Raises:
            Refused: 400 for a value that Nova does not take, 403 for what only administrators may ask.
        """
        limit = _limit(query)
        everywhere = _everywhere(who, query, rule)
        tests = [*_tests(who, query, everywhere=everywhere), wanted]
        servers = self._ordered.get(None if everywhere else who.project_id, [])
        end = len(servers)
        if "marker" in query:
            end = self._after(servers, query["marker"])
        found: list[Server] = []
        for index in range(end - 1, -1, -1):
            if len(found) == limit:
                break
            server = servers[index]
            if server.cell not in down and all(test(server) for test in tests):
                found.append(server)
        return Page(servers=tuple(found), full=bool(limit) and len(found) == limit)

    def living(self, project_id: str | None) -> Iterator[Server]:
        """Give a project's servers that are not deleted, newest first."""
        return (server for server in reversed(self._ordered.get(project_id, ())) if server.vm_state not in states.OVER)

    def _after(self, servers: list[Server], marker: str) -> int:
        known = self.servers.get(marker)
        if known is None:
            raise bad(f"marker [{marker}] not found")
        return bisect.bisect_left(servers, known.order, key=lambda each: each.order)


def _limit(query: Mapping[str, str]) -> int:
    limit = query.get("limit", str(MOST))
    if not limit.isascii() or not limit.isdigit():
        raise bad(f"Invalid input for query parameters limit. Value: {limit}. '{limit}' does not match '^[0-9]*$'")
    return min(int(limit), MOST)


def _everywhere(who: Token, query: Mapping[str, str], rule: str) -> bool:
    asked = query.get("all_tenants", "0").strip().lower()
    if asked in {"0", "f", "false", "off", "n", "no"}:
        return False
    if asked not in {"", "1", "t", "true", "on", "y", "yes"}:
        raise bad(f"Invalid value '{query['all_tenants']}'")
    if not who.admin:
        raise policy(f"os_compute_api:servers:{rule}:get_all_tenants")
    return True


def _tests(who: Token, query: Mapping[str, str], *, everywhere: bool) -> Iterator[Test]:
    """Give what each filter of the query asks of a server; filters that the asker may not use are passed over."""
    yield from _over(who, query)
    if "name" in query:
        pattern = _pattern(query["name"])
        yield lambda server: pattern.search(server.name) is not None
    if "locked" in query:
        locked = query["locked"].strip().lower() in {"1", "t", "true", "on", "y", "yes"}
        yield lambda server: bool(server.locked_by) == locked
    if "status" in query:
        vm_states = _of_status(query["status"])
        yield lambda server: server.vm_state in vm_states
    for key, keep in _TAGS.items():
        if key in query:
            tags = set(query[key].split(","))
            yield lambda server, tags=tags, keep=keep: keep(tags, set(server.tags))  # type: ignore[misc]
    project_id = query.get("project_id", query.get("tenant_id"))
    if everywhere and project_id is not None:
        yield lambda server: server.project_id == project_id
    if who.admin:
        for key in ("user_id", "vm_state", "task_state", "host"):
            if key in query:
                yield lambda server, key=key: getattr(server, key) == query[key]  # type: ignore[misc]


_TAGS: Mapping[str, Callable[[set[str], set[str]], bool]] = {
    "tags": lambda asked, have: asked <= have,
    "tags-any": lambda asked, have: bool(asked & have),
    "not-tags": lambda asked, have: not asked <= have,
    "not-tags-any": lambda asked, have: not asked & have,
}


def _over(who: Token, query: Mapping[str, str]) -> Iterator[Test]:
    """Leave deleted ones out, unless it is asked what changed."""
    for key in ("changes-since", "changes-before"):
        if key in query:
            _instant(key, query[key])
    if "changes-since" in query:
        since = _instant("changes-since", query["changes-since"])
        yield lambda server: server.updated >= since
    if "changes-before" in query:
        before = _instant("changes-before", query["changes-before"])
        yield lambda server: server.updated <= before
    if "deleted" in query and who.admin:
        wanted = query["deleted"].strip().lower() in {"1", "t", "true", "on", "y", "yes"}
        yield lambda server: (server.vm_state == "deleted") == wanted
    elif "changes-since" not in query and "changes-before" not in query:
        yield (
            lambda server: (
                server.vm_state not in states.OVER
                or (server.vm_state == "soft-delete" and query.get("status", "").upper() == "SOFT_DELETED")
            )
        )


def _instant(key: str, text: str) -> datetime:
    try:
        return times.parse(text)
    except ValueError:
        words = f"Invalid input for query parameters {key}. Value: {text}. '{text}' is not a 'date-time'"
        raise bad(words) from None


def _pattern(text: str) -> re.Pattern[str]:
    """Read a regular expression as the database does: upper and lower case alike, and a `|` stands for itself.

    Source: nova/db/main/api.py (_safe_regex_mysql).
    """
    try:
        return re.compile(text.replace("|", r"\|"), re.IGNORECASE)
    except re.error:
        raise Refused(
            Service.NOVA,
            500,
            "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log "
            "if possible.\n<class 'oslo_db.exception.DBError'>",
        ) from None


def _of_status(status: str) -> frozenset[str]:
    found = frozenset(vm_state for vm_state, shown in states.STATUS.items() if shown == status.upper())
    if not found:
        raise bad("Invalid status value")
    return found
