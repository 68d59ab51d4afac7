"""The cloud that a case runs on, and the servers that cases share."""

from collections.abc import Iterator

import pytest

from tests.conformance.cloud import stack as stacks
from tests.conformance.cloud.pool import Pool
from tests.conformance.cloud.stack import Stack


@pytest.fixture(scope="session")
def stack(side: str) -> Iterator[Stack]:
    """Give the cloud of this side; what was made in it goes at the end."""
    with stacks.real() if side == "real" else stacks.simulated() as made:
        yield made
        made.clear()


@pytest.fixture(scope="session")
def pool(stack: Stack) -> Pool:
    """Give the servers by vm_state."""
    return Pool(stack)


@pytest.fixture(scope="session")
def db(stack: Stack) -> str:
    """Give an ACTIVE server of alice that is left as it was found: unlocked, without a task."""
    return stack.boot("db")


@pytest.fixture(scope="session")
def gone(stack: Stack) -> str:
    """Give the id of a server of alice that was deleted by anna."""
    server_id = stack.boot("gone", metadata={"was": "here"})
    stack.anna.nova("DELETE", f"/servers/{server_id}")
    stack.until(server_id, None)
    return server_id
