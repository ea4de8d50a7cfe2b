"""Tests for ``antigravity_gw.upstream.outbound``: what is said, and for how long."""

import errno
from typing import Any

import pytest
from helpers import now
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectBindError, ConnectError, NoRouteError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import TimeoutError as TimedOut
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from antigravity_gw.upstream.failures import (
    Flaw,
    NotReached,
    Peer,
    TlsFailed,
    TunnelRefused,
)
from antigravity_gw.upstream.outbound import Outbound
from antigravity_gw.upstream.trust import trusting
from antigravity_gw.upstream.way import read_proxy
from antigravity_gw.waiting import is_out_of_descriptors

TARGET = Peer("upstream.test", 443)
PROXY = "http://ann:s3cret@127.0.0.1:3128"


class Talk(Protocol):
    """What is connected in the end."""

    heard = b""

    def dataReceived(self, data: bytes) -> None:
        """Note it."""
        self.heard += data


@implementer(IHostnameResolver)
class Names:
    """Knows but addresses."""

    def resolveHostName(self, receiver: Any, name: str, portNumber: int) -> None:
        """Answer at once."""
        if name == "127.0.0.1":
            receiver.addressResolved(IPv4Address("TCP", name, portNumber))
        receiver.resolutionComplete()


class Attempted:
    """An attempt to connect, in memory."""

    def __init__(
        self, proxy: str = PROXY, is_secure: bool = False, target: Peer = TARGET
    ) -> None:
        self.reactor = MemoryReactorClock()
        self.reactor.installNameResolver(Names())
        endpoint = Outbound(
            self.reactor,
            target,
            is_secure,
            read_proxy(proxy) if proxy else None,
            trusting(""),
            5.0,
        )
        self.connected: Deferred[Any] = endpoint.connect(Factory.forProtocol(Talk))
        self.transport = StringTransport()

    def begin(self) -> Any:
        """Let the TCP connection come about; return what hears its bytes."""
        protocol = self.reactor.tcpClients[-1][2].buildProtocol(None)
        assert protocol is not None
        protocol.makeConnection(self.transport)
        return protocol

    def fail(self, error: Exception) -> BaseException:
        """Have the TCP connection fail; return what is told."""
        factory: Any = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(error))
        self.reactor.advance(1)  # it would try other addresses of the host
        return self.error()

    def error(self) -> BaseException:
        """Why there is no connection."""
        assert self.reactor.getDelayedCalls() == []
        failures: list[Failure] = []
        self.connected.addErrback(failures.append)
        return failures[0].value


def test_a_tunnel() -> None:
    """Once the proxy agrees, both ends talk, and nobody is in between."""
    attempted = Attempted()
    wire = attempted.begin()
    assert attempted.transport.value().startswith(b"CONNECT upstream.test:443 HTTP/1.1")
    attempted.transport.clear()
    wire.dataReceived(b"HTTP/1.1 200 Conn")
    assert not attempted.connected.called
    wire.dataReceived(b"ection established\r\n\r\n")
    talk = now(attempted.connected)
    talk.transport.write(b"hello")
    wire.dataReceived(b"HTTP/1.1 what now")

    assert attempted.reactor.tcpClients[-1][:2] == ("127.0.0.1", 3128)
    assert attempted.transport.value() == b"hello"
    assert talk.heard == b"HTTP/1.1 what now"
    assert attempted.reactor.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("stage", "kind", "words"),
    [
        ("tcp", NotReached, "the proxy 127.0.0.1:3128 could not be reached: no answer"),
        ("connect", TunnelRefused, "the proxy 127.0.0.1:3128 did not answer in time"),
        ("tls", TlsFailed, "TLS with upstream.test:443 failed: no answer in time"),
    ],
)
def test_too_late(stage: str, kind: type[Exception], words: str) -> None:
    """All stages share one limit, and the one that it ends in is told."""
    attempted = Attempted(is_secure=True)
    attempted.reactor.advance(2.0)
    if stage != "tcp":
        wire = attempted.begin()
        attempted.reactor.advance(2.0)
        if stage == "tls":
            wire.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    attempted.reactor.advance(4.0)
    error = attempted.error()

    assert isinstance(error, kind)
    assert str(error).startswith(words)
    assert attempted.transport.disconnected or stage == "tcp"


@pytest.mark.parametrize("stage", ["tcp", "connect", "tls"])
def test_cancelling(stage: str) -> None:
    """Whoever gives up leaves neither connection nor timer behind."""
    attempted = Attempted(is_secure=True)
    if stage != "tcp":
        wire = attempted.begin()
        if stage == "tls":
            wire.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    attempted.connected.cancel()

    assert isinstance(attempted.error(), CancelledError)
    assert attempted.transport.disconnected or stage == "tcp"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Refused(errno.ECONNREFUSED, "x"), "connection refused"),
        (NoRouteError(errno.ENETUNREACH, "x"), "network is unreachable"),
        (TimedOut(), "no answer in time"),
        (ConnectError(), "the connection was refused or could not be made"),
    ],
)
def test_not_reached(error: Exception, why: str) -> None:
    """Who was not reached is told, and why; and it is not the host behind a proxy."""
    proxy = Attempted().fail(error)
    direct = Attempted("", target=Peer("127.0.0.1", 8080)).fail(error)

    assert str(proxy) == f"the proxy 127.0.0.1:3128 could not be reached: {why}"
    assert str(direct) == f"127.0.0.1:8080 could not be reached: {why}"
    assert proxy.__cause__ is error


def test_an_unknown_name() -> None:
    """It is told apart from a host that is not there."""
    attempted = Attempted("", target=TARGET)
    error = attempted.error()

    assert str(error) == "upstream.test:443 could not be reached: its name is not known"


def test_no_descriptors() -> None:
    """That there are none left is not the host's fault, and stays to be seen."""
    error = Attempted().fail(ConnectBindError(errno.EMFILE, "x"))

    assert is_out_of_descriptors(error)


def test_what_tells_flaws() -> None:
    """Each flaw has a sentence that its values fit into."""
    for flaw in Flaw:
        words = str(TlsFailed(TARGET, flaw, "x", "y"))
        assert words.startswith("TLS with upstream.test:443 failed: ")
        assert "{" not in words
