"""The OpenStack services that we talk to: their names, where their API begins, which version is asked for."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service.

    Attributes:
        name: for metrics.
        title: for people.
        type: in the catalogue of Keystone, and before `_endpoint_override` in a clouds.yaml.
        version: the first part of every path.
        headers: sent with every request.
        seconds: the total time that one request of it needs at least.
    """

    name: str
    title: str
    type: str
    version: str
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    def base(self, endpoint: str) -> str:
        """Give the URL that paths are added to, whatever version the catalogue's URL ends with, or none.

        A project id behind the version, as in old catalogues, is dropped: the token says the project.
        Source: Nova and Glance install guides (`http://controller:8774/v2.1`, `http://controller:9292`).
        """
        return f"{_VERSION.sub('', endpoint).rstrip('/')}/{self.version}"


_VERSION = re.compile(r"/v[0-9][0-9.]*(/[0-9a-zA-Z_-]+)?/?$")

KEYSTONE = Service(name="keystone", title="Keystone", type="identity", version="v3")

# 2.73 is the first with locked and locked_reason in a record; from 2.75 on an unknown query key is refused.
# Source: nova/api/openstack/compute/rest_api_version_history.rst.
NOVA = Service(
    name="nova",
    title="Nova",
    type="compute",
    version="v2.1",
    headers=(("OpenStack-API-Version", "compute 2.73"), ("X-OpenStack-Nova-API-Version", "2.73")),
)
GLANCE = Service(name="glance", title="Glance", type="image", version="v2")

# Its own RPC takes up to 60 s, and a DELETE waits in it for the servers to go.
# Source: oslo.messaging, rpc_response_timeout; blazar/plugins/oshosts/host_plugin.py, on_end.
BLAZAR = Service(name="blazar", title="Blazar", type="reservation", version="v1", seconds=90.0)
NEUTRON = Service(name="neutron", title="Neutron", type="network", version="v2.0")

CALLED = (NOVA, GLANCE)
OPTIONAL = (BLAZAR, NEUTRON)  # a cloud without them serves all that does not need them
