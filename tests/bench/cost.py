"""What a PATCH costs whom: CPU of the API server, of etcd and of the client, told beside the rows to explain them."""

import os
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARTS = ("apiserver", "etcd")


def cpu_seconds(pid: int | str) -> float:
    """Give the CPU seconds of all threads of a process so far. Source: proc(5), fields 14 and 15 of stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Meter:
    """Reads the CPU of the control plane and of its client, as often as it is asked."""

    def __init__(self, client: Callable[[], float]) -> None:
        """Take how the CPU seconds of the client are read."""
        run = Path(os.environ["BENCH_KUBE"]) / "run"
        pids = {part: (run / f"{part}.pid").read_text().split()[0] for part in _PARTS}
        self._read = {part: lambda pid=pid: cpu_seconds(pid) for part, pid in pids.items()} | {"client": client}
        self._began = self.read()

    def read(self) -> dict[str, float]:
        """Give the CPU seconds of each so far."""
        return {part: read() for part, read in self._read.items()}

    def each(self, count: int) -> str:
        """Say what each of so many writes has cost since this was made."""
        now = self.read()
        spent = {part: 1000 * (now[part] - self._began[part]) / count for part in now}
        return ", ".join(f"{part} {cost:.1f} ms" for part, cost in spent.items())
