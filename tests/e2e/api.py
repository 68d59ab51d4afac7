"""Reading the API server without a process for each question, for tests that wait."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import requests
import yaml


class Api:
    """Reads as the user of a kubeconfig that holds a token."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._server = cluster["server"]
        self._authority = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115 (lives as long as this object)
        self._authority.write(base64.b64decode(cluster["certificate-authority-data"]))
        self._authority.flush()
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}

    def get(self, path: str) -> dict[str, Any] | None:
        """Read; None: it is not there."""
        answer = requests.get(self._server + path, headers=self._headers, verify=self._authority.name, timeout=30)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        return dict(answer.json())
