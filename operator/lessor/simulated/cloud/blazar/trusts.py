"""The trusts by which Blazar's manager acts for those who make leases: one is made for each POST, and none ever goes.

Source: blazar/utils/trusts.py; keystone/api/trusts.py (application credentials), keystone/models/token_model.py.
"""

from collections.abc import Callable

from lessor.simulated.cloud.blazar import refusals
from lessor.simulated.cloud.blazar.lease import Lease, Trust
from lessor.simulated.cloud.identity import Token
from lessor.simulated.cloud.people import People


class Trusts:
    """All of them, by id.

    Attributes:
        by_credentials: Keystone lets an application credential make one. Those without the patch of 2026 do, if the
            credential is unrestricted.
    """

    def __init__(self, people: People, fresh: Callable[[], str]) -> None:
        self.every: dict[str, Trust] = {}
        self.by_credentials = False
        self._people = people
        self._fresh = fresh

    def make(self, who: Token) -> Trust:
        """Make the trust of a POST.

        Raises:
            Refused: 500: Keystone makes none for an application credential.
        """
        if "application_credential" in who.methods and not self._may(who):
            raise refusals.internal()
        made = Trust(id=self._fresh(), user_id=who.user_id, project_id=who.project_id or "", roles=who.roles)
        self.every[made.id] = made
        return made

    def of(self, lease: Lease) -> Trust:
        """Give the trust of a lease.

        Raises:
            Refused: 500: whoever made it is disabled, or has no longer the roles that it had then.
        """
        trust = self.every[lease.trust_id]
        user, project = self._people.users.get(trust.user_id), self._people.projects.get(trust.project_id)
        if user is None or project is None or not user.enabled or not project.enabled:
            raise refusals.internal()
        if not set(trust.roles) <= set(self._people.roles(user.id, project.id)):
            raise refusals.internal()
        return trust

    def _may(self, who: Token) -> bool:
        credential = self._people.credentials.get(who.credential_id or "")
        return self.by_credentials and credential is not None and credential.unrestricted
