"""The Blazar leases of one project, as one list a minute knows them, served to all Leases of the same credentials.

A lease that is about to change is read when that is expected: by its id while few are, in one list while many are. So
an idle fleet costs one request a minute, and a thousand leases that start at once a list every few seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from lessor.decide.lease import telling
from lessor.decide.lease.telling import Telling
from lessor.model.reservations import ObservedLease
from lessor.ports.clock import Clock
from lessor.ports.cloud import CloudError
from lessor.ports.reservations import Reservations, UnsupportedResourceType
from lessor.reconcile.lease.given import Remembered

log = logging.getLogger(__name__)

_LIST_EVERY = timedelta(seconds=60)
_SHORTEST = timedelta(seconds=1)
_AFTER_FAULT = timedelta(seconds=10)
_BY_ID = 2  # more than so many at once are read in one list
_LIST_SHARE = 4  # a list is asked for again after so many times its own length


class Booked(NamedTuple):
    """What a Lease knows of its lease in Blazar: the id, and what its own status tells."""

    lease_id: str | None
    told: Telling


class LeaseKeeper:
    """The records of the leases that have a Lease, and when each must be read again. Used on the event loop only."""

    def __init__(
        self,
        clock: Clock,
        booked: Callable[[], Mapping[str, Booked]],
        blazar: Callable[[], Reservations | None],
        in_thread: Callable[[Callable[[], object]], Awaitable[object]],
        wake: Callable[[Iterable[str]], None],
    ) -> None:
        """Begin with nothing known.

        Args:
            clock: for what is due.
            booked: gives the Leases of these credentials by uid.
            blazar: gives whom to ask; None: nobody now.
            in_thread: runs what blocks.
            wake: is told the uids of Leases that have news.
        """
        self._clock = clock
        self._booked = booked
        self._blazar = blazar
        self._in_thread = in_thread
        self._wake = wake
        self._records: dict[str, Remembered] = {}
        self._expected: dict[str, tuple[datetime, str]] = {}
        self._waiting: set[str] = set()
        self._learnt: set[str] = set()  # by their ids, since the list under way was asked for
        self._next_list: datetime | None = None
        self._not_before: datetime | None = None
        self._moved = asyncio.Event()
        self.resting = True

    # ------------------------------------------------------------ for passes

    def get(self, lease_id: str) -> Remembered | None:
        """Give what was last read of a lease; None: nothing was."""
        return self._records.get(lease_id)

    def learn(self, lease_id: str, lease: ObservedLease | None, now: datetime) -> None:
        """Take a lease that was read by its id, or that is not there: newer than any list that is under way."""
        self._learnt.add(lease_id)
        if lease is None:
            self._records.pop(lease_id, None)
        else:
            self._records[lease_id] = Remembered(lease=lease, read=now)

    def expect(self, uid: str, lease_id: str | None, at: datetime | None) -> None:
        """Read the lease again then, and wake its Lease; None: the list will do."""
        if at is None or lease_id is None:
            self._expected.pop(uid, None)
            return
        self._expected[uid] = (at, lease_id)
        self._moved.set()

    def wait(self, uid: str) -> None:
        """Wake this Lease when Blazar, which is away, answers again."""
        self._waiting.add(uid)

    def entered(self) -> None:
        """A Lease has come."""
        self._moved.set()

    def leave(self, uid: str, lease_id: str | None) -> None:
        """Forget a Lease."""
        self._expected.pop(uid, None)
        self._waiting.discard(uid)
        if lease_id is not None:
            self._records.pop(lease_id, None)

    def expects_at(self) -> datetime | None:
        """Give when a lease is read next because it is about to change; None: none is."""
        return min((at for at, _ in self._expected.values()), default=None)

    def __len__(self) -> int:
        return len(self._records)

    # ------------------------------------------------------------ keeping

    async def run(self) -> None:
        """Read what is due until cancelled."""
        while True:
            try:
                await self._rest()
                await self._turn()
            except Exception:
                log.exception("the leases of a cloud could not be kept")
                self._put_off(_AFTER_FAULT)

    async def _rest(self) -> None:
        while True:
            self._moved.clear()
            now = self._clock.now()
            at = self._due_at(now)
            if at is not None and at <= now:
                return
            self.resting = True
            if at is None:
                await self._moved.wait()
            else:
                await self._clock.wait(self._moved, (at - now).total_seconds())
            self.resting = False

    def _due_at(self, now: datetime) -> datetime | None:
        """Give when something is to be read: the first list at once; None: nothing is."""
        if not self._booked():
            return None
        soonest = self.expects_at()
        listed = self._next_list if self._next_list is not None else now
        due = listed if soonest is None else min(listed, soonest)
        return due if self._not_before is None else max(due, self._not_before)

    def _put_off(self, pause: timedelta) -> None:
        self._not_before = self._clock.now() + pause

    async def _turn(self) -> None:
        blazar, now = self._blazar(), self._clock.now()
        if blazar is None:
            self._put_off(_AFTER_FAULT)
            return
        due = {uid: lease_id for uid, (at, lease_id) in self._expected.items() if at <= now}
        in_full = self._next_list is None or self._next_list <= now or len(due) > _BY_ID
        try:
            changed = await (self._list(blazar) if in_full else self._read(blazar, due.values()))
        except UnsupportedResourceType:
            self._next_list = self._clock.now() + _LIST_EVERY
            self._expected.clear()
            return
        except CloudError as error:
            log.warning("the leases could not be read", extra={"why": str(error)})
            self._put_off(_AFTER_FAULT)
            return
        for uid in due:
            self._expected.pop(uid, None)
        waiting, self._waiting = self._waiting, set()
        self._not_before = (
            self._clock.now() + _SHORTEST if self._not_before is None or not in_full else self._not_before
        )
        self._wake({*due, *changed, *waiting})

    async def _read(self, blazar: Reservations, lease_ids: Iterable[str]) -> set[str]:
        for lease_id in tuple(lease_ids):
            lease = await self._in_thread(lambda one=lease_id: blazar.lease(one))  # type: ignore[misc]
            self.learn(lease_id, lease if isinstance(lease, ObservedLease) else None, self._clock.now())
        return set()

    async def _list(self, blazar: Reservations) -> set[str]:
        """Read all; gives the Leases whose status tells something else."""
        began = self._clock.now()
        self._learnt.clear()
        listed: object = await self._in_thread(blazar.leases)
        ended = self._clock.now()
        self._next_list = ended + _LIST_EVERY
        self._not_before = ended + max(_SHORTEST, _LIST_SHARE * (ended - began))
        found = {lease.id: lease for lease in listed if isinstance(lease, ObservedLease)}  # type: ignore[attr-defined]
        return {uid for uid, use in self._booked().items() if use.lease_id and self._take(use, found, began)}

    def _take(self, use: Booked, found: Mapping[str, ObservedLease], now: datetime) -> bool:
        """Remember what the list says of one; tells whether that is news to its Lease."""
        lease_id = str(use.lease_id)
        if lease_id in self._learnt:
            return False
        lease = found.get(lease_id)
        self._records[lease_id] = Remembered(lease=lease, read=now)
        if lease is None:
            return bool(use.told[0])  # it was there
        return telling.of_record(lease) != use.told
