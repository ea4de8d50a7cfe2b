"""
Connecting with upstream, as a story: TCP, perhaps through a proxy, perhaps TLS.

A connection is there when all of that is done, so whatever is wrong with it is
known before a request is written, and all of it shares one limit of time.
"""

import os
from typing import Any

from attrs import define, field, frozen
from OpenSSL.SSL import Error as SslError
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import (
    ConnectError,
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
)
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.internet.interfaces import (
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from antigravity_gw.errors import UpstreamTimeout
from antigravity_gw.upstream.failures import (
    Flaw,
    NotReached,
    Peer,
    TlsFailed,
    TunnelRefused,
    refused,
)
from antigravity_gw.upstream.trust import Handshake
from antigravity_gw.upstream.way import NoReply, Proxy, ReplyReader
from antigravity_gw.waiting import NotConnected, is_out_of_descriptors, within

LATE = "no answer in time"


class Line(Protocol):
    """A connection, for one speaker after another; it stands in nobody's way."""

    def hand_to(self, speaker: Any) -> None:
        """Have *speaker*, a protocol, be the one to talk over it from now on."""
        self.dataReceived = speaker.dataReceived  # type: ignore[method-assign]
        self.connectionLost = speaker.connectionLost  # type: ignore[method-assign]
        speaker.makeConnection(self.transport)


@implementer(IHandshakeListener)
class SecureLine(Line):
    """
    What is said over a connection once it has TLS.

    :ivar secured: fires at the end of the handshake.
    """

    def __init__(self) -> None:
        self.secured: Deferred[None] = Deferred()

    def handshakeCompleted(self) -> None:
        """There is TLS."""
        self.secured.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """There will be none."""
        if not self.secured.called:
            self.secured.errback(reason)


class Asking(Protocol):
    """
    Asks a proxy for a tunnel.

    :ivar answered: fires with the status that it answers.
    """

    def __init__(self, request: bytes) -> None:
        self.answered: Deferred[int] = Deferred()
        self._request = request
        self._reply = ReplyReader()

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        """Read on, up to the answer; what follows a refusal explains it to people."""
        if self.answered.called:
            return
        try:
            status = self._reply.feed(data)
        except NoReply:
            self.answered.errback()
        else:
            if status is not None:
                self.answered.callback(status)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """There will be no answer."""
        if not self.answered.called:
            self.answered.errback(reason)


class Lines(Factory):
    """Makes connections, and logs nothing of it."""

    protocol = Line
    noisy = False


class SecureLines(Factory):
    """Makes what is said over TLS."""

    protocol = SecureLine
    noisy = False


@implementer(IStreamClientEndpoint)
@frozen(eq=False)
class Outbound:
    """
    An endpoint: connections with *target*.

    :ivar is_secure: whether it is to be spoken to in TLS.
    :ivar seconds: how long a connection may take to come about, all in all.
    """

    reactor: Any
    target: Peer
    is_secure: bool
    proxy: Proxy | None
    options: CertificateOptions
    seconds: float

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Make a connection.

        :returns: a Deferred that fires with the protocol, and fails with
            :class:`~antigravity_gw.waiting.NotConnected`.  It can be cancelled.
        """
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        attempt = Attempt(self)
        line = Deferred.fromCoroutine(attempt.line())
        try:
            reached = await within(self.seconds, self.reactor, line)
        except UpstreamTimeout:
            raise attempt.late from None
        protocol = factory.buildProtocol(reached.transport.getPeer())
        assert protocol is not None
        reached.hand_to(protocol)
        return protocol


@define(eq=False)
class Attempt:
    """
    One attempt to connect.

    :ivar late: what is wrong if it takes too long now.
    """

    to: Outbound
    late: NotConnected = field(init=False)

    async def line(self) -> Any:
        """The line on which only the request remains to be said."""
        proxy, target = self.to.proxy, self.to.target
        bottom = line = await self._reached(proxy.peer if proxy else target)
        try:
            if proxy is not None:
                if proxy.is_secure:
                    line = await self._secured(line, proxy.peer)
                await self._tunnelled(line, proxy)
            if self.to.is_secure:
                line = await self._secured(line, target)
        except BaseException:  # also when it is given up
            bottom.transport.abortConnection()
            raise
        return line

    async def _reached(self, peer: Peer) -> Any:
        self.late = NotReached(peer, LATE)
        endpoint = HostnameEndpoint(
            self.to.reactor, peer.host, peer.port, timeout=self.to.seconds
        )
        try:
            return await endpoint.connect(Lines())
        except (ConnectError, DNSLookupError) as error:
            if is_out_of_descriptors(error):
                raise
            raise NotReached(peer, _why(error)) from error

    async def _tunnelled(self, line: Any, proxy: Proxy) -> None:
        target = self.to.target
        silence = f"did not answer in time when asked for a tunnel to {target}"
        self.late = TunnelRefused(proxy.peer, target, None, silence)
        asking = Asking(proxy.request_for(target))
        line.hand_to(asking)
        try:
            status = await asking.answered
        except NoReply as error:
            why = "did not answer as an HTTP proxy does"
            raise TunnelRefused(proxy.peer, target, None, why) from error
        except (ConnectionDone, ConnectionLost) as error:
            why = f"closed the connection when asked for a tunnel to {target}"
            raise TunnelRefused(proxy.peer, target, None, why) from error
        if not 200 <= status < 300:
            raise refused(proxy.peer, target, status, bool(proxy.authorization))

    async def _secured(self, line: Any, peer: Peer) -> Any:
        """What is said over *line* in TLS with *peer*, who has proved to be it."""
        self.late = TlsFailed(peer, Flaw.SILENT)
        handshake = Handshake(self.to.options, peer)
        over = TLSMemoryBIOFactory(handshake, True, SecureLines(), self.to.reactor)
        tls = over.buildProtocol(None)
        secure: Any = tls.wrappedProtocol
        line.hand_to(tls)
        try:
            await secure.secured
        except (SslError, ConnectionDone, ConnectionLost) as error:
            raise handshake.explained(error) from error
        handshake.check_name(tls.getHandle())
        return secure


def _why(error: ConnectError | DNSLookupError) -> str:
    if isinstance(error, DNSLookupError):
        return "its name is not known"
    if isinstance(error, ConnectionTimeout):
        return LATE
    if error.osError:
        return os.strerror(error.osError).lower()
    return "the connection was refused or could not be made"
