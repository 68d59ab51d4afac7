"""A cloud in memory, and the two ways to ask it: in the process, and over HTTP. Both come to the same.

Any thread may ask. Time passes by the injected clock alone: nothing here waits, and nothing wakes up.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yaml

from lessor.simulated.cloud import web
from lessor.simulated.cloud.core import Core
from lessor.simulated.cloud.identity_http import PREFIX
from lessor.simulated.cloud.people import Project, User
from lessor.simulated.cloud.port import Person, Port

_URL = "http://cloud.simulated"


class Cloud(Core):
    """One region of a cloud; see `Core` for what may be done to it."""

    def as_user(self, user: User, project: Project) -> Port:
        """Give the cloud as this user on this project sees it.

        Raises:
            CloudError: Keystone gives them no token.
        """
        return Port(self, user, project, f"{_URL}{PREFIX}/v3")

    def as_credential(self, user: User, project: Project) -> Port:
        """Give the cloud as this user sees it by an application credential of this project.

        Raises:
            CloudError: Keystone gives them no token.
        """
        return Port(self, user, project, f"{_URL}{PREFIX}/v3", method="application_credential")

    def person(self, user: User, project: Project) -> Person:
        """Give the same for what people do meanwhile: no fault strikes them.

        Raises:
            CloudError: Keystone gives them no token.
        """
        return Person(self, user, project, f"{_URL}{PREFIX}/v3")

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve over HTTP on 127.0.0.1 while the block runs; gives the URL."""
        async with web.serving(self, port) as url:
            yield url

    def clouds_yaml(self, url: str, user: User, project: Project) -> str:
        """Give the credentials of a user on a project, under the cloud name `openstack`; `url` as `serve` gave it."""
        auth = {
            "auth_url": f"{url}{PREFIX}/v3",
            "username": user.name,
            "password": user.password,
            "project_name": project.name,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        return yaml.safe_dump({"clouds": {"openstack": {"auth": auth, "region_name": self.region}}})
