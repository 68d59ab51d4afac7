"""The operator's own adapters on the real cloud, as one of its users."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from lessor.live import sessions
from lessor.live.addresses import Reach
from lessor.live.nova import Nova
from lessor.ports.clock import SystemClock
from tests.e2e.openstack_users import User


def connect(user: User, **changes: Any) -> Nova:
    """Connect as the operator does with this user's Secret."""
    text = yaml.safe_dump({"clouds": {"openstack": {**user.config, **changes}}})
    return sessions.connect(
        text.encode(),
        None,
        "openstack",
        reach=Reach.LOOPBACK_TOO,
        clock=SystemClock(),
        observe=lambda *_: None,
        answered=lambda *_: None,
    )


@contextmanager
def application_credential(user: User) -> Iterator[Nova]:
    """Connect with an unrestricted application credential of this user, while the block lasts."""
    path = f"/users/{user.user_id}/application_credentials"
    body = {"application_credential": {"name": f"test-{uuid.uuid4().hex[:8]}", "unrestricted": True}}
    answer = user.request("POST", "identity", path, body)
    assert answer.status_code == 201, answer.text
    made = answer.json()["application_credential"]
    auth = {
        "auth_url": user.config["auth"]["auth_url"],
        "application_credential_id": made["id"],
        "application_credential_secret": made["secret"],
    }
    try:
        yield connect(user, auth=auth, auth_type="v3applicationcredential")
    finally:
        user.request("DELETE", "identity", f"{path}/{made['id']}")
