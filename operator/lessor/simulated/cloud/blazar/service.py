"""Blazar's core: what each request does to the leases, and how it is refused.

Source: blazar/manager/service.py, blazar/status.py (lease_status); tried on Blazar 18.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from lessor.model.reservations import STABLE, EventState, EventType, LeaseState
from lessor.simulated.cloud.blazar import dates, refusals, states
from lessor.simulated.cloud.blazar.agenda import Agenda
from lessor.simulated.cloud.blazar.dates import Span
from lessor.simulated.cloud.blazar.enforcement import Enforcement
from lessor.simulated.cloud.blazar.inventory import Inventory
from lessor.simulated.cloud.blazar.lease import Event, Lease, Reservation, Trust
from lessor.simulated.cloud.blazar.plugins import Plugin, Wanted
from lessor.simulated.cloud.blazar.trusts import Trusts
from lessor.simulated.cloud.identity import Token

_NAME_MOST, _ID_MOST = 80, 36
_NO_FLAVOR = "Updating parameters for 'flavor:instance' type reservations is not yet supported."
Body = Mapping[str, Any]


class Blazar:
    """Blazar's core.

    Attributes:
        leases: by id; what was deleted is gone from it.
        inventory: what can be reserved, and the plugins.
        trusts: what its manager acts by.
        enforcement: what is allowed.
        before_end: how long before a lease's end its event is; zero: there is none. Blazar: `minutes_before_end_lease`.
        agenda: what happens by itself.
    """

    def __init__(
        self, now: Callable[[], datetime], fresh: Callable[[], str], inventory: Inventory, trusts: Trusts
    ) -> None:
        self.leases = inventory.leases
        self.inventory = inventory
        self.trusts = trusts
        self.enforcement = Enforcement()
        self.before_end = timedelta(minutes=60)
        self.agenda = Agenda(now(), self.leases, inventory, trusts)
        self.now = now
        self._fresh = fresh
        self._spent: set[str] = set()

    # ------------------------------------------------------------ looking

    def listed(self, who: Token) -> list[Lease]:
        """Give the leases of the project; to an administrator, all."""
        self._allow(who, who.project_id or "", "get", "reader")
        return [each for each in self.leases.values() if who.admin or each.project_id == who.project_id]

    def get(self, who: Token, lease_id: str) -> Lease:
        """Give a lease to its project and to administrators."""
        lease = self.leases.get(lease_id)
        if lease is None:
            raise refusals.no_lease(lease_id)
        self._allow(who, lease.project_id, "get", "reader")
        return lease

    def _allow(self, who: Token, project_id: str, action: str, role: str) -> None:
        if not who.admin and (role not in who.roles or project_id != who.project_id):
            raise refusals.policy(f"leases:{action}")

    # ------------------------------------------------------------ a new one

    def create(self, who: Token, body: Body) -> Lease:
        """Do a POST: a lease that is PENDING, with its reservations and events."""
        self._allow(who, who.project_id or "", "post", "member")
        trust = self.trusts.make(who)
        absent = sorted({"name", "start_date", "end_date"} - set(body))
        if absent:
            raise refusals.missing(absent)
        asked = list(body.get("reservations") or ())
        if any("resource_type" not in each for each in asked):
            raise refusals.missing(["resource_type"])
        span = dates.new(body["start_date"], body["end_date"], self.now())
        every = [(each["resource_type"], _wanted(each, span, trust)) for each in asked]
        for kind, wanted in every:
            self.inventory.plugin(kind).candidates(wanted)
        self.enforcement.check_create(span)
        before = dates.before_end(body.get("before_end_date"), span, self.now())
        lease = self._new(who, body, span, trust)
        self._reserve(lease, every)
        self._enter(lease, before or dates.usual_before_end(span, self.before_end), len(body.get("events") or ()))
        lease.status = LeaseState.PENDING
        return lease

    def _new(self, who: Token, body: Body, span: Span, trust: Trust) -> Lease:
        """Make the lease, of the id that the body names if it names one."""
        lease_id, name, now = str(body.get("id") or self._fresh()), body["name"], self.now()
        if lease_id in self.leases or lease_id in self._spent:
            raise refusals.exists(name)
        if len(name) > _NAME_MOST or len(lease_id) > _ID_MOST:
            raise refusals.internal()
        lease = Lease(
            id=lease_id,
            name=name,
            user_id=who.user_id,
            project_id=trust.project_id,
            start=span.start,
            end=span.end,
            trust_id=trust.id,
            created=now,
            updated=now,
        )
        self.leases[lease.id] = lease
        return lease

    def _reserve(self, lease: Lease, every: list[tuple[str, Wanted]]) -> None:
        """Make the reservations; when one fails, nothing is left."""
        now = self.now()
        try:
            for kind, wanted in every:
                made = Reservation(id=self._fresh(), resource_id=self._fresh(), kind=kind, created=now, updated=now)
                self.inventory.plugin(kind).reserve(made, wanted)
                lease.reservations.append(made)
        except Exception:
            self.destroy(lease)
            raise

    def _enter(self, lease: Lease, before: datetime | None, sent: int) -> None:
        """Enter the events; what a client sends of its own is kept as it is, and nobody acts by it."""
        now = self.now()
        times = {EventType.START: lease.start, EventType.END: lease.end, EventType.BEFORE_END: before}
        lease.events = [Event(id=self._fresh(), kind=None, time=None, created=now, status=None) for _ in range(sent)]
        lease.events += [
            Event(id=self._fresh(), kind=kind, time=time, created=now) for kind, time in times.items() if time
        ]

    # ------------------------------------------------------------ a change

    def update(self, who: Token, lease_id: str, body: Body, seen: Callable[[Lease], Any] = lambda _: None) -> Any:  # noqa: ANN401 (the caller's)
        """Do a PUT.

        Args:
            who: asks.
            lease_id: of the lease.
            body: what is to change.
            seen: gives the answer, of the lease while it is UPDATING, as Blazar does.
        """
        lease = self.get(who, lease_id)
        self._allow(who, lease.project_id, "put", "member")
        with self._passing(lease, LeaseState.UPDATING, STABLE):
            if set(body) - {"name"}:
                self._change(lease, body)
            lease.name = self._name(body.get("name", lease.name))
            lease.updated = self.now()
            return seen(lease)

    def _name(self, name: Any) -> str:  # noqa: ANN401 (JSON)
        if len(name) > _NAME_MOST:
            raise refusals.internal()
        return str(name)

    def _change(self, lease: Lease, body: Body) -> None:
        """Change more than the name. An exception on the way leaves what was done before it."""
        now = self.now()
        span = dates.changed(lease, body.get("start_date"), body.get("end_date"), now)
        trust = self.trusts.of(lease)
        before = dates.before_end(body.get("before_end_date"), span, now)
        asked = self._asked(lease, list(body.get("reservations") or ()))
        if asked:
            self._room_beside(lease, asked, span, trust)
        self.enforcement.check_update(lease, span, now)
        for reservation in lease.reservations:
            values = dict(asked.get(reservation.id, {}))
            if values.get("resource_type", reservation.kind) != reservation.kind:
                raise refusals.cannot_update("resource_type")
            plugin = self.inventory.plugin(reservation.kind)
            plugin.update(reservation, lease, _wanted(values, span, trust))
            reservation.updated = now
        self._move(lease, span, before)
        lease.start, lease.end = span.start, span.end

    def _asked(self, lease: Lease, sent: list[Body]) -> dict[str, Body]:
        """Give what is asked of each reservation, by its id."""
        if any("id" not in each for each in sent):
            raise refusals.missing(["reservation ID"])
        have = {each.id: each for each in lease.reservations}
        unknown = [str(each["id"]) for each in sent if each["id"] not in have]
        if unknown:
            words = f"Please enter valid reservation IDs. Invalid reservation IDs are: {','.join(unknown)}"
            raise refusals.invalid_input(words)
        kinds = {each.get("resource_type", have[each["id"]].kind) for each in sent}
        if not all(self.inventory.has(each) for each in kinds):
            raise refusals.cannot_update("resource_type")
        if kinds - {each.kind for each in lease.reservations}:  # a KeyError in its enforcement
            raise refusals.internal()
        return {each["id"]: each for each in sent}

    def _room_beside(self, lease: Lease, asked: Mapping[str, Body], span: Span, trust: Trust) -> None:
        """Look for the room of all reservations once more, beside what they hold. Source: update_lease, new_allocs."""
        kinds = {each.id: each.kind for each in lease.reservations}
        if any(kinds[each] == "flavor:instance" for each in asked):
            raise refusals.not_implemented(_NO_FLAVOR)
        for reservation in lease.reservations:
            wanted = _wanted({**reservation.values, **reservation.hidden}, span, trust)
            self.inventory.plugin(reservation.kind).candidates(wanted)

    def _move(self, lease: Lease, span: Span, before: datetime | None) -> None:
        """Move the events; the one before the end keeps its distance, and is to come once more if it was."""
        now = self.now()
        for kind, time in ((EventType.START, span.start), (EventType.END, span.end)):
            event = lease.event(kind)
            if event is not None:
                event.moves(time, now)
        event = lease.event(EventType.BEFORE_END)
        if event is None or event.time is None:
            return
        event.moves(max(span.start, before or span.end - (lease.end - event.time)), now)
        if event.status == EventState.DONE:
            event.status = EventState.UNDONE

    # ------------------------------------------------------------ the end

    def delete(self, who: Token, lease_id: str) -> None:
        """Do a DELETE: with the lease goes every server on what it reserved.

        Raises:
            Refused: 500 among others when the servers are not gone within the time of an RPC; the lease is DELETING
                until they are.
        """
        lease = self.get(who, lease_id)
        self._allow(who, lease.project_id, "delete", "member")
        with self._passing(lease, LeaseState.DELETING, frozenset({LeaseState.ERROR})):
            start, end = lease.event(EventType.START), lease.event(EventType.END)
            if start is not None and end is not None and start.status != EventState.UNDONE == end.status:
                end.becomes(EventState.IN_PROGRESS, self.now())
            trust = self.trusts.of(lease)
            held = [each for each in lease.reservations if each.status != states.DELETED]
            for reservation in held:
                self.inventory.plugin(reservation.kind).end(reservation, trust)
            if self.inventory.hasten(held, self.now() + states.RPC):
                self.destroy(lease)
            else:
                self.agenda.wait(lease, self.destroy, self.now())
        if lease.id in self.leases:
            raise refusals.internal()

    def destroy(self, lease: Lease) -> None:
        """Let a lease be gone, with all that it holds."""
        for reservation in lease.reservations:
            plugin: Plugin = self.inventory.plugin(reservation.kind)
            plugin.clear(reservation)
            plugin.destroy(reservation)
        del self.leases[lease.id]
        if self.inventory.chameleon:  # its rows stay, marked: an id is never free again
            self._spent.add(lease.id)

    @contextmanager
    def _passing(self, lease: Lease, through: LeaseState, into: frozenset[LeaseState]) -> Iterator[None]:
        """Let a lease be in a state of passage, and come out of it as the tables say. Source: lease_status."""
        before = lease.status
        if lease.event(EventType.START) is None or lease.event(EventType.END) is None:
            raise refusals.internal()
        if not lease.may_become(through):
            raise refusals.invalid_status()
        lease.status, lease.updated = through, self.now()
        try:
            yield
        except Exception as error:
            restores = isinstance(error, refusals.No) and error.restores
            lease.status = before if restores else LeaseState.ERROR
            raise
        if lease.id in self.leases and not self.agenda.waits_for(lease):
            self._comes_out(lease, into)

    def _comes_out(self, lease: Lease, into: frozenset[LeaseState]) -> None:
        derived = lease.derived()
        if derived not in into or not lease.may_become(derived):
            lease.status = LeaseState.ERROR
            raise refusals.invalid_status()
        lease.status = derived


def _wanted(values: Body, span: Span, trust: Trust) -> Wanted:
    return Wanted(values=values, start=span.start, end=span.end, trust=trust)
