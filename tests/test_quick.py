"""Tests for ``antigravity_gw.upstream.quick``: the same as Twisted, but quicker."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web._newclient import HTTPClientParser, Request
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from antigravity_gw.upstream.quick import QuickParser, whole_chunks

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream \r\nX-A:b\r\nx-a: c\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BODIES = [
    CHUNKED + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
    CHUNKED + b"A\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\nmore",
    CHUNKED + b"5\r\nhello\r\n5\r\nhel",
    CHUNKED + b"5\r\nhelloX\r\n",
    CHUNKED + b"zz\r\nhello",
    CHUNKED + b"-5\r\nhello\r\n",
    CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    CHUNKED + b"fffffffff\r\nhello",
    HEAD + b"Content-Length: 5\r\n\r\nhello",
    HEAD + b"Content-Length: 5\r\n\r\nhello and more",
    HEAD + b"Content-Length: 0\r\n\r\nmore",
    HEAD + b"Content-Length: 5, 5\r\n\r\nhello",
    HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    HEAD + b"\r\nuntil the end",
    HEAD + b" folded\r\nContent-Length: 5\r\n\r\nhello",
    HEAD + b"no colon\r\n\r\n",
    HEAD + b"Transfer-Encoding: gzip\r\n\r\nhello",
    b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\n!",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 404\r\nContent-Length: 1\r\n\r\n!",
    b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n!",
    b"HTTP/1.1 200 OK\nContent-Length: 1\n\n!",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"",
]


class Reader(Protocol):
    """Notes the body, and how it ended."""

    def __init__(self, seen: list[object]) -> None:
        self._seen = seen
        self._body = b""

    def dataReceived(self, data: bytes) -> None:
        """Some of it has come."""
        self._body += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All of it has."""
        self._seen += [self._body, reason.type.__name__]


def seen(kind: type[HTTPClientParser], pieces: list[bytes]) -> list[object]:
    """What comes of a response that is read by a parser of some kind."""
    notes: list[object] = []
    request: Any = Request(b"POST", b"/", Headers({b"host": [b"a"]}), None)
    parser: Any = kind(request, lambda rest: notes.append("finished"))

    def begun(response: IResponse) -> None:
        fields = sorted(response.headers.getAllRawHeaders())
        notes.extend([response.code, response.phrase, fields, response.length])
        response.deliverBody(Reader(notes))

    parser.makeConnection(StringTransport())
    parser._responseDeferred.addCallbacks(begun, lambda f: notes.append(f.type))
    try:
        for piece in pieces:
            parser.dataReceived(piece)
    except Exception as error:
        notes.append(type(error))
    parser.connectionLost(Failure(ConnectionError()))
    return notes


@given(st.sampled_from(BODIES), st.lists(st.integers(0, 250), max_size=6))
@example(BODIES[0], [])
def test_the_same_as_twisted(body: bytes, cuts: list[int]) -> None:
    """However odd, and however it is cut."""
    edges = sorted([0, *(min(cut, len(body)) for cut in cuts), len(body)])
    pieces = [body[a:b] for a, b in pairwise(edges) if a < b]

    assert seen(QuickParser, pieces) == seen(HTTPClientParser, pieces)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[-40:]))
def test_in_one_piece(body: bytes) -> None:
    """As it mostly comes."""
    assert seen(QuickParser, [body]) == seen(HTTPClientParser, [body])


class Greedy(Protocol):
    """Has the connection say the rest while it is handed the beginning."""

    def __init__(self, parser: QuickParser, rest: bytes) -> None:
        self.received = b""
        self._parser = parser
        self._rest = [rest]

    def dataReceived(self, data: bytes) -> None:
        """As TLS does when it is resumed."""
        self.received += data
        if self._rest:
            self._parser.dataReceived(self._rest.pop())


def test_what_comes_meanwhile_comes_after() -> None:
    """Bytes that arrive while others are handed over do not overtake them."""
    request: Any = Request(b"POST", b"/", Headers({b"host": [b"a"]}), None)
    parser: Any = QuickParser(request, lambda rest: None)
    greedy = Greedy(parser, b"3\r\ndef\r\n")
    parser.makeConnection(StringTransport())
    parser._responseDeferred.addCallback(lambda r: r.deliverBody(greedy))
    parser.dataReceived(CHUNKED + b"1\r\na\r\n1\r\nb\r\n")
    parser.dataReceived(b"1\r\nc\r\n")

    assert greedy.received == b"abdefc"


@given(st.lists(st.binary(min_size=1, max_size=40)), st.binary(max_size=20))
def test_chunks(payloads: list[bytes], rest: bytes) -> None:
    """All whole ones are taken, and nothing of what follows that is not whole."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in payloads)

    assert whole_chunks(chunks + b"0\r\n" + rest) == (b"".join(payloads), len(chunks))
    assert whole_chunks(chunks + b"fff\r\n" + rest) == (
        b"".join(payloads),
        len(chunks),
    )
