"""The pool: lends an account, ready to ask with, to one request at a time."""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
)
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from antigravity_gw.errors import (
    Exhausted,
    GatewayError,
    Unreachable,
    UpstreamTimeout,
)
from antigravity_gw.pool.account import (
    EVERY_MODEL,
    Account,
    Block,
    Need,
    Sessions,
    choose,
    why_none,
)
from antigravity_gw.pool.shared import Shared
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.waiting import within
from antigravity_gw.wire.oauth import Fault, RenewalFailed
from antigravity_gw.wire.verdict import Blame, Setback, Verdict


@frozen
class Rests:
    """
    How long an account is left alone, in seconds.

    :ivar quota: after it ran out of quota, when upstream does not say how long.
    :ivar refused: after it was forbidden a call, before it may try again.
    :ivar trouble: after its token could not be renewed and nobody is to blame.
    :ivar shortest: at least this long, whatever upstream says.
    """

    quota: float = 60.0
    refused: float = 300.0
    trouble: float = 5.0
    shortest: float = 1.0


HICCUPS = 3
"""So many accounts may fail to be prepared, for nobody's fault, for one call."""

OUT_OF_TIME = "no answer has begun in the time there is for it"
NO_PROJECT = (
    "Google names no project for it; set one with 'antigravity-gw accounts add NAME "
    "--project ID'"
)


@define
class Unfit(Exception):
    """
    An account turned out not to be able to serve.

    :ivar account: its id.
    :ivar error: what the client is told if no other can either; None when it
        is the account's own affair.
    """

    account: str
    error: GatewayError | None


class NoProject(Exception):
    """Google names no project for an account, and the operator set none."""


_NEEDS = {Fault.LOGIN: Need.LOGIN, Fault.CLIENT: Need.CLIENT}


@define(eq=False)
class AccountPool:
    """
    The operator's accounts.

    :ivar find_project: asks upstream for the project of the account whose
        access token it is given; None when there is none.  Fails with Setback.
    """

    store: Store
    writer: StoreWriter
    tokens: Tokens
    clock: IReactorTime
    find_project: Callable[[str], Awaitable[str | None]]
    rests: Rests = Rests()
    _accounts: dict[str, Account] = field(factory=dict, init=False)
    _sessions: Sessions = field(factory=Sessions, init=False)
    _projects: dict[str, str] = field(factory=dict, init=False)
    _discoveries: Shared[str] = field(
        factory=lambda: Shared((Setback, NoProject)), init=False
    )
    _last: str | None = field(default=None, init=False)
    _is_behind: bool = field(default=False, init=False)
    _log: ClassVar[Logger] = Logger()

    def now(self) -> float:
        """The time, in POSIX seconds."""
        return self.clock.seconds()

    def refresh(self) -> None:
        """
        Take up what was changed in the store, if anything was.

        An account that was given another refresh token starts afresh; what is
        being served is not disturbed.

        :raises StoreError: when the store cannot be read; nothing changes then.
        """
        self._is_behind = self.store.has_changed() or self._is_behind
        if not self._is_behind:
            return
        records = self.store.records()
        self._is_behind = False
        known, self._accounts = self._accounts, {}
        for record in map(self.writer.with_rotation, records):
            account = known.pop(record.id, None) or Account(record)
            if account.record.refresh_token != record.refresh_token:
                account.resting.clear()
                self._projects.pop(record.id, None)
            account.record = record
            self._accounts[record.id] = account
        self._forget(known)
        self._log.info("accounts in the pool: {count}", count=len(self._accounts))

    def _forget(self, ids: Collection[str]) -> None:
        """The accounts with these ids are gone: keep nothing of theirs."""
        self._sessions.forget(ids)
        for id in ids:
            self._projects.pop(id, None)
            self.tokens.forget(id)

    def shortage(self, model: str = EVERY_MODEL) -> GatewayError | None:
        """
        Why no account can serve *model*, in general terms; None when one can.

        Without a model: whether any can serve at all.
        """
        accounts, now = list(self._accounts.values()), self.now()
        if any(account.can_serve(model, now) for account in accounts):
            return None
        return why_none(accounts, model, now)

    @asynccontextmanager
    async def lend(
        self,
        model: str,
        conversation: bytes | None,
        *,
        avoid: Collection[str] = (),
        second_choice: Collection[str] = (),
        deadline: float,
    ) -> AsyncIterator["Lease"]:
        """
        Borrow an account for one call upstream.

        Its token is good and its project known.  Accounts of which that
        cannot be said are put to rest on the way, and the next is tried.

        :param deadline: when to stop trying, in POSIX seconds.
        :raises GatewayError: when there is no account left, or no time, or when
            :data:`HICCUPS` have come between.
        """
        tried, troubles = set(second_choice), list[GatewayError]()
        while True:
            if self.now() >= deadline:
                raise UpstreamTimeout(OUT_OF_TIME)
            try:
                account = self._choose(model, conversation, avoid, tried)
                lease = await self._prepared(account, model, deadline)
                break
            except Unfit as unfit:
                tried.add(unfit.account)
                troubles += [unfit.error] if unfit.error else []
                if len(troubles) == HICCUPS:
                    raise troubles[-1] from unfit
            except Exhausted as exhausted:
                raise (troubles or [exhausted])[-1] from None
        account.serving += 1
        try:
            yield lease
        finally:
            account.serving -= 1

    def _choose(
        self,
        model: str,
        conversation: bytes | None,
        avoid: Collection[str],
        second_choice: Collection[str],
    ) -> Account:
        home = self._sessions.home(conversation)
        account = choose(
            list(self._accounts.values()),
            model,
            self.now(),
            home=home,
            last=self._last,
            avoid=avoid,
            second_choice=second_choice,
        )
        if home is None:
            self._last = account.id
            self._sessions.settle(conversation, account.id)
        return account

    async def _prepared(self, account: Account, model: str, deadline: float) -> "Lease":
        """
        A lease of *account*.

        :raises Unfit: when it turns out not to be able to serve.
        """
        token = ""
        try:
            token = await self._in_time(deadline, self.tokens.fresh(account))
            project = await self._in_time(deadline, self._project(account, token))
        except (RenewalFailed, NoProject, Setback, GatewayError) as failure:
            if self.now() >= deadline:  # which says nothing about the account
                raise UpstreamTimeout(OUT_OF_TIME) from failure
            error = self._conclude(account, model, token, failure)
            raise Unfit(account.id, error) from failure
        return Lease(self, account, model, token, project)

    def _conclude(
        self, account: Account, model: str, token: str, failure: Exception
    ) -> GatewayError | None:
        """
        Draw the conclusions of a failure to prepare *account*.

        :returns: what to tell the client if it is nobody's fault, else None.
        """
        match failure:
            case RenewalFailed(fault=Fault.NOBODY, reason=reason):
                self._rest(account, EVERY_MODEL, self.rests.trouble, reason)
                return Unreachable(reason)
            case RenewalFailed(fault=fault, reason=reason):
                self._block(account, _NEEDS[fault], reason)
            case NoProject():
                self._block(account, Need.PROJECT, NO_PROJECT)
            case Setback(verdict=verdict):
                self.blame(account, EVERY_MODEL, token, verdict)
                if account.can_serve(model, self.now()):
                    return Unreachable(f"an account's project: {verdict.reason}")
            case GatewayError(message=message):
                self._rest(account, EVERY_MODEL, self.rests.trouble, message)
                return failure
        return None

    async def _in_time(
        self, deadline: float, waited_for: Coroutine[Deferred[Any], Any, str]
    ) -> str:
        """What others may wait for too, but this request only until *deadline*."""
        left = deadline - self.now()
        return await within(left, self.clock, Deferred.fromCoroutine(waited_for))

    async def _project(self, account: Account, token: str) -> str:
        known = account.record.project or self._projects.get(account.id)
        if known:
            return known
        return await self._discoveries.run(
            account.id, lambda: self._discover(account, token)
        )

    async def _discover(self, account: Account, token: str) -> str:
        project = await self.find_project(token)
        if project is None:
            raise NoProject
        self._projects[account.id] = project
        return project

    def worked(self, account: Account) -> None:
        """*account* has served, whatever was thought of it."""
        if account.block is not None and account.block.need is Need.ACCESS:
            account.note(None)
            self.writer.block(account.id, None)

    def blame(self, account: Account, model: str, token: str, verdict: Verdict) -> None:
        """Draw the conclusions of *verdict* that concern *account*."""
        match verdict.blame:
            case Blame.TOKEN:
                self.tokens.discard(account.id, token)
            case Blame.QUOTA:
                delay = self.rests.quota if verdict.delay is None else verdict.delay
                self._rest(account, model, delay, verdict.reason)
            case Blame.ACCOUNT if verdict.lasting:
                self._block(account, Need.SUSPENDED, verdict.reason)
            case Blame.ACCOUNT:
                self._block(account, Need.ACCESS, verdict.reason)
            case _:
                pass  # the account has done nothing wrong

    def _rest(self, account: Account, model: str, delay: float, reason: str) -> None:
        delay = max(delay, self.rests.shortest)
        until = self.now() + delay
        if account.resting.get(model, 0.0) >= until:
            return  # all who waited for the same failure come here
        account.rest(model, until)
        self._log.warn(
            "account {account} rests for {delay:.0f} s ({model}): {reason}",
            account=account.id,
            delay=delay,
            model="every model" if model == EVERY_MODEL else model,
            reason=reason,
        )

    def _block(self, account: Account, need: Need, reason: str) -> None:
        now = self.now()
        if account.is_blocked(now) and account.block and account.block.need is need:
            return  # all who waited for the same failure come here
        until = now + self.rests.refused if need is Need.ACCESS else None
        account.note(Block(need, reason, now, until))
        self._log.error(
            "account {account} is out ({need}): {reason}. See 'antigravity-gw "
            "accounts list'",
            account=account.id,
            need=need.value,
            reason=reason,
        )
        self.writer.block(account.id, account.block)


@frozen
class Lease:
    """
    An account lent to one request.

    :ivar token: its access token.
    :ivar project: its Google Cloud project.
    """

    _pool: AccountPool = field(repr=False)
    _account: Account = field(repr=False)
    _model: str
    token: str = field(repr=False)
    project: str = field(repr=False)

    @property
    def account_id(self) -> str:
        """The account's opaque id."""
        return self._account.id

    def blame(self, verdict: Verdict) -> None:
        """Let the pool draw its conclusions from a failed call."""
        self._pool.blame(self._account, self._model, self.token, verdict)

    def worked(self) -> None:
        """Let the pool know that the account has served."""
        self._pool.worked(self._account)
