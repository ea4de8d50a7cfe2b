"""
Where the browser comes back to after consent: a small site on this machine.

Everything else on this machine can reach it, too, any web page among it.  So it
goes by the ``Host`` header and by the login's state, and what is not the answer
to this login changes nothing.
"""

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from html import escape
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from antigravity_gw.errors import UpstreamTimeout
from antigravity_gw.waiting import within
from antigravity_gw.web.origins import is_expected_host
from antigravity_gw.wire.consent import Stray

HOST = "127.0.0.1"
PATH = "/oauth2callback"

MOST = 32
"""How many connections to keep; anybody on this machine can make some."""

LINGER = 2.0
"""How long a browser may take to read the last page, in seconds."""

_STYLE = "body{font:1.1em/1.5 sans-serif;margin:4em auto;max-width:32em;padding:0 1em}"
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def page(title: str, text: str) -> bytes:
    """A page that says something, and does nothing."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        '<link rel="icon" href="data:,"></head>'  # else browsers ask for one
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p></body></html>\n"
    ).encode("utf-8", "replace")


@define
class PortTaken(Exception):
    """A port cannot be listened on, most often since something else does."""

    reason: str


Take = Callable[[str], None]
"""Is handed the query of an answer; raises :exc:`Stray` for all but the right one."""


class Callback(Resource):
    """
    The one path there is, and all the others, which are none.

    The browser that brings the right answer is kept waiting for what comes of it.

    :ivar take: what to do with an answer.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.take: Take = _nothing_is_awaited
        self._waiting: Request | None = None

    def render(self, request: Request) -> bytes | int:
        """Look at what a browser brings."""
        if not is_expected_host(_text(request.getHeader(b"host") or b""), ()):
            return _shown(request, 403, "Not here", "Nobody is served by this name.")
        path, _, query = _text(request.uri).partition("?")
        if path != PATH or request.method != b"GET":
            return _shown(request, 404, "Not found", "There is nothing here.")
        before, self._waiting = self._waiting, request
        try:
            self.take(query)
        except Stray as stray:
            self._waiting = before
            return _shown(request, 400, "Not the answer that is awaited", f"{stray}.")
        if self._waiting is request:  # else it has been told already
            request.notifyFinish().addErrback(lambda _: self._released())
        return NOT_DONE_YET

    def tell(self, status: int, title: str, text: str) -> None:
        """Show the browser that is waiting, if there is one, what came of it."""
        request = self._released()
        if request is not None:
            request.write(_shown(request, status, title, text))
            request.finish()

    def _released(self) -> Request | None:
        request, self._waiting = self._waiting, None
        return request


def _nothing_is_awaited(query: str) -> None:
    raise Stray("no answer is awaited")


class Receiver(WrappingFactory):
    """Listens on loopback until it is closed."""

    noisy = False

    def __init__(self, reactor: Any, port: int = 0) -> None:
        """
        :param port: 0 for any that is free.
        :raises PortTaken: when it cannot be had.
        """
        self.callback = Callback()
        super().__init__(_QuietSite(self.callback, reactor=reactor))
        self._reactor = reactor
        self._emptied: Deferred[None] | None = None
        try:
            self._port: IListeningPort = reactor.listenTCP(port, self, interface=HOST)
        except CannotListenError as error:
            reason = getattr(error.socketError, "strerror", None)
            raise PortTaken(reason or "it cannot be listened on") from error

    @property
    def url(self) -> str:
        """Where to send the browser."""
        address: Any = self._port.getHost()
        return f"http://{HOST}:{address.port}{PATH}"

    async def close(self) -> None:
        """Listen no more; what has been written is sent, if its reader takes it."""
        await maybeDeferred(self._port.stopListening)
        if not self.protocols:
            return
        self._emptied = Deferred()
        for connection in list(self.protocols):
            connection.loseConnection()
        with suppress(UpstreamTimeout):
            await within(LINGER, self._reactor, self._emptied)
        for connection in list(self.protocols):
            connection.transport.abortConnection()

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        """A connection is there; the oldest go if there are too many."""
        super().registerProtocol(p)
        for connection in list(self.protocols)[:-MOST]:
            connection.transport.abortConnection()

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """A connection is gone."""
        super().unregisterProtocol(p)
        if not self.protocols and self._emptied and not self._emptied.called:
            self._emptied.callback(None)


class _QuietSite(Site):
    """A site without an access log, in which the codes would be."""

    noisy = False

    def log(self, request: object) -> None:
        """Write nothing."""


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _shown(request: Request, status: int, title: str, text: str) -> bytes:
    """The page, after its head."""
    body = page(title, text)
    request.setResponseCode(status)
    for name, value in _HEADERS.items():
        request.setHeader(name, value)
    request.setHeader("connection", "close")
    request.setHeader("content-length", str(len(body)))
    return body
