"""Leases that begin now: two waves of them, for the manager looks every ten seconds only.

The first wave holds all three hosts and one address; from its instances the second one takes over one host.
"""

from datetime import timedelta
from functools import cached_property

from tests.conformance.cloud.leasing import Body, Leasing, event, flavors, instances, on, text
from tests.conformance.cloud.stack import User


class Life:
    """The leases by what becomes of them."""

    def __init__(self, leasing: Leasing) -> None:
        self.leasing = leasing
        self.stack = leasing.stack

    def now(self, *reservations: Body, hours: float = 2, user: User | None = None) -> Body:
        """Ask for a lease that begins now."""
        end = text(self.stack.now() + timedelta(hours=hours))
        return self.leasing.made(self.leasing.later(*reservations, user=user, start_date="now", end_date=end))

    @cached_property
    def begun(self) -> dict[str, Body]:
        """Leases that are ACTIVE: a host, instances of a flavor, instances, an address; and one whose start failed.

        Those of the host and of the address are short: the event before their end is at their start.
        """
        self.stack.set_freepool(self.stack, "bm-c", False)
        here = '["==", "$hypervisor_hostname", "bm-b"]'
        leases = {
            "failed": self.now(on("bm-c")),
            "host": self.now({**on("bm-a"), "before_end": "snapshot"}, hours=0.5),
            "flavor": self.now(flavors(2)),
            "instance": self.now(instances(2, resource_properties=here)),
            "address": self.now(self.leasing.addresses(1), hours=0.5),
        }
        for name, lease in leases.items():
            leases[name] = self.leasing.until(lease["id"], "ERROR" if name == "failed" else "ACTIVE")
        for name, state in (("host", "ERROR"), ("address", "DONE")):
            leases[name] = self.reminded(leases[name]["id"], state)
        self.stack.set_freepool(self.stack, "bm-c", True)
        return leases

    def reminded(self, lease_id: str, state: str) -> Body:
        """Wait until the event before the end of a lease is in this state."""

        def there() -> bool:
            return bool(event(self.leasing.get(lease_id), "before_end_lease")["status"] == state)

        self.stack.wait(there, f"{lease_id} before_end {state}")
        return self.leasing.get(lease_id)

    @cached_property
    def hinted(self) -> str:
        """A server of alice on the host of the first wave."""
        reservation = self.begun["host"]["reservations"][0]["id"]
        answer = self.stack.alice.nova(
            "POST",
            "/servers",
            {**self.stack.request("hinted"), "os:scheduler_hints": {"reservation": reservation}},
        )
        assert answer.code == 202, answer.body
        self.stack.made.append(answer.body["server"]["id"])
        self.stack.until(self.stack.made[-1], "active")
        return self.stack.made[-1]

    @cached_property
    def ended(self) -> Body:
        """The lease of the host, with a server on it, after its end was set to now."""
        lease_id, _ = self.begun["host"]["id"], self.hinted
        answer = self.leasing.put(lease_id, end_date="now")
        assert answer.code == 200, answer.body
        return self.leasing.until(lease_id, "TERMINATED")
