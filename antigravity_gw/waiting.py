"""Waiting for the network, with an end to it."""

from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
)
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse

from antigravity_gw.errors import MalformedStream, Unreachable, UpstreamTimeout

T = TypeVar("T")


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
        outer.errback(CancelledError())
        waited_for.cancel()

    def tell(result: T | Failure) -> None:
        if outer.called:
            return  # the last words of what we gave up
        if isinstance(result, Failure):
            outer.errback(result)
        else:
            outer.callback(result)

    outer: Deferred[T] = Deferred(give_up)
    waited_for.addBoth(tell)
    return outer.addTimeout(max(0.0, seconds), clock, _took_too_long)


def _took_too_long(result: T | Failure, seconds: float) -> T | Failure:
    if isinstance(result, Failure) and result.check(CancelledError):
        raise UpstreamTimeout(f"upstream did not answer within {seconds:.3g} s")
    return result


def collect(response: IResponse, limit: int) -> Deferred[bytes]:
    """
    The whole body of *response*.

    :param limit: the longest body to take, in bytes.
    :returns: a Deferred that fails with :class:`MalformedStream` when it is
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
                MalformedStream(
                    f"upstream sent an answer longer than {self._limit} bytes"
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


def in_plain_words(error: BaseException) -> str:
    """Why a connection failed, for an operator; it names no address."""
    if isinstance(error, ResponseFailed) and error.reasons:
        return in_plain_words(error.reasons[-1].value)
    match error:
        case Unreachable():
            return error.message
        case UpstreamTimeout() | ConnectionTimeout():
            return "no answer in time"
        case DNSLookupError():
            return "the host name is not known"
        case ConnectError():
            return "the connection was refused or could not be made"
        case ConnectionLost() | ConnectionDone():
            return "the connection was cut"
        case _:
            return "the connection failed"
