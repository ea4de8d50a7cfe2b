"""Which Google Cloud project an account has, according to Google."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.wire.verdict import Blame, Setback


@frozen
class Projects:
    """Asks ``loadCodeAssist``, at one host after the other."""

    upstream: Upstream
    endpoints: Endpoints

    async def find(self, token: str) -> str | None:
        """
        The project of the account whose access token it is, if it has one.

        :raises Setback: when none of the hosts would say.
        """
        *hosts, last = self.endpoints.in_order(self.upstream.now())
        for host in hosts:
            try:
                return project_in(await self.upstream.load(host, token))
            except Setback as setback:
                if setback.verdict.blame is not Blame.ENDPOINT:
                    raise
                self.endpoints.avoid(host, self.upstream.now())
        return project_in(await self.upstream.load(last, token))


def project_in(answer: Mapping[str, Any]) -> str | None:
    """The project an answer of ``loadCodeAssist`` names: a string, or in an object."""
    project = answer.get("cloudaicompanionProject")
    if isinstance(project, Mapping):
        project = project.get("id")
    return project if isinstance(project, str) and project else None
