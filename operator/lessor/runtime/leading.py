"""Whether this process leads: what its renewals of the leader lock say, asked before each effect.

A renewal counts from the moment at which it was begun, by a clock that also runs while the process or the machine
sleeps: who was stopped for a minute knows it before the lock is asked again.
"""

import asyncio
import math
from collections.abc import Callable

from lessor.ports.clock import Clock
from lessor.ports.leading import NotLeading

LEASE_DURATION = 15
RENEW_DEADLINE = 10
RETRY_PERIOD = 2


class Leading:
    """`ports.leading.Leadership`. Told on the event loop, asked from any thread.

    Attributes:
        listed: this process knows all objects: it may take the lock.
        taken: it holds the lock, or did until it was lost.
    """

    def __init__(self, clock: Clock, tell: Callable[[int], object] = lambda _: None) -> None:
        """Call `tell` with 1 when this process begins to lead, with 0 when it ceases to."""
        self._clock = clock
        self._tell = tell
        self._renewed = -math.inf
        self._acts_from = math.inf
        self._took_over = -math.inf
        self.listed = asyncio.Event()
        self.taken = asyncio.Event()

    def take(self, *, began: float, pause: float) -> None:
        """Lead, by a write of the lock that was begun then, and act when the pause in seconds from now is over."""
        self._renewed = began
        self._acts_from = self._clock.elapsed() + pause
        self._took_over = self._clock.elapsed() if pause > 0 else -math.inf
        self._tell(1)
        self.taken.set()

    def take_alone(self) -> None:
        """Lead for ever: there is no lock."""
        self.take(began=math.inf, pause=0.0)

    def renew(self, began: float) -> None:
        """Take a renewal that was begun then."""
        if self.left() > 0:
            self._renewed = began

    def stop(self) -> None:
        """Lead no more; for good, for only a new process takes the lock again."""
        self._renewed = -math.inf
        self._tell(0)

    def close(self) -> None:
        """Act no more, and hold the lock until it is released."""
        self._acts_from = math.inf

    def left(self) -> float:
        """Give the seconds until the last renewal is too old; none is left to who does not lead."""
        return max(0.0, self._renewed + RENEW_DEADLINE - self._clock.elapsed())

    def unsettled(self, seconds: float) -> float:
        """Give the seconds for which a request of the holder before may still be under way, if one may last this long.

        None are left after a lock that was released, or held by nobody.
        """
        return max(0.0, self._took_over + seconds - self._clock.elapsed())

    async def acting(self) -> None:
        """Return when this process leads and the pause after taking the lock is over."""
        await self.taken.wait()
        while (left := self._acts_from - self._clock.elapsed()) > 0:  # timers may fire early, uvloop's by a millisecond
            await self._clock.sleep(left)

    def assure(self) -> None:
        """Return when this process leads, and may act.

        Raises:
            NotLeading: it does not, or its last renewal is too old to be sure.
        """
        if self.left() <= 0 or self._clock.elapsed() < self._acts_from:
            raise NotLeading("this process does not hold the leader lock, or not surely")
