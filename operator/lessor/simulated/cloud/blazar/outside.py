"""What befalls leases from outside: other people and administrators, and failures that nobody asked for."""

from datetime import datetime

from lessor.model.reservations import EventState, EventType, LeaseState
from lessor.simulated.cloud.blazar.lease import Lease, Reservation
from lessor.simulated.cloud.blazar.service import Blazar
from lessor.simulated.cloud.server import ImpossibleWorld

_PASSING = {LeaseState.STARTING: EventType.START, LeaseState.TERMINATING: EventType.END}


class Outside:
    """Blazar's leases, as those see them who may do everything."""

    def __init__(self, blazar: Blazar) -> None:
        self._blazar = blazar

    def lease(self, lease_id: str) -> Lease:
        """Find a lease.

        Raises:
            ImpossibleWorld: there is none.
        """
        if lease_id not in self._blazar.leases:
            raise ImpossibleWorld(f"There is no lease {lease_id}.")
        return self._blazar.leases[lease_id]

    def forget(self, lease_id: str) -> None:
        """Let a lease be gone, with all that it reserved; servers stay."""
        self._blazar.destroy(self.lease(lease_id))

    def rename(self, lease_id: str, name: str) -> None:
        """Let a lease have another name."""
        self.lease(lease_id).name = name

    def shorten(self, lease_id: str, end: datetime) -> None:
        """Let a lease end earlier.

        Raises:
            ImpossibleWorld: that is not earlier, or no whole minute.
        """
        lease = self.lease(lease_id)
        event = lease.event(EventType.END)
        if event is None or not lease.start <= end < lease.end or end.second or end.microsecond:
            raise ImpossibleWorld(f"The lease {lease.name} cannot be shortened to {end}.")
        lease.end = end
        event.moves(end, self._blazar.now())

    def fail(self, lease_id: str, kind: EventType) -> None:
        """Let an event fail when its time comes: its reservations and, but for the one before the end, its lease.

        Raises:
            ImpossibleWorld: it has been.
        """
        event = self.lease(lease_id).event(kind)
        if event is None or event.status != EventState.UNDONE:
            raise ImpossibleWorld(f"There is no {kind} to come.")
        self._blazar.agenda.failing.add((lease_id, kind))

    def stick(self, lease_id: str, state: LeaseState) -> None:
        """Let the manager die in the midst of something: the lease stays in a state of passage for ever.

        Raises:
            ImpossibleWorld: it cannot be in it.
        """
        lease = self.lease(lease_id)
        if not lease.is_stable or (state is not LeaseState.CREATING and not _leads(lease, state)):
            raise ImpossibleWorld(f"The lease {lease.name} cannot come from {lease.status} to {state}.")
        if state is LeaseState.CREATING:
            lease.events = []
        event = lease.event(_PASSING[state]) if state in _PASSING else None
        if event is not None:
            event.becomes(EventState.IN_PROGRESS, self._blazar.now())
        lease.status = state

    def degrade(self, reservation_id: str, *, missing: bool = False, changed: bool = False) -> None:
        """Let Blazar's monitor find that a host failed: there is no other one, or the servers on it are lost.

        Neither flag is ever taken back. Source: blazar/monitor/base.py, _update_flags.

        Raises:
            ImpossibleWorld: there is no such reservation, or nothing is said of it.
        """
        lease, reservation = self._blazar.inventory.reservation(reservation_id)
        if lease is None or reservation is None or not (missing or changed):
            raise ImpossibleWorld(f"The reservation {reservation_id} cannot be degraded.")
        _flag(reservation, missing=missing, changed=changed)
        lease.degraded = True


def _leads(lease: Lease, state: LeaseState) -> bool:
    event = lease.event(_PASSING[state]) if state in _PASSING else None
    held = event.status if event is not None else ""
    if event is not None:
        event.status = EventState.IN_PROGRESS
    leads = lease.may_become(state)
    if event is not None:
        event.status = held
    return leads


def _flag(reservation: Reservation, *, missing: bool, changed: bool) -> None:
    reservation.missing_resources = reservation.missing_resources or missing
    reservation.resources_changed = reservation.resources_changed or changed
