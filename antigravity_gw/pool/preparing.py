"""Getting an account ready to ask with: its access token, and its project."""

from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.causes import Cause
from antigravity_gw.errors import (
    GatewayError,
    OutOfDescriptors,
    Unreachable,
    UpstreamTimeout,
)
from antigravity_gw.kind import Caller, Kinds
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.consequences import Consequences
from antigravity_gw.pool.hold import Hold
from antigravity_gw.pool.learnt import project_found
from antigravity_gw.pool.shared import Shared
from antigravity_gw.pool.tokens import Tokens, told_of
from antigravity_gw.waiting import within
from antigravity_gw.wire.oauth import OAuthClient, RenewalFailed
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

OUT_OF_TIME = "no answer has begun in the time there is for it"
NO_PROJECT = "Google names no project for it, and none is configured"
REFUSED_PROJECT = "Google names a project for it that it then refuses"

CHANGED = "an account has just been changed"

MAKE_DO = 60.0
"""How long to use the configured project before asking Google again, in seconds."""

ACCOUNTS_AFFAIR = (Blame.HUMAN, Blame.PROJECT, Blame.OPERATOR)


@define
class Unfit(Exception):
    """
    An account turned out not to be able to serve.

    :ivar error: what the client is told if no other can either; None when it
        is the account's own affair.
    :ivar verdict: what there is to say about it, if that is anything.
    """

    error: GatewayError | None
    verdict: Verdict | None = None


UsedBy = tuple[str, OAuthClient | None]
"""A kind of account, and an OAuth client that it needs; there may be none."""


@define(eq=False)
class Preparation:
    """
    Makes accounts ready, each once however many requests wait for it.

    What goes wrong is concluded where it happens, whoever still waits for it.

    :ivar kinds: where projects are known, or are found.
    :ivar _refused_clients: why not to ask with an OAuth client, and until when.
    """

    tokens: Tokens
    kinds: Kinds
    consequences: Consequences
    clock: IReactorTime
    _renewals: Shared[str] = field(factory=lambda: Shared((Unfit,)), init=False)
    _refused_clients: dict[UsedBy, Hold] = field(factory=dict, init=False)
    _settings: int = field(default=0, init=False)
    _lookups: Shared[str] = field(factory=lambda: Shared((Unfit,)), init=False)
    _log: ClassVar[Logger] = Logger()

    def trust_clients(self) -> None:
        """What was wrong with OAuth clients may have been corrected."""
        self._settings += 1
        self._refused_clients.clear()

    def trust_client(self, account: Account) -> None:
        """The operator has said something new of *account*: that may be mended."""
        self._refused_clients.pop(self._client_of(account), None)

    async def ready(self, account: Account, deadline: float) -> Caller:
        """
        What *account* can be asked with: an access token, and a project.

        :param deadline: when the request has no time left, in POSIX seconds.
        :raises Unfit: when one of them is not to be had.
        :raises UpstreamTimeout: at the deadline.
        """
        epoch, token = account.epoch, self.tokens.held(account)
        if token is None:
            token = await self._in_time(deadline, self.renewed(account))
            _check_same(account, epoch)
        elif self.tokens.is_due(account):
            self.renewed(account).addErrback(_concluded)
        project = self._known_project(account)
        if project is None:
            looked_up = self.looked_up(account, token)
            project = await self._in_time(deadline, looked_up)
            _check_same(account, epoch)
        self.consequences.of_access(account)
        return Caller(account.record, token, project)

    async def _in_time(self, deadline: float, waited_for: Deferred[str]) -> str:
        """What others may wait for too, but this request only until *deadline*."""
        try:
            return await within(deadline - self.clock.seconds(), self.clock, waited_for)
        except UpstreamTimeout as error:
            raise UpstreamTimeout(OUT_OF_TIME) from error

    def _age(self, account: Account) -> tuple[int, int]:
        """What a conclusion is drawn from; one of another age is yesterday's news."""
        return account.epoch, self._settings

    def renewed(self, account: Account) -> Deferred[str]:
        """
        A new access token, even if there is one.

        :returns: a Deferred that fails with :class:`Unfit` when there is none.
        """
        # A new login does not wait for what becomes of the one before it.
        # Nor does one under other settings: the old ones may be why it hangs.
        key = f"{account.id} {self._settings} {told_of(account.record.credential)}"
        return self._renewals.run(key, lambda: self._renew(account))

    async def _renew(self, account: Account) -> str:
        age = self._age(account)
        try:
            return await self._exchange(account)
        except RenewalFailed as failed:
            error = None if failed.need else Unreachable(failed.reason)
            verdict = Verdict(
                Blame.HUMAN, failed.reason, need=failed.need, cause=failed.cause
            )
            raise self._unfit(account, age, verdict, error) from failed
        except OutOfDescriptors as error:
            raise Unfit(error) from error
        except GatewayError as error:
            verdict = Verdict(Blame.ENDPOINT, error.message)
            raise self._unfit(account, age, verdict, error) from error

    async def _exchange(self, account: Account) -> str:
        """
        Exchange the refresh token, unless the OAuth client has just been refused.

        One account that finds out is enough for all that have the same one.
        """
        client, settings = self._client_of(account), self._settings
        known = self._refused_clients.get(client)
        if known is not None and known.is_in_force(self.clock.seconds()):
            raise RenewalFailed(Need.CLIENT, known.reason)
        try:
            return await self.tokens.renew(account)
        except RenewalFailed as failed:
            if failed.need is Need.CLIENT and settings == self._settings:
                now = self.clock.seconds()
                until = now + self.consequences.rests.refused.first
                self._refused_clients[client] = Hold(failed.reason, now, until)
            raise

    def _unfit(
        self,
        account: Account,
        age: tuple[int, int],
        verdict: Verdict,
        error: GatewayError | None,
    ) -> Unfit:
        """Conclude that *account* is unfit, unless that is yesterday's news."""
        self._log.debug(
            "account {account}: no access token, or no project: {reason}",
            account=account.id,
            reason=verdict.reason,
        )
        if self._age(account) != age:
            return Unfit(Unreachable(CHANGED))
        if verdict.need is not None:
            self.consequences.of_refusal(account, verdict)
        elif self.tokens.held(account) is None or self._known_project(account) is None:
            self.consequences.of_trouble(account, verdict)
        return Unfit(error, verdict)

    def _client_of(self, account: Account) -> UsedBy:
        record = account.record
        return record.kind, self.kinds.of(record).client_of(record)

    def _known_project(self, account: Account) -> str | None:
        if account.project is not None:
            return account.project
        known = self.kinds.of(account.record).project_of(account.record)
        if known is not None:
            return known
        is_made_do = self.clock.seconds() < account.configured_until
        return account.record.project if is_made_do else None

    def looked_up(self, account: Account, token: str) -> Deferred[str]:
        """
        The project that Google says *account* has, else the configured one.

        :returns: a Deferred that fails with :class:`Unfit` when there is none.
        """
        key = f"{account.id} {account.epoch}"
        return self._lookups.run(key, lambda: self._look_up(account, token))

    async def _look_up(self, account: Account, token: str) -> str:
        age = self._age(account)
        try:
            kind = self.kinds.of(account.record)
            found = await kind.find_project(account.record, token)
        except Setback as setback:
            return self._make_do(account, age, token, setback.verdict)
        if found is not None and found == account.doubted:
            found = account.record.project  # which is worth a try now
        if found is None or found == account.doubted:
            why = REFUSED_PROJECT if account.doubted else NO_PROJECT
            account.doubted = None
            verdict = Verdict(
                Blame.PROJECT, why, need=Need.PROJECT, cause=Cause.NO_PROJECT
            )
            raise self._unfit(account, age, verdict, None)
        self._log.debug("account {account}: its project is found", account=account.id)
        if self._age(account) == age:
            account.project = found
            change = project_found(account.id, account.epoch, found)
            self.consequences.writer.learn(change)
        return found

    def _make_do(
        self, account: Account, age: tuple[int, int], token: str, verdict: Verdict
    ) -> str:
        """
        Google does not say which project; go on with the configured one, if it
        does not say so for a reason of its own.

        :raises Unfit: when there is none, or there is a reason.
        """
        if verdict.blame is Blame.GATEWAY:
            raise Unfit(OutOfDescriptors())
        if verdict.blame in ACCOUNTS_AFFAIR:
            raise self._unfit(account, age, verdict, None)
        error = Unreachable(f"an account's project: {verdict.reason}")
        if verdict.blame is Blame.TOKEN:
            self.tokens.discard(account.id, token)
            raise Unfit(error, verdict)
        if account.record.project in (None, account.doubted):
            account.doubted = None  # which is not the news it was, next time
            is_limit = verdict.blame in (Blame.QUOTA, Blame.RATE)  # the account's
            raise self._unfit(account, age, verdict, None if is_limit else error)
        account.configured_until = self.clock.seconds() + MAKE_DO
        return str(account.record.project)


def _check_same(account: Account, epoch: int) -> None:
    """
    See that *account* is the one it was; a name may be given to somebody else.

    A token that was waited for would go to that one's host, under its project.

    :raises Unfit: when it is not.
    """
    if account.epoch != epoch:
        raise Unfit(Unreachable(CHANGED))


def _concluded(failure: Failure) -> None:
    """Nobody waits for this one, and what follows from it has been seen to."""
    failure.trap(Unfit)
