"""What Blazar's manager does by itself: every ten seconds it looks for events that are due, and does them one by one.

Nothing here wakes up: `settle` is asked before every look. Source: blazar/manager/service.py.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lessor.model.reservations import EventState, EventType, LeaseState
from lessor.simulated.cloud.blazar import refusals, states
from lessor.simulated.cloud.blazar.inventory import Inventory
from lessor.simulated.cloud.blazar.lease import Event, Lease, Reservation
from lessor.simulated.cloud.blazar.plugins import Plugin
from lessor.simulated.cloud.blazar.trusts import Trusts
from lessor.simulated.cloud.refusals import Refused

_EPOCH, _NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
Act = Callable[[Reservation, Plugin], None]
_STARTED = frozenset({LeaseState.ACTIVE, LeaseState.ERROR})
_ENDED = frozenset({LeaseState.TERMINATED, LeaseState.ERROR})


@dataclass(slots=True, kw_only=True)
class Work:
    """An event that is under way.

    Attributes:
        due: when it ends, or is looked at again; None: never.
        ending: the reservations that end with it, once their servers are gone.
    """

    lease: Lease
    event: Event
    begun: datetime
    due: datetime | None
    ending: list[Reservation]


@dataclass(slots=True, kw_only=True)
class Wait:
    """A DELETE whose servers are not gone yet."""

    lease: Lease
    begun: datetime
    due: datetime
    destroy: Callable[[Lease], None]


class Agenda:
    """The manager's timer. While an event is under way, all others wait.

    Attributes:
        durations: of each event; None: it never ends, and nothing else begins.
        failing: events that end in ERROR, by the ids of their leases; the reservations too.
    """

    def __init__(self, since: datetime, leases: Mapping[str, Lease], inventory: Inventory, trusts: Trusts) -> None:
        self.durations: dict[EventType, timedelta | None] = dict(states.DURATIONS)
        self.failing: set[tuple[str, EventType]] = set()
        self._leases = leases
        self._inventory = inventory
        self._trusts = trusts
        self._looked = since
        self._batches: deque[list[tuple[Lease, Event]]] = deque()
        self._batch: deque[tuple[Lease, Event]] = deque()
        self._work: Work | None = None
        self._waits: dict[str, Wait] = {}

    # ------------------------------------------------------------ time

    def next(self) -> datetime | None:
        """Give when something happens next; None: nothing that ever will."""
        soonest = min((wait.due for wait in self._waits.values()), default=None)
        if self._work is not None:
            times = (soonest, self._work.due)
            return min((each for each in times if each is not None), default=None)
        stable = (lease for lease in self._leases.values() if lease.is_stable)
        for event in (event for lease in stable for event in lease.events if event.status == EventState.UNDONE):
            # None is found before its own time: most need no closer look.
            if event.time is not None and (soonest is None or event.time < soonest):
                soonest = min(soonest or _NEVER, self._found(event))
        return soonest

    def settle(self, at: datetime) -> None:
        """Do what `next` gave."""
        for wait in [wait for wait in self._waits.values() if wait.due <= at]:
            self._look(wait, at)
        if self._work is None:
            self._tick(at)
        elif self._work.due is not None and self._work.due <= at:
            work, self._work = self._work, None
            self._go_on(work, at)
            self._advance(at)

    def _found(self, event: Event) -> datetime:
        """Give when the manager finds an event: at the first look when it is due, and after it was written."""
        after = _tick_after(max(event.written, self._looked))
        return after if event.time is None else max(after, _tick_after(event.time - timedelta(microseconds=1)))

    def _tick(self, at: datetime) -> None:
        found = [
            (lease, event)
            for lease in self._leases.values()
            for event in lease.events
            if event.status == EventState.UNDONE and event.time is not None and event.time <= at
        ]
        if _tick_after(at - timedelta(microseconds=1)) != at or not any(self._found(each) <= at for _, each in found):
            return
        self._looked = at
        self._batches.extend(ordered(found))
        self._advance(at)

    def _advance(self, at: datetime) -> None:
        """Begin events until one takes time."""
        while self._work is None and (self._batch or self._batches):
            if not self._batch:
                self._batch.extend(each for each in self._batches.popleft() if each[0].is_stable)
                for _, event in self._batch:
                    event.becomes(EventState.IN_PROGRESS, at)
                continue
            lease, event = self._batch.popleft()
            if self._leases.get(lease.id) is lease:
                self._begin(lease, event, at)

    # ------------------------------------------------------------ events

    def _begin(self, lease: Lease, event: Event, at: datetime) -> None:
        kind = EventType(str(event.kind))
        through = {EventType.START: LeaseState.STARTING, EventType.END: LeaseState.TERMINATING}.get(kind)
        if through is not None:
            if not lease.may_become(through):
                _retry(event, at)
                return
            lease.status, lease.updated = through, at
        try:
            trust = self._trusts.of(lease)
            if kind is EventType.BEFORE_END:
                self._each(lease, event, at, lambda reservation, plugin: plugin.before_end(reservation, trust))
                event.becomes(EventState.DONE if event.status == EventState.IN_PROGRESS else EventState.ERROR, at)
                return
            ending = []
            if kind is EventType.END:
                ending = self._each(
                    lease, event, at, lambda reservation, plugin: plugin.end(reservation, trust), states.DELETED
                )
        except Refused:
            self._breaks(lease, event, at)
            return
        due = self._first_look(lease, kind, at)
        self._work = Work(lease=lease, event=event, begun=at, due=due, ending=ending)

    def _first_look(self, lease: Lease, kind: EventType, at: datetime) -> datetime | None:
        duration = self.durations[kind]
        if duration is not None and kind is EventType.END and not self._inventory.are_gone(lease.reservations):
            return at + states.LOOK
        return None if duration is None else at + duration

    def _go_on(self, work: Work, at: datetime) -> None:
        """End an event, or look again."""
        lease, event = work.lease, work.event
        if event.kind == EventType.START:
            self._start(lease, event, at)
            return
        there = [each for each in work.ending if not self._inventory.are_gone([each])]
        if there and at - work.begun < states.PATIENCE:
            self._work = work
            work.due = at + states.LOOK
            return
        for reservation in work.ending:
            if reservation in there:
                _fails(reservation, event, at)
            else:
                self._inventory.plugin(reservation.kind).clear(reservation)
                reservation.status, reservation.updated = states.DELETED, at
        self._close(lease, event, at, _ENDED)

    def _start(self, lease: Lease, event: Event, at: datetime) -> None:
        try:
            trust = self._trusts.of(lease)
            started = self._each(
                lease, event, at, lambda reservation, plugin: plugin.start(reservation, trust), states.ACTIVE
            )
        except Refused:
            self._breaks(lease, event, at)
            return
        for reservation in started:
            reservation.status, reservation.updated = states.ACTIVE, at
        self._close(lease, event, at, _STARTED)

    def _each(
        self, lease: Lease, event: Event, at: datetime, act: Act, becomes: str | None = None
    ) -> list[Reservation]:
        """Do an action for each reservation; one that fails with an exception of Blazar's own goes to ERROR.

        Gives those that did not fail.
        """
        done = []
        for reservation in lease.reservations:
            try:
                self._may(lease, event, reservation, becomes)
                act(reservation, self._inventory.plugin(reservation.kind))
            except refusals.No as no:
                if not no.own:
                    raise
                _fails(reservation, event, at)
            else:
                done.append(reservation)
        return done

    def _may(self, lease: Lease, event: Event, reservation: Reservation, becomes: str | None) -> None:
        if becomes is not None and becomes not in states.NEXT_OF_RESERVATION[reservation.status]:
            raise refusals.invalid_status()
        if (lease.id, event.kind) in self.failing:
            raise refusals.No(500, "An action failed.")

    def _close(self, lease: Lease, event: Event, at: datetime, into: frozenset[LeaseState]) -> None:
        """Let a lease come out of its state of passage as the tables say; an impossible end is an ERROR."""
        if event.status == EventState.IN_PROGRESS:
            event.becomes(EventState.DONE, at)
        derived = lease.derived()
        fits = derived in into and lease.may_become(derived)
        lease.status, lease.updated = derived if fits else LeaseState.ERROR, at
        if not fits:
            _retry(event, at)

    def _breaks(self, lease: Lease, event: Event, at: datetime) -> None:
        """End an event with an exception of others: the reservations stay as they were."""
        event.becomes(EventState.ERROR, at)
        if event.kind != EventType.BEFORE_END:
            lease.status, lease.updated = LeaseState.ERROR, at

    # ------------------------------------------------------------ a DELETE that takes its time

    def wait(self, lease: Lease, destroy: Callable[[Lease], None], at: datetime) -> None:
        """Go on with a DELETE when its servers are gone; after ten minutes the lease goes to ERROR."""
        self._waits[lease.id] = Wait(lease=lease, begun=at, due=at + states.LOOK, destroy=destroy)

    def waits_for(self, lease: Lease) -> bool:
        """Tell whether it does."""
        return lease.id in self._waits

    def _look(self, wait: Wait, at: datetime) -> None:
        if self._inventory.are_gone(wait.lease.reservations):
            del self._waits[wait.lease.id]
            wait.destroy(wait.lease)
        elif at - wait.begun >= states.PATIENCE:
            del self._waits[wait.lease.id]
            wait.lease.status, wait.lease.updated = LeaseState.ERROR, at
        else:
            wait.due = at + states.LOOK


def ordered(found: Iterable[tuple[Lease, Event]]) -> list[list[tuple[Lease, Event]]]:
    """Give what is done together, in its order: before the end, end, start; then what waits for its own start.

    Source: _select_for_execution.
    """
    every = sorted(found, key=lambda each: each[1].time or _EPOCH)
    of: dict[str, list[tuple[Lease, Event]]] = {kind: [] for kind in EventType}
    for each in every:
        if each[1].kind in of:
            of[str(each[1].kind)].append(each)
    starting = {lease.id for lease, _ in of[EventType.START]}
    first, late = [], []
    for kind in (EventType.BEFORE_END, EventType.END):
        first.append([each for each in of[kind] if each[0].id not in starting])
        late.append([each for each in of[kind] if each[0].id in starting])
    return [batch for batch in (*first, of[EventType.START], *late) if batch]


def _retry(event: Event, at: datetime) -> None:
    """Let an event be tried once more, if its time is no longer ago than one look; else it failed."""
    again = event.time is not None and at < event.time + states.INTERVAL
    event.becomes(EventState.UNDONE if again else EventState.ERROR, at)


def _fails(reservation: Reservation, event: Event, at: datetime) -> None:
    reservation.status, reservation.updated = states.ERROR, at
    event.becomes(EventState.ERROR, at)


def _tick_after(instant: datetime) -> datetime:
    """Give the first look of the manager after an instant."""
    return _EPOCH + ((instant - _EPOCH) // states.INTERVAL + 1) * states.INTERVAL
