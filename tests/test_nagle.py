"""Small packets are not held back, neither to clients nor to upstream."""

from pathlib import Path

from twisted.internet.interfaces import ITCPTransport
from twisted.internet.testing import MemoryReactorClock, StringTransport
from world import World
from zope.interface import implementer

from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.wire.judging import Table


@implementer(ITCPTransport)
class Tcp(StringTransport):
    """A connection that can be told not to wait for more to send."""

    prompt = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It is told."""
        self.prompt = enabled

    def getTcpNoDelay(self) -> bool:
        """What it was told."""
        return self.prompt

    def loseWriteConnection(self) -> None:
        """Not done here, as all that follow."""

    def getTcpKeepAlive(self) -> bool:
        """Not told."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Not told."""


def test_clients(tmp_path: Path) -> None:
    """TCP_NODELAY is set on the connections of clients."""
    protocol = World(tmp_path).site.buildProtocol(None)
    transport = Tcp()
    protocol.makeConnection(transport)

    assert transport.prompt


def test_upstream() -> None:
    """It is set on the connections to Google, too."""
    reactor = MemoryReactorClock()
    http = make_client(reactor, Connections(reactor), 5.0)
    url = "http://127.0.0.1:1/token"
    upstream = Upstream(http, reactor, Patience(15.0, 30.0), "x", Table(), 10_000)
    asking = upstream.post_form(url, b"x")
    asking.send(None)
    transport = Tcp()
    reactor.tcpClients[-1][2].buildProtocol(None).makeConnection(transport)
    asking.close()

    assert transport.prompt
