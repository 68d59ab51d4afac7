"""An event loop that jumps: when nothing is left to do but to wait, its time goes on at once to the next timer.

A day of pauses takes milliseconds, and what sleeps says how long. Threads that the loop started are waited for.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from lessor.ports.clock import LoopPauses
from tests.runtime.clock import START

_BEGIN = 1000.0


class Stuck(AssertionError):
    """Everybody waits, and nothing is there to wake anybody."""


class LoopClock(LoopPauses):
    """Both clocks, by the time of the loop that runs when it is made; threads may ask as well."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> datetime:
        """Give the wall time."""
        return START + timedelta(seconds=self.elapsed() - _BEGIN)

    def elapsed(self) -> float:
        """Give seconds that only go on."""
        return self._loop.time()


def jumps(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on a loop that jumps."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=Jumping) as runner:
            runner.run(test(*args, **kwargs))

    return run


async def settled() -> None:
    """Return when everything that can go on without the time has gone on."""
    await asyncio.sleep(0.001)


class Jumping(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        super().__init__(_Selector(self))
        self._passed = _BEGIN
        self._threads = 0

    def time(self) -> float:
        """Give the loop's own time, which is nobody else's."""
        return self._passed

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Run it in a thread, and let no time pass by jumping while it runs."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: Any) -> None:
        self._threads -= 1

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the threads as they are."""
        self._threads += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._threads -= 1

    def wait(self, select: Callable[[float | None], list[Any]], timeout: float | None) -> list[Any]:
        """Wait for what is real; else jump."""
        now = timeout is not None and timeout <= 0
        if self._threads:
            return select(0 if now else None)
        ready = select(0)
        if ready or now:
            return ready
        if timeout is None:
            raise Stuck
        self._passed += timeout
        return []


class _Selector(selectors.SelectSelector):
    """The real one, which waits as the loop says."""

    def __init__(self, loop: Jumping) -> None:
        super().__init__()
        self._jumping = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        """Ask the loop how to wait."""
        return self._jumping.wait(super().select, timeout)
