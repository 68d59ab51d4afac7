"""A world for each test."""

import pytest

from tests.simulated.cloud.served import World


@pytest.fixture
def world() -> World:
    """Give a fresh world."""
    return World()
