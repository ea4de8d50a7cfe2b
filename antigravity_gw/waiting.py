"""Waiting for the network, with an end to it."""

import os
from errno import EMFILE, ENFILE
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from antigravity_gw.errors import (
    AnswerTooLong,
    OutOfDescriptors,
    Unreachable,
    UpstreamTimeout,
)

T = TypeVar("T")

FOR_A_CONNECTION = 3
"""How many file descriptors it takes while it is being made."""


class NotConnected(Exception):
    """A connection did not come about; ``str`` of it says why, for an operator."""


def within(seconds: float, clock: IReactorTime, waited_for: Deferred[T]) -> Deferred[T]:
    """
    *waited_for*, given up after some seconds or when cancelled.

    An HTTP request that is cancelled fails as if the connection had failed.
    That would look like a reason to try again, so here giving up is said in
    plain words, whatever the cancelled Deferred then says.

    :returns: a Deferred that fails with :class:`UpstreamTimeout` after
        *seconds*, with ``CancelledError`` when it is cancelled, and else as
        *waited_for* does.
    """

    def give_up(outer: Deferred[T]) -> None:
        timer.cancel()
        outer.errback(CancelledError())
        waited_for.cancel()

    def expire() -> None:
        words = f"upstream did not answer within {seconds:.3g} s"
        outer.errback(UpstreamTimeout(words))
        waited_for.cancel()

    def tell(result: Any) -> None:
        if not outer.called:  # else it is the last words of what we gave up
            timer.cancel()
            outer.callback(result)  # or a Failure, which it takes as such

    seconds = max(0.0, seconds)
    outer: Deferred[T] = Deferred(give_up)
    timer = clock.callLater(seconds, expire)
    waited_for.addBoth(tell)
    return outer


def collect(response: IResponse, limit: int) -> Deferred[bytes]:
    """
    The whole body of *response*.

    :param limit: the longest body to take, in bytes.
    :returns: a Deferred that fails with :class:`AnswerTooLong` when it is
        longer, and with ``ResponseFailed`` when the connection breaks.
        Cancelling it closes the connection.
    """
    collector = _Collector(limit)
    response.deliverBody(collector)
    return collector.collected


class _Collector(Protocol):
    def __init__(self, limit: int) -> None:
        self.collected: Deferred[bytes] = Deferred(lambda _: self._stop())
        self._limit = limit
        self._chunks: list[bytes] = []
        self._length = 0

    def dataReceived(self, data: bytes) -> None:
        if self.collected.called:
            return  # the last words of a connection we have closed
        self._length += len(data)
        self._chunks.append(data)
        if self._length > self._limit:
            self.collected.errback(
                AnswerTooLong(
                    f"upstream sent an answer longer than {self._limit} bytes, the "
                    "most that this gateway holds (limits.answer_bytes)"
                )
            )
            self._stop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.collected.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            # Where nothing tells its length, it is judged by what can be read.
            self.collected.callback(b"".join(self._chunks))
        else:
            self.collected.errback(reason)

    def _stop(self) -> None:
        transport = self.transport
        if transport is not None:
            transport.stopProducing()  # type: ignore[attr-defined]


def is_out_of_descriptors(error: BaseException) -> bool:
    """Whether a connection could not be made for want of a file descriptor."""
    if isinstance(error, ConnectError):
        return error.osError in (EMFILE, ENFILE)
    return isinstance(error, OutOfDescriptors)


def is_room_left() -> bool:
    """Whether there are file descriptors for a connection, and finding its address."""
    opened: list[int] = []
    try:
        for _ in range(FOR_A_CONNECTION):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in (EMFILE, ENFILE)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


def in_plain_words(error: BaseException) -> str:
    """
    Why a connection failed, for an operator.

    It names the host where there is none, and the proxy.
    """
    if isinstance(error, ResponseFailed) and error.reasons:
        return in_plain_words(error.reasons[-1].value)
    match error:
        case NotConnected():
            return str(error)
        case Unreachable():
            return error.message
        case UpstreamTimeout():
            return "no answer in time"
        case ConnectionLost() | ConnectionDone():
            return "the connection was cut"
        case _:
            return "the connection failed"
