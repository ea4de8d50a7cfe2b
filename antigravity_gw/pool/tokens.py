"""Access tokens: one renewal at a time per account, kept until they expire."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from attrs import define, evolve, field, frozen

from antigravity_gw.errors import GatewayError
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.shared import Shared
from antigravity_gw.wire.oauth import (
    AccessToken,
    Fault,
    OAuthClient,
    RenewalFailed,
    read_renewal,
    renewal_form,
)

MARGIN = 60.0
"""A token is not used any more this many seconds before it expires."""


class PostsForm(Protocol):
    """The one thing asked of the network here."""

    async def __call__(self, form: bytes) -> tuple[int, bytes]:
        """
        Post *form* to the token endpoint.

        :returns: the status and body of its answer, whatever the status.
        :raises GatewayError: when there is none within its own time.
        """


@frozen
class _Held:
    value: str = field(repr=False)
    minted_from: str = field(repr=False)
    until: float


@define(eq=False)
class Tokens:
    """
    The access tokens of the pool's accounts.

    :ivar post: posts to the token endpoint.
    :ivar now: says the time, in POSIX seconds.
    :ivar client: the configured OAuth client, for accounts that have none.
    :ivar save_rotated: stores a refresh token that replaces another one; takes
        the account's id, the old token and the new one, and does not fail.
    """

    post: PostsForm
    now: Callable[[], float]
    client: OAuthClient | None
    save_rotated: Callable[[str, str, str], Awaitable[None]]
    _held: dict[str, _Held] = field(factory=dict, init=False)
    _renewals: Shared[str] = field(
        factory=lambda: Shared((RenewalFailed, GatewayError)), init=False
    )

    async def fresh(self, account: Account) -> str:
        """
        An access token that is good for a while yet.

        :raises RenewalFailed: when a new one is needed and there is none.
        :raises GatewayError: when the token endpoint does not answer.
        """
        held = self._held.get(account.id)
        if (
            held is not None
            and held.minted_from == account.record.refresh_token
            and self.now() < held.until
        ):
            return held.value
        return await self._renewals.run(account.id, lambda: self._renew(account))

    def discard(self, id: str, token: str) -> None:
        """Upstream refused *token*: do not use it again."""
        held = self._held.get(id)
        if held is not None and held.value == token:
            del self._held[id]

    def forget(self, id: str) -> None:
        """The account is gone, and its token with it."""
        self._held.pop(id, None)

    async def _renew(self, account: Account) -> str:
        record = account.record
        client = record.client or self.client
        if client is None:
            raise RenewalFailed(
                Fault.CLIENT,
                "no OAuth client: set oauth.client_id and oauth.client_secret_file "
                "in the configuration, or give the account its own",
            )
        status, body = await self.post(renewal_form(client, record.refresh_token))
        token = read_renewal(status, body)
        minted_from = record.refresh_token
        if token.rotated and token.rotated != minted_from:
            # Stored before it is used: a crash here must not lose the grant.
            await self.save_rotated(record.id, minted_from, token.rotated)
            minted_from = token.rotated
            if account.record.refresh_token == record.refresh_token:
                account.record = evolve(account.record, refresh_token=minted_from)
        self._keep(record.id, token, minted_from)
        return token.value

    def _keep(self, id: str, token: AccessToken, minted_from: str) -> None:
        until = self.now() + max(0.0, token.expires_in - MARGIN)
        self._held[id] = _Held(token.value, minted_from, until)
