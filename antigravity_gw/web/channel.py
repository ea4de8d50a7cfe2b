"""
The HTTP server's protocol, with the answers a JSON API owes its clients.

Twisted answers what it cannot parse with a bare status line, or closes without
a word; and it reads a request's whole body before any code of ours runs.  Both
are mended here, by overriding ``HTTPChannel``; some of the names are private to
Twisted, and ``tests/test_channel.py`` pins what is relied upon.
"""

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from antigravity_gw.errors import (
    BadRequest,
    GatewayError,
    HeadersTooLarge,
    TargetTooLong,
    TooLarge,
)
from antigravity_gw.web.replies import raw_error

LINGER = 5.0
"""Seconds for which a client that was refused may go on sending."""

LONGEST_NUMBER = 18
"""As many digits of a ``Content-Length`` are read."""


class GatewayChannel(HTTPChannel):
    """
    One client's connection.

    :ivar _deaf: whether the last request was refused before all of it was
        read; nothing is read any more then.
    :ivar _answered: whether that request has its answer.
    :ivar _lingering: closes the connection for good a while after that.
    """

    maxHeaders = 100
    site: Any  # a GatewaySite, which this module comes before
    _deaf = False
    _answered = False
    _lingering: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        """Nothing more is heard after a request that was refused unread."""
        if not self._deaf:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client, or we, have closed the connection."""
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        super().connectionLost(reason)

    def loseConnection(self) -> None:
        """
        Close the connection, but not on a client that is still sending.

        After a refusal only our side is closed, and what still comes is dropped
        for a while: closing both would reset the connection, and the refusal
        might never be read.  TLS cannot be closed by halves.
        """
        if self._deaf and self._lingering is None:
            self._networkProducer.resumeProducing()
            if not self.isSecure():
                self.transport.loseWriteConnection()  # type: ignore[union-attr]
            self._lingering = self.callLater(LINGER, super().loseConnection)
        elif self._lingering is None or not self._lingering.active():
            super().loseConnection()

    def lineReceived(self, line: bytes) -> None:
        """Refuse a header that is folded over several lines (RFC 9112, 5.2)."""
        in_headers = bool(self.requests) and not self._handlingRequest
        if in_headers and line[:1] in (b" ", b"\t"):
            self._reject(BadRequest("the request has a folded header"))
        elif not self._deaf:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        """Refuse what would leave it open where the body ends (RFC 9112, 6)."""
        name, _, value = (part.strip().lower() for part in line.partition(b":"))
        if name == b"content-length" and len(value) > LONGEST_NUMBER:
            self._reject(TooLarge("no request body may be that long"))
        elif name == b"transfer-encoding" and (
            value != b"chunked" or self._version != b"HTTP/1.1"
        ):
            self._reject(BadRequest("the only Transfer-Encoding here is chunked"))
        else:
            return bool(super().headerReceived(line))
        return False

    def allHeadersReceived(self) -> None:
        """Let the request be judged by its head, before its body is read."""
        request: Any = self.requests[-1]
        request.headReceived(self._command, self._path, self._version, self.length)
        if request.refusal is not None:
            request.requestHeaders.removeHeader(b"expect")  # so none is told to go on
        super().allHeadersReceived()  # which decides whether the connection persists
        if request.refusal is not None and self.length != 0:
            self._forgo_body(request)

    def rawDataReceived(self, data: bytes) -> None:
        """Some of a body has come, perhaps in one packet with a refused head."""
        if not self._deaf:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Have the request served, unless it was answered before its body came."""
        if not self._answered:
            self._answered = self._deaf
            super().allContentReceived()

    def bodyTooLong(self, request: Any) -> None:
        """A body that did not say its length has outgrown the limit."""
        self._forgo_body(request)
        self.allContentReceived()

    def _forgo_body(self, request: Any) -> None:
        """Treat *request* as if it had no body, and as the last of its connection."""
        request.setHeader("connection", "close")
        self._deaf = True
        self.persistent = False
        self.length = 0
        self._transferDecoder = None

    def lineLengthExceeded(self, line: bytes) -> None:
        """Say that a line of the head is too long, and which."""
        if len(self.requests) == 0 or self._handlingRequest:
            self._reject(TargetTooLong("the request line is too long"))
        else:
            self._reject(HeadersTooLarge("a request header is too long"))

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted has found something wrong with the request."""
        if self._receivedHeaderSize > self.totalHeadersSize:
            self._reject(HeadersTooLarge("the request headers are too long"))
        elif self._receivedHeaderCount > self.maxHeaders:
            self._reject(HeadersTooLarge("the request has too many headers"))
        else:
            self._reject(BadRequest("the request is not well-formed HTTP"))

    def _reject(self, error: GatewayError) -> None:
        if not self._deaf:
            self._deaf = self._answered = True
            for request in self.requests:
                request.served.trouble = error.message
            self.site.log_rejected(error)
            self.transport.write(raw_error(error))  # type: ignore[union-attr]
            self.loseConnection()
