"""One run of a piece of work, however many wait for it."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")


@define(eq=False)
class Shared(Generic[T]):
    """
    Runs the work for each key once at a time and tells all who asked.

    Someone who stops waiting does not stop the work for the others.

    :ivar expected: the failures that need not be logged if nobody waits any more.
    """

    expected: tuple[type[Exception], ...] = ()
    _waiting: dict[str, list[Deferred[T]]] = field(factory=dict, init=False)
    _log: ClassVar[Logger] = Logger()

    def run(
        self, key: str, start: Callable[[], Coroutine[Deferred[Any], Any, T]]
    ) -> Deferred[T]:
        """
        Start the work for *key*, unless it is under way.

        :returns: a Deferred of its result; it fails as the work fails.
            Cancelling it only stops waiting.
        """
        is_first = key not in self._waiting
        waiters = self._waiting.setdefault(key, [])
        waiter: Deferred[T] = Deferred(waiters.remove)  # cancelled: only it leaves
        waiters.append(waiter)
        if is_first:
            Deferred.fromCoroutine(start()).addBoth(self._tell, key)
        return waiter

    def _tell(self, result: T | Failure, key: str) -> None:
        waiters = self._waiting.pop(key)
        if not waiters and isinstance(result, Failure):
            if not result.check(*self.expected):
                self._log.failure("nobody waits for {key} any more", result, key=key)
            return
        for waiter in list(waiters):
            if waiter.called:
                continue  # one that was told has made this one leave
            if isinstance(result, Failure):
                waiter.errback(result)
            else:
                waiter.callback(result)
