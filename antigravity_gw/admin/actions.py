"""What an operator can do about an account, from the page or its API."""

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from antigravity_gw.admin.snapshot import account_shown
from antigravity_gw.admin.trials import Turns
from antigravity_gw.catalog import Catalog
from antigravity_gw.database import StoreError
from antigravity_gw.errors import BadRequest, GatewayError, NotFound
from antigravity_gw.outcome import Result
from antigravity_gw.pool.account import Account, Known
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.watch import StoreWatch
from antigravity_gw.trial import Trial


class StoreFails(GatewayError):
    """What an operator wants to be done cannot be stored, or to be seen not read."""

    code = 503
    status = "UNAVAILABLE"


@define(eq=False)
class Actions:
    """
    Changes the store, as the command line does, and has the pool take that up.

    :ivar watch: keeps the pool in step with the store.
    :ivar trial: asks an account in a pool of its own.
    :ivar in_thread: runs a blocking function somewhere else.
    """

    pool: AccountPool
    store: Store
    watch: StoreWatch
    trial: Trial
    catalog: Catalog
    turns: Turns = field(factory=Turns)
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _log: ClassVar[Logger] = Logger()

    @property
    def doings(self) -> dict[str, Callable[..., Any]]:
        """What can be done to an account, by what it is called in a path."""
        return {
            "enable": self.enable,
            "disable": self.disable,
            "end-cooldown": self.end_cooldown,
            "test": self.test,
        }

    async def enable(self, id: str, who: str) -> dict[str, Any]:
        """Use it again, whatever was learnt of it."""
        return await self._change(
            id, who, "enabled", self.store.give_another_chance, id
        )

    async def disable(self, id: str, who: str) -> dict[str, Any]:
        """Use it no more, but keep it."""
        return await self._change(id, who, "disabled", self._disable, id)

    async def end_cooldown(self, id: str, who: str) -> dict[str, Any]:
        """Use it again for what it was left alone with for a while."""
        return await self._change(
            id, who, "cooldown ended", self.store.end_cooldowns, id
        )

    async def test(self, id: str, who: str, model: str = "") -> dict[str, Any]:
        """
        Ask it a small question, as the command line does.

        :param model: as a client would name it; empty for the usual one.
        :raises TooManyTests: when it has to wait.
        """
        if not (model or self.trial.model):
            raise BadRequest("no model is configured: name one")
        self._account(id)
        self.turns.take(id, self.pool.now())
        try:
            trial = self.trial
            if model:
                trial = evolve(trial, model=self.catalog.resolve(model))
            self._tell(who, "tested", id)
            await self.pool.writer.flushed()
            outcome = await trial.run(await self._known(id))
            now = self.pool.now()
            told = Result.of(await self._known(id), outcome, now).as_object()
            await self.watch.look()
        except StoreError as error:
            raise StoreFails(error.message) from None
        finally:
            self.turns.end(id, self.pool.now())
        return {"id": id, "result": "tested", "test": told, **self._shown(id)}

    def _disable(self, id: str) -> None:
        """In a thread: disable it, but keep the time if it is so already."""
        known = _found(self.store.accounts(), id)
        if known.record.disabled is None:
            self.store.change(id, disabled=self.pool.now())

    async def _change(
        self, id: str, who: str, result: str, change: Callable[..., Any], *args: Any
    ) -> dict[str, Any]:
        self._account(id)
        self._tell(who, result, id)
        await self.pool.writer.flushed()  # what was learnt before comes before
        try:
            await self.in_thread(change, *args)
        except StoreError as error:
            raise StoreFails(error.message) from None
        await self.watch.look()
        return {"id": id, "result": result, **self._shown(id)}

    async def _known(self, id: str) -> Known:
        return _found(await self.in_thread(self.store.accounts), id)

    def _account(self, id: str) -> Account:
        account = next((a for a in self.pool.accounts if a.id == id), None)
        if account is None:
            raise NotFound("there is no account of this id")
        return account

    def _shown(self, id: str) -> dict[str, Any]:
        return {"account": account_shown(self._account(id), self.pool.now())}

    def _tell(self, who: str, what: str, id: str) -> None:
        self._log.info(
            "by an operator ({who}): account {account}: {what}",
            who=who or "no key",
            account=id,
            what=what,
        )


def _found(accounts: list[Known], id: str) -> Known:
    """
    The account of this id.

    :raises NotFound: when it is gone.
    """
    found = next((known for known in accounts if known.record.id == id), None)
    if found is None:
        raise NotFound("there is no account of this id")
    return found
