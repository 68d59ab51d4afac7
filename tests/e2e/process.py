"""`lessor run` as its own process: started, killed, started again, its log at hand."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_PORT = re.compile(r"probes and metrics port=(\d+)")


class Lessor:
    """One operator process. Start it as often as needed; each start appends to the same log."""

    def __init__(self, kubeconfig: Path, log: Path, *flags: str, env: dict[str, str] | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._log = log
        self._flags = flags
        self._env = env or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    def start(self, *, wait: bool = True) -> "Lessor":
        """Start it, and wait until its first list is through."""
        self._began = self._log.stat().st_size if self._log.exists() else 0
        command = [sys.executable, "-m", "lessor", "run", "--probe-port", "0", "--allow-loopback", *self._flags]
        env = {**os.environ, "KUBECONFIG": str(self._kubeconfig), **self._env}
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env=env)
        if wait:
            self.until_ready()
        return self

    def until_ready(self, timeout: float = 60.0) -> None:
        """Wait until /readyz says so."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.ready():
                return
            assert self.running, self.log()
            time.sleep(0.05)
        raise AssertionError(f"not ready after {timeout} s:\n{self.log()}")

    def ready(self) -> bool:
        """Tell whether /readyz answers ok."""
        try:
            return self.get("readyz") == "ok\n"
        except (OSError, AssertionError):
            return False

    def get(self, path: str) -> str:
        """Read a page of the probe server."""
        match = _PORT.search(self.log())
        assert match is not None, "the probe port is not known yet"
        url = f"http://127.0.0.1:{match.group(1)}/{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The pid of the process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it with SIGKILL, as a lost node would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self, timeout: float = 30.0) -> int:
        """End it with SIGTERM; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout)

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until it ends by itself; gives the exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    def log(self) -> str:
        """Give what was logged since the last start."""
        return self._log.read_bytes()[self._began :].decode(errors="replace")
