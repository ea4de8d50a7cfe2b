"""
The HTTP server's protocol, with the answers a JSON API owes its clients.

Twisted answers what it cannot parse with a bare status line, or closes without
a word; and it reads a request's whole body before any code of ours runs.  Both
are mended here, by overriding ``HTTPChannel``; some of the names are private to
Twisted, and ``tests/test_channel.py`` pins what is relied upon.
"""

import re
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from antigravity_gw.errors import (
    BadRequest,
    BodyTooLarge,
    GatewayError,
    HeadersTooLarge,
    TargetTooLong,
    TooFarAhead,
)
from antigravity_gw.web.deadlines import Phase
from antigravity_gw.web.replies import raw_error
from antigravity_gw.web.timed import TimedChannel

LONGEST_NUMBER = 18
"""As many digits of a ``Content-Length`` are read."""

MOST_AHEAD = 64 * 1024
"""As many bytes may wait behind the request that is being served."""

_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00\r\n]*")

_BEGINNING = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z\r-]")
"""What a request may begin with: a method, or an empty line."""


class GatewayChannel(TimedChannel):
    """
    One client's connection.

    Reading goes on while a request is served, so that it is noticed when the
    client leaves; what comes then has to wait.

    :ivar _deaf: whether the last request was refused before all of it was
        read; nothing is read any more then.
    :ivar _answered: whether that request has its answer.
    :ivar _ahead: how many bytes wait behind the request that is being served.
    :ivar has_asked: whether the head of a request has come.
    """

    maxHeaders = 100
    has_asked = False
    _deaf = False
    _answered = False
    _ahead = 0

    def connectionMade(self) -> None:
        """A client has connected."""
        super().connectionMade()
        self.MAX_LENGTH = self.totalHeadersSize = self.site.admission.limits.head_bytes
        self.site.connections.opened(self)

    def dataReceived(self, data: bytes) -> None:
        """Nothing more is heard after a request that was refused unread."""
        if not self._deaf:
            super().dataReceived(data)
            is_waiting = self._busyReceiving or self.paused
            if self._phase is Phase.HEAD and self._buffer and not is_waiting:
                self._look_ahead()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client, or we, have closed the connection."""
        super().connectionLost(reason)
        self.site.connections.closed(self)

    def _look_ahead(self) -> None:
        """What cannot become a request line or a header is not waited for."""
        if b"\n" in self._buffer:
            self._reject(BadRequest("lines end in CR LF, not in LF"))
        elif not self.requests and not _BEGINNING.match(self._buffer):
            self._reject(BadRequest("the request is not HTTP"))

    def loseConnection(self) -> None:
        """
        Close the connection, but not on a client that is still sending.

        After a refusal only our side is closed, and what still comes is dropped
        for a while: closing both would reset the connection, and the refusal
        might never be read.  TLS cannot be closed by halves.
        """
        if not self._deaf:
            self._close()
        elif self._phase is not Phase.REFUSED:
            self._networkProducer.resumeProducing()
            if not self.isSecure():
                self.transport.loseWriteConnection()
            self._enter(Phase.REFUSED)

    def _close(self) -> None:
        """Close it for good."""
        super()._close()
        if self.site.connections.is_draining and self.isSecure():
            # A silent peer need not agree to the end of TLS.
            self.transport.transport.loseConnection()

    @property
    def is_busy(self) -> bool:
        """Whether there is a request: being read, or being answered."""
        return bool(self.requests or self._buffer) and not self._deaf

    def drain(self) -> None:
        """
        Take no other request: close now, or when the one there is has ended.

        Who was let in and has asked nothing may be about to: it is given a moment.
        """
        if self.is_busy:
            return
        if not (self.has_asked or self._is_ending):
            self._enter(Phase.LAST_CALL)
            return
        if self._phase is Phase.REFUSED:
            self._enter(Phase.REFUSED)  # to be over sooner
        self.loseConnection()

    def cut_short(self, error: GatewayError) -> None:
        """End what is under way with *error*, and the connection with it."""
        if self.is_busy and self._handlingRequest:
            self.requests[0].cut_short(error)
        elif self.is_busy:
            self._reject(error)  # of which not all has come

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        """The head of an answer; it says so if there will be no other."""
        if self.site.connections.is_draining:
            self.persistent = False
            headers.setRawHeaders("connection", ["close"])
        super().writeHeaders(version, code, reason, headers)

    def requestDone(self, request: Any) -> None:
        """An answer is complete; there may be another request to go on with."""
        self._ahead = 0
        self.paused = self._waitingForTransport  # first the client has to read this one
        super().requestDone(request)
        if self.paused:
            self._networkProducer.pauseProducing()
        if self.site.connections.is_draining and self.persistent:
            self.drain()

    def resumeProducing(self) -> None:
        """The client has read what was written; go on with what it asked meanwhile."""
        super().resumeProducing()
        if self.paused:
            self.paused = False
            self.dataReceived(b"")

    def lineReceived(self, line: bytes) -> None:
        """Refuse a header that is folded over several lines (RFC 9112, 5.2)."""
        in_headers = bool(self.requests) and not self._handlingRequest
        if in_headers and line[:1] in (b" ", b"\t"):
            self._reject(BadRequest("the request has a folded header"))
        elif not self._deaf:
            super().lineReceived(line)
            if not in_headers:
                self._receivedHeaderSize = 0  # the request line is counted by itself

    def headerReceived(self, line: bytes) -> bool:
        """Refuse what would leave it open where the body ends (RFC 9112, 6)."""
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip().lower()
        if name == b"content-length" and len(value) > LONGEST_NUMBER:
            self._reject(BodyTooLarge("no request body may be that long"))
        elif name == b"transfer-encoding" and (
            value != b"chunked" or self._version != b"HTTP/1.1"
        ):
            self._reject(BadRequest("the only Transfer-Encoding here is chunked"))
        else:
            return bool(super().headerReceived(line))
        return False

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection stays open; Twisted reads one word of one header."""
        values = request.requestHeaders.getRawHeaders(b"connection", ())
        words = [word.strip().lower() for value in values for word in value.split(b",")]
        if b"close" in words:
            request.setHeader("connection", "close")
        return version == b"HTTP/1.1" and b"close" not in words

    def allHeadersReceived(self) -> None:
        """Let the request be judged by its head, before its body is read."""
        request: Any = self.requests[-1]
        request.headReceived(self._command, self._path, self._version, self.length)
        self.has_asked = True
        if request.refusal is not None or self.length == 0:
            request.requestHeaders.removeHeader(b"expect")  # so none is told to go on
        super().allHeadersReceived()  # which decides whether the connection persists
        if request.refusal is not None and self.length != 0:
            self._forgo_body(request)

    def rawDataReceived(self, data: bytes) -> None:
        """Some of a body has come, perhaps in one packet with a refused head."""
        if self._deaf:
            return
        if not self._handlingRequest:
            super().rawDataReceived(data)
            self._check_chunk()
            return
        self._dataBuffer.append(data)
        self._ahead += len(data)
        if self._ahead > MOST_AHEAD:
            self._cut_off(TooFarAhead("the client sent too much before its answer"))

    def _check_chunk(self) -> None:
        """Do not wait for a chunk that says itself that it is too long."""
        size = getattr(self._transferDecoder, "length", 0)
        if size > self.site.admission.limits.longest_body:
            self._reject(BodyTooLarge("no chunk of a body may be that long"))

    def _finishRequestBody(self, data: bytes) -> None:
        """A body has ended; a reader in front of us must not see the end elsewhere."""
        trailers = getattr(self._transferDecoder, "_trailerHeaders", ())
        if all(map(_FIELD.fullmatch, trailers)):
            super()._finishRequestBody(data)
        else:
            self._reject(BadRequest("the request has a malformed trailer"))

    def allContentReceived(self) -> None:
        """Have the request served, unless it was answered before its body came."""
        if not self._answered:
            self._answered = self._deaf
            super().allContentReceived()

    def refuse(self, request: Any, error: GatewayError) -> None:
        """Answer *request* with *error* instead of reading the rest of its body."""
        request.refuse(error)
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
        if self._deaf:
            return
        if self.requests and self.requests[-1].is_under_way:
            self.refuse(self.requests[-1], error)  # its head was all right
            return
        self._deaf = self._answered = True
        id = self.site.new_id()
        self.site.log_rejected(error, id)
        self.transport.write(raw_error(error, id))
        self.loseConnection()
