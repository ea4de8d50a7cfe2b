"""Tests for ``antigravity_gw.upstream.heads``: responses whose head does not end."""

from typing import Any

import pytest
from helpers import now
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.web import _newclient, client
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.heads import BoundedConnection, BoundedConnections
from antigravity_gw.waiting import collect

OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
END = b"Content-Length: 2\r\n\r\n"
URL = b"http://127.0.0.1/"


class Socket(StringTransport):
    """A connection that is gone when it is cut, but not before the next event."""

    def resumeProducing(self) -> None:
        """It never stops."""

    def pauseProducing(self) -> None:
        """It never stops."""


class Pool(client.HTTPConnectionPool):
    """Makes connections as the daemon does."""

    _factory = BoundedConnections


class Upstream:
    """A peer that sends what the test says."""

    def __init__(self, body: Any = None) -> None:
        reactor: Any = MemoryReactorClock()
        agent: Any = client.Agent(reactor, pool=Pool(reactor))
        self.asked: Deferred[IResponse] = agent.request(b"POST", URL, Headers(), body)
        self.protocol: Any = reactor.tcpClients[-1][2].buildProtocol(None)
        self.transport = Socket()
        self.protocol.makeConnection(self.transport)

    @property
    def is_cut(self) -> bool:
        """Whether the connection was closed without good manners."""
        return self.transport.disconnected

    def send(self, data: bytes, at_once: int = 65536) -> "Upstream":
        """Send *data* until the connection is cut."""
        for start in range(0, len(data), at_once):
            if not self.is_cut:
                self.protocol.dataReceived(data[start : start + at_once])
        if self.is_cut:
            self.protocol.connectionLost(Failure(error.ConnectionAborted()))
        return self


@pytest.mark.parametrize("at_once", [1, 7, 100_000])
@pytest.mark.parametrize(
    "head",
    [
        OK + b"X: %b\r\n" % (b"x" * 16_000) * 5,
        OK + b"X: y\r\n" * 250,
        OK + b"X: y\r\n" + b" folded\r\n" * 250,
        OK + b"x:\n" * 300,
        OK + b"X: " + b"x" * 20_000,
        INTERIM * 20,
        b"HTTP/1.1 100\n\n" * 20,
        b"HTTP/1.1 100 " + b"x" * 20_000,
    ],
    ids=lambda head: repr(head[:30]),
)
def test_heads_without_end(head: bytes, at_once: int) -> None:
    """They fail the request as a broken connection does, and the rest is not read."""
    upstream = Upstream().send(head, at_once)

    assert upstream.is_cut
    with pytest.raises(client.ResponseFailed):
        now(upstream.asked)


def test_no_more_is_read_when_it_is_too_much(logged: list[dict[str, Any]]) -> None:
    """Of the interim responses in one packet only the first are read, and logged."""
    Upstream().send(INTERIM * 1000).asked.addErrback(lambda _: None)

    assert len([e for e in logged if e.get("code") == 103]) == 11


@pytest.mark.parametrize(
    "head",
    [
        OK + b"X: y\r\n" * 190,
        OK + b"X: %b\r\n" % (b"x" * 16_000) * 4,
        INTERIM * 10 + OK,
    ],
    ids=lambda head: repr(head[:30]),
)
@pytest.mark.parametrize("at_once", [1, 100_000])
def test_long_heads(head: bytes, at_once: int) -> None:
    """What is long but has an end is a response."""
    upstream = Upstream().send(head + END + b"hi", at_once)

    assert now(collect(now(upstream.asked), 10**6)) == b"hi"
    assert not upstream.is_cut


def test_bodies_do_not_count() -> None:
    """However many lines a body has, and however long it is."""
    body = b"data: 1\r\n\r\n" * 50_000
    upstream = Upstream().send(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    assert now(collect(now(upstream.asked), 10**6)) == body


def test_every_request_counts_anew() -> None:
    """A connection that is kept has as much to say to the next request."""
    connection: Any = BoundedConnection()
    connection.makeConnection(Socket())
    for _ in range(5):
        headers = Headers({b"host": [b"a"]})
        request: Any = _newclient.Request(b"GET", b"/", headers, None, persistent=True)
        asked = connection.request(request)
        connection.dataReceived(OK + b"X: y\r\n" * 100 + END + b"hi")

        assert now(collect(now(asked), 10**6)) == b"hi"


@pytest.mark.parametrize("head", [INTERIM * 20, b"nonsense\r\n"])
def test_while_the_request_is_on_its_way(head: bytes) -> None:
    """An upstream that answers before it has read all is cut off all the same."""
    upstream = Upstream(Unsent(b"", b"x", b"")).send(head)

    assert upstream.is_cut
    with pytest.raises(client.RequestTransmissionFailed):
        now(upstream.asked)


def test_an_answer_before_the_request_is_sent() -> None:
    """It counts; and upstream cannot keep the connection by not reading the rest."""
    upstream = Upstream(Unsent(b"", b"x", b"")).send(OK + END + b"hi")

    assert now(collect(now(upstream.asked), 10**6)) == b"hi"
    assert upstream.is_cut


class Unsent(SealedBody):
    """A body that the connection does not take."""

    def resumeProducing(self) -> None:
        """Write nothing."""


def test_what_of_twisted_is_relied_upon() -> None:
    """A Twisted that has changed these would read heads without bounds again."""
    connection: Any = BoundedConnections(lambda _: None, None).buildProtocol(None)
    connection.makeConnection(Socket())
    assert connection._parser is None
    headers = Headers({b"host": [b"a"]})
    asked = connection.request(_newclient.Request(b"GET", b"/", headers, None))
    asked.addErrback(lambda _: None)

    assert connection._state == "WAITING"
    assert callable(_newclient.HTTP11ClientProtocol._giveUp)
    assert isinstance(connection, _newclient.HTTP11ClientProtocol)
    assert isinstance(connection._parser, _newclient.HTTPClientParser)
    assert type(connection._parser) is not _newclient.HTTPClientParser
    assert client.HTTPConnectionPool._factory in BoundedConnections.__mro__
    connection.connectionLost(Failure(error.ConnectionDone()))
