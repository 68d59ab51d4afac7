"""Kubeconfigs that lead through a proxy."""

import base64
import ssl
from pathlib import Path

import yaml


def upstream(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """Give the API server's URL and the trust for it."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return cluster["server"], ssl.create_default_context(cadata=authority)


def through(kubeconfig: Path, target: Path, url: str) -> Path:
    """Write the same kubeconfig with another server."""
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"] = {"server": url}
    target.write_text(yaml.safe_dump(config))
    return target
