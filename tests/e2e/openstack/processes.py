"""The processes of the cloud: how each is started, and how they are started, watched and stopped."""

from __future__ import annotations

import functools
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from layout import BIN, DATA, DATABASES, ETC, HOSTS, ME, PASSWORD, PORT_BASE, PORTS, RUN, VENV
from steps import LOG, STATE, FailedError, run, wait_until

INFRASTRUCTURE = ("mariadb", "epmd", "memcached", "rabbitmq")


@dataclass(frozen=True)
class Process:
    """A command with its environment; `ports` are those that it listens on, the first one is the one to ask."""

    command: tuple[object, ...]
    ports: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    http: bool = False


def _web(port: str, module: str, processes: int, threads: int, *more: str, **env: str) -> Process:
    """Describe an API that uWSGI serves."""
    options = {
        "--http-socket": f"127.0.0.1:{PORTS[port]}",
        "--module": f"{module}:application",
        "--processes": processes,
        "--threads": threads,
        "--buffer-size": 65535,
        "--add-header": "Connection: close",
        "--worker-reload-mercy": 5,
    }
    flags = ("--master", "--enable-threads", "--lazy-apps", "--need-app", "--die-on-term", "--thunder-lock")
    words = [word for option in options.items() for word in option]
    return Process((BIN / "uwsgi", *words, *flags, "--disable-logging", *more), (port,), env, http=True)


def _mariadb() -> Process:
    """Describe the database; what it holds may be lost with the machine, so nothing waits for the disk.

    The socket's path is relative to the data folder, because a path above 107 bytes is refused.
    """
    options = {
        "user": ME,
        "datadir": DATA / "mariadb",
        "socket": "mariadb.sock",
        "pid-file": "mariadb.pid",
        "init-file": ETC / "mariadb.sql",
        "port": PORTS["mariadb"],
        "bind-address": "127.0.0.1",
        "max-connections": 600,
        "innodb-buffer-pool-size": "256M",
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-doublewrite": 0,
        "innodb-flush-method": "nosync",
        "character-set-server": "utf8mb4",
        "performance-schema": "off",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    command = ("/usr/sbin/mariadbd", "--no-defaults", *words, "--skip-name-resolve", "--skip-log-bin")
    return Process(command, ("mariadb",))


def _rabbitmq() -> Process:
    """Describe the message queue: the server itself, as Debian's wrapper insists on a user and folders."""
    home = DATA / "rabbitmq"
    env = {
        "HOME": str(home),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(PORTS["epmd"]),
        "RABBITMQ_NODENAME": "lessor@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(PORTS["rabbitmq"]),
        "RABBITMQ_DIST_PORT": str(PORTS["rabbitmq-distribution"]),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(home / "feature_flags"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
    }
    return Process(("/usr/lib/rabbitmq/bin/rabbitmq-server",), ("rabbitmq", "rabbitmq-distribution"), env)


@functools.cache
def processes() -> dict[str, Process]:
    """Describe all processes, in the order of their start."""
    memcached = ("/usr/bin/memcached", "-u", ME, "-l", "127.0.0.1", "-p", PORTS["memcached"], "-m", 64, "-U", 0)
    nova_conf = f"{VENV}/etc/nova/api-paste.ini;{ETC}/nova-api/nova.conf"
    neutron = {"OS_NEUTRON_CONFIG_DIR": f"{ETC}/neutron", "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.conf"}
    nova = {"OS_NOVA_CONFIG_DIR": f"{ETC}/nova-api", "OS_NOVA_CONFIG_FILES": nova_conf}
    return {
        "mariadb": _mariadb(),
        "epmd": Process(("epmd", "-port", PORTS["epmd"], "-address", "127.0.0.1"), ("epmd",)),
        "memcached": Process(memcached, ("memcached",)),
        "rabbitmq": _rabbitmq(),
        "keystone": _web("keystone", "keystone.wsgi.api", 2, 4, OS_KEYSTONE_CONFIG_DIR=f"{ETC}/keystone"),
        "placement": _web("placement", "placement.wsgi.api", 1, 4, OS_PLACEMENT_CONFIG_DIR=f"{ETC}/placement"),
        "glance": _web("glance", "glance.wsgi.api", 1, 4, "--http-chunked-input", OS_GLANCE_CONFIG_DIR=f"{ETC}/glance"),
        "neutron": _web("neutron", "neutron.wsgi.api", 1, 6, **neutron),
        "nova-conductor": _daemon("nova-conductor", "nova-conductor/nova.conf"),
        "nova-scheduler": _daemon("nova-scheduler", "nova-scheduler/nova.conf"),
        "nova-api": _web("nova", "nova.wsgi.osapi_compute", 2, 6, **nova),
        **{f"nova-compute-{host}": _daemon("nova-compute", f"nova-{host}/nova.conf") for host in HOSTS},
        "blazar-manager": _daemon("blazar-manager", "blazar-manager/blazar.conf"),
        "blazar-api": _web("blazar", "blazar.wsgi.api", 1, 6, OS_BLAZAR_CONFIG_DIR=f"{ETC}/blazar-api"),
    }


def _daemon(program: str, configuration: str) -> Process:
    """Describe a process that has no port and takes its work from the queue."""
    return Process((BIN / program, "--config-file", ETC / configuration))


# ---- what runs. A record holds the pid and the start time: a pid given to another process is never signalled.
def _stat(pid: int) -> tuple[int, int] | None:
    """Tell the session and the start time of a process, None if it is gone or only its remains are there."""
    folder = pathlib.Path("/proc") / str(pid)
    try:
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        gone = fields[0] == "Z" and len(list((folder / "task").iterdir())) == 1
    except OSError:
        return None
    return None if gone else (int(fields[3]), int(fields[19]))


def _record(name: str) -> tuple[int, int] | None:
    """Read the pid and the start time that were recorded when a process was started."""
    try:
        pid, since = (RUN / f"{name}.pid").read_text().split()
    except OSError:
        return None
    return int(pid), int(since)


def pid_of(name: str) -> int | None:
    """Tell the pid of a process if it lives."""
    record = _record(name)
    stat = record and _stat(record[0])
    return record[0] if record and stat and stat[1] == record[1] else None


def members(name: str) -> list[int]:
    """Tell the pids of a process and its children: each was started as the leader of its own session."""
    record = _record(name)
    if not record:
        return []
    leader = _stat(record[0])
    if leader and leader[1] != record[1]:
        return []
    pids = [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if (stat := _stat(pid)) and stat[0] == record[0] and stat[1] >= record[1]]


def need_free_ports() -> None:
    """Fail if a port of a process that is to be started is in use."""
    for name, process in processes().items():
        for port in process.ports if not pid_of(name) else ():
            if _listening(PORTS[port]):
                raise FailedError(
                    f"port {PORTS[port]} ({port}) is taken by a process that is not of this set-up: "
                    f"set CLOUD_PORT_BASE (now {PORT_BASE}) to another number"
                )


def _listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def start(name: str) -> None:
    """Start a process unless it runs."""
    if pid_of(name):
        return
    process = processes()[name]
    for folder in (RUN, LOG):
        folder.mkdir(parents=True, exist_ok=True)
    with (LOG / f"{name}.out").open("ab") as out:
        child = subprocess.Popen(
            [str(word) for word in process.command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=STATE,
            env={**os.environ, **process.env},
            start_new_session=True,
        )
    stat = _stat(child.pid)
    (RUN / f"{name}.pid").write_text(f"{child.pid} {stat[1] if stat else 0}")


def stop(name: str) -> None:
    """Stop a process and its children: SIGTERM, and SIGKILL after 15 s."""
    for number, seconds in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        end = time.monotonic() + seconds
        for pid in members(name):
            _kill(pid, number)
        while members(name) and time.monotonic() < end:
            time.sleep(0.1)
    if members(name):
        raise FailedError(f"{name} does not stop", name)
    (RUN / f"{name}.pid").unlink(missing_ok=True)


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_ready(name: str) -> None:
    """Wait until a process listens, or answers if it is an API; one without a port has nothing to wait for."""
    process = processes()[name]
    if not process.ports:
        return
    port = PORTS[process.ports[0]]

    def ready() -> bool:
        if not pid_of(name):
            raise FailedError(f"{name} has ended", name)
        return _answers(port) if process.http else _listening(port)

    wait_until(ready, 120, f"{name} does not answer on port {port}", name)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False
    return True


def memory(name: str) -> int:
    """Tell the proportional memory of a process and its children in MiB."""
    total = 0
    for pid in members(name):
        try:
            text = (pathlib.Path("/proc") / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total // 1024


# ---- what the infrastructure needs before its first start
def prepare_mariadb() -> None:
    """Make the data folder, and the statements that each start runs: they give our user its rights."""
    user = f"cloud@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"
    databases = [f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;" for name in DATABASES]
    rights = [f"CREATE USER IF NOT EXISTS {user};", "GRANT ALL ON *.* TO cloud@'127.0.0.1';"]
    (ETC / "mariadb.sql").write_text("\n".join([*databases, *rights, ""]))
    done = DATA / "mariadb.made"
    if not done.exists():
        shutil.rmtree(DATA / "mariadb", ignore_errors=True)
        normal = ("--skip-test-db", "--auth-root-authentication-method=normal")
        folder = f"--datadir={DATA}/mariadb"
        run("mariadb-install-db", "--no-defaults", f"--user={ME}", folder, *normal, log="mariadb-install")
        done.touch()


def prepare_rabbitmq() -> None:
    """Write the queue's few settings; the cookie keeps its owner from looking for one elsewhere."""
    home = DATA / "rabbitmq"
    for folder in ("log", "mnesia"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    cookie = home / ".erlang.cookie"
    if not cookie.exists():
        cookie.write_text("LESSORLESSORLESSORLESSOR")
        cookie.chmod(0o400)
    (home / "plugins").write_text("[].\n")
    settings = "vm_memory_high_watermark.absolute = 600MB\ndisk_free_limit.absolute = 50MB\n"
    (home / "rabbitmq.conf").write_text(settings + "collect_statistics_interval = 60000\n")
