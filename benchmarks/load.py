"""The clients: connections that ask and count what comes back."""

import asyncio
import time
from typing import Self, cast
from urllib.parse import urlsplit

from attrs import Factory, define, frozen

from benchmarks.answers import MARK, STAMP_DIGITS, Order

_MARK = MARK.encode()
_END = b"\r\n0\r\n\r\n"


class Failed(Exception):
    """A target did not do what it is measured at, so there is nothing to measure."""


@frozen
class Target:
    """
    What is measured.

    :ivar name: its column in the table.
    :ivar key: what clients show to it.
    """

    name: str
    url: str
    pid: int
    key: str

    def request(self, order: Order, body: bytes, *, stream: bool = False) -> bytes:
        """A client's request, as it travels."""
        return self._head("POST", path(order, stream=stream), len(body)) + body

    def health(self) -> bytes:
        """The request that costs the least."""
        return self._head("GET", "/healthz", 0)

    def _head(self, method: str, path: str, length: int) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            f"x-goog-api-key: {self.key}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


def path(order: Order, *, stream: bool) -> str:
    """Where clients ask for it."""
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{order.model}:{method}"


@define
class Tally:
    """
    What clients have counted; times are in milliseconds.

    :ivar taken: how long each finished answer took, from the request to its end.
    :ivar first: how long its first event took, of each that was streamed.
    :ivar delays: how old events were when they came; of several that came at once
        only the first is looked at.
    """

    events: int = 0
    taken: list[float] = Factory(list)
    first: list[float] = Factory(list)
    delays: list[float] = Factory(list)


class Connection(asyncio.Protocol):
    """
    A client's connection, with one request at a time.

    It reads of HTTP what its targets write: a length, or chunks.

    :ivar tally: what to count in; it may be exchanged at any time.
    :ivar events: how many the answer has had so far.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.events = 0
        self._answer: asyncio.Future[int] | None = None

    @classmethod
    async def to(cls, target: Target) -> Self:
        """Open one."""
        host, _, port = urlsplit(target.url).netloc.partition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, int(port))
        return connection

    async def ask(self, request: bytes) -> int:
        """
        Wait for a whole answer.

        :returns: how many events it had.
        :raises Failed: when it is an error or breaks off.
        """
        if self._transport.is_closing():
            raise Failed("the connection was closed between two requests")
        self._answer = asyncio.get_running_loop().create_future()
        self._head = b""
        self._length: int | None = None  # None: as long as there are chunks
        self._tail = b"\r\n"
        self.events = self._received = 0
        self._in_body = False
        self._asked = time.monotonic_ns()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Leave."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._fail("the connection was closed")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self._in_body:
            self._head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                return
            self._begin(data)
        if found := data.count(_MARK):
            self._count(found, data, now)
        self._received += len(data)
        self._tail = (self._tail + data[-7:])[-7:]
        if self._is_whole():
            self._finish(now)

    def _is_whole(self) -> bool:
        if self._length is None:
            return self._tail == _END
        return self._received >= self._length

    def _begin(self, body: bytes) -> None:
        self._in_body = True
        head = self._head.lower()
        _, is_there, length = head.partition(b"\r\ncontent-length:")
        self._length = int(length.split(b"\r\n")[0]) if is_there else None
        if head.split(b" ", 2)[1] != b"200":
            self._fail(f"{self._head.splitlines()[0]!r} {body[:200]!r}")

    def _count(self, found: int, data: bytes, now: int) -> None:
        if not self.events:
            self.tally.first.append((now - self._asked) / 1e6)
        self.events += found
        self.tally.events += found
        at = data.index(_MARK) + 1
        sent = data[at : at + STAMP_DIGITS]
        is_whole = len(sent) == STAMP_DIGITS and sent.isdigit()
        if is_whole and (stamp := int(sent)):
            self.tally.delays.append((now - stamp) / 1e6)

    def _finish(self, now: int) -> None:
        if self._answer and not self._answer.done():
            self.tally.taken.append((now - self._asked) / 1e6)
            self._answer.set_result(self.events)

    def _fail(self, why: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(Failed(why))
