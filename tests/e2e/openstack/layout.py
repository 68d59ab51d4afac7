"""Where everything is: folders, ports, hosts and users; and the configuration files made from templates/."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import re
import shutil

from steps import LOG, STATE, FailedError

HERE = pathlib.Path(__file__).resolve().parent
VENV = STATE / "venv"
BIN = VENV / "bin"
ETC = STATE / "etc"
DATA = STATE / "data"
RUN = STATE / "run"
CLOUDS = STATE / "clouds.yaml"

PASSWORD = "not-a-secret"
ME = pwd.getpwuid(os.getuid()).pw_name
# Users and their project; each is member and reader there. anna is alice's colleague.
USERS = {"alice": "alice", "anna": "alice", "bob": "bob"}
# Compute hosts and their driver. Nova looks hosts up by parts of their name: none may be the beginning of another.
HOSTS = {"cn-a": "LargeHost", "bm-a": "SmallHost", "bm-b": "SmallHost", "bm-c": "SmallHost"}
RESERVABLE = {"bm-a": "none", "bm-b": "none", "bm-c": "a100"}  # those that Blazar owns, and their `gpu`
DATABASES = ("keystone", "placement", "glance", "neutron", "nova_api", "nova_cell0", "nova_cell1", "blazar")

USUAL_PORTS = {
    "keystone": 5000,
    "placement": 8778,
    "glance": 9292,
    "neutron": 9696,
    "nova": 8774,
    "blazar": 1234,
    "mariadb": 3306,
    "rabbitmq": 5672,
    "rabbitmq-distribution": 5673,
    "epmd": 4369,
    "memcached": 1211,
}


def _port_base() -> int:
    """Choose what is added to the usual ports; it is kept, because the catalogue names the ports."""
    kept = STATE / "port-base"
    wanted = os.environ.get("CLOUD_PORT_BASE", "")
    if not kept.exists():
        return int(wanted or "10000")
    base = kept.read_text()
    if wanted not in ("", base):
        raise SystemExit(f"openstack: {STATE} was made with CLOUD_PORT_BASE={base}: leave it unset, or run wipe first")
    return int(base)


PORT_BASE = _port_base()
PORTS = {name: port + PORT_BASE for name, port in USUAL_PORTS.items()}
AUTH_URL = f"http://127.0.0.1:{PORTS['keystone']}/v3"
DATABASE_URL = f"mysql+pymysql://cloud:{PASSWORD}@127.0.0.1:{PORTS['mariadb']}"

CREDENTIALS = f"""auth_url = {AUTH_URL}
auth_type = password
username = {{user}}
password = {PASSWORD}
project_name = service
user_domain_id = default
project_domain_id = default
region_name = RegionOne
"""
TOKEN_CHECK = f"""[keystone_authtoken]
www_authenticate_uri = {AUTH_URL}
{CREDENTIALS}memcached_servers = 127.0.0.1:{PORTS["memcached"]}
token_cache_time = 300
service_token_roles = service
service_token_roles_required = true
"""
NOVA_DATABASES = f"""[api_database]
connection = {DATABASE_URL}/nova_api?charset=utf8mb4
[database]
connection = {DATABASE_URL}/nova_cell1?charset=utf8mb4
max_pool_size = 10
max_overflow = 20
"""


def render(template: str, target: pathlib.Path, **more: str) -> None:
    """Fill a template: @NAME@ stands for a value, @TOKEN_CHECK user@ and @CREDENTIALS user@ for whole blocks."""
    values = {
        "LOG": str(LOG),
        "ETC": str(ETC),
        "DATA": str(DATA),
        "VENV": str(VENV),
        "DATABASE_URL": DATABASE_URL,
        "QUEUE_URL": f"rabbit://guest:guest@127.0.0.1:{PORTS['rabbitmq']}/",
        "PASSWORD": PASSWORD,
        **{f"PORT_{name.upper()}": str(port) for name, port in PORTS.items()},
        **more,
    }
    text = (HERE / "templates" / template).read_text()
    text = re.sub(r"@TOKEN_CHECK (\w+)@\n", lambda found: TOKEN_CHECK.format(user=found[1]), text)
    text = re.sub(r"@CREDENTIALS (\w+)@\n", lambda found: CREDENTIALS.format(user=found[1]), text)
    text = re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def configure() -> None:
    """Write all configuration, and put the two drivers where Nova and Neutron look for them."""
    for name in ("keystone", "placement", "neutron"):
        render(f"{name}.conf", ETC / name / f"{name}.conf")
    render("ml2.conf", ETC / "neutron/ml2.conf")
    render("glance.conf", ETC / "glance/glance-api.conf")
    for role in ("api", "conductor", "scheduler"):
        more = {"HOST": "control", "NAME": f"nova-{role}", "DRIVER": "LargeHost", "DATABASES": NOVA_DATABASES}
        render("nova.conf", ETC / f"nova-{role}/nova.conf", **more)
    for host, driver in HOSTS.items():
        more = {"HOST": host, "NAME": f"nova-compute-{host}", "DRIVER": driver, "DATABASES": ""}
        render("nova.conf", ETC / f"nova-{host}/nova.conf", **more)
    for role in ("api", "manager"):
        render("blazar.conf", ETC / f"blazar-{role}/blazar.conf", NAME=f"blazar-{role}")
    packages = next(VENV.glob("lib/python3*/site-packages"))
    shutil.copytree(HERE / "drivers", packages, dirs_exist_ok=True)
    # Nova loads virtualisation drivers from its own package only.
    (packages / "e2e_virt.py").rename(packages / "nova/virt/e2e_virt.py")
    make_folders()
    write_clouds()


def make_folders() -> None:
    """Make the folders that the services expect to find."""
    hosts = [f"nova/{host}/{folder}" for host in (*HOSTS, "control") for folder in ("lock", "instances")]
    for folder in ("glance/images", "glance/staging", "glance/tasks", "neutron/lock", "blazar/lock", *hosts):
        (DATA / folder).mkdir(parents=True, exist_ok=True)


def write_clouds() -> None:
    """Write clouds.yaml, and endpoints.json for what is not OpenStack's own."""
    entry = f"""  {{user}}:
    region_name: RegionOne
    identity_api_version: 3
    auth:
      auth_url: {AUTH_URL}
      username: {{user}}
      password: {PASSWORD}
      project_name: {{project}}
      user_domain_name: Default
      project_domain_name: Default
"""
    entries = [entry.format(user=user, project=project) for user, project in {"admin": "admin", **USERS}.items()]
    CLOUDS.write_text("clouds:\n" + "".join(entries))
    endpoints = {"ports": PORTS, "auth_url": AUTH_URL, "clouds": str(CLOUDS)}
    (STATE / "endpoints.json").write_text(json.dumps(endpoints, indent=1) + "\n")


def keep_ports() -> None:
    """Hold on to the ports of the first start."""
    (STATE / "port-base").write_text(str(PORT_BASE))


def check_name(name: str, names: list[str]) -> str:
    """Accept the name of a process."""
    if name not in names:
        raise FailedError(f"no process is called {name!r}; there are {' '.join(names)}")
    return name
