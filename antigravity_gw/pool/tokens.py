"""Access tokens: how long they are good, and where new ones come from."""

import math
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from antigravity_gw.errors import GatewayError, UpstreamTimeout
from antigravity_gw.happenings import (
    FAILED,
    REFUSED,
    RENEWED,
    Listener,
    Refreshed,
    unheard,
)
from antigravity_gw.kind import Kinds
from antigravity_gw.pool.account import Access, Account
from antigravity_gw.pool.learnt import Change, minted, rotated
from antigravity_gw.record import Record
from antigravity_gw.waiting import within
from antigravity_gw.wire.oauth import AccessToken, RenewalFailed

MARGIN = 60.0
"""A token is not used any more this many seconds before it expires."""

AHEAD = 240.0
"""It is renewed this many seconds before that, while it can still be used."""

AGAIN = 30.0
"""How long to wait, in seconds, when renewing it ahead has come to nothing."""


STORED_WITHIN = 5.0
"""How long to wait, in seconds, for a disk that may be dead; memory has it, too."""


@define(eq=False)
class Tokens:
    """
    The access tokens of the pool's accounts.

    :ivar kinds: where new ones come from.
    :ivar learn: stores a change; what it returns does not fail.
    :ivar tell: is told of each attempt at a new one.
    """

    kinds: Kinds
    clock: IReactorTime
    learn: Callable[[Change], Deferred[bool]]
    tell: Listener = unheard
    _held: dict[str, Access] = field(factory=dict, init=False)
    _due: dict[str, float] = field(factory=dict, init=False)
    _replaced: dict[str, dict[str, str]] = field(factory=dict, init=False)
    _log: ClassVar[Logger] = Logger()

    def held(self, account: Account) -> str | None:
        """The access token there is, if it is good for a while yet."""
        access = self._held.get(account.id)
        if access is None or self.clock.seconds() >= access.expires:
            return None
        is_its_own = access.minted_from == told_of(account.record.credential)
        return access.token if is_its_own else None

    def is_due(self, account: Account) -> bool:
        """
        Whether to renew the token ahead of need.

        Says so once, and again only after a while: whoever asks does it.
        """
        now = self.clock.seconds()
        if now < self._due.get(account.id, 0.0):
            return False
        self._due[account.id] = now + AGAIN
        return True

    async def renew(self, account: Account) -> str:
        """
        Have a new access token made from the account's credential.

        :raises RenewalFailed: when there is none to be had.
        :raises GatewayError: when nobody says so.
        """
        record = account.record
        answer = await self._minted(record)
        minted_from = record.credential
        if answer.rotated and answer.rotated != minted_from:
            self._log.debug(
                "account {account}: its refresh token is replaced", account=account.id
            )
            # Stored before it is used: a crash here must not lose the grant.
            await self._stored(rotated(record.id, minted_from, answer.rotated))
            self._replaced.setdefault(record.id, {})[minted_from] = answer.rotated
            minted_from = answer.rotated
            if account.record.credential == record.credential:
                account.record = evolve(account.record, credential=minted_from)
        if account.record.credential == minted_from:  # else there is a newer login
            self._keep(account, answer)
        return answer.value

    async def _minted(self, record: Record) -> AccessToken:
        try:
            answer = await self.kinds.of(record).mint(record)
        except RenewalFailed as failed:
            self.tell(Refreshed(record.kind, REFUSED if failed.need else FAILED))
            raise
        except GatewayError:
            self.tell(Refreshed(record.kind, FAILED))
            raise
        if math.isfinite(answer.expires_in):  # else nobody was asked for it
            self.tell(Refreshed(record.kind, RENEWED))
        return answer

    async def _stored(self, change: Change) -> None:
        """Wait until *change* is on disk, unless the disk takes too long."""
        with suppress(UpstreamTimeout):
            await within(STORED_WITHIN, self.clock, self.learn(change))

    def _keep(self, account: Account, answer: AccessToken) -> None:
        life, now = answer.expires_in, self.clock.seconds()
        life -= min(MARGIN, life / 4)
        self._log.debug(
            "account {account}: a new access token, good for {seconds:.0f} s",
            account=account.id,
            seconds=life,
        )
        access = Access(answer.value, now + life, told_of(account.record.credential))
        self._held[account.id] = access
        self._due[account.id] = now + max(life - AHEAD, life / 2)
        if math.isfinite(life):  # else the credential is the token, and is stored
            self.learn(minted(account.id, account.epoch, access))

    def successor(self, id: str, refresh_token: str) -> str:
        """The token that has replaced *refresh_token*; the store may lag behind."""
        replaced = self._replaced.get(id, {})
        if refresh_token not in replaced:  # it does not, or not any more
            self._replaced.pop(id, None)
        while refresh_token in replaced:
            refresh_token = replaced[refresh_token]
        return refresh_token

    def remember(self, id: str, access: Access) -> None:
        """Use a token of an earlier life, as long as it is good."""
        self._held[id] = access
        self._due[id] = access.expires - AHEAD

    def discard(self, id: str, token: str) -> None:
        """Upstream refused *token*: do not use it again."""
        access = self._held.get(id)
        if access is not None and access.token == token:
            self._log.debug(
                "account {account}: its access token is refused", account=id
            )
            del self._held[id]

    def forget(self, id: str) -> None:
        """The account is another one now, and its token with it."""
        self._held.pop(id, None)
        self._due.pop(id, None)

    def forget_others(self, ids: Collection[str]) -> None:
        """There are no other accounts any more than these."""
        for id in self._held.keys() - ids:
            self.forget(id)


@lru_cache(maxsize=1024)  # it is asked at each request
def told_of(credential: str) -> str:
    """What tells *credential* from others, and does not give it away."""
    return sha256(credential.encode()).hexdigest()
