"""Keeping the daemon in step with the store, which the command line changes too."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from antigravity_gw.database import StoreError
from antigravity_gw.keys import StoredKey
from antigravity_gw.pool.account import Known
from antigravity_gw.pool.clientkeys import ClientKeys
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.store import Store
from antigravity_gw.trouble import LastingTrouble


@define(eq=False)
class StoreWatch:
    """
    Lets changes of the store be taken up, every time it looks, and the pool store
    what it could not store before.

    Looking never fails, so that one bad moment of the disk does not end it, and
    reads in a thread, so that a slow disk delays nobody.

    :ivar take_up_keys: is told the clients' keys.
    :ivar in_thread: runs a blocking function somewhere else.
    """

    pool: AccountPool
    store: Store
    take_up_keys: Callable[[Sequence[StoredKey]], None]
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _is_behind: bool = field(default=False, init=False)
    _trouble: LastingTrouble = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._trouble = LastingTrouble(
            self._log,
            "the account store cannot be read, and accounts and keys stay as they "
            "are for now: {error}",
            "the account store can be read again",
        )

    def take_up(self, accounts: Sequence[Known], keys: Sequence[StoredKey]) -> None:
        """Go by these accounts and keys of the store, and by no others."""
        self.pool.take_up(accounts)
        self.take_up_keys(keys)

    def look(self) -> Deferred[None]:
        """
        Look; say it once when that fails, and once when it works again.

        :returns: a Deferred that fires when all are in step, or cannot be;
            it does not fail.
        """
        return Deferred.fromCoroutine(self._in_turn())

    async def _in_turn(self) -> None:
        """One look at a time: an older one must not come after a newer."""
        async with self._lock:
            await self._look()

    async def _look(self) -> None:
        try:
            news = await self.in_thread(self._news)
            trouble = ""
        except StoreError as error:
            news, trouble = None, error.message
        self._trouble.note(trouble)
        if news is not None:
            self.take_up(*news)
        self.pool.writer.retry()

    def _news(self) -> tuple[list[Known], list[StoredKey]] | None:
        """All accounts and keys, if anything has changed since they were last read."""
        self._is_behind = self.store.has_changed() or self._is_behind
        if not self._is_behind:
            return None
        news = self.store.accounts(), ClientKeys(self.store).all()
        self._is_behind = False
        return news
