"""The official election over the leader lock, on our clock: jitter, a bound for each renewal, and a release."""

import asyncio
import logging

from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection

from lessor.ports.clock import Clock
from lessor.runtime.leaderlock import LeaderLock
from lessor.runtime.leading import LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD, Leading
from lessor.runtime.pauses import jittered

logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL)  # the lock says what happens, once

_SHORTEST = 0.05
_RETRY_FAILED = 0.3  # an API server that is back in time must be met in time


class LockLost(Exception):
    """The leader lock is lost: the process must end."""


class Election(LeaderElection):  # type: ignore[misc]  # the client ships no types
    """One candidacy: waits for the lock, holds it, loses it, and is over."""

    def __init__(self, lock: LeaderLock, leading: Leading, clock: Clock) -> None:
        super().__init__(
            Config(
                lock,
                lease_duration=LEASE_DURATION,
                renew_deadline=RENEW_DEADLINE,
                retry_period=RETRY_PERIOD,
                onstarted_leading=_nothing,
                onstopped_leading=_lost,
            )
        )
        self._lock = lock
        self._leading = leading
        self._clock = clock

    async def acquire(self) -> bool:
        """Return when the lock is ours: as soon as it has run out, for everybody waits for this process."""
        while not await self.try_acquire_or_renew():
            due, pause = self._lock.until_due(), jittered(RETRY_PERIOD)
            if not self._leading.listed.is_set():
                await self._clock.wait(self._leading.listed, pause)
            else:
                await self._clock.sleep(min(pause, due + _SHORTEST) if due > 0 else pause)
        return True

    async def renew_loop(self) -> None:
        """Renew; return when the last good renewal is too old, or the lock is another's.

        The pause counts from the beginning of the renewal before: a slow API server must not cost the lock.
        """
        pause: float = RETRY_PERIOD
        took = 0.0
        while (left := self._leading.left()) > 0:
            await self._clock.sleep(min(max(0.0, jittered(pause) - took), left))
            began = self._clock.elapsed()
            pause = RETRY_PERIOD if await self._renewed() else _RETRY_FAILED
            took = self._clock.elapsed() - began
        self._leading.stop()

    async def resign(self) -> None:
        """Release the lock, if it is ours. Only when nothing of ours is under way any more."""
        held = self._leading.left() > 0
        self._leading.stop()
        if held:
            await self._lock.release()

    async def _renewed(self) -> bool:
        if (left := self._leading.left()) <= 0:
            return False  # stopped for a while: not even a look, the lock may be another's by now
        try:
            async with asyncio.timeout(left):
                return bool(await self.try_acquire_or_renew())
        except TimeoutError:
            return False


async def _nothing() -> None:
    """All who wait for the lock wait for `Leading.taken`."""


async def _lost() -> None:
    raise LockLost("the leader lock is lost")
