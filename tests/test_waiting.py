"""Tests for ``antigravity_gw.waiting``."""

import pytest
from helpers import now
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed, ResponseNeverReceived
from twisted.web.http import PotentialDataLoss

from antigravity_gw.errors import AnswerTooLong, Unreachable, UpstreamTimeout
from antigravity_gw.waiting import NotConnected, collect, in_plain_words, within


def test_in_time(clock: Clock) -> None:
    """What comes in time is passed on, and no timer is left."""
    waited: Deferred[int] = Deferred()
    result = within(5, clock, waited)
    waited.callback(7)

    assert now(result) == 7
    assert clock.getDelayedCalls() == []


def test_too_late(clock: Clock) -> None:
    """What does not is cancelled, and what it says then does not matter."""
    waited: Deferred[int] = Deferred(
        lambda d: d.errback(ResponseNeverReceived([Failure(CancelledError())]))
    )
    result = within(5, clock, waited)
    clock.advance(5)

    with pytest.raises(UpstreamTimeout, match="within 5 s"):
        now(result)


def test_no_time_at_all(clock: Clock) -> None:
    """Time that has run out already is not an error of ours."""
    result: Deferred[int] = within(-1, clock, Deferred())
    clock.advance(0)

    with pytest.raises(UpstreamTimeout):
        now(result)


def test_cancelled(clock: Clock) -> None:
    """Being cancelled looks like that, even where it looks like a failure below."""
    waited: Deferred[int] = Deferred(
        lambda d: d.errback(ResponseNeverReceived([Failure(CancelledError())]))
    )
    result = within(5, clock, waited)
    result.cancel()

    with pytest.raises(CancelledError):
        now(result)
    assert clock.getDelayedCalls() == []


def test_failure(clock: Clock) -> None:
    """What fails, fails as it does."""
    waited: Deferred[int] = Deferred()
    result = within(5, clock, waited)
    waited.errback(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        now(result)


class Response:
    """A response whose body the test delivers."""

    def deliverBody(self, protocol: object) -> None:
        """Keep the receiver."""
        self.receiver = protocol
        protocol.makeConnection(self)  # type: ignore[attr-defined]

    def stopProducing(self) -> None:
        """Note that it was stopped."""
        self.stopped = True

    stopped = False


@pytest.mark.parametrize("end", [ResponseDone(), PotentialDataLoss()])
def test_collected(end: Exception) -> None:
    """A body is there when it has ended."""
    response = Response()
    body = collect(response, limit=10)  # type: ignore[arg-type]
    for piece in (b"12345", b"67890"):
        response.receiver.dataReceived(piece)  # type: ignore[attr-defined]
    assert not body.called
    response.receiver.connectionLost(Failure(end))  # type: ignore[attr-defined]

    assert now(body) == b"1234567890"


def test_broken_off() -> None:
    """A body that breaks off fails."""
    response = Response()
    body = collect(response, limit=10)  # type: ignore[arg-type]
    response.receiver.connectionLost(  # type: ignore[attr-defined]
        Failure(ResponseFailed([Failure(ConnectionLost())]))
    )

    with pytest.raises(ResponseFailed):
        now(body)


def test_too_long() -> None:
    """A body beyond the limit is given up, and its connection closed."""
    response = Response()
    body = collect(response, limit=9)  # type: ignore[arg-type]
    for _ in range(3):
        response.receiver.dataReceived(b"12345")  # type: ignore[attr-defined]
    response.receiver.connectionLost(Failure(ConnectionDone()))  # type: ignore[attr-defined]

    with pytest.raises(AnswerTooLong):
        now(body)
    assert response.stopped


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotConnected("a.test could not be reached"), "a.test could not be reached"),
        (Unreachable("not Google"), "not Google"),
        (DNSLookupError("secret.example"), "the connection failed"),
        (ResponseFailed([Failure(ConnectionLost())]), "the connection was cut"),
        (ResponseNeverReceived([Failure(ConnectionDone())]), "the connection was cut"),
        (UpstreamTimeout("x"), "no answer in time"),
        (ValueError("secret"), "the connection failed"),
    ],
)
def test_plain_words(error: Exception, words: str) -> None:
    """Why a connection failed; what was not made for an operator is not shown."""
    assert in_plain_words(error) == words
