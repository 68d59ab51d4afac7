"""A server in memory, its clock, and a CRD that is none of Lessor's."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lessor.model.names import Kind
from lessor.simulated.clock import SimClock
from lessor.simulated.cluster.server import APIServer
from lessor.simulated.faults import Faults
from tests.contract import schemas

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="session")
def crds() -> list[dict[str, Any]]:
    return [schemas.definition(kind) for kind in Kind]


@pytest.fixture
def server(clock: SimClock, faults: Faults, crds: list[dict[str, Any]]) -> APIServer:
    return APIServer(now=clock.now, faults=faults, crds=crds, seed=1)
