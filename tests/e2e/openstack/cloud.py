"""The commands of cloud.sh, which runs this file with the cloud's own Python."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import contents
from check import check
from layout import AUTH_URL, CLOUDS, check_name, configure, keep_ports
from processes import (
    INFRASTRUCTURE,
    memory,
    need_free_ports,
    pid_of,
    prepare_mariadb,
    prepare_rabbitmq,
    processes,
    start,
    stop,
    wait_ready,
)
from schemas import make_schemas, once
from steps import STATE, say, step

NOVA = [name for name, process in processes().items() if name.startswith("nova") and not process.ports]


def up() -> None:
    """Start what does not run, and fill what is empty."""
    with step("configuration"):
        need_free_ports()
        keep_ports()
        configure()
    with step("MariaDB, RabbitMQ, memcached", *INFRASTRUCTURE):
        prepare_mariadb()
        prepare_rabbitmq()
        for name in INFRASTRUCTURE:
            start(name)
        for name in ("mariadb", "memcached"):
            wait_ready(name)
    with step("database schemas"):
        make_schemas()
    with step("Keystone", "keystone"):
        start("keystone")
        wait_ready("keystone")
    with step("users, projects, catalogue", "keystone"):
        once("identity", contents.make_identity)
    with step("Placement, Glance, Neutron, Nova, Blazar"):
        wait_ready("rabbitmq")
        for name in processes():
            start(name)
        for name in processes():
            wait_ready(name)
    with step("networks, flavours, image", "neutron", "nova-api", "glance"):
        once("networks", contents.make_networks)
        once("image", contents.make_image_and_flavors)
    with step("compute hosts", "nova-conductor"):
        contents.wait_for_nova(NOVA)
        once("hosts", contents.map_hosts)
    with step("reservable hosts and floating IPs", "blazar-manager", "blazar-api"):
        contents.wait_for_blazar()
        once("reservable", contents.make_reservable)
    say(f"ready: {AUTH_URL}; clouds admin, alice, anna and bob in {CLOUDS}")


def down() -> None:
    """Stop everything, Nova and Blazar first: a host that loses Neutron in the middle of a boot fails the server."""
    names = [name for name in processes() if name not in INFRASTRUCTURE]
    first = [name for name in names if name.startswith(("nova", "blazar"))]
    with step("stop the services"), ThreadPoolExecutor(16) as pool:
        list(pool.map(stop, first))
        list(pool.map(stop, [name for name in names if name not in first]))
    with step("stop RabbitMQ, memcached, MariaDB"):
        for name in reversed(INFRASTRUCTURE):
            stop(name)


def wipe() -> None:
    """Stop everything and forget all but the installed wheels."""
    down()
    for path in STATE.iterdir():
        if path.is_dir() and path.name != "venv":
            shutil.rmtree(path)
        elif not path.is_dir():
            path.unlink()


def status() -> None:
    """Tell what runs; exit with 1 if a process is down."""
    total = 0
    for name in processes():
        used = memory(name)
        total += used
        pid = pid_of(name)
        say(f"{name:22} pid {pid:<7} {used:5} MiB" if pid else f"{name:22} down")
    say(f"{total} MiB; {AUTH_URL}")
    if not all(pid_of(name) for name in processes()):
        sys.exit(1)


def one(command: str, name: str) -> None:
    """Start, stop or restart one process."""
    with step(f"{command} {name}", name):
        check_name(name, list(processes()))
        if command != "start":
            stop(name)
        if command != "stop":
            need_free_ports()
            start(name)
            wait_ready(name)
            if name in NOVA:
                contents.wait_for_nova([name])
            if name == "blazar-manager":
                contents.wait_for_blazar()


def main(command: str, *names: str) -> None:
    """Do one command."""
    commands = {"up": up, "down": down, "wipe": wipe, "status": status, "check": check}
    if command in commands:
        commands[command]()
    else:
        one(command, *names or ("",))


if __name__ == "__main__":
    main(*sys.argv[1:])
