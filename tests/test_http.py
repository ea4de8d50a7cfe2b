"""Tests for ``antigravity_gw.upstream.http``: what goes over the wire, and where to."""

from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.web.client import HTTPConnectionPool, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from antigravity_gw.upstream.body import PIECE, SealedBody
from antigravity_gw.upstream.http import (
    MOST_ROUTES,
    Connections,
    OneWriteRequest,
    RoutingAgent,
    make_client,
)
from antigravity_gw.upstream.way import Way
from antigravity_gw.waiting import collect

URL = "http://127.0.0.1:8000/v1internal:generateContent?alt=sse"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nhi"


class Socket(StringTransport):
    """A connection that counts what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, data: bytes) -> None:
        """Take some."""
        self.writes += 1
        super().write(data)

    def resumeProducing(self) -> None:
        """It never stops."""

    def pauseProducing(self) -> None:
        """It never stops."""


class Network:
    """A reactor, and the client that uses it."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.connections = Connections(self.reactor)
        self.http = make_client(self.reactor, self.connections, 5.0)

    def ask(
        self, method: str = "POST", url: str = URL, body: Any = None
    ) -> Deferred[IResponse]:
        """Make a request."""
        headers = Headers({"authorization": ["Bearer t"]})
        return self.http.request(method, url, headers=headers, data=body)

    def connect(self) -> tuple[Any, Socket]:
        """Let the last connection that was asked for come about."""
        protocol: Any = self.reactor.tcpClients[-1][2].buildProtocol(None)
        socket = Socket()
        protocol.makeConnection(socket)
        return protocol, socket


def test_one_write() -> None:
    """A short request is one packet, with what it has to say and no more."""
    network = Network()
    asked = network.ask(body=SealedBody(b"{", b"1", b"}"))
    protocol, socket = network.connect()
    protocol.dataReceived(ANSWER)

    assert socket.value() == (
        b"POST /v1internal:generateContent?alt=sse HTTP/1.1\r\n"
        b"Host: 127.0.0.1:8000\r\n"
        b"Content-Length: 3\r\n"
        b"Authorization: Bearer t\r\n"
        b"Accept-Encoding: identity\r\n\r\n{1}"
    )
    assert socket.writes == 1
    assert now(collect(now(asked), 10)) == b"hi"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_body(method: str) -> None:
    """A lookup has none, and says so where one would be expected."""
    network = Network()
    network.ask(method)
    _, socket = network.connect()
    head = socket.value()

    assert head.startswith(method.encode() + b" /v1internal")
    assert head.count(b"\r\nHost: 127.0.0.1:8000\r\n") == 1
    assert (b"Content-Length: 0\r\n" in head) == (method == "POST")


def test_a_long_body() -> None:
    """It comes in pieces, behind the same head."""
    network = Network()
    network.ask(body=SealedBody(b"{", b"x" * 3 * PIECE, b"}"))
    _, socket = network.connect()
    head, _, body = socket.value().partition(b"\r\n\r\n")

    assert body == b"{" + b"x" * 3 * PIECE + b"}"
    assert head.count(b"Host: 127.0.0.1:8000") == 1
    assert socket.writes > 3


def test_headers_can_be_shared() -> None:
    """Requests to different hosts, under way at one time, keep their own ``Host``."""
    network, shared = Network(), Headers({"authorization": ["Bearer t"]})
    sockets = []
    for port in (1, 2):
        for size in (1, 2 * PIECE):
            url = f"http://127.0.0.1:{port}/"
            body = SealedBody(b"", b"x" * size, b"")
            network.http.request("POST", url, headers=shared, data=body)
    for *_, factory, _, _ in network.reactor.tcpClients:
        protocol: Any = factory.buildProtocol(None)
        sockets.append(Socket())
        protocol.makeConnection(sockets[-1])
    hosts = [socket.value().split(b"Host: ")[1][:11] for socket in sockets]

    assert hosts == [b"127.0.0.1:1", b"127.0.0.1:1", b"127.0.0.1:2", b"127.0.0.1:2"]


def test_nothing_is_kept_of_an_answer() -> None:
    """Neither its cookies nor, if it is elsewhere, the way there."""
    network = Network()
    for head in (b"200 OK", b"303 See Other\r\nLocation: /x"):
        network.ask(body=SealedBody(b"", b"1", b""))
        protocol, socket = network.connect()
        protocol.dataReceived(
            b"HTTP/1.1 %b\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n" % head
        )
        assert b"Cookie" not in socket.value()

    assert len(network.reactor.tcpClients) == 2


def test_connections_are_used_again() -> None:
    """By the next request to the same host, whatever its path."""
    network = Network()
    network.ask(body=SealedBody(b"", b"1", b"")).addCallback(collect, 10)
    protocol, socket = network.connect()
    protocol.dataReceived(ANSWER)
    network.ask("GET", "http://127.0.0.1:8000/other")

    assert b"GET /other HTTP/1.1" in socket.value()
    assert len(network.reactor.tcpClients) == 1


def test_a_route_is_found_once() -> None:
    """And there are not more of them than are of use."""
    network = Network()
    agent: RoutingAgent = network.http._agent._agent
    for number in range(3 * MOST_ROUTES):
        network.ask("GET", f"http://127.0.0.1:{8000 + number % (2 * MOST_ROUTES)}/")
    assert len(agent._routes) <= MOST_ROUTES
    origin = b"http://127.0.0.1:8000"
    first = agent._remembered(origin)
    network.ask()
    network.ask("GET", "http://127.0.0.1:8000")

    assert agent._routes[origin] is first
    assert first.key[:3] == (b"http", b"127.0.0.1", 8000)


def test_tls() -> None:
    """An https URL is asked for over TLS: nothing is sent before that is there."""
    network = Network()
    network.ask(url="https://127.0.0.1:8443/x")
    _, socket = network.connect()

    assert socket.value().startswith(b"\x16\x03")
    assert b"Bearer" not in socket.value()


def test_the_way_makes_a_difference() -> None:
    """A connection that was made in another way is not used, though it is to hand."""
    network = Network()
    network.ask(body=SealedBody(b"", b"1", b"")).addCallback(collect, 10)
    protocol, _ = network.connect()
    protocol.dataReceived(ANSWER)
    way = Way(proxy="http://127.0.0.1:3128")
    network.http = make_client(network.reactor, network.connections, 5.0, way)
    network.ask()

    assert [client[1] for client in network.reactor.tcpClients] == [8000, 3128]


def test_cancelling() -> None:
    """A request that is given up closes its connection."""
    network = Network()
    asked = network.ask(body=SealedBody(b"", b"1", b""))
    _, socket = network.connect()
    asked.cancel()

    assert socket.disconnected
    with pytest.raises(ResponseFailed):
        now(asked)


def test_what_of_twisted_is_relied_upon() -> None:
    """A pool of connections, and requests that write themselves."""
    assert {"_factory", "_putConnection", "_newConnection", "retryAutomatically"} <= {
        *dir(HTTPConnectionPool)
    }
    request: Any = OneWriteRequest(b"GET", b"/", Headers(), None, True)
    assert (request.persistent, request.bodyProducer) == (True, None)
