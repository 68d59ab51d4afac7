"""Pauses of the shell: growing, with jitter that only lengthens them, so that nothing comes early or all at once."""

import random

_SHORTEST = 5.0
_LONGEST = 600.0
_JITTER = 0.2
ASK = 600.0


def growing(failures: int) -> float:
    """Give the pause in seconds after this many failures in a row: 5 s, doubling to 10 min."""
    pause = min(_SHORTEST * 2 ** min(max(failures - 1, 0), 10), _LONGEST)
    return jittered(pause)


def jittered(seconds: float) -> float:
    """Lengthen a pause by up to a fifth."""
    return seconds * (1 + random.random() * _JITTER)  # noqa: S311 (no secret hangs on it)
