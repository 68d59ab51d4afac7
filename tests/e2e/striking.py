"""Lives that are struck at one of their requests: which requests count, who strikes, who starts the operator again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from tests.e2e.process import Lessor
from tests.e2e.proxy import Fate, Seen

Point = tuple[int, Fate]
FATES = (Fate.BEFORE, Fate.AFTER, Fate.CUT)


@dataclass
class Struck:
    """The operator of one life, and what was asked in it.

    Attributes:
        own: gives the signature of a request of the object's own; None for discovery, watches, lists, tokens.
    """

    lessor: Lessor
    own: Callable[[Seen], str | None]
    requests: list[str] = field(default_factory=list)
    struck: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, at: int | None, fate: Fate) -> Callable[[Seen], Fate]:
        """Give the judge that strikes this request of the life's own (counted without repeats)."""

        def judge(seen: Seen) -> Fate:
            signature = self.own(seen)
            if signature is None or self.struck.is_set():
                return Fate.PASS
            with self.lock:
                if signature not in _since_last_write(self.requests):
                    self.requests.append(signature)
                    if at == len(self.requests):
                        return fate
            return Fate.PASS

        return judge

    def strike(self) -> None:
        """Kill the operator."""
        self.lessor.kill()
        self.struck.set()

    def restarted(self) -> None:
        """Start it again once it was killed; a thread of its own waits for that."""
        threading.Thread(target=self._restart, daemon=True).start()

    def _restart(self) -> None:
        if self.struck.wait(300):
            self.lessor.start(wait=False)


def _since_last_write(requests: list[str]) -> list[str]:
    """The last write and the reads after it: the same again is a poll, or a try of the same, and no new point."""
    writes = [at for at, signature in enumerate(requests) if " GET" not in signature]
    return requests[writes[-1] :] if writes else requests


class Play(Protocol):
    """Plays a life, struck at this point; gives whether it was."""

    def __call__(self, at: int, fate: Fate) -> bool: ...


def everywhere(play: Play, recorded: list[str], at_once: int, name: str) -> tuple[list[str], list[Point]]:
    """Play the life once for each request and fate, several at a time; gives what went wrong, and points not reached.

    Now and then a life has a request less than the recorded one: what was not reached is tried again.
    """
    points = [(at, fate) for at in range(1, len(recorded) + 1) for fate in FATES]
    faults, missed = _round(play, recorded, points, at_once, name)
    for _ in range(3):
        again, missed = _round(play, recorded, missed, at_once, name)
        faults += again
    return faults, missed


def _round(
    play: Play, recorded: list[str], points: list[Point], at_once: int, name: str
) -> tuple[list[str], list[Point]]:
    faults: list[str] = []
    missed: list[Point] = []

    def one(point: Point) -> None:
        at, fate = point
        try:
            struck = play(at, fate)
        except Exception as error:  # noqa: BLE001 (all points are played, whatever one of them does)
            faults.append(f"{fate.name} request {at} ({recorded[at - 1]}): {error!r}")
            print(f"\nFAILED {name}: {faults[-1]}", flush=True)
            return
        if not struck:
            missed.append(point)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, points))
    return faults, missed
