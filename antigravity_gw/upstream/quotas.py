"""What is left of an account's quotas, according to Google."""

from collections.abc import Sequence

from attrs import frozen

from antigravity_gw.upstream.companion import Companion
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.wire.companion import (
    Remaining,
    may_be_asked_otherwise,
    read_models_quota,
    read_quota,
)
from antigravity_gw.wire.verdict import Setback


@frozen
class Quotas:
    """
    Asks the host that is best just now, for no request in particular.

    A failure says little: no host is avoided for it, and of what it says of the
    account only a refused token should have consequences.
    """

    companion: Companion
    hosts: Sequence[str]
    endpoints: Endpoints

    async def find(self, token: str, project: str) -> dict[str, Remaining]:
        """
        What is left for each model, empty where Google lists none.

        :param token: the account's access token.
        :raises Setback: when Google would not say in any way there is to ask.
        """
        host = self.endpoints.in_order(self.hosts, self._now())[0]
        try:
            buckets = await self.companion.quota(host, token, project)
        except Setback as setback:
            if not may_be_asked_otherwise(setback.verdict):
                raise
            buckets = {}
        return read_quota(buckets, self._now()) or await self._of_models(
            host, token, project
        )

    def _now(self) -> float:
        return self.companion.upstream.now()

    async def _of_models(
        self, host: str, token: str, project: str
    ) -> dict[str, Remaining]:
        try:
            models = await self.companion.models(host, token, project)
        except Setback as setback:
            if not may_be_asked_otherwise(setback.verdict):
                raise
            models = await self.companion.models(host, token, None)
        return read_models_quota(models, self._now())
