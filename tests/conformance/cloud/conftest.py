"""The cloud that a case runs on, and the servers that cases share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cloud import stack as stacks
from tests.conformance.cloud.leasing import Leasing, hosts
from tests.conformance.cloud.life import Life
from tests.conformance.cloud.pool import Pool
from tests.conformance.cloud.stack import Stack


@pytest.fixture(scope="session")
def stack(side: str) -> Iterator[Stack]:
    """Give the cloud of this side; what was made in it goes at the end."""
    with stacks.real() if side == "real" else stacks.simulated() as made:
        yield made
        made.clear()


@pytest.fixture(scope="session")
def chi() -> Iterator[Stack]:
    """Give a simulated cloud with Chameleon's Blazar; there is no other one."""
    with stacks.simulated(chameleon=True) as made:
        yield made


@pytest.fixture(scope="session")
def leasing(stack: Stack) -> Iterator[Leasing]:
    """Give what makes leases, and deletes those that are left at the end."""
    made = Leasing(stack)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def pending(leasing: Leasing) -> dict[str, Any]:
    """Give a PENDING lease of one host of alice; every case leaves it as it was."""
    return leasing.made(leasing.later(hosts()))


@pytest.fixture
def own(leasing: Leasing) -> Iterator[Leasing]:
    """Give what makes leases; those of this case go at its end."""
    known = set(leasing.ids)
    yield leasing
    leasing.clear(known)


@pytest.fixture(scope="session")
def life(leasing: Leasing) -> Life:
    """Give the leases that begin now, all at once: the manager looks every ten seconds only."""
    return Life(leasing)


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
