"""Leases on the real Blazar: each kind of reservation, now and later, extended, refused, healed, taken over, let go."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.blazar import Blazar
from tests.e2e.conftest import ADMIN, Kubectl, Users, own_namespace
from tests.e2e.leases import Leases, manifest
from tests.e2e.openstack_users import User, secret
from tests.e2e.process import Lessor

ONE_HOST = {"name": "nodes", "host": {"minCount": 1, "maxCount": 1}}
THREE_HOSTS = {"name": "nodes", "host": {"minCount": 3, "maxCount": 3}}
SMALL = {"name": "vms", "instance": {"vcpus": 1, "memoryMiB": 64, "diskGiB": 1, "amount": 1}}


def later(**span: float) -> str:
    """Give an instant that long from now, to the minute, as a manifest has it."""
    at = datetime.now(UTC) + timedelta(**span)
    return at.replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


class Site:
    """A namespace, its operator, and Blazar as its user sees it."""

    def __init__(self, leases: Leases, alice: User, log: Path) -> None:
        self.leases = leases
        self.alice = alice
        self.blazar = Blazar(alice)
        self.lessor = Lessor(ADMIN, log, "--namespace", leases.namespace)

    def lease(self, name: str, *reservations: dict[str, Any], **spec: Any) -> None:
        ref = {"secretName": "cloud", "cloudName": "openstack"}
        what = {"reservations": [*reservations]} if reservations else {}
        self.leases.apply(manifest("Lease", name, {"cloudCredentialsRef": ref, **what, **spec}))

    def look(self, name: str) -> None:
        self.leases.run("annotate", "--overwrite", "blz", name, f"lessor.dev/reconcile-requested-at={time.time()}")

    def until(self, name: str, kind: str, want: tuple[str, str], timeout: float = 60.0) -> None:
        self.leases.until(name, kind, want, timeout, of="lease")

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.leases.get(name, "lease")["status"]
        return status

    def message(self, name: str, kind: str) -> str:
        return next(str(one["message"]) for one in self.status(name)["conditions"] if one["type"] == kind)

    def seen(self, name: str) -> dict[str, Any]:
        found = self.blazar.lease(self.status(name)["leaseID"])
        assert found is not None
        return found

    def remove(self, name: str) -> None:
        lease_id = self.status(name).get("leaseID")
        self.leases.delete(name, "lease")
        self.leases.until_gone(name, "lease", timeout=90)
        if lease_id is not None:
            assert self.blazar.lease(lease_id) is None


@pytest.fixture(scope="module")
def site(
    kubectl: Kubectl, api: Api, users: Users, _crds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with own_namespace(api) as namespace:
        made = Site(Leases(kubectl, api, namespace), users["alice"], tmp_path_factory.mktemp("leases") / "lessor.log")
        made.blazar.clear()
        made.leases.apply(secret("cloud", users["alice"]))
        try:
            made.lessor.start()
            yield made
        finally:
            made.lessor.kill()
            made.blazar.clear()


def test_a_host_lease_that_starts_now_becomes_active_and_is_deleted_with_its_object(site: Site) -> None:
    site.lease("now", ONE_HOST, duration="1h")
    site.until("now", "Active", ("True", "InWindow"))
    status, seen = site.status("now"), site.seen("now")
    assert (seen["status"], seen["project_id"], seen["user_id"]) == (
        "ACTIVE",
        site.alice.project_id,
        status["trustorUserID"],
    )
    assert site.leases.condition("now", "Ready", "lease") == ("True", "InWindow")
    assert [(one["name"], one["id"]) for one in status["reservations"]] == [("nodes", seen["reservations"][0]["id"])]
    assert len(site.blazar.named(seen["name"])) == 1
    assert {"Reserved", "Activated"} <= set(site.leases.events("now"))
    site.remove("now")


def test_a_lease_never_ends_early(site: Site) -> None:
    asked = datetime.now(UTC)
    site.lease("grain", ONE_HOST, duration="10m")
    site.until("grain", "Reserved", ("True", "Reserved"))
    end = datetime.fromisoformat(site.seen("grain")["end_date"]).replace(tzinfo=UTC)
    assert asked + timedelta(minutes=10) <= end <= asked + timedelta(minutes=11, seconds=5)
    site.remove("grain")


def test_a_lease_that_starts_later_is_ready_as_soon_as_blazar_holds_it(site: Site) -> None:
    start, end = later(days=2), later(days=3)
    site.lease("later", ONE_HOST, startTime=start, endTime=end)
    site.until("later", "Ready", ("True", "Reserved"))
    status = site.status("later")
    assert (status["state"], status["startTime"], status["endTime"]) == ("PENDING", start, end)
    assert site.leases.condition("later", "Active", "lease") == ("False", "NotStarted")
    site.leases.patch("later", {"leaseName": "renamed-by-spec", "endTime": later(days=4)}, "blz")
    _until(lambda: site.seen("later")["name"] == "renamed-by-spec")
    _until(lambda: site.status("later")["endTime"] == site.leases.get("later", "lease")["spec"]["endTime"])
    site.leases.patch("later", {"startTime": later(days=1, hours=12)}, "blz")
    _until(lambda: site.status("later")["startTime"] == site.leases.get("later", "lease")["spec"]["startTime"])
    assert site.leases.condition("later", "Ready", "lease") == ("True", "Reserved")
    site.remove("later")


def test_the_other_types_tell_what_is_needed_to_use_them(site: Site) -> None:
    site.lease(
        "mixed",
        SMALL,
        {"name": "flv", "flavor": {"flavor": "nano", "amount": 1}},
        {"name": "pub", "floatingIP": {"network": "public", "amount": 1}},
        duration="1h",
    )
    site.until("mixed", "Active", ("True", "InWindow"))
    _until(lambda: bool(_reservation(site, "mixed", "pub").get("floatingIPs")))
    vms, flavored = _reservation(site, "mixed", "vms"), _reservation(site, "mixed", "flv")
    assert vms["flavorID"] == vms["id"]
    assert flavored["flavorID"] == flavored["id"]
    (address,) = _reservation(site, "mixed", "pub")["floatingIPs"]
    assert address.startswith("203.0.113.")
    site.leases.patch("mixed", {"duration": "2h"}, "blz")
    site.until("mixed", "Ready", ("False", "Refused"))
    assert site.seen("mixed")["status"] == "ACTIVE"
    site.remove("mixed")


def test_a_renewal_extends_and_is_answered(site: Site) -> None:
    site.lease("extended", ONE_HOST, duration="1h", renewal={"maxTotal": "3h"})
    site.until("extended", "Active", ("True", "InWindow"))
    before = datetime.fromisoformat(site.status("extended")["endTime"])
    _renew(site, "more", "extended", "1h")
    site.leases.until("more", "Granted", ("True", "Full"), of="leaserenewal")
    after = datetime.fromisoformat(site.status("extended")["endTime"])
    assert after - before == timedelta(hours=1)
    assert datetime.fromisoformat(site.seen("extended")["end_date"]).replace(tzinfo=UTC) == after
    site.remove("extended")


def test_a_refused_extension_leaves_the_lease_as_it_was_and_tells_how_long_it_could_be(site: Site) -> None:
    site.lease("mine", THREE_HOSTS, duration="1h")
    site.until("mine", "Active", ("True", "InWindow"))
    end = site.status("mine")["endTime"]
    theirs = site.blazar.reserve("theirs", hosts=3, start=later(hours=3), end=later(hours=4))
    _renew(site, "too-long", "mine", "5h")
    site.leases.until("too-long", "Granted", ("False", "NotEnoughResources"), of="leaserenewal")
    message = site.leases.get("too-long", "leaserenewal")["status"]["message"]
    assert "Not enough hosts available" in message
    assert "would have taken an end up to" in message
    assert site.status("mine")["endTime"] == end
    assert site.seen("mine")["end_date"][:16] == end[:16]
    site.blazar.delete(theirs)
    site.remove("mine")


def test_without_room_it_waits_and_gets_it_when_there_is(site: Site) -> None:
    theirs = site.blazar.reserve("theirs", hosts=3, start=later(days=5), end=later(days=6))
    site.lease("waits", THREE_HOSTS, startTime=later(days=5), endTime=later(days=6))
    site.until("waits", "Reserved", ("False", "NotEnoughResources"))
    assert "Not enough hosts available" in site.message("waits", "Reserved")
    site.blazar.delete(theirs)
    site.look("waits")
    site.until("waits", "Ready", ("True", "Reserved"))
    site.remove("waits")


def test_a_lease_that_an_update_broke_is_healed(site: Site) -> None:
    site.lease("broken", ONE_HOST, startTime=later(days=7), endTime=later(days=8))
    site.until("broken", "Ready", ("True", "Reserved"))
    site.blazar.break_lease(site.status("broken")["leaseID"])
    assert site.seen("broken")["status"] == "ERROR"
    site.look("broken")
    _until(lambda: site.seen("broken")["status"] == "PENDING")
    site.until("broken", "Ready", ("True", "Reserved"))
    site.remove("broken")


def test_a_lease_is_taken_over_and_left_there(site: Site) -> None:
    lease_id = site.blazar.reserve("by-hand", hosts=1, start=later(days=9), end=later(days=10))
    site.lease("taken", **{"import": {"name": "by-hand"}})
    site.until("taken", "Ready", ("True", "Reserved"))
    assert site.status("taken")["leaseID"] == lease_id
    site.leases.delete("taken", "lease")
    site.leases.until_gone("taken", "lease")
    assert site.blazar.lease(lease_id) is not None
    twin = site.blazar.reserve("by-hand", hosts=1, start=later(days=11), end=later(days=12))
    site.lease("ambiguous", **{"import": {"name": "by-hand"}})
    site.until("ambiguous", "Accepted", ("False", "ImportAmbiguous"))
    assert lease_id in site.message("ambiguous", "Accepted")
    site.remove("ambiguous")
    site.blazar.delete(lease_id)
    site.blazar.delete(twin)


def test_what_is_done_outside_is_told_and_not_fought(site: Site) -> None:
    site.lease("drifts", ONE_HOST, startTime=later(days=13), endTime=later(days=14))
    site.until("drifts", "Ready", ("True", "Reserved"))
    lease_id = site.status("drifts")["leaseID"]
    site.blazar.change(lease_id, name="somebody-s")
    site.until("drifts", "Degraded", ("True", "Renamed"), timeout=75)  # by the list of each minute
    assert site.seen("drifts")["name"] == "somebody-s"
    site.blazar.delete(lease_id)
    site.look("drifts")
    site.until("drifts", "Reserved", ("False", "Lost"), timeout=90)
    time.sleep(3)
    assert site.blazar.lease(lease_id) is None
    site.remove("drifts")


def test_deleting_a_lease_ends_the_servers_on_its_hosts(site: Site) -> None:
    site.lease("used", ONE_HOST, duration="1h")
    site.until("used", "Active", ("True", "InWindow"))
    server = site.alice.boot("on-a-host", hint=_reservation(site, "used", "nodes")["id"])
    site.remove("used")
    site.alice.until_gone(server)


@pytest.mark.parametrize(
    ("name", "reservation", "condition", "want", "words"),
    [
        ("no-flavor", {"name": "f", "flavor": {"flavor": "nonesuch"}}, "Reserved", ("False", "Refused"), "no flavor"),
        (
            "no-network",
            {"name": "f", "floatingIP": {"network": "nonesuch"}},
            "Reserved",
            ("False", "Refused"),
            "no external network",
        ),
        (
            "no-plugin",
            {"name": "d", "device": {"minCount": 1}},
            "Accepted",
            ("False", "UnsupportedResourceType"),
            "device",
        ),
        (
            "no-capability",
            {"name": "n", "host": {"resourceProperties": json.dumps(["==", "$nonesuch", "1"])}},
            "Reserved",
            ("False", "Refused"),
            "",
        ),
    ],
)
def test_what_the_cloud_does_not_have_is_said(
    site: Site, name: str, reservation: dict[str, Any], condition: str, want: tuple[str, str], words: str
) -> None:
    site.lease(name, reservation, duration="1h")
    site.until(name, condition, want)
    assert words in site.message(name, condition)
    site.remove(name)


def _renew(site: Site, name: str, lease: str, extend_by: str) -> None:
    spec = {"leaseRef": {"kind": "Lease", "name": lease}, "extendBy": extend_by}
    site.leases.apply(manifest("LeaseRenewal", name, spec))


def _reservation(site: Site, lease: str, name: str) -> dict[str, Any]:
    return next(one for one in site.status(lease)["reservations"] if one["name"] == name)


def _until(holds: Any, timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.3)
