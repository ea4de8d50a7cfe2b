"""Which Google Cloud project an account has, according to Google."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.wire.verdict import Blame, Setback


@frozen
class Projects:
    """Asks ``loadCodeAssist`` at the host that is best just now."""

    upstream: Upstream
    endpoints: Endpoints

    async def find(self, token: str) -> str | None:
        """
        The project of the account whose access token it is, if it has one.

        One call, however many hosts there are: the next one to ask goes to the
        next host.

        :raises Setback: when that host would not say.
        """
        host = self.endpoints.in_order(self.upstream.now())[0]
        try:
            return project_in(await self.upstream.load(host, token))
        except Setback as setback:
            if setback.verdict.blame is Blame.ENDPOINT:
                self.endpoints.avoid(host, self.upstream.now())
            raise


def project_in(answer: Mapping[str, Any]) -> str | None:
    """The project an answer of ``loadCodeAssist`` names: a string, or in an object."""
    project = answer.get("cloudaicompanionProject")
    if isinstance(project, Mapping):
        project = project.get("id")
    return project if isinstance(project, str) and project else None
