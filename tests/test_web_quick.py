"""Tests for ``antigravity_gw.web.quick``: the same answers, however a request comes."""

from pathlib import Path

import pytest
from world import HELLO, STREAM, WHOLE, Reply, World

GENERATE = b"/v1beta/models/pro:generateContent"
STREAMING = b"/v1beta/models/pro:streamGenerateContent?alt=sse"


def post(target: bytes, *fields: bytes, body: bytes = HELLO) -> bytes:
    """One request with a body."""
    head = [b"POST %b HTTP/1.1" % target, b"Host: localhost", *fields]
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])


def chunked(body: bytes) -> bytes:
    """One request whose body does not say its length."""
    head = get(GENERATE, b"Transfer-Encoding: chunked", method=b"POST")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def get(path: bytes, *fields: bytes, method: bytes = b"GET") -> bytes:
    """One request without a body."""
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: localhost", *fields, b"", b""]
    return b"\r\n".join(lines)


REQUESTS = {
    "whole": post(GENERATE),
    "stream": post(STREAMING),
    "chunked": chunked(HELLO),
    "health": get(b"/healthz"),
    "head": get(b"/healthz", method=b"HEAD"),
    "options": get(GENERATE, method=b"OPTIONS"),
    "nothing there": get(b"/nothing"),
    "two": get(b"/healthz") + get(b"/nothing"),
    "two with bodies": post(GENERATE) + post(STREAMING),
    "last of two": get(b"/healthz", b"Connection: close") + get(b"/healthz"),
    "old": b"GET /healthz HTTP/1.0\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": get(b"/healthz", b"Host: other"),
    "empty line first": b"\r\n" + get(b"/healthz"),
    "folded": get(b"/healthz", b"X: y", b" z"),
    "no colon": get(b"/healthz", b"X"),
    "space before the colon": get(b"/healthz", b"X : y"),
    "bare CR": get(b"/healthz", b"X: y\rz"),
    "bare LF": get(b"/healthz", b"X: y\nz"),
    "NUL": get(b"/healthz", b"X: \0"),
    "latin-1": get(b"/healthz", b"X: \xe9"),
    "two lengths": post(GENERATE, b"Content-Length: 5"),
    "both framings": post(GENERATE, b"Transfer-Encoding: chunked"),
    "odd framing": post(GENERATE, b"Transfer-Encoding: gzip, chunked"),
    "long number": get(b"/healthz", b"Content-Length: " + b"9" * 30),
    "too long": post(GENERATE, b"", body=b"x" * 10_001),
    "continue": post(GENERATE, b"Expect: 100-continue"),
    "many headers": get(b"/healthz", *[b"X: y"] * 80),
    "too many headers": get(b"/healthz", *[b"X: y"] * 120),
    "long header": get(b"/healthz", b"X: " + b"y" * 8000),
    "too long header": get(b"/healthz", b"X: " + b"y" * 20_000),
    "long target": get(b"/healthz?" + b"y" * 8000),
    "too long target": get(b"/healthz?" + b"y" * 20_000),
    "lower case": get(b"/healthz", method=b"get"),
    "odd method": get(b"/healthz", method=b"BREW"),
    "nonsense": b"nonsense\r\n\r\n",
}


def answers(folder: Path, pieces: list[bytes]) -> bytes:
    """All that comes back for what is sent in these pieces."""
    world = World(folder)
    world.google.script = [WHOLE, STREAM]
    client = world.client()
    for piece in pieces:
        if not client.transport.closed:
            client.send(piece)
    return client.received()


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_the_same_in_any_pieces(tmp_path: Path, sent: bytes) -> None:
    """What is read at once is answered as what is read line by line."""
    middle = sent.find(b"\r\n") + 7
    slowly = [sent[:middle], sent[middle:]]

    at_once = answers(tmp_path / "once", [sent])
    assert at_once.startswith(b"HTTP/1.")
    assert at_once == answers(tmp_path / "slowly", slowly)


@pytest.mark.parametrize(
    ("sent", "reply", "begins", "writes"),
    [
        (post(GENERATE), WHOLE, b"{", 1),
        (post(STREAMING), STREAM, b"", 2),
        (get(b"/healthz"), WHOLE, b"{", 1),
        (get(b"/nothing"), WHOLE, b"{", 1),
    ],
)
def test_a_head_travels_with_what_follows(
    tmp_path: Path, sent: bytes, reply: Reply, begins: bytes, writes: int
) -> None:
    """An answer begins with one write, and a whole one is no more than that."""
    world, written = World(tmp_path), []
    world.google.script = [reply]
    client = world.client()
    client.transport.write = written.append  # type: ignore[method-assign,assignment]
    client.send(sent)
    head, _, rest = written[0].partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 ")
    assert rest != b""
    assert rest.startswith(begins)
    assert len(written) == writes


def test_a_head_alone(tmp_path: Path) -> None:
    """What has no body is sent all the same."""
    client = World(tmp_path).get("/healthz", method="HEAD")

    assert client.received().endswith(b"\r\n\r\n")
    assert client.status == 200
