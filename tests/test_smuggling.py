"""Requests that two readers could take for different ones, and other odd HTTP."""

from pathlib import Path
from typing import Any

import pytest
from world import HELLO, LAST, WHOLE, Reply, World

from antigravity_gw.web.guard import Mode

POST = b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(HELLO)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HIDDEN = b"GET /v1/models/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway that asks for no key."""
    world = World(tmp_path, accounts="a")
    world.google.script = [WHOLE]
    return world


def refused(world: World, *packets: bytes) -> tuple[int, int, bool]:
    """
    How a request ended, and how many answers there were to it.

    Nothing may have reached Google, and the answer must be Google's error.
    """
    client = world.client()
    for packet in packets:
        client.send(packet)
    code, _ = client.error()
    assert world.google.calls == []
    assert "content-type: application/json; charset=utf-8" in client.head
    return code, client.received().count(b"HTTP/1."), client.is_closed()


ENCODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding:\x0cchunked",
    b"Transfer-Encoding: \xa0chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunk",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: CHUNKED",
    b"transfer-encoding: Chunked",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding: chu\x00nked",
    b"Transfer-Encoding\x00: chunked",
    b"\x00Transfer-Encoding: chunked",
    b" Transfer-Encoding: chunked",
    b"X: y\r\n Transfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding\n: chunked",
    b"Transfer-Encoding:\n chunked",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_two_framings(world: World, encoding: bytes) -> None:
    """Who sends a length and an encoding, however spelled, is not guessed at."""
    body = b"\r\n\r\n0\r\n\r\n" + HIDDEN

    assert refused(world, POST + LENGTH + encoding + body) == (400, 1, True)
    request = POST + encoding + b"\r\n" + LENGTH[:-2] + body
    assert refused(world, request) == (400, 1, True)


@pytest.mark.parametrize(
    "name", [b"Transfer_Encoding", b"TE", b"X-Transfer-Encoding", b"Content_Length"]
)
def test_what_only_looks_like_framing(world: World, name: bytes) -> None:
    """Other headers say nothing about the body."""
    client = world.client().send(POST + LENGTH + name + b": chunked\r\n\r\n" + HELLO)

    assert client.json() == LAST


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 43\r\nContent-Length: 43",
        b"Content-Length: 43\r\ncontent-length: 0",
        b"Content-Length: 0\r\nContent-Length: 43",
        b"Content-Length: 43, 43",
        b"Content-Length: 43,0",
        b"Content-Length:\x0b43",
        b"Content-Length: +43",
        b"Content-Length: -43",
        b"Content-Length: -0",
        b"Content-Length: 0x2b",
        b"Content-Length: 4_3",
        b"Content-Length: 4 3",
        b"Content-Length: 43.0",
        b"Content-Length: 1e1",
        b"Content-Length: 43;",
        b"Content-Length: '43'",
        b"Content-Length: \xb2\xb3",
        b"Content-Length:",
        b"Content-Length : 43",
        b"Content-Length: 43\r\n 0",
    ],
)
def test_lengths(world: World, lengths: bytes) -> None:
    """A length is digits, once."""
    request = POST + lengths + b"\r\n\r\n" + HELLO + HIDDEN

    assert refused(world, request) == (400, 1, True)


@pytest.mark.parametrize(
    "chunks",
    [
        b"xyz\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b" 2\r\n{}\r\n0\r\n\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n",
        b"2\t\r\n{}\r\n0\r\n\r\n",
        b"0_2\r\n{}\r\n0\r\n\r\n",
        b"\xb2\r\n{}\r\n0\r\n\r\n",
        b"\r\n{}\r\n0\r\n\r\n",
        b"2;a\nb\r\n{}\r\n0\r\n\r\n",
        b"2;a\x00b\r\n{}\r\n0\r\n\r\n",
        b"2;a\rb\r\n{}\r\n0\r\n\r\n",
        b"2;" + b"a" * 2000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2;" + b"a" * 2000,
        b"2\n{}\n0\n\n",
        b"2\r\n{}0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"2\r\n{}\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
    ids=lambda chunks: repr(chunks[:30]),
)
def test_chunks(world: World, chunks: bytes) -> None:
    """A chunk is hexadecimal digits, CR LF, so many bytes, CR LF."""
    request = POST + CHUNKED + b"\r\n" + chunks + HIDDEN

    assert refused(world, request) == (400, 1, True)


@pytest.mark.parametrize("size", [b"F" * 16, b"F" * 17 + b"2", b"1" + b"0" * 500])
def test_a_chunk_that_is_too_long(world: World, size: bytes) -> None:
    """It need not come to be refused."""
    assert refused(world, POST + CHUNKED + b"\r\n" + size + b"\r\n{}") == (413, 1, True)


@pytest.mark.parametrize(
    "chunks",
    [
        b"2b;ext\r\n%b\r\n0\r\n\r\n",
        b'2B;a="b;c";d\r\n%b\r\n0;last\r\n\r\n',
        b"0000002b\r\n%b\r\n000\r\nTrailer: x\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_extensions_and_trailers(world: World, chunks: bytes) -> None:
    """They are allowed, and dropped."""
    client = world.client().send(POST + CHUNKED + b"\r\n" + chunks % HELLO)

    assert client.json() == LAST
    assert world.google.calls[0].raw.endswith(b'"request":' + HELLO + b"}")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz\r\n",
        b"GET /healthz HTTP/0.9\r\n\r\n",
        b"GET /healthz HTTP/1.2\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz http/1.1\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz  HTTP/1.1\r\n\r\n",
        b" GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /health z HTTP/1.1\r\n\r\n",
        b"GET\t/healthz\tHTTP/1.1\r\n\r\n",
        b"G@T /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\n\n",
        b"\r\n\r\n\r\nGET",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(1, 200)),
        bytes(range(128, 256)) * 3,
        b"\x00" * 50,
        GET + b"X: a\rb\r\n\r\n",
        GET + b"X: a\nb\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + b"X\r: y\r\n\r\n",
        GET + b"X\n: y\r\n\r\n",
        GET + b"X : y\r\n\r\n",
        GET + b"X\x80: y\r\n\r\n",
        GET + b": y\r\n\r\n",
        GET + b"X\r\n\r\n",
        GET + b"X: y\r\n z\r\n\r\n",
        GET + b"X: y\r\n\tz\r\n\r\n",
        GET + b" X: y\r\n\r\n",
    ],
    ids=lambda request_: repr(request_[:30] + request_[-20:]),
)
def test_no_http(world: World, request_: bytes, logged: list[dict[str, Any]]) -> None:
    """What is not quite HTTP/1.1 gets one answer at once, and one line in the log."""
    before = len(logged)

    assert refused(world, request_) == (400, 1, True)
    assert len(logged) == before + 1


def test_cuts(world: World) -> None:
    """Nothing is taken for malformed because of where a packet ends."""
    head = b"\r\n" + GET + b"\r\n"
    for cut in range(1, len(head)):
        client = world.client().send(head[:cut]).send(head[cut:])

        assert client.json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (b"*", 400),
        (b"localhost:8045", 400),
        (b"healthz", 400),
        (b"#", 400),
        (b"ftp://localhost/healthz", 400),
        (b"http:/healthz", 400),
        (b"/healthz?\x7f", 400),
        (b"/healthz?\x80", 400),
        (b"/healthz?\xb0", 400),
        (b"/healthz?\xc3\xa9", 400),
        (b"/healthz#x", 404),
        (b"//healthz", 200),
        (b"/healthz?", 200),
        (b"/%68ealthz", 200),
        (b"/x/../healthz", 404),
        (b"/x/%2e%2e/healthz", 404),
        (b"/healthz/.", 404),
        (b"/healthz%2f", 404),
        (b"/%2fhealthz", 404),
        (b"/healthz%00", 404),
        (b"/healthz%0d%0aX:%20y", 404),
        (b"/healthz%", 404),
        (b"/v1%2fmodels", 404),
        (b"/v1beta/models/..%2f..%2fhealthz", 400),
        (b"http://localhost", 404),
        (b"http://localhost?x=/healthz", 404),
        (b"http://localhost/healthz", 200),
        (b"HTTP://127.0.0.1:1/healthz", 200),
    ],
)
def test_targets(world: World, target: bytes, code: int) -> None:
    """A target is a path; nothing in it is resolved but doubled slashes."""
    client = world.client().send(GET.replace(b"/healthz", target) + b"\r\n")

    assert client.status == code
    assert code < 400 or client.error()[0] == code


def test_the_authority_of_a_target(world: World) -> None:
    """It counts instead of the Host header, which must be there all the same."""

    def ask(head: bytes) -> int:
        return world.client().send(head + b"\r\n").status

    elsewhere = GET.replace(b"/healthz", b"http://evil.example/healthz")
    disguised = GET.replace(b"/healthz", b"http://localhost@evil.example/healthz")
    here = elsewhere.replace(b"localhost", b"x").replace(b"evil.example", b"localhost")

    assert [ask(elsewhere), ask(disguised), ask(here)] == [403, 400, 200]
    assert ask(here[: here.index(b"Host")]) == 400
    assert ask(here + b"Host: localhost\r\n") == 400


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PATCH", "get", "M-SEARCH"])
def test_methods(world: World, method: str) -> None:
    """Whatever the method, the path says which would do."""
    client = world.get("/healthz", method=method)

    assert client.error() == (405, "UNIMPLEMENTED")
    assert "allow: get, head" in client.head
    assert world.get("localhost:443", method=method).error()[0] == 400


@pytest.mark.parametrize(
    ("headers", "closes"),
    [
        (["Connection: close"], True),
        (["Connection: Close"], True),
        (["Connection: keep-alive, close"], True),
        (["Connection: x,close"], True),
        (["Connection: x", "Connection: close"], True),
        (["Connection: keep-alive"], False),
        (["Connection: closed"], False),
        (["Connection: Upgrade", "Upgrade: websocket"], False),
    ],
)
def test_connection_close(world: World, headers: list[str], closes: bool) -> None:
    """Who asks for it in any way gets the end of the connection."""
    client = world.get("/healthz", *headers)

    assert client.status == 200
    assert ("connection: close" in client.head.split("\r\n")) == closes
    assert client.is_closed() == closes


def test_old_http(world: World) -> None:
    """HTTP/1.0 has no chunks, no 100 Continue, and needs no Host."""
    head = b"POST /v1/models/pro:generateContent HTTP/1.0\r\nExpect: 100-continue\r\n"
    client = world.client().send(head + LENGTH + b"\r\n" + HELLO)

    assert client.received().startswith(b"HTTP/1.0 200 OK\r\n")
    assert "transfer-encoding" not in client.head
    assert client.json() == LAST
    assert client.is_closed()


@pytest.mark.parametrize(
    "expected", ["200-ok", "100-continue, x", "100-continue;x", "", "100"]
)
def test_expectations(world: World, expected: str) -> None:
    """There is one that can be met."""
    client = world.get("/healthz", f"Expect: {expected}")

    assert client.error()[0] == 417
    assert b"100 Continue" not in client.received()


def test_nothing_to_continue_with(world: World) -> None:
    """A request without a body is just answered."""
    assert world.get("/healthz", "Expect: 100-Continue").status == 200


def test_waiting_behind_an_answer(world: World) -> None:
    """What comes while a request is served waits, up to 64 KiB of it."""
    world.google.script = [Reply(stays_open=True)]
    client = world.client().send(POST + LENGTH + b"\r\n" + HELLO)
    for _ in range(64):
        client.send(b"x" * 1024)
    assert not client.transport.disconnecting
    assert world.google.gone == []
    client.send(b"x")

    assert client.transport.closed
    assert len(world.google.gone) == 1
    assert world.site.tally.ends == {"too_far_ahead": 1}


def test_leaving_behind_what_waits(world: World) -> None:
    """Reading never stops, so a client that leaves is noticed whatever it has sent."""
    world.google.script = [Reply(stays_open=True)]
    client = world.client().send(POST + LENGTH + b"\r\n" + HELLO)
    client.send(b"x" * 60_000)

    assert client.transport.producerState == "producing"
    client.leave()
    assert len(world.google.gone) == 1


def test_cve_2020_10108(world: World) -> None:
    """Of two lengths, neither is taken: the body of one is no request to the other."""
    request = POST + b"Content-Length: %d\r\nContent-Length: 0\r\n\r\n" % len(HIDDEN)

    assert refused(world, request + HIDDEN) == (400, 1, True)


def test_cve_2020_10109(world: World) -> None:
    """A length and chunks exclude each other, in either order."""
    body = b"0\r\n\r\n" + HIDDEN
    length = b"Content-Length: %d\r\n" % len(body)

    assert refused(world, POST + length + CHUNKED + b"\r\n" + body) == (400, 1, True)
    assert refused(world, POST + CHUNKED + length + b"\r\n" + body) == (400, 1, True)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: +43\r\n\r\n" + HELLO,
        CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"\r\n2;a\nb\r\n{}\r\n0\r\n\r\n",
        b"Content-Length: \x0b43\r\n\r\n" + HELLO,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_cve_2022_24801(world: World, rest: bytes) -> None:
    """Signs, prefixes, line ends in extensions and odd spaces are none of HTTP's."""
    assert refused(world, POST + rest + HIDDEN) == (400, 1, True)


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_cve_2023_46137(world: World, size: int) -> None:
    """A request that waits is not overtaken by those behind it."""
    world.google.script = [Reply(stays_open=True), WHOLE]
    request = POST + LENGTH + b"\r\n" + HELLO
    stream = (request + GET + b"\r\n") * 2
    client = world.client()
    for start in range(0, len(stream), size):
        client.send(stream[start : start + size])
    assert client.received() == b""
    (first,) = world.google.calls
    first.request.write(WHOLE.body)
    first.request.finish()
    world.settle()
    answers = client.received().split(b"HTTP/1.1 200 OK")[1:]

    assert [b"candidates" in answer for answer in answers] == [True, False] * 2


def test_cve_2024_41671(world: World) -> None:
    """Nor is one whose body comes in chunks."""
    chunked = POST + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(HELLO), HELLO)
    world.google.script = [Reply(stays_open=True), WHOLE]
    client = world.client().send(chunked + GET + b"\r\n" + chunked + HIDDEN)
    assert client.received() == b""
    (first,) = world.google.calls
    first.request.write(WHOLE.body)
    first.request.finish()
    world.settle()
    codes = [a[:3] for a in client.received().split(b"HTTP/1.1 ")[1:]]

    assert codes == [b"200", b"200", b"200", b"404"]


@pytest.mark.parametrize("bare", [b"\r", b"\n", b"\n\r", b"\r\r"])
def test_issue_12754(world: World, bare: bytes) -> None:
    """A lone CR or LF ends no header, and is in none."""
    smuggled = b"X: y" + bare + b"Transfer-Encoding: chunked\r\n"

    assert refused(world, POST + LENGTH + smuggled + b"\r\n") == (400, 1, True)


TRAILERS = [b"\nGET /x HTTP/1.1\r\n", b"no colon\r\n", b"X : y\r\n"]


@pytest.mark.parametrize("trailer", TRAILERS)
def test_trailers_that_are_none(world: World, trailer: bytes) -> None:
    """What a reader in front of us might take for another request is not taken."""
    body = b"%x\r\n%b\r\n0\r\n" % (len(HELLO), HELLO)

    assert refused(world, POST + CHUNKED + b"\r\n" + body + trailer + b"\r\n")[:2] == (
        400,
        1,
    )


def test_trailers(world: World) -> None:
    """Those that are some are read, and nothing comes of them."""
    body = b"%x\r\n%b\r\n0\r\nX-Checksum: 1\r\n\r\n" % (len(HELLO), HELLO)
    client = world.client().send(POST + CHUNKED + b"\r\n" + body)

    assert client.json() == LAST


@pytest.mark.parametrize("host", [b"@", b"a b", b"a/b", b"x\x85", b"[::1"])
def test_hosts_that_are_none(tmp_path: Path, host: bytes) -> None:
    """They are refused, also where a key is what counts (RFC 9112, 3.2)."""
    world = World(tmp_path, accounts="a", mode=Mode.STRICT)
    head = b"GET /healthz HTTP/1.1\r\nX-Api-Key: right\r\nHost: %b\r\n\r\n" % host

    assert world.client().send(head).error() == (400, "INVALID_ARGUMENT")


def test_answers_that_are_not_read(world: World) -> None:
    """Nothing more is begun for a client that does not read what it was told."""
    client = world.client()
    client.protocol.pauseProducing()  # what the transport says when it is full
    client.send((POST + LENGTH + b"\r\n" + HELLO) * 5)
    assert len(world.google.calls) == 1
    client.protocol.resumeProducing()
    world.settle()

    assert len(world.google.calls) == 5
    assert client.received().count(b"HTTP/1.1 200 OK") == 5


def test_answers_at_once_that_are_not_read(world: World) -> None:
    """Also where there is nobody to wait for."""
    client = world.client()
    client.protocol.pauseProducing()
    client.send(GET + b"\r\n" + GET + b"\r\n" + GET)
    assert client.received().count(b"HTTP/1.1 200 OK") == 1
    client.protocol.resumeProducing()
    client.send(b"\r\n")

    assert client.received().count(b"HTTP/1.1 200 OK") == 3
