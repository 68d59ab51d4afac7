"""A Neutron ML2 mechanism driver that binds every port at once.

No agent runs here, and the stock drivers wait for one.
"""

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class AgentlessMechanismDriver(api.MechanismDriver):
    """Bind each port to its first segment as ACTIVE."""

    def initialize(self) -> None:
        """Do nothing: there is nothing to set up."""

    def check_vlan_transparency(self, context: Any) -> bool:  # noqa: ARG002 - Neutron ships no types
        """Accept every network."""
        return True

    def bind_port(self, context: Any) -> None:
        """Bind the port."""
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OVS,
                {portbindings.CAP_PORT_FILTER: False},
                status=constants.PORT_STATUS_ACTIVE,
            )
