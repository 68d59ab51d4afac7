"""The operator's process, watched from outside: its CPU, its memory, what it counts itself."""

import re
from pathlib import Path
from typing import Self

from tests.bench import clock, cost
from tests.e2e.process import Lessor

_KNOWN = "all objects are known"
_COUNT = re.compile(r'lessor_kubernetes_requests_total\{code="(\w+)",resource="([^"]+)",verb="(\w+)"\} ([0-9.e+]+)')


class Watched:
    """One operator, as long as the block runs."""

    def __init__(self, kubeconfig: Path, log: Path, *flags: str) -> None:
        self._lessor = Lessor(kubeconfig, log, *flags)
        self._log = log

    def __enter__(self) -> Self:
        self._lessor.start(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._lessor.kill()

    def until_known(self, timeout: float) -> None:
        """Wait until its first list is through: by its log, for a probe would cost it CPU.

        Raises:
            TimeoutError: it is not.
        """
        clock.until(self._knows, f"the operator knows all objects; its log is {self._log}", timeout, pause=0.02)

    def _knows(self) -> bool:
        if not self._lessor.running:
            raise RuntimeError(f"the operator ended:\n{self._lessor.log()[-3000:]}")
        return _KNOWN in self._lessor.log()

    def leads(self) -> bool:
        """Tell whether it holds the leader lock."""
        return self._lessor.leads()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._lessor.kill()

    def cpu_seconds(self) -> float:
        """Give the CPU seconds of all its threads so far."""
        return cost.cpu_seconds(self._lessor.pid)

    def peak_megabytes(self) -> float:
        """Give the most memory that it ever held, in 10**6 bytes. Source: proc(5), VmHWM of status, in KiB."""
        status = Path(f"/proc/{self._lessor.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def patches(self) -> dict[str, int]:
        """Give how many PATCHes it sent, by resource, whatever the answer."""
        found: dict[str, int] = {}
        for _, resource, verb, count in _COUNT.findall(self._lessor.get("metrics")):
            if verb == "patch":
                found[resource] = found.get(resource, 0) + int(float(count))
        return found
