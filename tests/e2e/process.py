"""`lessor run` as its own process: started, killed, started again, its log at hand."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Protocol

_PORT = re.compile(r"probes and metrics port=(\d+)")


class Process(Protocol):
    """A process that was started."""

    pid: int

    def poll(self) -> int | None:
        """Give the exit code, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; gives the exit code."""


class Lessor:
    """One operator process. Start it as often as needed; each start appends to the same log."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *flags: str,
        program: tuple[str, ...] = ("-m", "lessor"),
        forks: "ForkServer | None" = None,
    ) -> None:
        """Without an election, unless `--leader-elect` is among the flags: who is killed would be waited for."""
        self._program = program
        self._kubeconfig = kubeconfig
        self._log = log
        self._flags = ("--no-leader-elect", *flags)  # of two that exclude each other the last holds
        self._forks = forks
        self._process: Process | None = None
        self._began = 0

    def start(self, *, wait: bool = True) -> "Lessor":
        """Start it, and wait until its first list is through."""
        self._began = self._log.stat().st_size if self._log.exists() else 0
        args = ["run", "--probe-port", "0", "--allow-loopback", *self._flags]
        env = {"KUBECONFIG": str(self._kubeconfig)}
        if self._forks is not None:
            self._process = self._forks.start(args, env, self._log)
        else:
            with self._log.open("ab") as out:
                command = [sys.executable, *self._program, *args]
                self._process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **env})
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
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def freeze(self) -> None:
        """Stop it with SIGSTOP: nothing of it goes on."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def leads(self) -> bool:
        """Tell whether it holds the leader lock."""
        try:
            return "lessor_leader 1.0" in self.get("metrics")
        except (OSError, AssertionError):
            return False

    def stop(self, timeout: float = 30.0) -> int:
        """End it with SIGTERM; gives the exit code."""
        self.ask_to_stop()
        return self.wait(timeout)

    def ask_to_stop(self) -> None:
        """Send it SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until it ends by itself; gives the exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    def log(self) -> str:
        """Give what was logged since the last start."""
        return self._log.read_bytes()[self._began :].decode(errors="replace") if self._log.exists() else ""


class ForkServer:
    """Starts operators without importing everything each time: see forkserver.py."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("forkserver.py"))]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()

    def start(self, args: list[str], env: dict[str, str], log: Path) -> "Forked":
        """Start one operator."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(json.dumps({"args": args, "env": env, "log": str(log)}) + "\n")
            self._server.stdin.flush()
            return Forked(int(self._server.stdout.readline()))

    def close(self) -> None:
        """End the server; what it started goes on."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(10)


class Forked:
    """A process that another one reaps: its exit code is not known."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """Give 0 when it is gone."""
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it is gone."""
        end = time.monotonic() + (timeout or 60.0)
        while self.poll() is None:
            assert time.monotonic() < end, f"{self.pid} is still there"
            time.sleep(0.01)
        return 0
