"""
Bounds on the heads of upstream's responses.

Twisted reads header lines and interim (1xx) responses for as long as they come,
keeps the former and logs each of the latter.  What it lacks is put in through
its private names ``_HTTP11ClientFactory`` and, of ``HTTP11ClientProtocol``,
``_parser``, ``_giveUp`` and ``_state``.
"""

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol, HTTPClientParser
from twisted.web.client import _HTTP11ClientFactory

from antigravity_gw.sending import make_prompt
from antigravity_gw.upstream.quick import QuickParser

HEADS = 11
"""How many heads to read for one request: ten interim ones, and the last."""

HEAD_BYTES = 64 * 1024
HEAD_LINES = 200
"""How long they may be, all together."""


class BoundedConnections(_HTTP11ClientFactory):
    """Makes connections to upstream, and does not log each coming and going."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:
        """A connection that gives up on a head without end."""
        return BoundedConnection(self._quiescentCallback)


class BoundedConnection(HTTP11ClientProtocol):
    """
    A connection that is cut when the head of a response exceeds the bounds.

    The request fails as it does when a connection breaks.
    """

    _bounded: HTTPClientParser | None = None

    def connectionMade(self) -> None:
        """The connection is there."""
        super().connectionMade()
        make_prompt(self.transport)

    @property
    def _parser(self) -> HTTPClientParser | None:
        return self._bounded

    @_parser.setter
    def _parser(self, parser: HTTPClientParser | None) -> None:
        """Take a parser of our own for the one that ``request`` has just made."""
        abort = cast(Any, self.transport).abortConnection
        self._bounded = parser and _BoundedParser(
            parser.request, parser.finisher, abort
        )

    def _giveUp(self, reason: Failure) -> None:
        """
        End what cannot be read, also before the request has been written.

        Twisted would forget the request then, and never say that it has failed.
        """
        if self._state == "TRANSMITTING":
            cast(Any, self.transport).abortConnection()
            return
        if self._state == "TRANSMITTING_AFTER_RECEIVING_RESPONSE":
            # An orderly end would wait until upstream has read all of the request.
            cast(Any, self.transport).abortConnection()
        super()._giveUp(reason)


class _BoundedParser(QuickParser):
    """Reads a response, and counts while it reads the head."""

    def __init__(
        self, request: Any, finisher: Callable[[bytes], None], abort: Callable[[], None]
    ) -> None:
        super().__init__(request, finisher)
        self._abort = abort
        self._bytes = 0
        self._lines = 0
        self._heads = 0

    def lineReceived(self, line: bytes) -> bool:
        """Count a line, and read it; true when no more are to be read."""
        self._bytes += len(line) + len(self.delimiter)
        self._lines += 1
        self._heads += line in (b"", b"\r")
        if self._bytes > HEAD_BYTES or self._lines > HEAD_LINES or self._heads > HEADS:
            return self.lineLengthExceeded(line)
        super().lineReceived(line)
        return False

    def lineLengthExceeded(self, line: bytes) -> bool:
        """Cut the connection: a peer can put off an orderly end for ever."""
        self._abort()
        return True
