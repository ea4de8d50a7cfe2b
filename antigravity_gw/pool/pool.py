"""The pool: lends an account, ready to ask with, to one request at a time."""

from collections.abc import Sequence
from typing import ClassVar

from attrs import define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from antigravity_gw.errors import Exhausted, GatewayError, UpstreamTimeout
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.pool.choosing import Chooser, Errand, why_none, worth_waiting
from antigravity_gw.pool.consequences import Consequences
from antigravity_gw.pool.hold import EVERY_MODEL, Holds, Trial
from antigravity_gw.pool.preparing import OUT_OF_TIME, Preparation, Unfit
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.waiting_room import WaitingRoom
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.wire.verdict import Blame, Verdict

HICCUPS = 3
"""So many accounts may fail to be prepared, for nobody's fault, for one call."""


@define(eq=False)
class AccountPool:
    """
    The operator's accounts.

    :ivar writer: takes what is learnt of them to the store.
    """

    clock: IReactorTime
    writer: StoreWriter
    tokens: Tokens
    preparation: Preparation
    consequences: Consequences
    chooser: Chooser = field(factory=Chooser)
    _accounts: dict[str, Account] = field(factory=dict, init=False)
    _waiting: WaitingRoom = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._waiting = WaitingRoom(self.clock)

    @property
    def accounts(self) -> Sequence[Account]:
        """All of them, the oldest first."""
        return list(self._accounts.values())

    def now(self) -> float:
        """The time, in POSIX seconds."""
        return self.clock.seconds()

    def go_by(self, other: "AccountPool") -> None:
        """Go by the settings of *other* from now on, which has no accounts."""
        needs = [Need.CLIENT]
        if other.tokens.client != self.tokens.client:
            needs.append(Need.LOGIN)  # the token may have been issued to this one
        self.tokens.client, self.tokens.post = other.tokens.client, other.tokens.post
        self.preparation.find_project = other.preparation.find_project
        self.consequences.rests = other.consequences.rests
        self.chooser.strategy = other.chooser.strategy
        self.preparation.trust_clients()
        for account in self.accounts:
            if account.record.client is None:
                self.consequences.forgive(account, *needs)
            self._let_use_client(account)
        self._waiting.stir()

    def take_up(self, known: Sequence[Known]) -> None:
        """
        Go by what the store says from now on; what is served is not disturbed.

        What the daemon has learnt since is newer than what the store has of it,
        unless the operator has said something about the account.
        """
        before, self._accounts = self._accounts, {}
        for each in known:
            account = before.get(each.record.id)
            if account is None:
                account = Account(each.record)
                self._start_afresh(account, each)
            elif account.epoch != each.record.epoch:
                self._start_afresh(account, each)
                self.preparation.trust_client(account)
            token = self.tokens.successor(account.id, each.record.refresh_token)
            account.record = evolve(each.record, refresh_token=token)
            self._accounts[account.id] = account
        self.tokens.forget_others(self._accounts)
        if before.keys() != self._accounts.keys():
            self._log.info("accounts in the pool: {count}", count=len(known))
        self._waiting.stir()

    def _start_afresh(self, account: Account, known: Known) -> None:
        """Let *account* have nothing in it but what the store knows."""
        account.start_afresh(known)
        self._let_use_client(account)
        self.tokens.forget(account.id)
        if known.access is not None:
            self.tokens.remember(account.id, known.access)

    def _let_use_client(self, account: Account) -> None:
        client = account.record.client or self.tokens.client
        account.client_id = client.id if client else ""

    def shortage(self, model: str = EVERY_MODEL) -> GatewayError | None:
        """
        Why no account can serve *model*, in general terms; None when one can.

        Without a model: whether any can serve at all.  One that is merely busy
        can.
        """
        now = self.now()
        if any(account.free_at(model, now) <= now for account in self.accounts):
            return None
        return why_none(self.accounts, model, now)

    async def lend(self, errand: Errand) -> "Lease":
        """
        Borrow an account for one call upstream; it has to be given back.

        Its token is good and its project known.  Accounts of which that cannot
        be said are left alone on the way, and the next is tried.

        :raises GatewayError: when there is no account left, or no time, or when
            :data:`HICCUPS` have come between.
        """
        troubles: list[GatewayError] = []
        while True:
            turn = await self._turn(errand, troubles)
            try:
                token, project = await self.preparation.ready(
                    turn.account, errand.deadline
                )
                self._waiting.stir()  # for those who wait for the same token
                if self._is_fit(turn):
                    return Lease(self, turn, token, project)
                self._end(turn)  # a lot can happen while one waits for a token
            except Unfit as unfit:
                self._end(turn)
                if unfit.error is None:
                    errand.avoid.add(turn.account.id)
                    continue
                errand.tried.add(turn.account.id)
                troubles.append(unfit.error)
                if len(troubles) == HICCUPS:
                    raise unfit.error from unfit
            except BaseException:
                self._end(turn)
                raise

    async def _turn(self, errand: Errand, troubles: list[GatewayError]) -> "Turn":
        """
        An account that may be asked now, be it after a short wait for one.

        :param troubles: what has kept others from serving; the last of it is
            what the client is told when there is none.
        """
        try:
            while True:
                if self.now() >= errand.deadline:
                    raise UpstreamTimeout(OUT_OF_TIME)
                try:
                    account = self.chooser.choose(self.accounts, errand, self.now())
                    return self._begin(account, errand.model)
                except Exhausted as exhausted:
                    await self._sit_out(errand, (troubles or [exhausted])[-1])
        finally:
            self._waiting.leave(errand)

    async def _sit_out(self, errand: Errand, error: GatewayError) -> None:
        """
        Wait until an account comes free.

        :raises GatewayError: *error*, when that takes longer than *errand* may wait.
        """
        began = self.now()
        seconds = worth_waiting(self.accounts, errand, began)
        if seconds <= 0.0:
            raise error
        longest = min(seconds, errand.deadline - began)
        await self._waiting.wait(errand, longest)
        errand.patience -= self.now() - began

    def _begin(self, account: Account, model: str) -> "Turn":
        account.serving += 1
        return Turn(
            account,
            model,
            account.epoch,
            account.holds,
            account.holds.try_out(model, self.now()),
        )

    def _is_fit(self, turn: "Turn") -> bool:
        """Whether nothing has come up since the turn began."""
        account = turn.account
        return (
            turn.is_current
            and self._accounts.get(account.id) is account
            and account.record.disabled is None
            and not account.holds.in_force(turn.model, self.now())
        )

    def _settle(self, turn: "Turn") -> None:
        """It is known now whether the holds that were tried still hold."""
        turn.holds.tried(turn.trial)
        self._waiting.stir()

    def _end(self, turn: "Turn") -> None:
        turn.account.serving -= 1
        self._settle(turn)

    def _served(self, turn: "Turn") -> None:
        if turn.is_current:
            self.consequences.of_service(turn.account, turn.trial.keys)
        self._settle(turn)

    def _failed(self, lease: "Lease", verdict: Verdict) -> None:
        turn = lease.turn
        if not turn.is_current:
            return  # the operator has said something since
        match verdict.blame:
            case Blame.TOKEN:
                self.tokens.discard(turn.account.id, lease.token)
            case Blame.PROJECT:
                self.consequences.of_project(turn.account, lease.project, verdict)
            case _:
                self.consequences.of_verdict(turn.account, turn.model, verdict)


@define(eq=False)
class Turn:
    """
    A request's turn with an account.

    :ivar epoch: the account's when it began.
    :ivar trial: of the holds there are, all of them over.
    """

    account: Account
    model: str
    epoch: int
    holds: Holds
    trial: Trial

    @property
    def is_current(self) -> bool:
        """Whether what it learns of the account is still worth knowing."""
        return self.account.epoch == self.epoch


@frozen
class Lease:
    """
    An account lent to one request; at the end of a ``with`` it is given back.

    :ivar token: its access token.
    :ivar project: its Google Cloud project.
    """

    _pool: AccountPool = field(repr=False)
    turn: Turn
    token: str = field(repr=False)
    project: str = field(repr=False)

    @property
    def account_id(self) -> str:
        """The account's opaque id."""
        return self.turn.account.id

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """The account is no longer needed."""
        self._pool._end(self.turn)

    def secrets(self) -> tuple[str, ...]:
        """What no client may read of the account."""
        record = self.turn.account.record
        return self.project, self.token, record.refresh_token, record.name

    def blame(self, verdict: Verdict) -> None:
        """Let the pool draw its conclusions from a failed call."""
        self._pool._failed(self, verdict)

    def worked(self) -> None:
        """Let the pool know that the account has served."""
        self._pool._served(self.turn)
