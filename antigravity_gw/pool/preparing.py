"""Getting an account ready to ask with: its access token, and its project."""

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from antigravity_gw.errors import GatewayError, Unreachable, UpstreamTimeout
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account
from antigravity_gw.pool.consequences import Consequences
from antigravity_gw.pool.learnt import project_found
from antigravity_gw.pool.shared import Shared
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.waiting import within
from antigravity_gw.wire.oauth import RenewalFailed
from antigravity_gw.wire.verdict import Blame, Setback, Verdict

OUT_OF_TIME = "no answer has begun in the time there is for it"
NO_PROJECT = "Google names no project for it, and none is configured"
REFUSED_PROJECT = "Google names a project for it that it then refuses"

MAKE_DO = 60.0
"""How long to use the configured project before asking Google again, in seconds."""

ACCOUNTS_AFFAIR = (Blame.HUMAN, Blame.PROJECT, Blame.OPERATOR)


@define
class Unfit(Exception):
    """
    An account turned out not to be able to serve.

    :ivar error: what the client is told if no other can either; None when it
        is the account's own affair.
    """

    error: GatewayError | None


FindsProject = Callable[[str, str | None], Awaitable[str | None]]


@define(eq=False)
class Preparation:
    """
    Makes accounts ready, each once however many requests wait for it.

    What goes wrong is concluded where it happens, whoever still waits for it.

    :ivar find_project: asks upstream for the project of the account whose
        access token it is given, the configured one being the second choice;
        None when there is neither.  Fails with Setback.
    :ivar _refused_clients: until when not to ask with an OAuth client, and why.
    """

    tokens: Tokens
    find_project: FindsProject
    consequences: Consequences
    clock: IReactorTime
    _renewals: Shared[str] = field(factory=lambda: Shared((Unfit,)), init=False)
    _refused_clients: dict[str, tuple[float, str]] = field(factory=dict, init=False)
    _lookups: Shared[str] = field(factory=lambda: Shared((Unfit,)), init=False)

    def trust_clients(self) -> None:
        """What was wrong with OAuth clients may have been corrected."""
        self._refused_clients.clear()

    async def ready(self, account: Account, deadline: float) -> tuple[str, str]:
        """
        The access token and the project of *account*.

        :param deadline: when the request has no time left, in POSIX seconds.
        :raises Unfit: when one of them is not to be had.
        :raises UpstreamTimeout: at the deadline.
        """
        token = self.tokens.held(account)
        if token is None:
            token = await self._in_time(deadline, self._renewed(account))
        elif self.tokens.is_due(account):
            self._renewed(account).addErrback(_concluded)
        project = self._known_project(account)
        if project is None:
            looked_up = self._looked_up(account, token)
            project = await self._in_time(deadline, looked_up)
        self.consequences.of_access(account)
        return token, project

    async def _in_time(self, deadline: float, waited_for: Deferred[str]) -> str:
        """What others may wait for too, but this request only until *deadline*."""
        try:
            return await within(deadline - self.clock.seconds(), self.clock, waited_for)
        except UpstreamTimeout as error:
            raise UpstreamTimeout(OUT_OF_TIME) from error

    def _renewed(self, account: Account) -> Deferred[str]:
        return self._renewals.run(account.id, lambda: self._renew(account))

    async def _renew(self, account: Account) -> str:
        epoch = account.epoch
        try:
            return await self._exchange(account)
        except RenewalFailed as failed:
            error = None if failed.need else Unreachable(failed.reason)
            verdict = Verdict(Blame.HUMAN, failed.reason, need=failed.need)
            raise self._unfit(account, epoch, verdict, error) from failed
        except GatewayError as error:
            verdict = Verdict(Blame.ENDPOINT, error.message)
            raise self._unfit(account, epoch, verdict, error) from error

    async def _exchange(self, account: Account) -> str:
        """
        Exchange the refresh token, unless the OAuth client has just been refused.

        One account that finds out is enough for all that have the same one.
        """
        until, reason = self._refused_clients.get(account.client_id, (0.0, ""))
        if self.clock.seconds() < until:
            raise RenewalFailed(Need.CLIENT, reason)
        try:
            return await self.tokens.renew(account)
        except RenewalFailed as failed:
            if failed.need is Need.CLIENT:
                until = self.clock.seconds() + self.consequences.rests.refused.first
                self._refused_clients[account.client_id] = until, failed.reason
            raise

    def _unfit(
        self, account: Account, epoch: int, verdict: Verdict, error: GatewayError | None
    ) -> Unfit:
        """Conclude that *account* is unfit, unless that is yesterday's news."""
        if account.epoch != epoch:
            return Unfit(Unreachable("the account has just been changed"))
        if verdict.need is None:
            self.consequences.of_trouble(account, verdict.reason)
        else:
            self.consequences.of_refusal(account, verdict)
        return Unfit(error)

    def _known_project(self, account: Account) -> str | None:
        if account.project is not None:
            return account.project
        is_made_do = self.clock.seconds() < account.configured_until
        return account.record.project if is_made_do else None

    def _looked_up(self, account: Account, token: str) -> Deferred[str]:
        return self._lookups.run(account.id, lambda: self._look_up(account, token))

    async def _look_up(self, account: Account, token: str) -> str:
        epoch = account.epoch
        try:
            found = await self.find_project(token, account.record.project)
        except Setback as setback:
            return self._make_do(account, epoch, token, setback)
        if found is None or found == account.doubted:
            why = NO_PROJECT if found is None else REFUSED_PROJECT
            account.doubted = None
            verdict = Verdict(Blame.PROJECT, why, need=Need.PROJECT)
            raise self._unfit(account, epoch, verdict, None)
        if account.epoch == epoch:
            account.project = found
            self.consequences.writer.learn(project_found(account.id, epoch, found))
        return found

    def _make_do(
        self, account: Account, epoch: int, token: str, setback: Setback
    ) -> str:
        """
        Google does not say which project; go on with the configured one, if it
        does not say so for a reason of its own.

        :raises Unfit: when there is none, or there is a reason.
        """
        verdict = setback.verdict
        if verdict.blame in ACCOUNTS_AFFAIR:
            raise self._unfit(account, epoch, verdict, None)
        if verdict.blame is Blame.TOKEN:
            self.tokens.discard(account.id, token)
        elif account.record.project not in (None, account.doubted):
            account.configured_until = self.clock.seconds() + MAKE_DO
            return str(account.record.project)
        elif isinstance(setback.error, UpstreamTimeout):
            self.consequences.of_trouble(account, verdict.reason)
        # Else the next to ask goes to the next host: that is worth another try.
        raise Unfit(Unreachable(f"an account's project: {verdict.reason}"))


def _concluded(failure: Failure) -> None:
    """Nobody waits for this one, and what follows from it has been seen to."""
    failure.trap(Unfit)
