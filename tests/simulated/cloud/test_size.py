"""Many servers: cheap to have, whole in their pages, and never in two of them."""

import tracemalloc

from tests.simulated.cloud.served import World

_MOST_BYTES = 1200


def test_a_server_costs_little_memory(world: World) -> None:
    tracemalloc.start()
    world.cloud.populate(world.team, 2000, user=world.alice)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / 2000 < _MOST_BYTES


def test_a_walk_gives_each_server_once_the_newest_first(world: World) -> None:
    made = world.cloud.populate(world.team, 1300, user=world.alice)
    pages = list(world.cloud.as_user(world.alice, world.team).pages(None))
    assert [len(page) for page in pages] == [500, 500, 300]
    assert [server.id for page in pages for server in page] == [server.id for server in reversed(made)]


def test_a_full_last_page_costs_an_empty_one(world: World) -> None:
    world.cloud.populate(world.team, 1000, user=world.alice)
    assert [len(page) for page in world.cloud.as_user(world.alice, world.team).pages(None)] == [500, 500, 0]


def test_a_server_that_was_archived_is_gone_from_changes_too(world: World) -> None:
    server = world.cloud.boot(world.team, world.alice, "db-1")
    port = world.cloud.as_user(world.alice, world.team)
    port.delete(server.id)
    world.rest()
    before = [seen.id for page in port.pages(server.created) for seen in page]
    world.cloud.compute.fleet.archive(server)
    after = [seen.id for page in port.pages(server.created) for seen in page]
    assert (before, after) == ([server.id], [])
    assert port.events(server.id) == ()
