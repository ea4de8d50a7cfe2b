"""Tests for ``antigravity_gw.web.channel``: HTTP that is not quite right."""

from pathlib import Path

import pytest
from world import HELLO, LAST, WHOLE, World

from antigravity_gw.web.guard import Mode

POST = b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway that asks for no key."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    return world


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nbad name: x\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: +1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n", 400),
        (
            POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
            400,
        ),
        (
            POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
        (POST + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"\tX: y\r\n\r\n", 400),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (POST + b"Content-Length: 10001\r\n\r\n", 413),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: %b\r\n" % (b"x" * 9_000) * 2 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else None,
)
def test_refused(world: World, request_: bytes, code: int) -> None:
    """What cannot be served is answered in Google's shape, once, and cut off."""
    client = world.client().send(request_)

    assert client.error()[0] == code
    assert client.ended_well
    assert client.received().count(b"HTTP/1.1") == 1
    assert world.google.calls == []


def test_embedded_requests_are_not_served(world: World) -> None:
    """What follows a request that was refused is nobody's request."""
    body = b"0\r\n\r\n" + GET
    ambiguous = POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = world.client().send(ambiguous + body).send(GET)

    assert client.received().count(b"HTTP/1.1") == 1
    assert client.is_closed()


def test_declared_too_long(world: World) -> None:
    """A body that says it is too long is refused before it is read."""
    client = world.client().send(POST + b"Content-Length: 10001\r\n\r\n")

    assert client.error() == (413, "INVALID_ARGUMENT")
    assert "connection: close" in client.head
    assert client.is_closed()


def test_undeclared_too_long(world: World) -> None:
    """A chunked body is cut off at the limit, and answered once."""
    client = world.client().send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(11):
        client.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    client.send(b"0\r\n\r\n" + GET)

    assert client.error() == (413, "INVALID_ARGUMENT")
    assert client.received().count(b"HTTP/1.1") == 1
    assert client.is_closed()


def test_undeclared_in_one_packet(world: World) -> None:
    """Even when all of it comes at once."""
    chunks = b"3e8\r\n%b\r\n" % (b"x" * 1000) * 12 + b"0\r\n\r\n"
    client = world.client().send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    assert client.error() == (413, "INVALID_ARGUMENT")
    assert client.received().count(b"HTTP/1.1") == 1


def test_refused_clients_may_finish(world: World) -> None:
    """The connection stays for a while, so that the refusal can be read."""
    client = world.client().send(POST + b"Content-Length: 10001\r\n\r\n")
    for _ in range(20):
        client.send(b"x" * 1000)
    assert client.transport.half_closed
    assert not client.transport.disconnecting
    world.clock.advance(6)

    assert client.transport.disconnecting
    assert client.received().count(b"HTTP/1.1") == 1


def test_refused_clients_may_leave(world: World) -> None:
    """Nothing is left of those that do not wait."""
    client = world.client().send(POST + b"Content-Length: 10001\r\n\r\n")
    client.leave()

    assert [c for c in world.clock.getDelayedCalls() if c.getTime() > 1e6 + 2] == []


def test_refused_by_its_head(tmp_path: Path) -> None:
    """Without a key there is no 100 Continue, and the body is not waited for."""
    world = World(tmp_path, mode=Mode.STRICT)
    head = POST + b"Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n"
    client = world.client().send(head)

    assert client.error() == (401, "UNAUTHENTICATED")
    assert b"100 Continue" not in client.received()
    assert client.is_closed()


def test_continue(world: World) -> None:
    """Who may send a body is told to go on."""
    head = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(HELLO)
    client = world.client().send(head)
    assert client.received() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.transport.clear()

    assert client.send(HELLO).json() == LAST


def test_refusals_without_body_keep_the_connection(tmp_path: Path) -> None:
    """Nothing is to be skipped there, so the next request is welcome."""
    world = World(tmp_path, mode=Mode.ALL_EXCEPT_HEALTH)
    client = world.client().send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.send(GET)

    assert client.received().count(b"HTTP/1.1 401") == 1
    assert client.received().count(b"HTTP/1.1 200") == 1


def test_chunked_body(world: World) -> None:
    """A body that comes in chunks, in packets of one byte, is a body."""
    client = world.client().send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for byte in b"%x\r\n%b\r\n0\r\n\r\n" % (len(HELLO), HELLO):
        client.send(bytes([byte]))

    assert client.json() == LAST
    assert world.google.calls[0].raw.endswith(b'"request":' + HELLO + b"}")


def test_pipelining(world: World) -> None:
    """Requests that come at once are answered in their order."""
    request = POST + b"Content-Length: %d\r\n\r\n" % len(HELLO) + HELLO
    client = world.client().send(request + GET + request)
    answers = client.received().split(b"HTTP/1.1 200 OK")

    assert [b"candidates" in a for a in answers[1:]] == [True, False, True]


def test_http_1_0(world: World) -> None:
    """An old client gets an answer, and then the end of the connection."""
    client = world.client().send(b"GET /healthz HTTP/1.0\r\n\r\n")

    assert client.json() == {"status": "ok"}
    assert client.is_closed()


def test_idle_connections_are_closed(world: World) -> None:
    """A connection on which nothing is asked does not stay for ever."""
    client = world.client().send(GET)
    world.clock.advance(76)

    assert client.is_closed()
