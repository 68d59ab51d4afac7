"""Pauses of the shell: growing, with jitter that only lengthens them, so that nothing comes early or all at once."""

import random
from contextvars import ContextVar

_SHORTEST = 5.0
_LONGEST = 600.0
ASK = 600.0
# By how much a pause may be longer. A story that is told the same each time takes it away.
jitter: ContextVar[float] = ContextVar("jitter", default=0.2)


def growing(failures: int) -> float:
    """Give the pause in seconds after this many failures in a row: 5 s, doubling to 10 min."""
    pause = min(_SHORTEST * 2 ** min(max(failures - 1, 0), 10), _LONGEST)
    return jittered(pause)


def jittered(seconds: float) -> float:
    """Lengthen a pause by up to a fifth, or whatever `jitter` is."""
    return seconds * (1 + random.random() * jitter.get())  # noqa: S311 (no secret hangs on it)
