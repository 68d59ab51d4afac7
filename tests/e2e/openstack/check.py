"""The check that a freshly started cloud does its work."""

from __future__ import annotations

import time

from contents import connect, reservation
from steps import FailedError, step, wait_until


def check() -> None:
    """Boot, snapshot and delete a server; make and delete a lease."""
    cloud = connect("alice")
    logs = ("nova-compute-cn-a", "nova-conductor", "nova-scheduler")
    image, flavor = cloud.get_image("tiny").id, cloud.get_flavor("nano").id
    server = cloud.compute.create_server(name="check", image_id=image, flavor_id=flavor, networks="none")
    try:
        with step("check: a server becomes ACTIVE", *logs):
            cloud.compute.wait_for_server(server, interval=1, wait=60)
        with step("check: its snapshot becomes active", "glance", *logs):
            snapshot = cloud.compute.create_server_image(server, "check").id
            wait_until(lambda: cloud.image.get_image(snapshot).status == "active", 60, "the image is not active")
            cloud.image.delete_image(snapshot)
    finally:
        with step("check: the server is deleted", *logs):
            cloud.compute.delete_server(server)
            cloud.compute.wait_for_delete(server, interval=1, wait=60)
    check_lease()


def check_lease() -> None:
    """Make a lease of a host that begins now, and delete it."""
    cloud = connect("alice")
    host = {
        "resource_type": "physical:host",
        "min": 1,
        "max": 1,
        "hypervisor_properties": "",
        "resource_properties": "",
    }
    end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 3600))
    body = {"name": "check", "start_date": "now", "end_date": end, "events": [], "reservations": [host]}
    with step("check: a lease becomes ACTIVE and is deleted", "blazar-manager", "blazar-api"):
        lease = reservation(cloud, "POST", "/leases", json=body)["lease"]["id"]
        try:
            wait_until(
                lambda: reservation(cloud, "GET", f"/leases/{lease}")["lease"]["status"] == "ACTIVE",
                60,
                "the lease is not ACTIVE",
            )
        finally:
            reservation(cloud, "DELETE", f"/leases/{lease}")
        left = {one["id"] for one in reservation(cloud, "GET", "/leases")["leases"]}
        if lease in left:
            raise FailedError("the lease is still there")
