"""Writing to the store from the daemon: off the reactor, and without failing."""

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.pool.account import Block, Record
from antigravity_gw.pool.store import Store


@define(eq=False)
class StoreWriter:
    """
    Writes what the daemon learns about accounts.

    A disk that fails does not keep the daemon from serving: it goes on from
    memory, says so, and tries again.  The Deferreds fire when the write is on
    disk, or has failed; they do not fail.

    :ivar in_thread: runs a blocking function somewhere else.
    :ivar _unsaved: for each account whose rotation is not on disk yet, the
        refresh token that is, and the one that should be.
    """

    store: Store
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _unsaved: dict[str, tuple[str, str]] = field(factory=dict, init=False)
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _log: ClassVar[Logger] = Logger()

    def block(self, id: str, block: Block | None) -> Deferred[None]:
        """Why an account is out, or that it is not."""
        storing = self.in_thread(self.store.block, id, block)
        return storing.addErrback(self._failed, id)

    def rotate(self, id: str, old: str, new: str) -> Deferred[None]:
        """The refresh token that replaces another one, which is dead from now on."""
        stored, _ = self._unsaved.get(id, (old, ""))
        self._unsaved[id] = (stored, new)
        return self._saving(id).addErrback(self._failed, id)

    def retry(self) -> None:
        """Try again to store the rotations that could not be, unless that goes on."""
        for id in list(self._unsaved) if not self._lock.locked else ():
            self._saving(id).addErrback(lambda _: None)  # it has been told once

    def with_rotation(self, record: Record) -> Record:
        """*record* as it would be if its rotation could have been stored."""
        old, new = self._unsaved.get(record.id, ("", ""))
        is_behind = old and record.refresh_token == old
        return evolve(record, refresh_token=new) if is_behind else record

    def _saving(self, id: str) -> Deferred[None]:
        return Deferred.fromCoroutine(self._save_rotation(id))

    async def _save_rotation(self, id: str) -> None:
        async with self._lock:  # each begins with what the one before it has left
            if id not in self._unsaved:
                return
            stored, new = self._unsaved[id]
            await self.in_thread(self.store.rotate, id, stored, new)
            newest = self._unsaved[id][1]
            if newest == new:
                del self._unsaved[id]
            else:
                self._unsaved[id] = (new, newest)

    def _failed(self, failure: Failure, id: str) -> None:
        self._log.error(
            "what was learnt of account {account} is not stored: {error}",
            account=id,
            error=failure.getErrorMessage(),
        )
