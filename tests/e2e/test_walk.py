"""The walk from a manifest to a stopped, locked and deleted server, on a real API server and a real Nova."""

import time

from tests.e2e.conftest import Users
from tests.e2e.leases import Leases
from tests.e2e.openstack_users import secret
from tests.e2e.process import Lessor

STOP_THEN_DELETE = {"stages": [{"after": "0s", "action": "Stop", "lock": True}, {"after": "20s", "action": "Delete"}]}


def test_a_manifest_ends_a_servers_time_though_the_operator_is_killed(
    lessor: Lessor, leases: Leases, users: Users
) -> None:
    alice = users["alice"]
    server = alice.boot("walk")
    try:
        lessor.start()
        leases.apply(secret("cloud", alice))
        leases.lease("walk", server, duration="20s", expiry=STOP_THEN_DELETE)
        leases.until("walk", "Ready", ("True", "InTerm"))
        seen = alice.server(server)
        assert seen is not None
        assert {"lessor_mark", "lessor_expires"} <= seen["metadata"].keys()
        lessor.kill()
        time.sleep(1)
        lessor.start()
        leases.until("walk", "Enforced", ("True", "Stopped"))
        seen = alice.server(server)
        assert seen is not None
        assert (seen["status"], seen["locked"]) == ("SHUTOFF", True)
        assert seen["locked_reason"].startswith("Expired ")
        lessor.kill()
        lessor.start()
        leases.until("walk", "Enforced", ("True", "Deleted"))
        alice.until_gone(server)
        assert alice.actions(server) == ["create", "stop", "lock", "unlock", "delete"]
        assert leases.events("walk") == ["Adopted", "Deleted", "Ended", "ExpiringSoon", "Stopped"]
        leases.run("delete", "instancelease", "walk")
        assert lessor.stop() == 0
    finally:
        alice.delete(server)
