"""What the services show of their things, as the JSON of their APIs.

Source: nova/api/openstack/compute/views/servers.py, glance/api/v2/images.py, keystone/api.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from lessor.simulated.cloud import people, states
from lessor.simulated.cloud.compute import Entry
from lessor.simulated.cloud.images import Image
from lessor.simulated.cloud.people import ApplicationCredential, Assignment, People, Project, User
from lessor.simulated.cloud.server import Flavor, Server

Record = dict[str, Any]
LATEST = 73
_DOMAIN = {"id": people.DOMAIN, "name": "Default"}
# The first microversion 2.x of a field. Source: nova/api/openstack/compute/rest_api_version_history.rst.
_SINCE: Mapping[str, int] = {
    "locked": 9,
    "host_status": 16,
    "description": 19,
    "tags": 26,
    "trusted_image_certificates": 63,
    "server_groups": 71,
    "locked_reason": 73,
}
# Nova builds links from `[api]compute_link_prefix`; nobody follows those of a record.
_LINKS = "http://nova.example"
_FAULTY = frozenset({"error", "deleted"})


def zulu(instant: datetime) -> str:
    """Give an instant as `2026-11-22T09:40:32Z`."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def naive(instant: datetime | None) -> str | None:
    """Give an instant as `2026-11-22T09:40:34.000000`, in UTC though it does not say so."""
    return None if instant is None else f"{instant:%Y-%m-%dT%H:%M:%S.%f}"


def micro(instant: datetime) -> str:
    """Give an instant as `2026-11-22T09:40:34.000000Z`."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"


# ---------------------------------------------------------------- Nova


def server(found: Server, *, admin: bool, minor: int = LATEST) -> Record:
    """Give a server's record of the detailed list."""
    record = {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "tenant_id": found.project_id,
        "user_id": found.user_id,
        "metadata": found.metadata,
        "hostId": _host_id(found),
        "image": "" if found.image_id is None else _linked(found.image_id, "images"),
        "flavor": flavor_in(found.flavor) if minor >= 47 else _linked(found.flavor.id, "flavors"),
        "created": zulu(found.created),
        "updated": zulu(found.updated),
        "addresses": {},
        "accessIPv4": "",
        "accessIPv6": "",
        "links": links(found.id),
        "OS-DCF:diskConfig": "AUTO",
        "OS-EXT-AZ:availability_zone": "nova" if found.host else "",
        "config_drive": "",
        "key_name": None,
        "OS-SRV-USG:launched_at": naive(found.launched),
        "OS-SRV-USG:terminated_at": naive(found.terminated),
        "OS-EXT-STS:task_state": found.task_state,
        "OS-EXT-STS:vm_state": found.vm_state,
        "OS-EXT-STS:power_state": found.power_state,
        "os-extended-volumes:volumes_attached": [],
        "locked": found.locked_by is not None,
        "locked_reason": found.locked_reason,
        "description": found.description,
        "tags": list(found.tags),
        "trusted_image_certificates": None,
    }
    if found.status in {"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE"}:
        record["progress"] = 0
    if found.fault is not None and found.vm_state in _FAULTY:
        record["fault"] = {"code": 500, "created": zulu(found.updated), "message": found.fault}
    if found.vm_state not in states.OVER:
        record["security_groups"] = [{"name": "default"}]
    if admin:
        record |= _of_admins(found)
    for name in [name for name in record if _SINCE.get(name, 0) > minor]:
        del record[name]
    return record


def encoded(found: Server) -> bytes:
    """Give the record for members at 2.73, encoded once for each change."""
    if found.encoded is None:
        found.encoded = msgspec.json.encode(server(found, admin=False))
    return found.encoded


def one(found: Server, *, admin: bool, minor: int = LATEST) -> Record:
    """Give a server as `GET /servers/{id}` shows it."""
    record = server(found, admin=admin, minor=minor)
    return record | {"server_groups": []} if minor >= _SINCE["server_groups"] else record


def unreachable(found: Server, *, listed: bool) -> Record:
    """Give what is known of a server whose cell is down. Source: views/servers.py, _show_from_down_cell (2.69)."""
    record: Record = {
        "id": found.id,
        "status": "UNKNOWN",
        "tenant_id": found.project_id,
        "created": zulu(found.created),
        "links": links(found.id),
    }
    if listed:
        return record
    return record | {
        "image": "" if found.image_id is None else _linked(found.image_id, "images"),
        "flavor": flavor_in(found.flavor),
        "OS-EXT-AZ:availability_zone": "UNKNOWN",
        "OS-EXT-STS:power_state": 0,
        "user_id": found.user_id,
        "server_groups": [],
    }


def brief(found: Server) -> Record:
    """Give a server as the list without details shows it."""
    return {"id": found.id, "name": found.name, "links": links(found.id)}


def flavor_in(found: Flavor) -> Record:
    """Give a flavor as it lies in a server's record."""
    return {
        "vcpus": found.vcpus,
        "ram": found.ram,
        "disk": found.disk,
        "ephemeral": 0,
        "swap": 0,
        "original_name": found.name,
        "extra_specs": dict(found.extra_specs),
    }


def flavor(found: Flavor) -> Record:
    """Give a flavor."""
    return {
        "id": found.id,
        "name": found.name,
        "vcpus": found.vcpus,
        "ram": found.ram,
        "disk": found.disk,
        "swap": 0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": found.is_public,
        "rxtx_factor": 1.0,
        "description": None,
        "extra_specs": dict(found.extra_specs),
        "links": _linked(found.id, "flavors")["links"],
    }


def entry(found: Entry, server_id: str) -> Record:
    """Give an entry of os-instance-actions."""
    return {
        "action": found.action,
        "instance_uuid": server_id,
        "request_id": found.request_id,
        "user_id": found.user_id,
        "project_id": found.project_id,
        "start_time": naive(found.start),
        "message": None,
        "updated_at": naive(found.start),
    }


def links(server_id: str) -> list[Record]:
    """Give the links of a server."""
    return [
        {"rel": "self", "href": f"{_LINKS}/v2.1/servers/{server_id}"},
        {"rel": "bookmark", "href": f"{_LINKS}/servers/{server_id}"},
    ]


def _linked(thing_id: str, kind: str) -> Record:
    return {"id": thing_id, "links": [{"rel": "bookmark", "href": f"{_LINKS}/{kind}/{thing_id}"}]}


def _host_id(found: Server) -> str:
    if found.host is None:
        return ""
    return hashlib.sha224(f"{found.project_id}{found.host}".encode()).hexdigest()


def _of_admins(found: Server) -> Record:
    prefix = "OS-EXT-SRV-ATTR:"
    return {
        f"{prefix}host": found.host,
        f"{prefix}hypervisor_hostname": found.host,
        f"{prefix}instance_name": f"instance-{found.number:08x}",
        f"{prefix}hostname": found.name,
        f"{prefix}launch_index": 0,
        f"{prefix}reservation_id": f"r-{found.id[:8]}",
        f"{prefix}root_device_name": "/dev/vda",
        f"{prefix}user_data": None,
        f"{prefix}kernel_id": "",
        f"{prefix}ramdisk_id": "",
        "host_status": "UP" if found.host else "",
    }


# ---------------------------------------------------------------- Glance


def image(found: Image) -> Record:
    """Give an image; its properties lie among its fields."""
    return {
        **found.properties,
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "owner": found.owner,
        "visibility": found.visibility,
        "protected": found.protected,
        "os_hidden": False,
        "size": found.size,
        "virtual_size": None,
        "checksum": None,
        "disk_format": "raw" if found.status == "active" else None,
        "container_format": "bare" if found.status == "active" else None,
        "min_disk": 0,
        "min_ram": 0,
        "tags": list(found.tags),
        "created_at": zulu(found.created),
        "updated_at": zulu(found.updated),
        "self": f"/v2/images/{found.id}",
        "file": f"/v2/images/{found.id}/file",
        "schema": "/v2/schemas/image",
    }


# ---------------------------------------------------------------- Keystone


def user(found: User) -> Record:
    """Give a user; `email` is there only for those who have one."""
    record: Record = {
        "id": found.id,
        "name": found.name,
        "domain_id": people.DOMAIN,
        "enabled": found.enabled,
        "password_expires_at": None,
        "options": {},
        "links": {},
    }
    return record if found.email is None else record | {"email": found.email}


def project(found: Project) -> Record:
    """Give a project."""
    return {
        "id": found.id,
        "name": found.name,
        "domain_id": people.DOMAIN,
        "parent_id": people.DOMAIN,
        "enabled": found.enabled,
        "is_domain": False,
        "description": found.description,
        "tags": list(found.tags),
        "options": {},
        "links": {},
    }


def assignment(found: Assignment, known: People, *, names: bool) -> Record:
    """Give a role assignment; with names where the query asks for them."""
    record: Record = {
        "role": {"id": known.role_ids[found.role]},
        "user": {"id": found.user_id},
        "scope": {"project": {"id": found.project_id}},
        "links": {},
    }
    if names:
        record["role"] |= {"name": found.role}
        record["user"] |= {"name": known.users[found.user_id].name, "domain": _DOMAIN}
        record["scope"]["project"] |= {"name": known.projects[found.project_id].name, "domain": _DOMAIN}
    return record


def credential(found: ApplicationCredential, known: People) -> Record:
    """Give an application credential without its secret."""
    return {
        "id": found.id,
        "name": found.name,
        "project_id": found.project_id,
        "user_id": found.user_id,
        "unrestricted": found.unrestricted,
        "expires_at": None,
        "description": None,
        "roles": [{"id": known.role_ids[role], "name": role} for role in found.roles],
        "links": {},
    }


def domain() -> Record:
    """Give the one domain, as it lies in other records."""
    return dict(_DOMAIN)
