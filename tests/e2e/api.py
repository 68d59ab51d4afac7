"""The API server without a process for each request, for tests that wait and for those that play many lives."""

import base64
import json
import threading
from pathlib import Path
from typing import Any

import requests
import yaml


class Api:
    """Reads and writes as the user of a kubeconfig that holds a token."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """Keep the trust for the server in a file of this folder."""
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._server = cluster["server"]
        self._trust = folder / "authority.pem"
        self._trust.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._own = threading.local()
        self._sessions: list[requests.Session] = []

    def close(self) -> None:
        """Close all connections."""
        for session in self._sessions:
            session.close()

    def get(self, path: str) -> dict[str, Any] | None:
        """Read; None: it is not there."""
        answer = self._send("GET", path)
        return None if answer.status_code == requests.codes.not_found else dict(answer.json())

    def apply(self, path: str, manifest: dict[str, Any]) -> None:
        """Apply on the server's side, as `kubectl apply --server-side --force-conflicts` does."""
        query = "?fieldManager=person&force=true&fieldValidation=Strict"
        answer = self._send("PATCH", path + query, json.dumps(manifest), "application/apply-patch+yaml")
        assert answer.ok, answer.text

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        """Send a merge patch to what may be gone meanwhile."""
        answer = self._send("PATCH", path, json.dumps(patch), "application/merge-patch+json")
        assert answer.ok or answer.status_code == requests.codes.not_found, answer.text

    def delete(self, path: str) -> None:
        """Delete, and do not wait for it to be gone."""
        answer = self._send("DELETE", path)
        assert answer.ok or answer.status_code == requests.codes.not_found, answer.text

    def _send(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> Any:
        if not hasattr(self._own, "session"):  # a connection of its own for each thread, kept open
            self._own.session = requests.Session()
            self._sessions.append(self._own.session)
        headers = {**self._headers, "Content-Type": kind}
        url = self._server + path
        return self._own.session.request(method, url, data=body, headers=headers, verify=str(self._trust), timeout=30)
