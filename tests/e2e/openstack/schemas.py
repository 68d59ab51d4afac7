"""The databases: each is made anew and brought to its schema, once.

A schema that was interrupted half way cannot be continued (MariaDB has no transactions around CREATE TABLE), so a
database without its mark of completion is dropped first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from layout import AUTH_URL, BIN, DATA, DATABASE_URL, ETC, ME, PASSWORD, PORTS
from steps import run, say


def once(name: str, work: Callable[[], None]) -> bool:
    """Do a piece of work unless it was done before; tell whether it was done now."""
    mark = DATA / "done" / name
    if mark.exists():
        return False
    work()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True


def _keystone() -> None:
    manage = (BIN / "keystone-manage", "--config-file", ETC / "keystone/keystone.conf")
    run(*manage, "db_sync", log="schema-keystone")
    for what in ("fernet_setup", "credential_setup"):
        run(*manage, what, "--keystone-user", ME, "--keystone-group", ME, log="schema-keystone")
    urls = [word for kind in ("admin", "internal", "public") for word in (f"--bootstrap-{kind}-url", AUTH_URL)]
    region = ("--bootstrap-region-id", "RegionOne")
    run(*manage, "bootstrap", "--bootstrap-password", PASSWORD, *region, *urls, log="schema-keystone")


def _nova() -> None:
    manage = (BIN / "nova-manage", "--config-file", ETC / "nova-api/nova.conf")
    cell0 = ("--database_connection", f"{DATABASE_URL}/nova_cell0?charset=utf8mb4")
    run(*manage, "api_db", "sync", log="schema-nova")
    run(*manage, "cell_v2", "map_cell0", *cell0, log="schema-nova")
    run(*manage, "db", "sync", log="schema-nova")
    run(*manage, "cell_v2", "create_cell", "--name", "cell1", log="schema-nova")


def _neutron() -> None:
    files = ("--config-file", ETC / "neutron/neutron.conf", "--config-file", ETC / "neutron/ml2.conf")
    run(BIN / "neutron-db-manage", *files, "upgrade", "heads", log="schema-neutron")


def _glance() -> None:
    run(BIN / "glance-manage", "--config-file", ETC / "glance/glance-api.conf", "db_sync", log="schema-glance")


def _placement() -> None:
    file = ETC / "placement/placement.conf"
    run(BIN / "placement-manage", "--config-file", file, "db", "sync", log="schema-placement")


def _blazar() -> None:
    file = ETC / "blazar-manager/blazar.conf"
    run(BIN / "blazar-db-manage", "--config-file", file, "upgrade", "head", log="schema-blazar")


# The longest first: two at a time then take the least time together.
JOBS: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "nova": (_nova, ("nova_api", "nova_cell0", "nova_cell1")),
    "neutron": (_neutron, ("neutron",)),
    "keystone": (_keystone, ("keystone",)),
    "glance": (_glance, ("glance",)),
    "placement": (_placement, ("placement",)),
    "blazar": (_blazar, ("blazar",)),
}


def _fresh(databases: tuple[str, ...]) -> None:
    """Drop and create databases."""
    import pymysql  # noqa: PLC0415 - of the cloud's own environment

    account = {"host": "127.0.0.1", "port": PORTS["mariadb"], "user": "cloud", "password": PASSWORD}
    with pymysql.connect(**account) as connection, connection.cursor() as cursor:
        for database in databases:
            cursor.execute(f"DROP DATABASE IF EXISTS {database}")
            cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")


def _job(name: str) -> None:
    work, databases = JOBS[name]
    began = time.monotonic()

    def anew() -> None:
        _fresh(databases)
        work()

    if once(f"schema-{name}", anew):
        say(f"    {name}: {time.monotonic() - began:.1f} s")


def make_schemas() -> None:
    """Bring all databases to their schemas, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        for job in as_completed([pool.submit(_job, name) for name in JOBS]):
            job.result()
