"""
Reading requests and writing answers quickly where they are as most are.

Twisted reads a head line by line and takes each line apart twice, and it writes
the head of an answer, its body and the frame of each chunk as separate pieces.
Here a head that comes in one piece and has nothing odd about it is read at once;
anything else is left to Twisted.  What is relied upon beyond its public names is
``HTTPChannel.headerReceived``, and ``_busyReceiving`` and ``_buffer`` of
``LineReceiver``; ``tests/test_web_quick.py`` compares the outcome.
"""

import re
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers

_HEAD = re.compile(
    rb"[A-Z]{3,7} [!-~]{1,4096} HTTP/1\.1"
    rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}:[\t -~]{0,4096}){1,50}"
    rb"\r\n\r\n"
)
_FRAMING = (b"content-length", b"transfer-encoding")


class QuickChannel(HTTPChannel):
    """
    A connection.

    :ivar _head: the head of an answer that is written with what comes next.
    """

    transport: Any
    _head = b""
    _host: IAddress | None = None

    def dataReceived(self, data: bytes) -> None:
        """Something has come."""
        head = None
        if self.line_mode and not (self.requests or self._buffer or self.paused):
            head = _HEAD.match(data)
        if head is None or head.end() > self.totalHeadersSize or self._busyReceiving:
            super().dataReceived(data)
            return
        self._busyReceiving = True
        try:
            self._read_head(head[0])
            self._read_rest(data[head.end() :])
        finally:
            self._busyReceiving = False
        if self._buffer:
            super().dataReceived(b"")

    def _read_head(self, head: bytes) -> None:
        first, *lines = head[:-4].split(b"\r\n")
        self.lineReceived(first)
        if not self.requests:
            return  # after the last request of the connection
        headers = self.requests[-1].requestHeaders
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() not in _FRAMING:
                headers.addRawHeader(name, value.strip(b" \t"))
            elif not self.headerReceived(line):
                return
        self.lineReceived(b"")

    def _read_rest(self, data: bytes) -> None:
        """Read what has come behind a head: of a body, or of another request."""
        if self.line_mode:
            self._buffer = data + self._buffer
        elif data and not self.transport.disconnecting:
            self.rawDataReceived(data)

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Headers
    ) -> None:
        """Keep the head of an answer until there is something to go with it."""
        lines = [b"%b %b %b" % (version, code, reason)]
        for name, values in headers.getAllRawHeaders():
            lines += [b"%b: %b" % (name, value) for value in values]
        self._head = b"%b\r\n\r\n" % b"\r\n".join(lines)

    def write(self, data: bytes) -> None:
        """Write some of an answer, after its head if that is still here."""
        if self._head:
            data, self._head = self._head + data, b""
        self.transport.write(data)

    def getHost(self) -> IAddress:
        """Our end of it; the system is asked only once."""
        if self._host is None:
            self._host = super().getHost()
        return self._host

    def flush(self) -> None:
        """Write the head, if nothing has come to go with it."""
        if self._head:
            self.write(b"")

    def writeSequence(self, iovec: list[bytes]) -> None:
        """Write some of an answer."""
        self.write(b"".join(iovec))
