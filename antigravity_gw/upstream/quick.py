"""
Reading responses quickly where they are as most are.

Twisted reads a head line by line and a chunked body in three steps a chunk,
which is a third of what a call costs here.  A head that comes in one piece and
has nothing odd about it is read at once instead, and so are all chunks that
came whole.  Anything else is left to Twisted, whose private names
``HTTPClientParser``, ``_ChunkedTransferDecoder``, ``STATUS``, ``HEADER`` and
``BODY`` are relied on, as ``tests/test_quick.py`` shows.
"""

import re

from twisted.web._newclient import BODY, HEADER, STATUS, HTTPClientParser
from twisted.web.http import _ChunkedTransferDecoder

_HEAD = re.compile(
    rb"HTTP/1\.1 [2-5][0-9][0-9][^\r\n]*"  # no interim response
    rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}:[^\r\n]{0,2048}){0,50}"
    rb"\r\n\r\n"
)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,7})\r\n")


class QuickChunks(_ChunkedTransferDecoder):
    """A decoder that hands on at once what came in whole chunks."""

    def dataReceived(self, data: bytes) -> None:
        """Some of the body has come, as it was sent."""
        if self.state == "CHUNK_LENGTH" and not self._buffer:
            payload, end = whole_chunks(data)
            if payload:
                self.dataCallback(payload)
                data = data[end:]
        if data:
            super().dataReceived(data)


def whole_chunks(data: bytes) -> tuple[bytes, int]:
    """
    What is in the chunks that *data* begins with, and where they end.

    An empty chunk is not one of them, since it ends the body; nor is one with
    anything odd about it.
    """
    pieces, start = [], 0
    while head := _CHUNK.match(data, start):
        begin = head.end()
        end = begin + int(head[1], 16)
        if end == begin or data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[begin:end])
        start = end + 2
    return b"".join(pieces), start


class QuickParser(HTTPClientParser):
    """Reads a response."""

    _transferDecoders = {b"chunked": QuickChunks}

    def dataReceived(self, data: bytes) -> None:
        """Some of the response has come."""
        if self._buffer or self._busyReceiving:
            super().dataReceived(data)
        elif self.state == BODY:
            self._read(data)
        elif self.state == STATUS and (head := _HEAD.match(data)):
            self._everReceivedData = True
            self._read(data[head.end() :], head[0])
        else:
            super().dataReceived(data)

    def _read(self, data: bytes, head: bytes = b"") -> None:
        """Read *data* after *head*; what comes meanwhile waits, as with Twisted."""
        self._busyReceiving = True
        try:
            if head:
                self._read_head(head)
            if data and self.state == BODY:
                self.rawDataReceived(data)
        finally:
            self._busyReceiving = False
        if self._buffer:
            super().dataReceived(b"")

    def _read_head(self, head: bytes) -> None:
        status, *fields = head[:-4].split(b"\r\n")
        self.statusReceived(status)
        self.state = HEADER
        for field in fields:
            name, _, value = field.partition(b":")
            self.headerReceived(name, value.strip())
        self.allHeadersReceived()
