"""Leases for the cases: raw bodies and answers, each on days of its own, so that no case is in another one's way."""

import itertools
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from tests.conformance.cloud.stack import Answer, Stack, User

Body = dict[str, Any]
_BUSY = "Invalid lease status."


def text(instant: datetime) -> str:
    """Write a date as Blazar takes it."""
    return f"{instant:%Y-%m-%d %H:%M}"


def shown(instant: datetime) -> str:
    """Write a date as Blazar shows it."""
    return f"{instant:%Y-%m-%dT%H:%M}:00.000000"


def hosts(least: Any = 1, most: Any = None, **more: Any) -> Body:
    """Give a reservation of hosts."""
    return {
        "resource_type": "physical:host",
        "min": least,
        "max": least if most is None else most,
        "hypervisor_properties": "",
        "resource_properties": "",
        **more,
    }


def on(*names: str) -> Body:
    """Give a reservation of one host, of these."""
    (name,) = names
    return hosts(resource_properties=f'["==", "$hypervisor_hostname", "{name}"]')


def instances(amount: Any = 1, **more: Any) -> Body:
    """Give a reservation of instances of a size."""
    size = {"vcpus": 1, "memory_mb": 64, "disk_gb": 1}
    other = {"affinity": None, "resource_properties": ""}
    return {"resource_type": "virtual:instance", "amount": amount, **size, **other, **more}


def flavors(amount: Any = 1, **more: Any) -> Body:
    """Give a reservation of instances of a flavor."""
    return {"resource_type": "flavor:instance", "flavor_id": "nano", "amount": amount, "affinity": None, **more}


class Leasing:
    """Makes leases."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ids: list[str] = []
        self._days = itertools.count(2)
        self._network = ""

    def day(self) -> datetime:
        """Give the beginning of an hour on a day that no other case has."""
        return self.stack.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=next(self._days))

    @property
    def network(self) -> str:
        """The id of the external network."""
        if not self._network:
            self._network = self.stack.alice.neutron("/networks?name=public").body["networks"][0]["id"]
        return self._network

    def addresses(self, amount: Any = 1, **more: Any) -> Body:
        """Give a reservation of floating IPs."""
        return {"resource_type": "virtual:floatingip", "network_id": self.network, "amount": amount, **more}

    def body(self, *reservations: Body, **more: Any) -> Body:
        """Give a lease of two hours on a day of its own."""
        day = self.day()
        times = {"start_date": text(day), "end_date": text(day + timedelta(hours=2))}
        return {"name": f"{self.stack.prefix}-lease", **times, "reservations": [*reservations], "events": [], **more}

    def later(self, *reservations: Body, user: User | None = None, **more: Any) -> Answer:
        """Ask for a lease of two hours on a day of its own."""
        return self.post(self.body(*reservations, **more), user)

    def post(self, body: Any, user: User | None = None, **headers: str) -> Answer:
        """Ask for a lease."""
        answer = (user or self.stack.alice).blazar("POST", "/leases", body, **headers)
        if answer.code == 201:
            self.ids.append(answer.body["lease"]["id"])
        return answer

    def made(self, answer: Answer) -> Body:
        """Give the lease of an answer."""
        assert answer.code == 201, answer.body
        lease: Body = answer.body["lease"]
        return lease

    def get(self, lease_id: str) -> Body:
        """Read a lease."""
        answer = self.stack.alice.blazar("GET", f"/leases/{lease_id}")
        assert answer.code == 200, answer.body
        lease: Body = answer.body["lease"]
        return lease

    def state(self, lease_id: str) -> str:
        """Read the state of a lease."""
        return str(self.get(lease_id)["status"])

    def put(self, lease_id: str, user: User | None = None, **body: Any) -> Answer:
        """Change a lease."""
        return (user or self.stack.alice).blazar("PUT", f"/leases/{lease_id}", body)

    def change(self, lease: Body, **values: Any) -> Answer:
        """Change the one reservation of a lease."""
        return self.put(lease["id"], reservations=[{"id": lease["reservations"][0]["id"], **values}])

    def delete(self, lease_id: str) -> Answer:
        """Delete a lease."""
        return self.stack.alice.blazar("DELETE", f"/leases/{lease_id}")

    def until(self, lease_id: str, state: str) -> Body:
        """Wait until a lease is in this state."""
        self.stack.wait(lambda: self.state(lease_id) == state, f"{lease_id} {state}")
        return self.get(lease_id)

    def clear(self, but: Collection[str] = ()) -> None:
        """Delete the leases that were made, but for these. One that is about to start is waited for."""
        for lease_id in [each for each in self.ids if each not in but]:
            self.stack.wait(lambda lease_id=lease_id: self._is_gone(lease_id), f"{lease_id} deleted")  # type: ignore[misc]
            self.ids.remove(lease_id)

    def _is_gone(self, lease_id: str) -> bool:
        answer = self.stack.admin.blazar("DELETE", f"/leases/{lease_id}")
        assert answer.code in {204, 404} or answer.said == _BUSY, answer.body
        return answer.code in {204, 404}


def event(lease: Body, kind: str) -> Body:
    """Give an event of a lease."""
    found: Body = next(each for each in lease["events"] if each["event_type"] == kind)
    return found
