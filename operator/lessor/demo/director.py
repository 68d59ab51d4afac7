"""The director: lets the time jump from one thing that matters to the next, and tells what came of it.

The clock stands still while anybody works. It goes on when the operator, the cluster and the cloud have nothing left
to do, and then at once to the soonest of: what somebody does in the story, a stage, what Nova finishes, and a look
around. What the operator only polls for, every few minutes of some days, is looked at each hour.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta

from lessor.demo.story import LENGTH, Step
from lessor.simulated.clock import SimClock

_STEP = timedelta(hours=6)
_LEAST = timedelta(hours=1)
_CLOSE = timedelta(minutes=5)
_WATCHED = timedelta(
    hours=1
)  # after each step of the story time goes in small steps: what follows is seen in its order
_CALM = 2
_POLL = 0.001


class Director:
    """Lets the story pass."""

    def __init__(  # noqa: PLR0913 (who is asked, and who is told)
        self,
        clock: SimClock,
        steps: tuple[Step, ...],
        *,
        quiet: Callable[[], bool],
        soonest: Callable[[], Iterator[datetime | None]],
        polls: Callable[[], datetime | None],
        act: Callable[[Step], None],
        look: Callable[[], None],
    ) -> None:
        """Let the steps happen at their times.

        Args:
            clock: which is moved on; it stands at the story's beginning.
            steps: in their order.
            quiet: tells whether everybody has done what there is to do.
            soonest: gives when each of them has something to do next that must not be late; None: never.
            polls: gives when somebody wants to look next.
            act: does a step.
            look: is called whenever all is quiet: something may have changed.
        """
        self._clock = clock
        self._begin = clock.now()
        self._steps = list(steps)
        self._quiet = quiet
        self._soonest = soonest
        self._polls = polls
        self._act = act
        self._look = look
        self._watched_until = self._begin

    async def pass_(self, pace: Callable[[timedelta], Awaitable[None]]) -> None:
        """Let the whole story pass; `pace` is awaited before each jump and told how far it goes."""
        end = self._begin + LENGTH
        while self._clock.now() < end:
            await self.settle()
            self._look()
            to = self._next(end)
            await pace(to - self._clock.now())
            self._clock.jump(to)
            self._act_out(to)
        await self.settle()
        self._look()

    async def settle(self) -> None:
        """Return when all is quiet."""
        calm = 0
        while calm < _CALM:
            await asyncio.sleep(_POLL)
            calm = calm + 1 if self._quiet() else 0

    def _next(self, end: datetime) -> datetime:
        now = self._clock.now()
        watched, polls = now < self._watched_until, self._polls()
        wanted = [at for at in self._soonest() if at is not None]
        if polls is not None:
            wanted.append(polls if watched else max(polls, now + _LEAST))
        step = [self._begin + self._steps[0].at] if self._steps else []
        return max(min((*wanted, *step, now + (_CLOSE if watched else _STEP), end)), now + timedelta(seconds=1))

    def _act_out(self, now: datetime) -> None:
        while self._steps and self._begin + self._steps[0].at <= now:
            self._act(self._steps.pop(0))
            self._watched_until = now + _WATCHED
