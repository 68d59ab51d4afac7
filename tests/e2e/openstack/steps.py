"""Steps: each says its name, its seconds, and when it fails the end of the logs that tell why."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STATE = pathlib.Path(os.environ["CLOUD_STATE"])
LOG = STATE / "log"


class FailedError(Exception):
    """A step cannot go on; `logs` are the files that tell why, by their names without the suffix."""

    def __init__(self, message: str, *logs: str) -> None:
        """Take one sentence and the logs to show."""
        super().__init__(message)
        self.logs = logs


def say(text: str) -> None:
    """Print one line."""
    print(f"openstack: {text}", flush=True)


@contextmanager
def step(name: str, *logs: str) -> Iterator[None]:
    """Announce a step and time it; if it fails, say so with the end of its logs and exit with 1."""
    began = time.monotonic()
    say(f"{name} ...")
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it was, the step and the log must be named
        say(f'FAILED in the step "{name}" after {time.monotonic() - began:.0f} s: {type(error).__name__}: {error}')
        for log in getattr(error, "logs", ()) or logs:
            show_end(log)
        sys.exit(1)
    say(f"{name}: {time.monotonic() - began:.1f} s")


def show_end(log: str, lines: int = 20, width: int = 300) -> None:
    """Print the last lines of a process's own log and of what it wrote to its output."""
    for path in (LOG / f"{log}.out", LOG / f"{log}.log"):
        if path.exists() and path.stat().st_size:
            say(f"the end of {path}:")
            for line in path.read_text(errors="replace").splitlines()[-lines:]:
                print(line[:width], flush=True)


def run(*command: object, log: str, seconds: float = 600, env: dict[str, str] | None = None) -> None:
    """Run a command to its end, its output appended to a log."""
    words = [str(word) for word in command]
    LOG.mkdir(parents=True, exist_ok=True)
    with (LOG / f"{log}.log").open("a") as out:
        print("$", *words, file=out, flush=True)
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(env or {})},
            timeout=seconds,
            check=False,
        )
    if done.returncode:
        raise FailedError(f"`{' '.join(words)}` ended with {done.returncode}", log)


def wait_until(true: Callable[[], bool], seconds: float, otherwise: str, *logs: str) -> None:
    """Ask again and again until `true()`; after `seconds` fail with the sentence `otherwise`."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise FailedError(f"{otherwise} (waited {seconds:.0f} s)", *logs)
        time.sleep(0.2)
