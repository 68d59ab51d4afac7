"""Objects that were deleted while nobody told the operator: none of them is acted on.

After a restart of the API server Kopf never reports the deletions of the gap; the guard is that each effect reads its
object again first.
"""

import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e import kubeconfigs
from tests.e2e.conftest import ADMIN, Users
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import secret
from tests.e2e.process import Lessor
from tests.e2e.proxy import Fate, Proxy, Seen

GUARDED = ("-m", "lessor")
UNGUARDED = (str(Path(__file__).with_name("unguarded.py")),)


def no_stop(seen: Seen) -> Fate:
    return Fate.REFUSE if b"os-stop" in seen.body else Fate.PASS


def restart_api_server() -> None:
    script = Path(__file__).with_name("kube") / "kube.sh"
    subprocess.run([str(script), "restart", "apiserver", "kill"], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    ("program", "acted_on"), [(GUARDED, False), (UNGUARDED, True)], ids=["guarded", "with the guard taken out"]
)
@pytest.mark.usefixtures("_crds")
def test_a_ghost_is_not_acted_on(
    leases: Leases, users: Users, tmp_path: Path, program: tuple[str, ...], acted_on: bool
) -> None:
    alice = users["alice"]
    url, trust = kubeconfigs.upstream(ADMIN)
    server = alice.boot("ghost")
    with Proxy(url, verify=trust) as kube, Proxy(alice.root("compute")) as nova:
        flags = ("--namespace", leases.namespace)
        kubeconfig = kubeconfigs.through(ADMIN, tmp_path / "kubeconfig", kube.url)
        lessor = Lessor(kubeconfig, tmp_path / "lessor.log", *flags, program=program)
        try:
            nova.judge = no_stop
            lessor.start()
            leases.apply(secret("cloud", alice, compute_endpoint_override=nova.url + alice.path("compute")))
            leases.lease("ghost", server, duration="3s")
            leases.until("ghost", "Enforced", ("False", "CloudUnavailable"))
            kube.cut()
            leases.delete("ghost")
            leases.run("patch", "instancelease", "ghost", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
            leases.until_gone("ghost")
            restart_api_server()
            nova.judge = lambda _: Fate.PASS
            kube.open()
            end = time.monotonic() + 60
            while time.monotonic() < end and "stop" not in alice.actions(server):
                time.sleep(1)
            assert ("stop" in alice.actions(server)) is acted_on, lessor.log()
        finally:
            lessor.kill()
            alice.remove(server)
