"""An HTTP proxy for the tests, which opens tunnels to where they say."""

from base64 import b64encode
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure


class TestProxy(ServerFactory):
    """
    Opens tunnels.

    :ivar ports: the ports on this machine behind the addresses it knows.
    :ivar login: ``user:password`` that it wants to see; anybody may, if empty.
    :ivar answer: what it answers in any case; None to do as it is asked.
    :ivar heads: what it was asked.
    :ivar clients: the connections that are open.
    """

    noisy = False
    __test__ = False

    def __init__(self, reactor: Any, login: str = "") -> None:
        self.reactor = reactor
        self.login = login
        self.ports: dict[str, int] = {}
        self.answer: bytes | None = None
        self.heads: list[bytes] = []
        self.clients: list[Any] = []

    def buildProtocol(self, addr: Any) -> Protocol:
        """A client has come."""
        return _Client(self)

    def opinion(self, head: bytes) -> bytes:
        """What there is to say against a request; empty if it may be served."""
        if self.answer is not None:
            return self.answer
        token = b64encode(self.login.encode())
        if self.login and b"Proxy-Authorization: Basic " + token not in head:
            return b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n<html>"
        if head.split()[1].decode() not in self.ports:
            return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
        return b""


class _Client(Protocol):
    def __init__(self, proxy: TestProxy) -> None:
        self._proxy = proxy
        self._unread = b""
        self._other: Any = None

    def connectionMade(self) -> None:
        self._proxy.clients.append(self)

    def dataReceived(self, data: bytes) -> None:
        if self._other is not None:
            self._other.transport.write(data)
            return
        self._unread += data
        if b"\r\n\r\n" in self._unread:
            self._proxy.heads.append(self._unread)
            if against := self._proxy.opinion(self._unread):
                self.transport.write(against)  # type: ignore[union-attr]
            elif self._proxy.answer is None:
                self._open(self._unread.split()[1].decode())

    def _open(self, address: str) -> None:
        port = self._proxy.ports[address]
        endpoint = TCP4ClientEndpoint(self._proxy.reactor, "127.0.0.1", port)
        connectProtocol(endpoint, _Other(self)).addCallback(self._opened)

    def _opened(self, other: Any) -> None:
        self._other = other
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._proxy.clients.remove(self)
        if self._other is not None:
            self._other.transport.loseConnection()


class _Other(Protocol):
    def __init__(self, client: Any) -> None:
        self._client = client

    def dataReceived(self, data: bytes) -> None:
        self._client.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._client.transport.loseConnection()
