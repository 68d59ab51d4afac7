"""Install what the cloud is made of: Debian's packages and the wheels of constraints.txt, in a virtual environment.

It runs on the bare interpreter, so it imports nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import shutil
import sys

from steps import STATE, run, step

HERE = pathlib.Path(__file__).resolve().parent
VENV = STATE / "venv"
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


def missing_packages() -> list[str]:
    """Name the Debian packages whose programs are not there."""
    wanted = {
        "mariadb-server": "/usr/sbin/mariadbd",
        "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
        "memcached": "/usr/bin/memcached",
    }
    missing = [package for package, program in wanted.items() if not pathlib.Path(program).exists()]
    if not find_uv() and not importlib.util.find_spec("ensurepip"):
        missing.append("python3-venv")
    return missing


def install_packages(packages: list[str]) -> None:
    """Install Debian packages; their scripts are kept from starting system-wide copies of the daemons."""
    mine = not POLICY.exists()
    if mine:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-q", log="apt", env=env)
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, log="apt", seconds=1200, env=env)
    finally:
        if mine:
            POLICY.unlink()


def find_uv() -> str | None:
    """Find uv: the path in UV, or one on the PATH."""
    return shutil.which(os.environ.get("UV") or "uv")


def fingerprint() -> str:
    """Sum up what the virtual environment is made from."""
    made_from = (HERE / "constraints.txt").read_bytes() + sys.version.encode() + str(VENV).encode()
    return hashlib.sha256(made_from).hexdigest()


def make_venv() -> None:
    """Make the virtual environment anew, with uv, or with pip where there is no uv.

    constraints.txt is a complete set, so nothing is resolved (--no-deps). Byte code is made here for all but the
    packages' own tests, which are half of it; otherwise a dozen processes would each make it while they start.
    """
    shutil.rmtree(VENV, ignore_errors=True)
    constraints = HERE / "constraints.txt"
    uv = find_uv()
    if uv:
        env = {"UV_HTTP_TIMEOUT": os.environ.get("UV_HTTP_TIMEOUT", "180")}
        run(uv, "venv", "--python", sys.executable, VENV, log="wheels", env=env)
        python = VENV / "bin/python"
        run(uv, "pip", "install", "--python", python, "--no-deps", "-r", constraints, log="wheels", env=env)
    else:
        run(sys.executable, "-m", "venv", VENV, log="wheels")
        pip = (VENV / "bin/python", "-m", "pip", "install", "--no-compile", "--disable-pip-version-check")
        run(*pip, "--no-deps", "-r", constraints, log="wheels", seconds=1800)
    packages = next(VENV.glob("lib/python3*/site-packages"))
    run(VENV / "bin/python", "-m", "compileall", "-q", "-j", "0", "-x", "/tests/", packages, log="wheels")


def main() -> None:
    """Do what is not done yet."""
    packages = missing_packages()
    if packages:
        with step(f"Debian packages: {' '.join(packages)}", "apt"):
            install_packages(packages)
    stamp = VENV / ".made-from"
    if not stamp.exists() or stamp.read_text() != fingerprint():
        with step("wheels", "wheels"):
            make_venv()
            stamp.write_text(fingerprint())


if __name__ == "__main__":
    main()
