"""
What upstream sends, byte for byte: read as quickly as here, and as by Twisted.

However it is cut, both have to tell the same; and what came in gzip has to be what
zlib makes of the whole of it.
"""

import gzip
import zlib
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.http_headers import Headers

from antigravity_gw.upstream.heads import BoundedConnection
from antigravity_gw.upstream.inflating import InflatingAgent
from fuzz.engine import Case, Complaint, cut, damaged

EVENT = b'data: {"response":{"candidates":[{"finishReason":"STOP"}]}}\r\n\r\n'
BODIES = (EVENT, EVENT * 3, b"", b"{}", b"\r\n\r\n", b"0\r\n\r\n", b"x" * 3000)
STATUSES = (
    *(b"200 OK", b"200 OK", b"200 OK", b"429 Too Many Requests", b"503 ", b"404"),
    *(b"302 ",),
    *(b"204 No Content", b"304 Not Modified", b"100 Continue", b"103 Early Hints"),
    *(b"101 Switching", b"999 x", b"20 x", b"-1 x", b"2 0 0", b"abc x", b"+200 OK"),
)
FIELDS = b"""\
Content-Type: text/event-stream
Server: ESF
Connection: close
Connection: keep-alive
Set-Cookie: a=b
X: y
X:
X : y
: y
no colon
 folded
\tfolded
X: \xff\x0b
X: \x00
Content-Length: 2
Content-Length: 2, 2
Content-Length: +2
Content-Length: x
Content-Length: -1
Transfer-Encoding: chunked
Transfer-Encoding: CHUNKED
Transfer-Encoding: gzip
transfer-encoding:\tchunked
Content-Encoding: identity""".split(b"\n")
ENDS = (b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b"", b" \r\n", b"\x0b")
SIZES = (
    b"%x;a=b",
    b"%X",
    b"0%x",
    b"%x ",
    b" %x",
    b"+%x",
    b"0x%x",
    b"%x\n",
    b"1%x",
    b"",
)
WORDS = (
    *(*FIELDS, *ENDS, *SIZES, b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2", b"ICY 200 OK\r\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"),
    *(b"0\r\n\r\n",),
    *(b"\x00", b"\xff", b"0", b"9" * 20, b"X: " + b"y" * 3000, b"ffffffff\r\n"),
)


class Responses:
    """Any response, read in any pieces, with another behind it or not."""

    name = "responses"

    def make(self, chance: Random) -> Case:
        """One response or two, with something wrong in half of the cases."""
        data = b"".join(_response(chance) for _ in range(chance.choice((1, 1, 1, 2))))
        if chance.random() < 0.4:
            data = damaged(chance, data, WORDS)
        return Case(cut(chance, data))

    def check(self, case: Case) -> None:
        """The same as by Twisted, but for what is in gzip."""
        data = case.whole
        singly = tuple(data[i : i + 1] for i in range(len(data)))
        for pieces in {case.pieces, (data,), singly if len(data) < 500 else (data,)}:
            hoped = _inflated(_told(HTTP11ClientProtocol(), pieces))
            told = _told(BoundedConnection(), pieces)
            if told.end == "MalformedStream" and hoped.body.startswith(told.body):
                # What was inflated in the same step as the mistake is not told.
                hoped = evolve(hoped, is_kept=told.is_kept, body=told.body)
            if told != hoped and not told.is_cut:
                raise Complaint(
                    f"{told.end} and not {hoped.end}"
                    if told.end != hoped.end
                    else "told otherwise",
                    f"{told} and not {hoped} in {pieces}",
                )
            if told.is_cut and data.count(b"\n") < 12 and len(data) < 16_000:
                raise Complaint("cut off for nothing", f"{told} and not {hoped}")

    def close(self) -> None:
        """There is nothing to let go of."""


@frozen
class Told:
    """
    What came of a response.

    :ivar end: the name of why its body ended, or of why there was none.
    :ivar is_kept: whether the connection waits for another request.
    :ivar is_cut: whether it was cut for its head.
    """

    status: int = 0
    fields: tuple[Any, ...] = ()
    body: bytes = b""
    end: str = ""
    is_kept: bool = False
    is_cut: bool = False


@define(eq=False)
class Reader(Protocol):
    """Reads a body, and pauses after every piece of it."""

    body: bytes = b""
    end: str = ""

    def dataReceived(self, data: bytes) -> None:
        """Take it."""
        self.body += data
        transport: Any = self.transport
        transport.pauseProducing()

    def go_on(self) -> None:
        """Resume until nothing comes of it."""
        seen = None
        while self.transport is not None and not self.end and seen != len(self.body):
            seen = len(self.body)
            transport: Any = self.transport
            transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note why."""
        self.end = type(reason.value).__name__


@define
class Wire:
    """A connection, which is an agent for the one request there is."""

    protocol: Any
    transport: StringTransport = field(factory=lambda: StringTransport(lenient=True))

    def __attrs_post_init__(self) -> None:
        """Connect."""
        self.protocol.makeConnection(self.transport)

    def request(self, *asked: Any) -> Deferred[Any]:
        """Send it."""
        headers = Headers({b"host": [b"a"]})
        request: Any = Request(b"GET", b"/", headers, None, persistent=True)
        asking: Deferred[Any] = self.protocol.request(request)
        return asking


def _told(protocol: Any, pieces: tuple[bytes, ...]) -> Told:
    """What a connection tells of a response in these pieces."""
    kept: list[Any] = []
    protocol._quiescentCallback = kept.append
    wire: Any = Wire(protocol)
    results: list[Any] = []
    reader = Reader()
    is_ours = isinstance(protocol, BoundedConnection)
    agent = InflatingAgent(wire, b"gzip") if is_ours else wire
    with capturedLogs() as events:
        asked = agent.request(b"GET", b"/", None, None)
        asked.addCallback(lambda r: (r.deliverBody(reader), r)[1])
        asked.addBoth(results.append)
        for piece in pieces:
            if not (wire.transport.disconnecting or kept):
                protocol.dataReceived(piece)
            reader.go_on()
            is_open = not (wire.transport.disconnecting or kept or reader.end)
            if is_open and results and wire.transport.producerState == "paused":
                raise Complaint("upstream was left paused", f"{is_ours}")
        if not kept:
            protocol.connectionLost(Failure(error.ConnectionDone()))
        reader.go_on()
    if failures := [e for e in events if "log_failure" in e]:
        raise Complaint(
            "a failure was logged", failures[0]["log_failure"].getTraceback()
        )
    is_cut = wire.transport.disconnected
    if not results:
        raise Complaint("it never ends", f"{is_ours}")
    if isinstance(results[0], Failure):
        return Told(
            end=type(results[0].value).__name__, is_kept=bool(kept), is_cut=is_cut
        )
    response = results[0]
    fields = sorted(response.headers.getAllRawHeaders())
    return Told(
        response.code,
        tuple((name, tuple(values)) for name, values in fields),
        reader.body,
        reader.end,
        bool(kept),
        is_cut,
    )


def _inflated(told: Told) -> Told:
    """What it is after zlib has inflated the whole of it."""
    fields = dict(told.fields)
    codings = b",".join(fields.pop(b"Content-Encoding", ())).lower().split(b",")
    codings = [c.strip() for c in codings if c.strip() not in (b"", b"identity")]
    if not codings:
        return told
    body, end = told.body, told.end
    if codings not in ([b"gzip"], [b"x-gzip"]) and body:
        body, end = b"", "MalformedStream"
    elif body:
        body, end = _gunzipped(body, end)
    return Told(
        told.status, tuple(fields.items()), body, end, told.is_kept, told.is_cut
    )


def _gunzipped(body: bytes, end: str) -> tuple[bytes, str]:
    """What is in *body*, and how it ends."""
    out = b""
    while body:
        member = zlib.decompressobj(31)
        for place in range(len(body)):  # to have what comes before a mistake
            try:
                out += member.decompress(body[place : place + 1])
            except zlib.error:
                return out, "MalformedStream"
            if member.eof:
                body = body[place + 1 :]
                break
        else:
            clean = end in ("ResponseDone", "PotentialDataLoss")
            return out, "BrokenAnswer" if clean else end
    return out, end


def _response(chance: Random) -> bytes:
    """One response, mostly right."""
    status, body = chance.choice(STATUSES), chance.choice(BODIES)
    fields = [b"Content-Type: text/event-stream"]
    if chance.random() < 0.3:
        body = gzip.compress(body, mtime=0)
        if chance.random() < 0.3:
            body = damaged(chance, body, (b"\x00", b"\x1f\x8b"))
        fields.append(
            b"Content-Encoding: " + chance.choice((b"gzip", b"x-gzip", b"br"))
        )
    way = chance.randrange(4)
    if way == 0:
        fields.append(b"Content-Length: %d" % len(body))
    elif way < 3:
        fields.append(b"Transfer-Encoding: chunked")
        body = _chunked(chance, body)
    while chance.random() < 0.3:
        fields.insert(chance.randrange(len(fields) + 1), chance.choice(FIELDS))
    line_end = chance.choice(ENDS) if chance.random() < 0.05 else b"\r\n"
    version = chance.choice((b"HTTP/1.1",) * 5 + (b"HTTP/1.0",))
    head = line_end.join([version + b" " + status, *fields])
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" if chance.random() < 0.1 else b""
    return interim + head + b"\r\n\r\n" + body


def _chunked(chance: Random, body: bytes) -> bytes:
    chunks = b""
    for piece in cut(chance, body):
        size = chance.choice(SIZES) if chance.random() < 0.03 else b"%x"
        end = chance.choice(ENDS) if chance.random() < 0.03 else b"\r\n"
        if piece:
            chunks += (size % len(piece) if size else b"") + b"\r\n" + piece + end
    trailer = chance.choice(FIELDS) + b"\r\n" if chance.random() < 0.1 else b""
    return chunks + b"0\r\n" + trailer + b"\r\n"
