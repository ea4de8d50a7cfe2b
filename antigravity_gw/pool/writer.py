"""Writing to the store from the daemon: off the reactor, and without failing."""

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from antigravity_gw.database import StoreError
from antigravity_gw.pool.learnt import Change
from antigravity_gw.pool.store import Store
from antigravity_gw.trouble import LastingTrouble


@define(eq=False)
class StoreWriter:
    """
    Writes what the daemon learns about accounts, in the order it was learnt.

    A disk that fails does not keep the daemon from serving: it goes on from
    memory, says so, and tries again.  What is still to be written takes no more
    memory than what is known.

    :ivar in_thread: runs a blocking function somewhere else.
    """

    store: Store
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _unsaved: dict[tuple[str, ...], Change] = field(factory=dict, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _is_writing: bool = field(default=False, init=False)
    _trouble: LastingTrouble = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._trouble = LastingTrouble(
            self._log,
            "what is learnt of accounts cannot be stored, and is kept in memory for "
            "now: {error}",
            "what was learnt of accounts is stored again",
        )

    @property
    def unsaved(self) -> int:
        """How many changes are not on disk, but for those being written."""
        return len(self._unsaved)

    @property
    def is_failing(self) -> bool:
        """Whether the disk has failed, and has not worked since."""
        return bool(self._trouble)

    def learn(self, change: Change) -> Deferred[bool]:
        """Write *change*, and whatever else there is; see :meth:`flushed`."""
        self._unsaved[change.key] = change
        return self.flushed()

    def flushed(self) -> Deferred[bool]:
        """
        Write what there is to write.

        :returns: a Deferred that says whether all is on disk, or what could not
            be written just now is kept for later; it does not fail.
        """
        told: Deferred[None] = Deferred()
        self._waiting.append(told)
        self._begin()
        return told.addCallback(lambda _: not self._unsaved)

    def retry(self) -> None:
        """Try again to write what could not be."""
        if self._unsaved:
            self._begin()

    def _begin(self) -> None:
        if not self._is_writing:
            Deferred.fromCoroutine(self._write())

    async def _write(self) -> None:
        """Write until nobody waits; what piles up meanwhile is written in one go."""
        self._is_writing = True
        try:
            while self._waiting or self._unsaved:
                waiting, self._waiting = self._waiting, []
                is_stored = await self._stored()
                for told in waiting:
                    told.callback(None)
                if not is_stored and not self._waiting:
                    break  # until it is worth another try
        finally:
            self._is_writing = False

    async def _stored(self) -> bool:
        changes, self._unsaved = self._unsaved, {}
        if not changes:
            return True
        try:
            await self.in_thread(self.store.apply, changes.values())
        except StoreError as error:
            self._unsaved = changes | self._unsaved
            self._trouble.note(error.message)
            return False
        self._trouble.note("")
        return True
