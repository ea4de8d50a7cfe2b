"""The pool: lends an account, ready to ask with, to one request at a time."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar

from attrs import define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from antigravity_gw.errors import Exhausted, GatewayError, UpstreamTimeout
from antigravity_gw.kind import Caller, Kind, Kinds
from antigravity_gw.needs import Need
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.pool.choosing import (
    Chooser,
    Errand,
    of_kinds,
    why_none,
    worth_waiting,
)
from antigravity_gw.pool.consequences import Consequences
from antigravity_gw.pool.hold import EVERY_MODEL, Holds, Trial
from antigravity_gw.pool.preparing import OUT_OF_TIME, Preparation, Unfit
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.waiting_room import WaitingRoom
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.wire.oauth import OAuthClient
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
    kinds: Kinds
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
        before = {a.id: self._client_of(a) for a in self.accounts}
        self.kinds.go_by(other.kinds)
        self.consequences.rests = other.consequences.rests
        self.chooser.strategy = other.chooser.strategy
        self.preparation.trust_clients()
        for account in self.accounts:
            if account.record.client is None:
                self.consequences.forgive(account, Need.CLIENT)
            if self._client_of(account) != before[account.id]:
                # The token may have been issued to this one.
                self.consequences.forgive(account, Need.LOGIN)
            self._let_use_client(account)
        self._waiting.stir()

    def take_up(self, known: Sequence[Known]) -> None:
        """
        Go by what the store says from now on; what is served is not disturbed.

        What the daemon has learnt since is newer than what the store has of it,
        unless the operator has said something about the account.
        """
        before, self._accounts = self._accounts, {}
        for each in self._familiar(known):
            account = before.get(each.record.id)
            if account is None:
                account = Account(each.record)
                self._start_afresh(account, each)
            elif account.epoch != each.record.epoch:
                self._start_afresh(account, each)
                self.preparation.trust_client(account)
            token = self.tokens.successor(account.id, each.record.credential)
            account.record = evolve(each.record, credential=token)
            self._accounts[account.id] = account
        self.tokens.forget_others(self._accounts)
        if before.keys() != self._accounts.keys():
            self._log.info("accounts in the pool: {count}", count=len(known))
        self._waiting.stir()

    def _familiar(self, known: Sequence[Known]) -> list[Known]:
        """Those of a kind there is; a later version may have left others."""
        strangers = [k.record for k in known if k.record.kind not in self.kinds]
        for record in strangers:
            self._log.error(
                "account {account} is of a kind that this version does not know "
                "({kind}), and is not used",
                account=record.id,
                kind=record.kind,
            )
        return [each for each in known if each.record.kind in self.kinds]

    def _start_afresh(self, account: Account, known: Known) -> None:
        """Let *account* have nothing in it but what the store knows."""
        account.start_afresh(known)
        self._let_use_client(account)
        self.tokens.forget(account.id)
        if known.access is not None:
            self.tokens.remember(account.id, known.access)

    def _let_use_client(self, account: Account) -> None:
        client = self._client_of(account)
        account.client_id = client.id if client else ""

    def _client_of(self, account: Account) -> OAuthClient | None:
        return self.kinds.of(account.record).client_of(account.record)

    def secrets(self) -> set[str]:
        """What nobody may read of any account: tokens, names, projects and keys."""
        found: set[str | None] = set()
        for account in self.accounts:
            record, client = account.record, self._client_of(account)
            found.update(self.kinds.of(record).secrets_of(record))
            found.update((record.name, record.project, account.project))
            found.add(self.tokens.held(account))
            found.add(client.secret if client else None)
        return {secret for secret in found if secret}

    def shortage(
        self, model: str = EVERY_MODEL, kinds: frozenset[str] | None = None
    ) -> GatewayError | None:
        """
        Why no account can serve *model*, in general terms; None when one can.

        Without a model: whether any can serve at all.  One that is merely busy
        can.
        """
        now, accounts = self.now(), of_kinds(self.accounts, kinds)
        if any(account.free_at(model, now) <= now for account in accounts):
            return None
        return why_none(accounts, model, now, kinds)

    def pass_over(
        self, errand: Errand, lease: "Lease", failed: AbstractSet[str]
    ) -> None:
        """
        The account that was lent does not know the model, and so do others not.

        They are left out once every host of theirs was asked.

        :param failed: the hosts that have not served *errand*.
        """
        kind, record = lease.kind, lease.caller.record
        if failed >= set(kind.hosts(record)):
            known = kind.knows(record)
            errand.avoid.update(
                other.id
                for other in self.accounts
                if other.record.kind == record.kind
                and kind.knows(other.record) == known
            )

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
                caller = await self.preparation.ready(turn.account, errand.deadline)
                self._waiting.stir()  # for those who wait for the same token
                if self._is_fit(turn):
                    return Lease(self, turn, caller)
                self._end(turn)  # a lot can happen while one waits for a token
            except Unfit as unfit:
                self._end(turn)
                if unfit.error is None:
                    errand.avoid.add(turn.account.id)
                    continue
                errand.tried.add(turn.account.id)
                # What is in the way is most often in the way of the whole kind.
                errand.later.add(turn.account.record.kind)
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
                    accounts = of_kinds(self.accounts, errand.kinds)
                    account = self.chooser.choose(accounts, errand, self.now())
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
        accounts = of_kinds(self.accounts, errand.kinds)
        seconds = worth_waiting(accounts, errand, began)
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
                self.tokens.discard(turn.account.id, lease.caller.token)
            case Blame.PROJECT:
                self.consequences.of_project(
                    turn.account, lease.caller.project, verdict
                )
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

    :ivar caller: what to ask with on its behalf.
    """

    _pool: AccountPool = field(repr=False)
    turn: Turn
    caller: Caller

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
        caller, record = self.caller, self.caller.record
        told = self.kind.secrets_of(record)
        return caller.project, caller.token, record.name, *told

    @property
    def kind(self) -> Kind:
        """What kind of account it is."""
        return self._pool.kinds.of(self.caller.record)

    def blame(self, verdict: Verdict) -> None:
        """Let the pool draw its conclusions from a failed call."""
        self._pool._failed(self, verdict)

    def worked(self) -> None:
        """Let the pool know that the account has served."""
        self._pool._served(self.turn)
