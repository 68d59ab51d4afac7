"""One hand-made life, from the manifest to its deletion: each PATCH and each write to Nova counted."""

import uuid
from collections.abc import Collection, Iterator
from typing import Any

from lessor.model import names
from lessor.model.names import Kind
from lessor.model.observed import ObservedServer
from tests.bench import clock
from tests.bench.ground import Ground
from tests.bench.table import Row, say

LIFE = "life"
NAMES = (LIFE,)
_NAMESPACE, _NAME = "bench-life", "vm1"
_PLURAL = Kind.INSTANCE_LEASE.plural
# Finalizer on and off; first status, Expiring, claim, report.
_PATCHES = {_PLURAL: 2, f"{_PLURAL}/status": 4}
_NOVA = ["metadata.write", "os-stop", "lock", "unlock", "metadata.remove", "metadata.remove"]
_READS = {"token", "servers.list", "servers.get", "servers.actions.list", "images.list"}


def rows(ground: Ground, _: Collection[str]) -> Iterator[Row]:
    """Play it, and count."""
    say("play one life of ten seconds")
    ground.kube.namespace(_NAMESPACE, ground.cloud.clouds_yaml)
    server = str(uuid.uuid4())
    ground.cloud.add([ObservedServer(id=server, name=_NAME, metadata={})])
    ground.cloud.requests()
    with ground.operator("life", "--namespace", _NAMESPACE) as operator:
        operator.until_known(ground.patience)
        _play(ground, server)
        patches = {key: count for key, count in operator.patches().items() if key.startswith(_PLURAL)}
    nova = [request.what for request in ground.cloud.requests() if request.what not in _READS]
    ground.cloud.clear()
    yield Row(
        "writes of one hand-made life",
        f"{sum(_PATCHES.values())} PATCHes (2 object, 4 status), {len(_NOVA)} to Nova",
        _figure(patches, nova),
        patches == _PATCHES and nova == _NOVA,
    )


def _figure(patches: dict[str, int], nova: list[str]) -> str:
    text = f"{sum(patches.values())} ({patches.get(_PLURAL, 0)}, {patches.get(f'{_PLURAL}/status', 0)}), {len(nova)}"
    return text if nova == _NOVA else f"{text}: {' '.join(nova)}"


def _play(ground: Ground, server: str) -> None:
    manifest: dict[str, Any] = {
        "apiVersion": names.API_VERSION,
        "kind": Kind.INSTANCE_LEASE.value,
        "metadata": {"name": _NAME, "namespace": _NAMESPACE},
        "spec": {
            "cloudCredentialsRef": {"secretName": "cloud", "cloudName": "openstack"},
            "server": {"id": server},
            "duration": "10s",
        },
    }
    ground.kube.run("apply", "-f", "-", body=manifest)
    clock.until(lambda: _stopped(ground), "the server is stopped", 60.0, pause=0.5)
    clock.sleep(2.0)
    ground.kube.run("-n", _NAMESPACE, "delete", "instancelease", _NAME, "--timeout=30s")
    clock.sleep(1.0)


def _stopped(ground: Ground) -> bool:
    return ground.kube.condition(_NAMESPACE, _NAME, "Enforced") == ("True", "Stopped")
