"""
A Google that costs next to nothing: bodies are made once, and HTTP is barely read.

    python -m benchmarks.upstream

It listens on a free port of loopback and says which.  It understands what proxies
send, not what anybody might: a request has a Content-Length or no body, and the
next one comes after the answer.  ``GET /last`` returns the body of the last
generation, and its Authorization in a header.
"""

import asyncio
import json
import re
import time
from functools import cache
from typing import cast

import uvloop

from benchmarks.answers import NO_STAMP, PROJECT, TOKEN, Order, enveloped

BACKLOG = 4096
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SECRET = re.compile(rb"\r\nauthorization: *([^\r]*)", re.IGNORECASE)
_STREAMING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"
_LOOKUPS = {
    b"/token": {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"},
    b"/v1internal:loadCodeAssist": {
        "currentTier": {"id": "standard-tier"},
        "cloudaicompanionProject": PROJECT,
    },
}


def whole(body: bytes, *more: bytes) -> bytes:
    """A reply in one piece, with *more* headers."""
    lines = [
        b"HTTP/1.1 200 OK",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@cache
def lookup(path: bytes) -> bytes:
    """The reply to a question about the account."""
    return whole(json.dumps(_LOOKUPS.get(path, {})).encode())


@cache
def answer(order: Order) -> bytes:
    """The reply to ``generateContent``."""
    return whole(enveloped(order, last=True))


@cache
def event(order: Order, *, last: bool) -> tuple[bytes, bytes]:
    """One event of a stream in a chunk of its own: what is around its stamp."""
    data = b"data: %b\r\n\r\n" % enveloped(order, last=last)
    before, _, after = data.partition(NO_STAMP.encode())
    return b"%x\r\n%b" % (len(data), before), after + b"\r\n"


@cache
def torrent(order: Order) -> bytes:
    """A whole stream at once, its events without stamps."""
    each, last = (NO_STAMP.encode().join(event(order, last=end)) for end in (0, 1))
    return _STREAMING + each * (order.events - 1) + last + _END


class Google(asyncio.Protocol):
    """One connection from a proxy."""

    last_body: tuple[bytes, ...] = ()
    last_secret = b""

    def __init__(self) -> None:
        self._head = b""
        self._body: list[bytes] | None = None  # None while the head is arriving
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._body is None:
            self._head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                return
            length = _LENGTH.search(self._head)
            self._body, self._missing = [], int(length[1]) if length else 0
        self._body.append(data)
        self._missing -= len(data)
        if self._missing <= 0:
            head, body = self._head, tuple(self._body)
            self._head, self._body = b"", None
            self._reply(head, body)

    def _reply(self, head: bytes, body: tuple[bytes, ...]) -> None:
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == b"/last":
            seen = b"Seen-Authorization: " + Google.last_secret
            self._transport.write(whole(b"".join(Google.last_body), seen))
        elif not path.endswith(b"enerateContent"):
            self._transport.write(lookup(path))
        else:
            Google.last_body = body
            secret = _SECRET.search(head)
            Google.last_secret = secret[1] if secret else b""
            self._generate(path, Order.found_in(b"".join(body[:2])))

    def _generate(self, path: bytes, order: Order) -> None:
        if not path.endswith(b":streamGenerateContent"):
            self._transport.write(answer(order))
        elif order.pause:
            loop = asyncio.get_running_loop()
            self._transport.write(_STREAMING)
            self._send(order, order.events, loop.time(), loop)
        else:
            self._transport.write(torrent(order))

    def _send(
        self, order: Order, left: int, due: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Send one of the events that are *left*, and the next when it is due."""
        if self._transport.is_closing():
            return
        before, after = event(order, last=left == 1)
        stamped = b"%b%019d%b" % (before, time.monotonic_ns(), after)
        if left == 1:
            self._transport.write(stamped + _END)
            return
        self._transport.write(stamped)
        due += order.pause / 1000
        loop.call_at(due, self._send, order, left - 1, due, loop)


async def serve() -> None:
    """Listen until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Google, "127.0.0.1", 0, backlog=BACKLOG)
    host, port = server.sockets[0].getsockname()
    print(f"listening on http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
