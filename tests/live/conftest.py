from collections.abc import Iterator

import pytest

from lessor.live.nova import Nova
from lessor.ports.reservations import Reservations
from tests.live import openstack
from tests.live.openstack import OpenStack


@pytest.fixture
def stack() -> Iterator[OpenStack]:
    with openstack.serving() as stack:
        yield stack


@pytest.fixture
def nova(stack: OpenStack) -> Nova:
    """The project as it is seen with good credentials; nothing but a token was asked for yet."""
    return openstack.connect(openstack.clouds_yaml(stack.url))


@pytest.fixture
def blazar(nova: Nova) -> Reservations:
    """The leases of the same project."""
    return nova.reservations
