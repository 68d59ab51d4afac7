"""What the cloud holds from the start: users, the catalogue, networks, an image, flavours, and Blazar's hosts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from layout import BIN, CLOUDS, DATA, ETC, PASSWORD, PORTS, RESERVABLE, RUN, USERS
from processes import pid_of
from steps import FailedError, run, wait_until

if TYPE_CHECKING:
    from openstack.connection import Connection

# service type -> its process, and the path of its endpoint
CATALOGUE = {
    "placement": ("placement", ""),
    "image": ("glance", ""),
    "network": ("neutron", ""),
    "compute": ("nova", "/v2.1"),
    "reservation": ("blazar", "/v1"),
}
FLAVORS = {"nano": (1, 64, 1), "small": (1, 512, 1), "medium": (2, 2048, 10)}  # virtual CPUs, MiB, GB
FLOATING_IPS = ("203.0.113.100", "203.0.113.101")


def connect(user: str = "admin") -> Connection:
    """Log in as one of the users."""
    import openstack  # noqa: PLC0415 - of the cloud's own environment
    from openstack.config import OpenStackConfig  # noqa: PLC0415 - the same

    region = OpenStackConfig(config_files=[str(CLOUDS)], load_envvars=False).get_one(cloud=user)
    return openstack.connection.Connection(config=region)


def make_identity() -> None:
    """Create projects, users and their roles, and the catalogue."""
    cloud = connect()
    projects = {project.name: project for project in cloud.identity.projects()}
    roles = {role.name: role for role in cloud.identity.roles()}
    if "service" not in roles:
        roles["service"] = cloud.identity.create_role(name="service")
    for name in {"service", *USERS.values()} - set(projects):
        projects[name] = cloud.identity.create_project(name=name, domain_id="default")
    wanted = dict.fromkeys((name for name, _ in CATALOGUE.values()), ("service", ("admin", "service")))
    wanted |= {name: (project, ("member", "reader")) for name, project in USERS.items()}
    users = {user.name: user for user in cloud.identity.users()}
    for name, (project, granted) in wanted.items():
        user = users.get(name) or cloud.identity.create_user(
            name=name, password=PASSWORD, domain_id="default", email=f"{name}@example.com"
        )
        for role in granted:
            cloud.identity.assign_project_role_to_user(projects[project], user, roles[role])
    make_catalogue(cloud)


def make_catalogue(cloud: Connection) -> None:
    """Create the services and their endpoints."""
    have = {service.type: service for service in cloud.identity.services()}
    for kind, (name, path) in CATALOGUE.items():
        service = have.get(kind) or cloud.identity.create_service(type=kind, name=name)
        there = {endpoint.interface for endpoint in cloud.identity.endpoints(service_id=service.id)}
        for interface in {"public", "internal", "admin"} - there:
            url = f"http://127.0.0.1:{PORTS[name]}{path}"
            cloud.identity.create_endpoint(service_id=service.id, interface=interface, region_id="RegionOne", url=url)


def make_networks() -> None:
    """Create an external network, and one that all projects share."""
    cloud = connect()
    public = cloud.get_network("public") or cloud.network.create_network(
        name="public", is_router_external=True, provider_network_type="flat", provider_physical_network="external"
    )
    if not cloud.get_subnet("public"):
        # Blazar takes floating IPs from outside the allocation pool only.
        pool = [{"start": "203.0.113.10", "end": "203.0.113.99"}]
        cloud.network.create_subnet(
            name="public",
            network_id=public["id"],
            ip_version=4,
            cidr="203.0.113.0/24",
            enable_dhcp=False,
            allocation_pools=pool,
        )
    private = cloud.get_network("private") or cloud.network.create_network(name="private", is_shared=True)
    if not cloud.get_subnet("private"):
        cloud.network.create_subnet(
            name="private", network_id=private["id"], ip_version=4, cidr="10.20.0.0/16", enable_dhcp=False
        )


def make_image_and_flavors() -> None:
    """Create the image `tiny` and the flavours, and the aggregate of the hosts that Blazar may lend."""
    cloud = connect()
    for name, (vcpus, memory, disk) in FLAVORS.items():
        if not cloud.get_flavor(name):
            cloud.create_flavor(name, memory, vcpus, disk, flavorid=name)
    for image in cloud.image.images(name="tiny"):
        if image.status != "active":
            cloud.image.delete_image(image)
    if not cloud.get_image("tiny"):
        file = DATA / "tiny.img"
        file.write_bytes(b"tiny" * 256)
        form = {"disk_format": "raw", "container_format": "bare", "visibility": "public"}
        cloud.create_image("tiny", filename=str(file), wait=True, **form)
    if not [aggregate for aggregate in cloud.compute.aggregates() if aggregate.name == "freepool"]:
        cloud.compute.create_aggregate(name="freepool")


def wait_for_nova(names: Iterable[str]) -> None:
    """Wait until parts of Nova that have no port take work: until each has reported itself since it was started.

    "up" says less: a part that is starting counts as up by its last report, and loses what is sent to it.
    """
    cloud = connect()
    since = {name: (RUN / f"{name}.pid").stat().st_mtime for name in names}

    def reported() -> bool:
        for name in since:
            if not pid_of(name):
                raise FailedError(f"{name} has ended", name)
        for service in cloud.compute.services():
            name = f"{service.binary}-{service.host}" if service.binary == "nova-compute" else service.binary
            last = datetime.fromisoformat(f"{service.updated_at or '1970-01-01T00:00:00'}+00:00")
            if last.timestamp() > since.get(name, 0):
                since.pop(name, None)
        return not since

    wait_until(reported, 120, "not all parts of Nova report themselves", *since)


def map_hosts() -> None:
    """Tell Nova's API which hosts there are."""
    manage = (BIN / "nova-manage", "--config-file", ETC / "nova-api/nova.conf")
    run(*manage, "cell_v2", "discover_hosts", "--by-service", log="schema-nova")


def reservation(cloud: Connection, method: str, path: str, **more: Any) -> Any:
    """Ask Blazar."""
    url = f"http://127.0.0.1:{PORTS['blazar']}/v1{path}"
    answer = cloud.session.request(url, method, raise_exc=False, **more)
    if answer.status_code >= 300:
        raise FailedError(f"{method} {url} was answered with {answer.status_code}: {answer.text}")
    return answer.json() if answer.content else None


def wait_for_blazar() -> None:
    """Wait until blazar-manager answers: a request that is sent while it starts is lost, not queued."""
    from keystoneauth1.exceptions import ClientException  # noqa: PLC0415 - of the cloud's own environment

    cloud = connect()

    def answers() -> bool:
        if not pid_of("blazar-manager"):
            raise FailedError("blazar-manager has ended", "blazar-manager")
        try:
            reservation(cloud, "GET", "/os-hosts", timeout=3)
        except (ClientException, FailedError):
            return False
        return True

    wait_until(answers, 120, "blazar-manager does not answer", "blazar-manager", "blazar-api")


def make_reservable() -> None:
    """Give Blazar its hosts and floating IPs."""
    cloud = connect()
    have = {host["hypervisor_hostname"] for host in reservation(cloud, "GET", "/os-hosts")["hosts"]}
    for name, gpu in RESERVABLE.items():
        if name not in have:
            reservation(cloud, "POST", "/os-hosts", json={"name": name, "gpu": gpu})
    have = {ip["floating_ip_address"] for ip in reservation(cloud, "GET", "/floatingips")["floatingips"]}
    network = cloud.get_network("public")["id"]
    for address in FLOATING_IPS:
        if address not in have:
            body = {"floating_network_id": network, "floating_ip_address": address}
            reservation(cloud, "POST", "/floatingips", json=body)
