"""What is learnt and used: taken up at the start, and on disk at the end."""

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from antigravity_gw.allowances import Allowances, day_of
from antigravity_gw.database import StoreError
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.times import DAY
from antigravity_gw.usage.ledger import Ledger

RECALL_AGAIN = 10.0
"""When to ask again what clients have used today, in seconds."""


class Writing(Service):
    """Sees at the end that what was learnt of accounts is on disk."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer

    def stopService(self) -> Deferred[bool]:
        """The Deferred fires when it is, or cannot be."""
        super().stopService()
        return self._writer.flushed()


class Bookkeeping(Service):
    """
    Sees that usage of earlier runs is read, and at the end all of it on disk.

    :param allowances: are told what clients have used of today's tokens, so that
        it outlives a restart.
    """

    def __init__(
        self, clock: IReactorTime, ledger: Ledger, allowances: Allowances
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._allowances = allowances
        self._recalling: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Begin to read."""
        super().startService()
        self._ledger.flushed()
        self._recalling = Deferred.fromCoroutine(self._recall())
        self._recalling.addErrback(lambda failure: failure.trap(CancelledError))

    def stopService(self) -> Deferred[None]:
        """The Deferred fires when all is on disk, or cannot be."""
        super().stopService()
        self._recalling.cancel()
        return Deferred.fromCoroutine(self._ledger.close())

    async def _recall(self) -> None:
        """It is tried again until the store can be read."""
        while True:
            day = day_of(self._clock.seconds())
            try:
                tokens = await self._ledger.tokens_since(day * DAY)
            except StoreError:  # the ledger has told
                await deferLater(self._clock, RECALL_AGAIN)
                continue
            self._allowances.seed(day, tokens)
            return
