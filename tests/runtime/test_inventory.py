from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from lessor.model.observed import ObservedServer
from lessor.ports.cloud import CloudUnavailable
from lessor.runtime.inventory import Inventory
from tests.runtime.clock import START

MINUTE = timedelta(minutes=1)


class Listed:
    """Answers each list with what it holds, and keeps what was asked for."""

    def __init__(self, *servers: ObservedServer) -> None:
        self.servers = {server.id: server for server in servers}
        self.asked: list[datetime | None] = []
        self.broken = False

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        self.asked.append(changes_since)
        if self.broken:
            raise CloudUnavailable("away")
        yield tuple(self.servers.values())


def server(server_id: str = "s1", status: str = "ACTIVE", **changes: object) -> ObservedServer:
    plain = ObservedServer(id=server_id, status=status, vm_state="active", locked=False, metadata={})
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture
def changed() -> list[set[str]]:
    return []


@pytest.fixture
def inventory(changed: list[set[str]]) -> Inventory:
    leased = {"s1": "ACTIVE", "s2": "ACTIVE"}
    return Inventory(lambda: leased, changed.append)


def refresh(inventory: Inventory, cloud: Listed, now: datetime = START) -> None:
    inventory.refresh(cloud, now)  # type: ignore[arg-type]  # only its pages are asked for


def test_a_first_list_that_agrees_with_the_leases_wakes_nobody(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    assert changed == []
    assert inventory.get("s1") == server("s1")


def test_a_server_that_looks_other_than_its_lease_tells_wakes_it(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1", "SHUTOFF"), server("s2")))
    assert changed == [{"s1"}]


def test_a_server_that_the_first_list_lacks_wakes_its_lease(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1")))
    assert changed == [{"s2"}]


def test_servers_without_a_lease_are_not_kept(inventory: Inventory) -> None:
    refresh(inventory, Listed(server("s1"), server("s2"), server("stranger")))
    assert inventory.get("stranger") is None
    assert len(inventory) == 2


def test_later_lists_ask_for_changes_with_two_minutes_of_overlap_and_in_full_each_ten(inventory: Inventory) -> None:
    cloud = Listed(server("s1"), server("s2"))
    for minutes in (0, 1, 2, 10):
        refresh(inventory, cloud, START + minutes * MINUTE)
    assert cloud.asked == [None, START - 2 * MINUTE, START - MINUTE, None]


def test_absence_from_a_list_of_changes_is_not_absence(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    refresh(inventory, Listed(), START + MINUTE)
    assert changed == []
    assert inventory.get("s1") is not None


def test_a_deleted_server_is_dropped_and_its_lease_woken(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    refresh(inventory, Listed(server("s1", "DELETED", vm_state="deleted")), START + MINUTE)
    assert changed == [{"s1"}]
    assert inventory.get("s1") is None


def test_a_list_that_fails_changes_nothing_and_is_asked_for_again_in_full(inventory: Inventory) -> None:
    cloud = Listed(server("s1"), server("s2"))
    cloud.broken = True
    with pytest.raises(CloudUnavailable):
        refresh(inventory, cloud)
    assert inventory.age(START) is None
    cloud.broken = False
    refresh(inventory, cloud, START + MINUTE)
    assert cloud.asked == [None, None]
    assert inventory.age(START + 2 * MINUTE) == MINUTE


def test_what_was_read_by_its_id_is_no_news_in_the_next_list(inventory: Inventory, changed: list[set[str]]) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    stopped = server("s1", "SHUTOFF", vm_state="stopped")
    inventory.learn(stopped)
    refresh(inventory, Listed(stopped), START + MINUTE)
    assert changed == []


class Slow(Listed):
    """A list that was asked for before something happened, and answered after it."""

    def __init__(self, *servers: ObservedServer, meanwhile: Callable[[], None]) -> None:
        super().__init__(*servers)
        self.meanwhile = meanwhile

    def pages(self, changes_since: datetime | None) -> Iterator[tuple[ObservedServer, ...]]:
        self.meanwhile()
        return super().pages(changes_since)


def test_a_list_that_was_under_way_does_not_undo_what_was_read_by_its_id(
    inventory: Inventory, changed: list[set[str]]
) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    marked = server("s1", metadata={"mark": "new"})
    refresh(inventory, Slow(server("s1"), meanwhile=lambda: inventory.learn(marked)), START + MINUTE)
    assert (inventory.get("s1"), changed) == (marked, [])
    refresh(inventory, Listed(server("s1")), START + 2 * MINUTE)
    assert (inventory.get("s1"), changed) == (server("s1"), [{"s1"}])


def test_a_list_that_was_under_way_does_not_bring_back_a_server_that_was_seen_gone(inventory: Inventory) -> None:
    refresh(inventory, Listed(server("s1"), server("s2")))
    refresh(inventory, Slow(server("s1"), meanwhile=lambda: inventory.forget("s1")), START + MINUTE)
    assert inventory.get("s1") is None
