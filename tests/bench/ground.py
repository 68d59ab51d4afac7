"""What the rows stand on: the control plane with all of deploy/, the stub of the cloud, the seal, the size."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lessor.model.marks import Seal
from lessor.runtime import seal
from tests.bench.cloud import StubCloud
from tests.bench.fleet import Fleet
from tests.bench.kube import Kube
from tests.bench.table import say
from tests.bench.templates import Templates
from tests.bench.watched import Watched

_NAMESPACE = "lessor-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything that is shared.

    Attributes:
        size: how many leases a fleet has.
        idle_seconds: how long nothing is watched to happen.
        logs: the folder of the operators' logs.
    """

    size: int
    idle_seconds: float
    logs: Path
    kube: Kube
    cloud: StubCloud
    seal: Seal
    templates: Templates

    @property
    def patience(self) -> float:
        """Give how long something over the whole fleet may take before it counts as broken, in seconds."""
        return 120.0 + self.size / 10

    def fleet(self, namespace: str) -> Fleet:
        """Give a fleet in a namespace of its own."""
        self.kube.namespace(namespace, self.cloud.clouds_yaml)
        return Fleet(self.templates, self.kube.etcd, self.cloud, self.seal, namespace)

    def operator(self, name: str, *flags: str) -> Watched:
        """Give an operator that logs under this name; not started yet."""
        return Watched(self.kube.kubeconfig, self.logs / f"{name}.log", *flags)


@contextmanager
def laid() -> Iterator[Ground]:
    """Lay it, as the environment says: BENCH_N, BENCH_IDLE, and what run.sh sets."""
    kube, logs = Kube(Path(os.environ["BENCH_KUBE"])), Path(os.environ["BENCH_LOGS"])
    for log in logs.glob("*.log"):
        log.unlink()
    say("install deploy/, start the stub of the cloud")
    kube.install()
    with StubCloud() as cloud:
        made = Ground(
            size=int(os.environ.get("BENCH_N", "10000")),
            idle_seconds=float(os.environ.get("BENCH_IDLE", "190")),
            logs=logs,
            kube=kube,
            cloud=cloud,
            seal=kube.with_client(lambda cluster: seal.ensure(cluster, _NAMESPACE)).seal,
            templates=Templates(kube),
        )
        made.fleet("bench-quiet").prepare()
        yield made
