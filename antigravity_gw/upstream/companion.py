"""The calls of the private API around generating."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.order import Order, bearer
from antigravity_gw.wire.companion import quota_body


@frozen
class Companion:
    """
    Asks about the account whose access token it is given.

    Every call raises Setback when Google does not say.
    """

    upstream: Upstream

    async def load(self, host: str, token: str, body: bytes) -> Mapping[str, Any]:
        """Ask ``loadCodeAssist`` about the account."""
        return await self._post(f"{host}/v1internal:loadCodeAssist", token, body)

    async def onboard(self, host: str, token: str, body: bytes) -> Mapping[str, Any]:
        """Have ``onboardUser`` begin: what comes is an operation."""
        return await self._post(f"{host}/v1internal:onboardUser", token, body)

    async def operation(self, host: str, token: str, name: str) -> Mapping[str, Any]:
        """
        Ask how far an operation is.

        :param name: goes into the URL as it is; see
            :func:`~antigravity_gw.wire.companion.is_operation`.
        """
        order = Order(f"{host}/v1internal/{name}", (bearer(token),))
        return await self.upstream.look_up(order)

    async def quota(self, host: str, token: str, project: str) -> Mapping[str, Any]:
        """Ask ``retrieveUserQuota`` what is left."""
        url = f"{host}/v1internal:retrieveUserQuota"
        return await self._post(url, token, quota_body(project))

    async def models(
        self, host: str, token: str, project: str | None
    ) -> Mapping[str, Any]:
        """Ask ``fetchAvailableModels``, which also says what is left."""
        url = f"{host}/v1internal:fetchAvailableModels"
        return await self._post(url, token, quota_body(project))

    async def _post(self, url: str, token: str, body: bytes) -> Mapping[str, Any]:
        return await self.upstream.look_up(Order(url, (bearer(token),), body))
