"""Users of the real OpenStack: plain HTTP as one of them, with the few requests that the tests need."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

_POLL = 0.5  # seconds; each look costs Nova some 60 ms of CPU
MICROVERSION = "compute 2.73"


class User:
    """One user of the cloud, by the clouds.yaml of the real parts."""

    def __init__(self, clouds: Path, name: str) -> None:
        self.name = name
        self.config = yaml.safe_load(clouds.read_text())["clouds"][name]
        self._endpoints: dict[str, str] = {}
        self._headers: dict[str, str] = {}
        self.user_id = ""
        self.project_id = ""
        self.login()

    def login(self) -> None:
        """Take a new token."""
        auth = self.config["auth"]
        domain = {"name": auth.get("user_domain_name", "Default")}
        body = {
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": auth["username"], "domain": domain, "password": auth["password"]}},
                },
                "scope": {"project": {"name": auth["project_name"], "domain": domain}},
            }
        }
        answer = requests.post(f"{auth['auth_url']}/auth/tokens", json=body, timeout=30)
        answer.raise_for_status()
        token = answer.json()["token"]
        self._image: str | None = None
        self.user_id, self.project_id = token["user"]["id"], token["project"]["id"]
        self._endpoints = {
            service["type"]: next(e["url"] for e in service["endpoints"] if e["interface"] == "public")
            for service in token["catalog"]
            if service["endpoints"]
        }
        self._headers = {"X-Auth-Token": answer.headers["X-Subject-Token"], "OpenStack-API-Version": MICROVERSION}

    @property
    def token(self) -> str:
        """The user's token."""
        return self._headers["X-Auth-Token"]

    def request(self, method: str, service: str, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        """Send one request."""
        url = self._endpoints[service] + path
        return requests.request(method, url, json=body, headers=self._headers, timeout=60, **kwargs)

    def boot(self, name: str, network: str | None = None, hint: str | None = None) -> str:
        """Boot a server, on this network or on none, into this reservation; gives its id once it is ACTIVE."""
        if self._image is None:
            self._image = self.request("GET", "image", "/v2/images?name=tiny").json()["images"][0]["id"]
        networks: Any = "none"
        if network is not None:
            found = self.request("GET", "network", f"/v2.0/networks?name={network}").json()["networks"]
            networks = [{"uuid": found[0]["id"]}]
        server = {"name": name, "imageRef": self._image, "flavorRef": "nano", "networks": networks}
        hints = {"os:scheduler_hints": {"reservation": hint}} if hint is not None else {}
        answer = self.request("POST", "compute", "/servers", {"server": server, **hints})
        assert answer.status_code == 202, answer.text
        server_id = str(answer.json()["server"]["id"])
        self.until(server_id, lambda seen: seen is not None and seen["status"] == "ACTIVE", "ACTIVE")
        return server_id

    def server(self, server_id: str) -> dict[str, Any] | None:
        """Read a server; None: 404."""
        answer = self.request("GET", "compute", f"/servers/{server_id}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["server"])

    def act(self, server_id: str, action: str, value: Any = None) -> requests.Response:
        """Send a server action."""
        return self.request("POST", "compute", f"/servers/{server_id}/action", {action: value})

    def delete(self, server_id: str) -> None:
        """Delete a server, whatever state it is in."""
        self.request("DELETE", "compute", f"/servers/{server_id}")

    def actions(self, server_id: str) -> list[str]:
        """Give what was done to a server, oldest first."""
        answer = self.request("GET", "compute", f"/servers/{server_id}/os-instance-actions")
        return [entry["action"] for entry in reversed(answer.json().get("instanceActions", []))]

    def action_times(self, server_id: str) -> list[float]:
        """Give when each of them was asked for, in seconds since 1970."""
        answer = self.request("GET", "compute", f"/servers/{server_id}/os-instance-actions")
        starts = [entry["start_time"] for entry in reversed(answer.json().get("instanceActions", []))]
        return [datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() for start in starts]

    def remove(self, server_id: str) -> None:
        """Unlock and delete a server."""
        self.act(server_id, "unlock")
        self.delete(server_id)

    def root(self, service: str) -> str:
        """Give scheme, host and port of a service."""
        parts = urlsplit(self._endpoints[service])
        return f"{parts.scheme}://{parts.netloc}"

    def path(self, service: str) -> str:
        """Give the path of a service's endpoint."""
        return urlsplit(self._endpoints[service]).path

    def images_of(self, server_id: str) -> list[dict[str, Any]]:
        """Give the snapshots of a server."""
        answer = self.request("GET", "image", f"/v2/images?instance_uuid={server_id}")
        return list(answer.json()["images"])

    def until_gone(self, server_id: str) -> None:
        """Wait until Nova answers 404: for a moment it may still show a deleted server as DELETED."""
        self.until(server_id, lambda seen: seen is None, "gone")

    def until(
        self, server_id: str, holds: Callable[[dict[str, Any] | None], bool], what: str, timeout: float = 90.0
    ) -> dict[str, Any] | None:
        """Read the server until this holds of it."""
        end = time.monotonic() + timeout
        seen = None
        while time.monotonic() < end:
            seen = self.server(server_id)
            if holds(seen):
                return seen
            time.sleep(_POLL)
        state = {key: seen[key] for key in ("status", "locked", "metadata")} if seen else None
        raise AssertionError(f"{server_id}: not {what} after {timeout} s: {state}")


def secret(name: str, user: User, **changes: Any) -> dict[str, Any]:
    """Give the manifest of a Secret with the credentials of a user, under the cloud name `openstack`."""
    config = {**user.config, **changes}
    text = yaml.safe_dump({"clouds": {"openstack": config}})
    data = {"clouds.yaml": base64.b64encode(text.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
