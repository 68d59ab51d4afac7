"""`lessor demo` as a process, and its pretend API server as a visitor asks it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_PATIENCE = 60


class Demo:
    """A demonstration that runs."""

    def __init__(self, *args: str, env: dict[str, str] | None = None) -> None:
        """Start it with these flags; `env` is all of its environment that matters."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lessor", "demo", *args],
            cwd=ROOT / "operator",
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_listen,  # noqa: PLW1509 (no thread of ours holds a lock that it needs)
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str) -> str:
        """Wait for a line like this, and give it."""
        with self._news:
            self._news.wait_for(lambda: self._over or self._found(pattern) is not None, _PATIENCE)
            found = self._found(pattern)
        assert found is not None, "\n".join(self.lines)
        return found

    def interrupt(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.code()

    def code(self) -> int:
        """Wait for the end, and give the exit code."""
        code = self._process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        return code

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _found(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        self._process.stdout.close()
        with self._news:
            self._over = True
            self._news.notify_all()


def _listen() -> None:
    """Let Ctrl-C be heard, also where the tests themselves run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def listed(kubeconfig: Path, path: str) -> list[dict[str, Any]]:
    """Give the items of a list, as the kubeconfig leads."""
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    with urllib.request.urlopen(f"{server}{path}", timeout=10) as answer:
        items: list[dict[str, Any]] = json.load(answer)["items"]
    return items
