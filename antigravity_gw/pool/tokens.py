"""Access tokens: how long they are good, and where new ones come from."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol

from attrs import define, evolve, field

from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Access, Account
from antigravity_gw.pool.learnt import Change, minted, rotated
from antigravity_gw.wire.oauth import (
    OAuthClient,
    RenewalFailed,
    read_renewal,
    renewal_form,
)

MARGIN = 60.0
"""A token is not used any more this many seconds before it expires."""

AHEAD = 300.0
"""It is renewed this many seconds before, while it can still be used."""

AGAIN = 30.0
"""How long to wait, in seconds, when renewing it ahead has come to nothing."""


class PostsForm(Protocol):
    """The one thing asked of the network here."""

    async def __call__(self, form: bytes) -> tuple[int, bytes]:
        """
        Post *form* to the token endpoint.

        :returns: the status and body of its answer, whatever the status.
        :raises GatewayError: when there is none within its own time.
        """


@define(eq=False)
class Tokens:
    """
    The access tokens of the pool's accounts.

    :ivar post: posts to the token endpoint.
    :ivar now: says the time, in POSIX seconds.
    :ivar client: the configured OAuth client, for accounts that have none.
    :ivar learn: stores a change; what it returns does not fail.
    """

    post: PostsForm
    now: Callable[[], float]
    client: OAuthClient | None
    learn: Callable[[Change], Awaitable[object]]
    _held: dict[str, Access] = field(factory=dict, init=False)
    _due: dict[str, float] = field(factory=dict, init=False)

    def held(self, account: Account) -> str | None:
        """The access token there is, if it is good for a while yet."""
        access = self._held.get(account.id)
        if access is None or self.now() >= access.expires - MARGIN:
            return None
        is_its_own = access.minted_from == _told(account.record.refresh_token)
        return access.token if is_its_own else None

    def is_due(self, account: Account) -> bool:
        """
        Whether to renew the token ahead of need.

        Says so once, and again only after a while: whoever asks does it.
        """
        now = self.now()
        if now < self._due.get(account.id, 0.0):
            return False
        self._due[account.id] = now + AGAIN
        return True

    async def renew(self, account: Account) -> str:
        """
        Exchange the account's refresh token for a new access token.

        :raises RenewalFailed: when there is none to be had.
        :raises GatewayError: when the token endpoint does not answer.
        """
        record = account.record
        client = record.client or self.client
        if client is None:
            raise RenewalFailed(
                Need.CLIENT,
                "no OAuth client: set oauth.client_id and oauth.client_secret_file "
                "in the configuration, or give the account its own",
            )
        status, body = await self.post(renewal_form(client, record.refresh_token))
        answer = read_renewal(status, body)
        minted_from = record.refresh_token
        if answer.rotated and answer.rotated != minted_from:
            # Stored before it is used: a crash here must not lose the grant.
            await self.learn(rotated(record.id, record.epoch, answer.rotated))
            minted_from = answer.rotated
            if account.record.refresh_token == record.refresh_token:
                account.record = evolve(account.record, refresh_token=minted_from)
        now = self.now()
        access = Access(answer.value, now + answer.expires_in, _told(minted_from))
        self._held[record.id] = access
        self._due[record.id] = now + max(
            answer.expires_in - AHEAD, answer.expires_in / 2
        )
        self.learn(minted(record.id, record.epoch, access))
        return answer.value

    def remember(self, id: str, access: Access) -> None:
        """Use a token of an earlier life, as long as it is good."""
        self._held[id] = access
        self._due[id] = access.expires - AHEAD

    def discard(self, id: str, token: str) -> None:
        """Upstream refused *token*: do not use it again."""
        access = self._held.get(id)
        if access is not None and access.token == token:
            del self._held[id]

    def forget(self, id: str) -> None:
        """The account is gone, or another one now, and its token with it."""
        self._held.pop(id, None)


def _told(refresh_token: str) -> str:
    """What tells *refresh_token* from others, and does not give it away."""
    return sha256(refresh_token.encode()).hexdigest()
