"""The way to upstream: directly or by a proxy, and whom to trust at its end."""

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from attrs import define, field, frozen

from antigravity_gw.upstream.failures import Peer

REPLY_BYTES = 16 * 1024
"""How long the head of a proxy's reply may be, interim ones included."""

_START = b"HTTP/1."
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: |\r?\n)")
_END = re.compile(rb"\r?\n\r?\n")


@frozen
class Way:
    """
    How upstream is reached.

    What the environment says (``HTTPS_PROXY``) does not matter: a daemon does
    what its configuration says.

    :ivar proxy: the URL of an HTTP or HTTPS proxy; empty to connect directly.
    :ivar ca_file: PEM certificates to trust instead of the system's; or empty.
    """

    proxy: str = field(default="", repr=False)
    ca_file: str = ""


@frozen
class Proxy:
    """
    A proxy to open tunnels through.

    :ivar is_secure: whether TLS is spoken with it.
    :ivar authorization: what ``Proxy-Authorization`` has to say, if anything.
    """

    peer: Peer
    is_secure: bool
    authorization: str = field(repr=False)

    def request_for(self, target: Peer) -> bytes:
        """What asks for a tunnel to *target*."""
        lines = [f"CONNECT {target.address} HTTP/1.1", f"Host: {target.address}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def read_proxy(url: str) -> Proxy:
    """The proxy that *url* names, see :data:`~antigravity_gw.checks.ProxyUrl`."""
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(pair.encode()).decode()}"
    peer = Peer(parts.hostname or "", port, is_proxy=True)
    return Proxy(peer, is_secure, authorization)


class NoReply(ValueError):
    """What came cannot be what a proxy answers."""


@define
class ReplyReader:
    """Reads what a proxy answers to ``CONNECT``, up to the end of its head."""

    _unread: bytes = field(default=b"", init=False)
    _length: int = field(default=0, init=False)

    def feed(self, data: bytes) -> int | None:
        """
        Take the next bytes.

        :returns: the status, once the head is complete; none that is interim.
        :raises NoReply: when it is not HTTP, outgrows :data:`REPLY_BYTES`, or is
            followed by something though it is our turn to speak.
        """
        self._unread += data
        self._length += len(data)
        while found := _END.search(self._unread):
            head, rest = self._unread[: found.end()], self._unread[found.end() :]
            status = _status(head)
            if status >= 200:
                if rest and status < 300:
                    raise NoReply
                return status
            self._unread = rest
        if not _could_begin(self._unread) or self._length > REPLY_BYTES:
            raise NoReply
        return None


def _status(head: bytes) -> int:
    found = _STATUS.match(head)
    if found is None:
        raise NoReply
    return int(found[1])


def _could_begin(data: bytes) -> bool:
    """Whether *data* could be the beginning of a head."""
    return data[: len(_START)] == _START[: len(data)]
