"""The main job: eight servers of two projects, every action, renewals in every stage, people in the way, restarts."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import ADMIN, Kubectl, Users, own_namespace
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import Lessor

SOON = "25s"


def stages(*steps: tuple[str, str]) -> dict[str, Any]:
    return {"stages": [{"after": after, "action": action, "lock": action != "Delete"} for after, action in steps]}


def cloud(verb: str, process: str) -> None:
    """Stop or start a process of the cloud."""
    script = Path(__file__).with_name("openstack") / "cloud.sh"
    subprocess.run([str(script), verb, process], check=True, capture_output=True, timeout=120)


class Job:
    """Two people, each with a namespace and a project, and one operator for both."""

    def __init__(self, leases: tuple[Leases, Leases], users: Users, log: Path) -> None:
        self.alice, self.anna, self.bob, self.admin = (users[name] for name in ("alice", "anna", "bob", "admin"))
        self.a, self.b = leases
        self.lessor = Lessor(ADMIN, log, "--namespace", self.a.namespace, "--namespace", self.b.namespace)
        self.servers: dict[str, str] = {}

    def prepare(self) -> None:
        self.a.apply(secret("cloud", self.alice))
        self.a.apply(secret("admin-cloud", self.admin))
        self.b.apply(secret("cloud", self.bob))
        for name in ("stop", "shelve", "snapshot", "locked", "rescued", "gone"):
            self.servers[name] = self.alice.boot(f"job-{name}", network="private")
        for name in ("theirs", "kept"):
            self.servers[name] = self.bob.boot(f"job-{name}", network="private")

    def seen(self, name: str, user: User | None = None) -> dict[str, Any]:
        server = (user or self.alice).server(self.servers[name])
        assert server is not None
        return server

    def clear(self) -> None:
        for server in self.servers.values():
            self.admin.act(server, "unlock")
            self.admin.delete(server)


@pytest.fixture(scope="module")
def job(
    kubectl: Kubectl, api: Api, users: Users, _crds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Job]:
    log = tmp_path_factory.mktemp("job") / "lessor.log"
    with own_namespace(api) as team_a, own_namespace(api) as team_b:
        made = Job((Leases(kubectl, api, team_a), Leases(kubectl, api, team_b)), users, log)
        try:
            made.prepare()
            made.lessor.start()
            yield made
        finally:
            made.lessor.kill()
            made.clear()


def test_a_stopped_server_comes_back_with_its_id_and_addresses(job: Job) -> None:
    before = job.seen("stop")
    job.a.lease("stop", job.servers["stop"], duration=SOON)
    job.a.until("stop", "Enforced", ("True", "Stopped"))
    stopped = job.seen("stop")
    assert (stopped["status"], stopped["locked"]) == ("SHUTOFF", True)
    refused = job.alice.act(job.servers["stop"], "os-start")
    assert refused.status_code == 409
    job.a.renew("again", "stop", "1h")
    job.a.until("again", "Granted", ("True", "Full"), of="leaserenewal")
    job.a.until("stop", "Ready", ("True", "InTerm"))
    after = job.seen("stop")
    assert (after["status"], after["locked"]) == ("ACTIVE", False)
    assert (after["id"], after["addresses"]) == (before["id"], before["addresses"])
    assert job.a.condition("stop", "Expired") == ("False", "Renewed")
    assert after["metadata"]["lessor_expires"] == job.a.get("stop")["status"]["expireTime"]


def test_a_shelved_server_comes_back_with_its_id_and_addresses(job: Job) -> None:
    before = job.seen("shelve")
    job.a.lease("shelve", job.servers["shelve"], duration=SOON, expiry=stages(("0s", "Stop"), ("5s", "Shelve")))
    job.a.until("shelve", "Enforced", ("True", "Shelved"), timeout=120)
    shelved = job.seen("shelve")
    assert (shelved["status"], shelved["locked"]) == ("SHELVED_OFFLOADED", True)
    job.a.renew("unshelve", "shelve", "1h")
    job.a.until("shelve", "Ready", ("True", "InTerm"), timeout=120)
    after = job.seen("shelve")
    assert (after["status"], after["locked"]) == ("ACTIVE", False)
    assert (after["id"], after["addresses"]) == (before["id"], before["addresses"])
    assert not [image for image in job.alice.images_of(job.servers["shelve"]) if image["name"].endswith("-shelved")]


def test_a_snapshot_is_made_once_and_the_server_deleted_after_it(job: Job) -> None:
    server = job.servers["snapshot"]
    steps = stages(("0s", "Snapshot"), ("15s", "Delete"))
    job.a.lease("snapshot", server, duration=SOON, expiry=steps)
    job.a.until("snapshot", "Enforced", ("True", "Snapshotted"), timeout=120)
    (image,) = job.alice.images_of(server)
    assert image["status"] == "active"
    job.a.renew("keep", "snapshot", "20s")
    job.a.until("snapshot", "Ready", ("True", "InTerm"))
    assert job.seen("snapshot")["status"] == "ACTIVE"
    job.a.until("snapshot", "Enforced", ("True", "Deleted"), timeout=120)
    job.alice.until_gone(server)
    assert len(job.alice.images_of(server)) == 2
    job.a.renew("too-late", "snapshot", "1h")
    job.a.until("too-late", "Granted", ("False", "TooLate"), of="leaserenewal")


def test_a_colleagues_lock_holds_our_hand(job: Job) -> None:
    server = job.servers["locked"]
    job.a.lease("locked", server, duration=SOON)
    job.a.until("locked", "Ready", ("True", "InTerm"))
    assert job.anna.act(server, "lock", {"locked_reason": "mine"}).status_code == 202
    job.a.until("locked", "Enforced", ("False", "ServerLocked"))
    time.sleep(2)
    assert (job.seen("locked")["status"], job.seen("locked")["locked_reason"]) == ("ACTIVE", "mine")
    assert job.anna.act(server, "unlock").status_code == 202
    job.a.run("annotate", "instancelease", "locked", "lessor.dev/reconcile-requested-at=now")
    job.a.until("locked", "Enforced", ("True", "Stopped"))


def test_a_rescued_server_is_only_locked(job: Job) -> None:
    server = job.servers["rescued"]
    job.a.lease("rescued", server, duration=SOON)
    job.a.until("rescued", "Ready", ("True", "InTerm"))
    assert job.alice.act(server, "rescue").status_code == 200
    job.alice.until(server, lambda seen: seen is not None and seen["status"] == "RESCUE", "RESCUE")
    job.a.until("rescued", "Enforced", ("True", "LockedOnly"))
    assert (job.seen("rescued")["status"], job.seen("rescued")["locked"]) == ("RESCUE", True)


def test_a_busy_server_is_waited_for(job: Job) -> None:
    server = job.servers["kept"]
    job.b.lease("busy", server, duration=SOON)
    job.b.until("busy", "Ready", ("True", "InTerm"))
    compute = "nova-compute-" + job.seen("kept", job.admin)["OS-EXT-SRV-ATTR:host"]
    cloud("stop", compute)  # a reboot that nobody carries out keeps the server busy
    try:
        assert job.bob.act(server, "reboot", {"type": "SOFT"}).status_code == 202
        job.b.until("busy", "Enforced", ("False", "ServerBusy"))
        assert "stop" not in job.bob.actions(server)
    finally:
        cloud("start", compute)
    job.b.until("busy", "Enforced", ("True", "Stopped"), timeout=120)
    job.b.renew("after-busy", "busy", "1h")
    job.b.until("busy", "Ready", ("True", "InTerm"))
    assert job.seen("kept", job.bob)["status"] == "ACTIVE"
    job.b.delete("busy")
    job.b.until_gone("busy")


def test_a_server_that_its_owner_deleted_is_missing_and_nothing_is_done(job: Job) -> None:
    server = job.servers["gone"]
    job.a.lease("gone", server, duration="1h")
    job.a.until("gone", "Ready", ("True", "InTerm"))
    job.alice.delete(server)
    job.alice.until_gone(server)
    job.a.run("annotate", "instancelease", "gone", "lessor.dev/reconcile-requested-at=now")
    job.a.until("gone", "ServerFound", ("False", "Missing"))
    assert "ServerMissing" in job.a.events("gone")


def test_another_projects_server_is_out_of_reach(job: Job) -> None:
    server = job.servers["theirs"]
    job.a.lease("theirs", server, duration=SOON)
    job.a.until("theirs", "ServerFound", ("False", "NotFoundYet"))
    ref = {"secretName": "admin-cloud", "cloudName": "openstack"}
    job.a.lease("theirs-by-admin", server, duration=SOON, cloudCredentialsRef=ref)
    job.a.until("theirs-by-admin", "ServerFound", ("Unknown", "Forbidden"))
    job.b.lease("theirs", server, duration=SOON)
    job.b.until("theirs", "Enforced", ("True", "Stopped"))
    assert job.bob.actions(server) == ["create", "stop", "lock"]


def test_an_edited_and_a_deleted_manifest_are_followed(job: Job) -> None:
    server = job.servers["kept"]
    job.b.lease("kept", server, duration="1h")
    job.b.until("kept", "Ready", ("True", "InTerm"))
    job.b.patch("kept", {"duration": "1s"})
    job.b.until("kept", "Enforced", ("True", "Stopped"))
    job.lessor.kill()
    job.b.patch("kept", {"duration": "2h"})
    job.lessor.start()
    job.b.until("kept", "Ready", ("True", "InTerm"))
    assert job.seen("kept", job.bob)["status"] == "ACTIVE"
    job.b.lease("second", server, duration="1h")
    job.b.until("second", "Accepted", ("False", "AlreadyLeased"))
    job.b.run("delete", "instancelease", "kept")
    job.b.until("second", "Accepted", ("True", "Accepted"))
    job.b.until("second", "Marked", ("True", "Marked"))
    job.b.run("delete", "instancelease", "second")
    job.b.until_gone("second")
    seen = job.seen("kept", job.bob)
    assert (seen["status"], seen["locked"], seen["metadata"]) == ("ACTIVE", False, {})


def test_in_the_end_the_operator_stops_when_it_is_asked_to(job: Job) -> None:
    assert job.lessor.stop() == 0
    assert "Traceback" not in job.lessor.log()
