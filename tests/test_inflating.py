"""Tests for ``antigravity_gw.upstream.inflating``: no more at once than is wanted."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from helpers import now
from hypothesis import example, given
from hypothesis import strategies as st
from treq.client import HTTPClient
from twisted.internet import error
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent, IResponse
from zope.interface import implementer

from antigravity_gw.errors import BrokenAnswer, MalformedStream
from antigravity_gw.upstream.inflating import PIECE, Gunzip, InflatingAgent
from antigravity_gw.waiting import collect

BIG = 200 * 2**20
DONE = ResponseDone()
LOST = error.ConnectionLost()

cuts = st.lists(st.integers(0, 5000), max_size=20)
payloads = st.lists(st.binary(max_size=300), max_size=8)


@cache
def bomb() -> bytes:
    """Two hundred megabytes of nothing, in two hundred kilobytes."""
    squeezer = zlib.compressobj(wbits=31)
    squeezed = [squeezer.compress(bytes(2**20)) for _ in range(BIG // 2**20)]
    return b"".join([*squeezed, squeezer.flush()])


def pieces(body: bytes, at: Iterable[int]) -> list[bytes]:
    """*body*, cut in pieces."""
    edges = sorted([0, *(min(cut, len(body)) for cut in at), len(body)])
    return [body[a:b] for a, b in pairwise(edges)]


class Upstream:
    """An agent, its one response, and the transport of the body."""

    version: Any = (b"HTTP", 1, 1)
    code = 200
    phrase = b"OK"
    length: Any = 1000
    request: Any = None
    previousResponse: Any = None

    def __init__(self, *codings: str) -> None:
        self.headers = Headers({"content-encoding": codings} if codings else {})
        self.headers.addRawHeader("content-type", "text/event-stream")
        self.did: list[str] = []
        self.asked: Any = None

    def deliverBody(self, receiver: Any) -> None:
        """Connect the receiver."""
        self.receiver = receiver
        receiver.makeConnection(self)

    def pauseProducing(self) -> None:
        """Note it."""
        self.did.append("pause")

    def resumeProducing(self) -> None:
        """Note it."""
        self.did.append("resume")

    def stopProducing(self) -> None:
        """Note it."""
        self.did.append("stop")

    def answered(self) -> Any:
        """What comes of a request through the agent under test."""

        asked = InflatingAgent(Agent(self), b"gzip").request(b"GET", b"http://a/")
        return now(asked)

    def sent_to(self, reader: "Reader", *body: bytes, end: Any = None) -> "Reader":
        """Send this body, and its end, to *reader*."""
        self.answered().deliverBody(reader)
        for piece in body:
            self.receiver.dataReceived(piece)
        if end is not None:
            self.receiver.connectionLost(Failure(end))
        return reader


@implementer(IAgent)
class Agent:
    """Answers with what it was made with."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    def request(self, *asked: Any) -> Deferred[Any]:
        """Note what was asked for, and answer."""
        self.upstream.asked = asked
        return succeed(self.upstream)


class Reader(Protocol):
    """Reads a body: so many pieces, and then does something else."""

    def __init__(self, after: int = -1, does: str = "pauseProducing") -> None:
        self.pieces: list[bytes] = []
        self.ends: list[Failure] = []
        self.after, self.does = after, does

    def dataReceived(self, data: bytes) -> None:
        """Take a piece."""
        assert not self.ends
        self.pieces.append(data)
        if len(self.pieces) == self.after:
            getattr(self.transport, self.does)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end."""
        self.ends.append(reason)

    def goes_on(self, after: int = -1) -> "Reader":
        """Read some more."""
        self.after = after
        transport: Any = self.transport
        transport.resumeProducing()
        return self

    @property
    def read(self) -> bytes:
        """All that was read."""
        return b"".join(self.pieces)

    def ended(self, kind: type[Exception] = ResponseDone) -> bool:
        """Whether it was told of the end once, and that it was like this."""
        return [end.type for end in self.ends] == [kind]


class Counting(Protocol):
    """Reads a body, and keeps nothing but how much it was."""

    def __init__(self) -> None:
        self.count = self.longest = 0

    def dataReceived(self, data: bytes) -> None:
        """Count a piece."""
        self.count += len(data)
        self.longest = max(self.longest, len(data))


@given(payloads, cuts, st.sampled_from([0, 1, 6, 9]), st.booleans())
@example([b"x" * 3 * PIECE], [3], 6, True)
@example([b"x" * PIECE], [], 6, False)
@example([], [], 6, False)
def test_all_of_it(
    written: list[bytes], at: list[int], level: int, pauses: bool
) -> None:
    """However it was flushed and is cut, what comes out is what went in."""
    squeezer = zlib.compressobj(level, wbits=31)
    squeezed = b""
    for part in written:
        squeezed += squeezer.compress(part) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    squeezed += squeezer.flush()
    reader = Reader(after=1 if pauses else -1)
    Upstream("gzip").sent_to(reader, *pieces(squeezed, at), end=DONE)
    while not reader.ends:
        reader.goes_on(after=len(reader.pieces) + 1)

    assert reader.read == b"".join(written)
    assert reader.ended()
    assert max(map(len, reader.pieces), default=0) <= PIECE


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=8), st.integers(1, 50))
def test_an_event_is_there_with_its_last_byte(events: list[bytes], size: int) -> None:
    """What upstream flushed does not wait for what it sends next."""
    squeezer = zlib.compressobj(wbits=31)
    upstream, reader = Upstream("gzip"), Reader()
    upstream.sent_to(reader)
    for i, event in enumerate(events):
        sent = squeezer.compress(event) + squeezer.flush(zlib.Z_SYNC_FLUSH)
        for piece in pieces(sent, range(0, len(sent), size)):
            upstream.receiver.dataReceived(piece)

        assert reader.read == b"".join(events[: i + 1])


@given(payloads, cuts)
def test_many_members(parts: list[bytes], at: list[int]) -> None:
    """Gzip may consist of several, each with its own head and checksum."""
    body = b"".join(map(gzip.compress, parts))
    reader = Upstream("gzip").sent_to(Reader(), *pieces(body, at), end=DONE)

    assert reader.read == b"".join(parts)
    assert reader.ended()


def test_a_bomb_in_one_packet() -> None:
    """What is much when it is inflated is never there all at once."""
    body, counting = bomb(), Counting()
    upstream = Upstream("gzip")
    upstream.answered().deliverBody(counting)
    tracemalloc.start()
    try:
        upstream.receiver.dataReceived(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(body) < 250_000
    assert counting.count == BIG
    assert counting.longest <= PIECE
    assert peak < 2**20


def test_a_reader_that_pauses() -> None:
    """It gets nothing until it goes on, and then what waited comes first."""
    upstream, reader = Upstream("gzip"), Reader(after=2)
    body = bomb()
    upstream.sent_to(reader, body[:100_000])
    assert [len(reader.pieces), upstream.did] == [2, ["pause"]]
    reader.goes_on(after=5)
    assert [len(reader.pieces), upstream.did] == [5, ["pause", "pause"]]
    upstream.receiver.dataReceived(body[100_000:])
    upstream.receiver.connectionLost(Failure(DONE))
    assert [len(reader.pieces), reader.ends] == [5, []]
    reader.goes_on()

    assert len(reader.read) == BIG
    assert reader.ended()
    assert "resume" not in upstream.did


def test_upstream_goes_on_with_the_reader() -> None:
    """Once nothing waits any more, upstream sends again."""
    upstream, reader = Upstream("gzip"), Reader(after=1)
    upstream.sent_to(reader, gzip.compress(b"x" * 100_000))
    reader.goes_on()

    assert upstream.did == ["pause", "resume"]
    assert len(reader.read) == 100_000


def test_pausing_for_a_moment() -> None:
    """A reader may go on before it returns, as a client that writes at once does."""

    class Hasty(Reader):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            transport: Any = self.transport
            transport.pauseProducing()
            transport.resumeProducing()

    upstream, reader = Upstream("gzip"), Hasty()
    upstream.sent_to(reader, gzip.compress(b"x" * 3 * PIECE), end=DONE)

    assert reader.read == b"x" * 3 * PIECE
    assert reader.ended()


@pytest.mark.parametrize("how", ["stopProducing", "loseConnection", "abortConnection"])
def test_a_reader_that_stops(how: str) -> None:
    """Nothing more is inflated for it, and upstream is stopped once."""
    upstream, reader = Upstream("gzip"), Reader(after=3, does=how)
    upstream.sent_to(reader, bomb(), b"more")
    told_before = list(reader.ends)
    getattr(reader.transport, how)()
    upstream.receiver.connectionLost(Failure(LOST))

    assert told_before == []
    assert len(reader.pieces) == 3
    assert upstream.did == ["stop"]
    assert reader.ended(error.ConnectionLost)


def test_stopping_when_all_has_come() -> None:
    """It is told of the end then, and not that it was a good one."""
    upstream, reader = Upstream("gzip"), Reader(after=1)
    upstream.sent_to(reader, gzip.compress(b"x" * 100_000), end=DONE)
    transport: Any = reader.transport
    transport.stopProducing()
    transport.resumeProducing()

    assert len(reader.pieces) == 1
    assert len(reader.ends) == 1
    assert not reader.ended()


def test_longer_than_wanted() -> None:
    """A limit on what is collected is a limit on what is inflated."""
    upstream = Upstream("gzip")
    collected = collect(upstream.answered(), 100_000)
    upstream.receiver.dataReceived(bomb())

    with pytest.raises(MalformedStream, match="longer than 100000"):
        now(collected)
    assert upstream.did == ["stop"]


@given(st.binary(min_size=1, max_size=100), st.data())
def test_cut_short(payload: bytes, data: st.DataObject) -> None:
    """A body that ends before its gzip does has not ended well."""
    body = gzip.compress(payload)
    cut = data.draw(st.integers(1, len(body) - 1))
    for end in (DONE, PotentialDataLoss()):
        reader = Upstream("gzip").sent_to(Reader(), body[:cut], end=end)

        assert payload.startswith(reader.read)
        assert reader.ended(BrokenAnswer)


def test_broken_off() -> None:
    """A connection that breaks is told as it is, after what came before."""
    body = gzip.compress(b"x" * 100)
    reader = Upstream("gzip").sent_to(Reader(), body, end=LOST)

    assert reader.read == b"x" * 100
    assert reader.ended(error.ConnectionLost)


@pytest.mark.parametrize("end", [ResponseDone, PotentialDataLoss])
def test_whole(end: type[Exception]) -> None:
    """A whole body ends as it did; one without a byte is whole."""
    for body in (gzip.compress(b"x"), b""):
        assert Upstream("gzip").sent_to(Reader(), body, end=end()).ended(end)


@pytest.mark.parametrize(
    "body",
    [
        b"data: not gzip at all\r\n\r\n",
        zlib.compress(b"without the head of gzip"),
        gzip.compress(b"x" * 100, mtime=0)[:-8] + b"\0" * 8,
        gzip.compress(b"x" * 100, mtime=0) + b"rubbish",
    ],
)
def test_corrupt(body: bytes) -> None:
    """What is not gzip fails at once, and upstream need not send the rest."""
    upstream, reader = Upstream("gzip"), Reader()
    upstream.sent_to(reader, body, b"more", end=LOST)

    assert upstream.did == ["stop"]
    assert reader.ended(MalformedStream)


def test_corrupt_while_nobody_reads() -> None:
    """Who pauses learns of it on going on; there is nothing left to stop then."""
    upstream, reader = Upstream("gzip"), Reader(after=1)
    body = gzip.compress(b"x" * PIECE) + b"rubbish"
    upstream.sent_to(reader, body, end=DONE)
    assert reader.ends == []
    reader.goes_on()

    assert upstream.did == ["pause"]
    assert reader.ended(MalformedStream)


@pytest.mark.parametrize(
    "codings", [["br"], ["deflate"], ["gzip, gzip"], ["gzip", "br"], ["x"]]
)
def test_unknown_codings(codings: list[str]) -> None:
    """What cannot be read is not handed on as if it could."""
    upstream, reader = Upstream(*codings), Reader()
    upstream.sent_to(reader, gzip.compress(b"x"))

    assert upstream.did == ["stop"]
    assert reader.read == b""
    assert reader.ended(MalformedStream)
    assert Upstream(*codings).sent_to(Reader(), end=DONE).ended()


@pytest.mark.parametrize("codings", [["gzip"], ["x-gzip"], [" GZip "], ["", "gzip"]])
def test_known_codings(codings: list[str]) -> None:
    """Gzip goes by two names, in any case; nothing is seen of it afterwards."""
    upstream = Upstream(*codings)
    upstream.headers.setRawHeaders("content-length", ["1000"])
    response = upstream.answered()

    assert dict(response.headers.getAllRawHeaders()) == {
        b"Content-Type": [b"text/event-stream"]
    }
    assert response.length == UNKNOWN_LENGTH
    assert IResponse.providedBy(response)
    assert upstream.headers.hasHeader("content-encoding")


@pytest.mark.parametrize("codings", [[], ["identity"], [""]])
def test_what_is_not_compressed(codings: list[str]) -> None:
    """It is the response that came."""
    upstream = Upstream(*codings)

    assert upstream.answered() is upstream


def test_what_is_asked_for() -> None:
    """Upstream hears what this was told, and treq is not asked."""
    upstream = Upstream()
    http = HTTPClient(InflatingAgent(Agent(upstream), b"identity"))
    headers = Headers({"x": ["y"]})
    now(http.request("GET", "http://a/", headers=headers, unbuffered=True))

    assert upstream.asked[2].getRawHeaders("accept-encoding") == ["identity"]
    assert upstream.asked[2].getRawHeaders("x") == ["y"]


class Wire:
    """A connection on which a response in gzip comes, as Twisted reads it."""

    def __init__(self) -> None:
        self.protocol: Any = HTTP11ClientProtocol()
        self.transport = StringTransport(lenient=True)
        self.protocol.makeConnection(self.transport)

    def request(self, *asked: Any) -> Deferred[Any]:
        """Send a request."""
        headers = Headers({b"host": [b"a"]})
        request: Any = Request(b"GET", b"/", headers, None, persistent=True)
        asking: Deferred[Any] = self.protocol.request(request)
        return asking

    def answered(self, body: bytes) -> Any:
        """The response, inflated, with some of its body."""
        agent: Any = self
        asked = InflatingAgent(agent, b"gzip").request(b"GET", b"/")
        self.protocol.dataReceived(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
        )
        return now(asked)


def test_on_the_wire() -> None:
    """It goes with Twisted's own responses, and the connection serves again."""
    wire = Wire()
    body = gzip.compress(b"x" * 100_000)
    for _ in range(2):
        collected = collect(wire.answered(body), 10**6)
        wire.protocol.dataReceived(b"0\r\n\r\n")

        assert now(collected) == b"x" * 100_000
    assert wire.transport.producerState == "producing"


def test_a_reader_that_pauses_at_the_head() -> None:
    """What came with the head may be too much; upstream waits with the next read."""
    wire, reader = Wire(), Reader(after=1)
    wire.answered(gzip.compress(b"x" * 100_000)).deliverBody(reader)
    wire.protocol.dataReceived(b"0\r")
    assert len(reader.pieces) == 1
    wire.protocol.dataReceived(b"\n\r\n")
    reader.goes_on()

    assert len(reader.read) == 100_000
    assert reader.ended()


def test_more_while_paused_at_the_head() -> None:
    """Twisted resumes what was paused too early; here it is paused once more."""
    wire, reader = Wire(), Reader(after=1)
    wire.answered(gzip.compress(b"x" * 100_000)[:50]).deliverBody(reader)
    was = wire.transport.producerState
    wire.protocol.dataReceived(b"1\r\nx\r\n")

    assert [was, wire.transport.producerState] == ["producing", "paused"]
    assert len(reader.pieces) == 1


def test_gunzip_without_end() -> None:
    """Nothing comes of nothing, however often it is asked for."""
    gunzip = Gunzip()

    assert gunzip.take() == b""
    assert gunzip.is_whole
    gunzip.feed(gzip.compress(b"x")[:9])
    assert gunzip.take() == gunzip.take() == b""
    assert not gunzip.is_whole
