"""What the request at hand is for, what it may spend and where it may go: known to every layer under it.

One deadline holds for the whole of a call: the address, the connection, a new token, the answer to its last byte. So a
server that sends one byte a second gets no more time than one that sends none. It travels in a context variable, for
the layers between are other people's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from lessor.live.addresses import Reach
from lessor.live.services import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a service, with the renewal of the token if it needs one.

    Attributes:
        verb: for metrics: a route-like word of a small closed set.
        until: when it ends, by `elapsed`.
        most_bytes: of an answer's body, decoded.
        elapsed: a clock in seconds that only goes on.
    """

    service: Service
    verb: str
    until: float
    most_bytes: int
    reach: Reach
    elapsed: Callable[[], float]

    def left(self) -> float:
        """Give the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        seconds = self.until - self.elapsed()
        if seconds <= 0:
            raise TimeoutError("the time for the whole call is over")
        return seconds


_CURRENT: ContextVar[Call] = ContextVar("call")


@contextmanager
def entered(call: Call) -> Iterator[Call]:
    """Make it the call of this thread while the block runs."""
    before = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(before)


def current() -> Call:
    """Give the call of this thread.

    Raises:
        LookupError: there is none; a request without bounds is never sent.
    """
    return _CURRENT.get()
