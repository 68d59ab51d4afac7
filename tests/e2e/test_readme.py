"""The README's first lease, command by command, on the real parts. RECORD=1 writes what was printed into the page."""

import base64
import os
import shlex
import subprocess
from pathlib import Path

from tests.e2e import transcripts
from tests.e2e.conftest import ADMIN, KUBECTL, Users
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import secret
from tests.e2e.process import Lessor

ROOT = Path(__file__).parents[2]


def test_the_first_lease_of_the_readme_prints_what_stands_there(
    lessor: Lessor, leases: Leases, users: Users, tmp_path: Path
) -> None:
    alice = users["alice"]
    clouds = secret("cloud", alice)["data"]["clouds.yaml"]
    (tmp_path / "clouds.yaml").write_bytes(base64.b64decode(clouds))
    (tmp_path / "docs").symlink_to(ROOT / "docs")

    def run(command: str) -> str:
        program, *args = shlex.split(command)
        assert program == "kubectl"
        flags = ["--kubeconfig", str(ADMIN), "--namespace", leases.namespace]
        done = subprocess.run(
            [str(KUBECTL), *flags, *args], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, (command, done.stderr, lessor.log())
        return done.stdout

    server = alice.boot("db-1")
    try:
        lessor.start()
        readme = ROOT / "README.md"
        page, differing = transcripts.replay(readme.read_text(), run)
        if os.environ.get("RECORD"):
            readme.write_text(page)
        else:
            assert differing == []
    finally:
        alice.remove(server)
