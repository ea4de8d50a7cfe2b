"""Knowing what is left of the accounts' quotas, without asking on any request."""

from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from antigravity_gw.errors import GatewayError
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.hold import EVERY_MODEL
from antigravity_gw.pool.learnt import quota_seen
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Unfit
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.verdict import Blame, Setback

LONGEST_LOOK = 60.0
"""How long to wait for what Google says of one account, in seconds."""


@define(eq=False)
class QuotaWatch:
    """
    Asks Google for the quotas of all accounts that can be asked, one by one.

    What it hears informs the choice of accounts.  That it hears nothing has no
    consequences: an account of which Google does not say what is left may well
    be full.

    :ivar every: how old, in seconds, what is known may get; 0 for do not ask.
    :ivar begins: when to begin, in POSIX seconds, so that a start is not held up.
    """

    pool: AccountPool
    every: float
    begins: float = 0.0
    _silent: dict[str, str] = field(factory=dict, init=False)
    _log: ClassVar[Logger] = Logger()

    def go_by(self, other: "QuotaWatch") -> None:
        """Go by the settings of *other* from now on."""
        self.every = other.every

    def look(self) -> Deferred[None]:
        """Ask for all; the Deferred fires when that is done, and does not fail."""
        return Deferred.fromCoroutine(self._look())

    async def _look(self) -> None:
        if self.pool.now() < self.begins:
            return
        for account in self.pool.accounts:
            if self.every and self._is_due(account):
                account.quota_seen = self.pool.now()  # also if it is in vain
                await self._see(account)

    def _is_due(self, account: Account) -> bool:
        """Whether to ask for *account*, which may have to be left alone."""
        age = self.pool.now() - account.quota_seen
        is_fresh = 0.0 <= age < self.every
        is_held = bool(account.holds.on(EVERY_MODEL))
        return (
            account in self.pool.accounts
            and account.record.disabled is None
            and self.pool.kinds.of(account.record).tells_quotas
            and not (is_fresh or is_held)
        )

    async def _see(self, account: Account) -> None:
        token, epoch = "", account.epoch
        try:
            preparation = self.pool.preparation
            caller = await preparation.ready(account, self.pool.now() + LONGEST_LOOK)
            token = caller.token
            quota = await self.pool.kinds.of(caller.record).find_quotas(caller)
        except Setback as setback:
            if setback.verdict.blame is Blame.TOKEN:
                self.pool.tokens.discard(account.id, token)
            self._tell(account.id, setback.verdict.reason)
        except (Unfit, GatewayError):
            self._tell(account.id, "there is no access token or no project")
        else:
            self._tell(account.id, "")
            self._take(account, epoch, quota)

    def _take(self, account: Account, epoch: int, quota: dict[str, Remaining]) -> None:
        if account.epoch == epoch:  # else the operator has said something since
            account.quota, account.quota_seen = quota, self.pool.now()
            change = quota_seen(account.id, epoch, quota, account.quota_seen)
            self.pool.writer.learn(change)

    def _tell(self, id: str, reason: str) -> None:
        """Say it once for each reason, since it goes on and is no matter."""
        if reason and self._silent.get(id) != reason:
            self._log.info(
                "account {account}: Google does not say what is left of its quota: "
                "{reason}",
                account=id,
                reason=reason,
            )
        self._silent[id] = reason
