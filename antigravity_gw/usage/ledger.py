"""Keeping account of all requests: in memory at once, and soon on disk."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from antigravity_gw.database import Damaged, NoStore, StoreError
from antigravity_gw.journal import Served
from antigravity_gw.times import DAY, HOUR
from antigravity_gw.trouble import LastingTrouble
from antigravity_gw.usage.batch import Batch, Names, Series
from antigravity_gw.usage.counts import By, Count, Line, Minute, ranked
from antigravity_gw.usage.store import Signature, UsageStore

PRUNE_SECONDS = float(HOUR)
"""How often what is too old is looked for, at most."""

T = TypeVar("T")


@frozen
class Keeping:
    """
    How usage is kept.

    :ivar days: how long; 0 for not on disk at all, and in memory for a day.
    :ivar write_seconds: how long what was counted may stay in memory only.
    """

    days: float
    write_seconds: float


@define(eq=False)
class Ledger:
    """
    Counts every request that has asked a model something, once it has ended.

    What is counted is written in batches, each in one transaction and with a
    number, so that one which was stored although that seemed to fail is not
    counted twice.  A disk that fails keeps nobody from being served: the numbers
    stay in memory, where they take no more than so much room, and are written
    when that is possible again.

    :ivar directory: where the database is, or will be.
    :ivar in_thread: runs a blocking function somewhere else.
    """

    directory: Path
    clock: IReactorTime
    keeping: Keeping
    in_thread: Callable[..., Deferred[Any]] = deferToThread
    _names: Names = field(factory=Names, init=False)
    _noted: Batch = field(init=False)
    _sealed: Batch | None = field(default=None, init=False)
    _signature: Signature = field(init=False)
    _series: Series = field(factory=Series, init=False)
    _is_loaded: bool = field(default=False, init=False)
    _store: UsageStore | None = field(default=None, init=False)
    _alarm: IDelayedCall | None = field(default=None, init=False)
    _pruned: float = field(default=0.0, init=False)
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _trouble: LastingTrouble = field(init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self._noted = Batch(self._names)
        self._signature = Signature(uuid4().hex, 0)
        self._trouble = LastingTrouble(
            self._log,
            "usage cannot be stored or read, and is kept in memory for now: {error}. "
            "Requests are served all the same",
            "usage is stored again",
        )

    @property
    def trouble(self) -> str:
        """Why nothing can be stored or read just now; empty if it can."""
        return self._trouble.error

    def note(self, served: Served) -> None:
        """A request has ended.  It counts if it has asked a model something."""
        if served.model:
            self._noted.note(served)
            if self._alarm is None:
                self._set_alarm()

    async def lines(self, by: By, since: float) -> list[Line]:
        """
        What requests came to since a moment, stored or not, most tokens first.

        :param since: in POSIX seconds; the hour it is in counts as a whole.
        :raises StoreError: when nobody can say what is stored.
        """
        return ranked(await self._sums(by, since))

    async def tokens_since(self, since: float) -> dict[str, int]:
        """All tokens that are paid for, by key, as :meth:`lines` has them."""
        sums = await self._sums("key", since)
        return {key: count.total for key, count in sums.items()}

    def minutes(self, since: float) -> list[Minute]:
        """
        The minutes in which something happened, a day back at most, in order.

        Those before the start of the daemon are there as soon as they are read.
        """
        since = max(since, self.clock.seconds() - DAY)
        return self._series.since(since, self._noted.minutes)

    def flushed(self) -> Deferred[bool]:
        """
        Write what there is to write, and read what has to be read once.

        :returns: a Deferred that says whether all is on disk, or what could not
            be written just now is kept for later; it does not fail.
        """
        return Deferred.fromCoroutine(self._flush())

    async def close(self) -> None:
        """Write what there is to write, or say that it is lost."""
        is_stored = await self.flushed()
        self._cancel_alarm()
        if not is_stored and (self._sealed or self._noted):
            self._log.error(
                "usage that was not stored yet is lost: {error}", error=self.trouble
            )

    def _set_alarm(self) -> None:
        seconds = self.keeping.write_seconds
        self._alarm = self.clock.callLater(seconds, self._write)

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _write(self) -> None:
        self._alarm = None
        self.flushed()

    async def _flush(self) -> bool:
        trouble = ""
        async with self._lock:
            try:
                await self._load()
                if self._trouble:  # perhaps there is nothing to write that would tell
                    await self._try()
                if self.keeping.days:
                    await self._store_all()
                    await self._prune()
            except StoreError as error:
                trouble = error.message
            self._tell(trouble)
            self._forget()
        return not trouble

    def _tell(self, trouble: str) -> None:
        """Tell of *trouble* or of its end, and see soon whether it lasts."""
        self._trouble.note(trouble)
        if trouble and self._alarm is None:
            self._set_alarm()

    async def _load(self) -> None:
        """Read the minutes before the start, which comes before anything is written."""
        if not self._is_loaded:
            since = self.clock.seconds() - DAY
            with suppress(NoStore):
                self._series.add(await self._ask(lambda store: store.minutes(since)))
            self._is_loaded = True

    async def _try(self) -> None:
        """Ask for anything, to see whether it can be read."""
        signature = self._signature
        with suppress(NoStore):
            await self._ask(lambda store: store.has(signature))

    async def _store_all(self) -> None:
        """Write what could not be written before, and then what has come since."""
        await self._store_sealed()
        if self._noted:
            number = self._signature.number + 1
            self._signature = evolve(self._signature, number=number)
            self._sealed, self._noted = self._noted, Batch(self._names)
            self._series.add(self._sealed.minutes)
            await self._store_sealed()

    async def _store_sealed(self) -> None:
        batch, signature, now = self._sealed, self._signature, self.clock.seconds()
        if batch is not None:
            await self._ask(lambda store: store.add(batch, signature, now), create=True)
            self._sealed = None

    async def _prune(self) -> None:
        """Forget on disk what is too old, once in a while."""
        now, hours = self.clock.seconds(), self._oldest()
        if abs(now - self._pruned) >= PRUNE_SECONDS:  # the clock may go back
            with suppress(NoStore):
                await self._ask(lambda store: store.prune(hours, now))
            self._pruned = now

    def _forget(self) -> None:
        """The same in memory."""
        minutes = self.clock.seconds() - DAY - HOUR
        self._series.forget(minutes)
        self._noted.forget(self._oldest(), minutes)

    def _oldest(self) -> float:
        """When the first hour that is kept can have begun."""
        return self.clock.seconds() - (self.keeping.days or 1) * DAY - HOUR

    async def _sums(self, by: By, since: float) -> dict[str, Count]:
        """
        What hours that begin then or later came to, be it stored or not.

        :raises StoreError: when nobody can say what is stored.
        """
        since -= since % HOUR
        async with self._lock:  # so that nothing is written meanwhile
            signature = self._signature
            try:
                sums, has_sealed = await self._ask(
                    lambda store: (store.sums(by, since), store.has(signature))
                )
            except NoStore:
                sums, has_sealed = {}, False
            except StoreError as error:
                self._tell(error.message)
                raise
            batches = [self._noted]
            if self._sealed is not None and not has_sealed:
                batches.append(self._sealed)
            for batch in batches:
                for name, count in batch.sums(by, since).items():
                    sums[name] = sums.get(name, Count()) + count
        return sums

    async def _ask(
        self, question: Callable[[UsageStore], T], create: bool = False
    ) -> T:
        """
        Have *question* answered in a thread; a damaged store is begun anew.

        :param create: whether to make a store if there is none.
        :raises NoStore: when there is none.
        :raises StoreError: when it cannot be used.
        """
        answer: T
        try:
            answer = await self.in_thread(self._answered, question, create)
        except Damaged as error:
            await self.in_thread(UsageStore(self.directory).begin_anew)
            self._log.critical(
                "USAGE IS COUNTED ANEW, since what was stored of it is unreadable: "
                "{error}. Requests are served all the same",
                error=error.message,
            )
            answer = await self.in_thread(self._answered, question, create)
        return answer

    def _answered(self, question: Callable[[UsageStore], T], create: bool) -> T:
        """
        In a thread: *question* answered.

        A store that has failed, or has been deleted, is opened anew.
        """
        store, self._store = self._store, None
        if store is None or store.has_gone():
            store = UsageStore.open(self.directory, create=create)
        answer = question(store)
        self._store = store
        return answer
