"""Writing to the store from the daemon: off the reactor, and without failing."""

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.pool.account import Block
from antigravity_gw.pool.store import Store


@define(eq=False)
class StoreWriter:
    """
    Writes what the daemon learns about accounts.

    A disk that fails does not keep the daemon from serving: it goes on from
    memory, and says so.  The Deferreds fire when the write is on disk, or has
    failed; they do not fail.

    :ivar in_thread: runs a blocking function somewhere else.
    """

    store: Store
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _log: ClassVar[Logger] = Logger()

    def block(self, id: str, block: Block | None) -> Deferred[None]:
        """Why an account is out, or that it is not."""
        return self._write(id, self.store.block, id, block)

    def rotate(self, id: str, old: str, new: str) -> Deferred[None]:
        """The refresh token that replaces another one."""
        return self._write(id, self.store.rotate, id, old, new)

    def _write(self, id: str, write: Callable[..., None], *what: Any) -> Deferred[None]:
        def failed(failure: Failure) -> None:
            self._log.error(
                "what was learnt of account {account} is not stored: {error}",
                account=id,
                error=failure.getErrorMessage(),
            )

        return self.in_thread(write, *what).addErrback(failed)
