"""What travels over real sockets, byte by byte."""

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from daemons import KEY, Daemon, Sandbox, Serve
from sockets import connected, eventually, read_to_the_end, read_until

HELLO = b'{"contents":[{"parts":[{"text":"Hello"}]}]}'
MIB = 2**20


@contextlib.contextmanager
def posted(
    daemon: Daemon, model: str, query: str = "?alt=sse", body: bytes = HELLO
) -> Iterator[socket.socket]:
    """A connection on which a stream has been asked for."""
    with connected(daemon) as client:
        head = (
            f"POST /v1beta/models/{model}:streamGenerateContent{query} HTTP/1.1\r\n"
            f"Host: localhost\r\nx-goog-api-key: {KEY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        yield client


def payload(response: bytes) -> bytes:
    """The body of a chunked response, its chunks joined."""
    rest, joined = response.partition(b"\r\n\r\n")[2], b""
    while rest and not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        joined += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return joined


def resident(daemon: Daemon) -> int:
    """The memory a daemon holds, in bytes."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_event_stream(gateway: Daemon, sandbox: Sandbox) -> None:
    """One line of data and a blank line per event; nothing else, to the last byte."""
    with posted(gateway, "gemini-2.5-flash") as client:
        response = read_until(client, b"\r\n0\r\n\r\n")
    head = response.partition(b"\r\n\r\n")[0].lower()
    events = payload(response).decode().split("\n\n")

    assert b"content-type: text/event-stream" in head
    assert events.pop() == ""
    assert len(events) > 2
    assert all(event.startswith("data: {") for event in events)
    assert all("\n" not in event and "\r" not in event for event in events)
    last = json.loads(events[-1].removeprefix("data: "))
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_array(gateway: Daemon, sandbox: Sandbox) -> None:
    """The first byte is [, the last is ], and nothing follows it."""
    query = "?%24alt=json%3Benum-encoding%3Dint"
    with posted(gateway, "gemini-2.5-flash", query) as client:
        response = read_until(client, b"\r\n0\r\n\r\n")
    body = payload(response)

    assert (body[:1], body[-1:]) == (b"[", b"]")
    assert len(json.loads(body)) > 2


@pytest.mark.parametrize("query", ["?alt=sse", "?alt=json"])
def test_events_arrive_one_by_one(
    gateway: Daemon, sandbox: Sandbox, query: str
) -> None:
    """The first event is here while upstream has not made the last."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash", query) as client:
        read_until(client, b"Hello")
        (call,) = sandbox.calls("streamGenerateContent")

        assert (call["eventsSent"], call["ended"]) == (1, None)


@pytest.mark.parametrize(
    "framing",
    [
        "lf",
        "cr",
        "multi-line",
        "comments",
        "event-lines",
        "no-space",
        "bom",
        "split",
        "gzip",
        "pretty",
        "no-last-blank",
        "metadata-first",
    ],
)
def test_framings_of_upstream(gateway: Daemon, sandbox: Sandbox, framing: str) -> None:
    """However upstream frames its events, the client reads them in one form."""
    sandbox.rule(framing, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash") as client:
        response = read_until(client, b"\r\n0\r\n\r\n")
    events = payload(response).decode().removesuffix("\n\n").split("\n\n")

    assert [json.loads(event.removeprefix("data: ")) for event in events]
    assert "Hello" in response.decode()


@pytest.mark.parametrize("model", ["sandbox-cut", "sandbox-close", "sandbox-cut-json"])
def test_broken_off(gateway: Daemon, sandbox: Sandbox, model: str) -> None:
    """The client reads an error last, and the response has no proper end."""
    with posted(gateway, model) as client:
        response = read_to_the_end(client)
    last = payload(response).rpartition(b"data: ")[2]

    assert last.startswith(b'{"error":{"code":502,')
    assert not response.endswith(b"0\r\n\r\n")
    assert len(sandbox.calls("streamGenerateContent")) == 1


def test_client_leaves(gateway: Daemon, sandbox: Sandbox) -> None:
    """Upstream is left as soon as the client has gone."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash") as client:
        read_until(client, b"Hello")
    ended = eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])

    assert ended == "client-left"
    assert len(sandbox.calls("streamGenerateContent")) == 1


def test_client_leaves_before_the_answer(gateway: Daemon, sandbox: Sandbox) -> None:
    """Also while upstream has not even sent its headers; nobody else is asked."""
    sandbox.rule("stall", after="nothing", method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash"):
        eventually(lambda: sandbox.calls("streamGenerateContent"))
    ended = eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])

    assert ended == "client-left"
    assert len(sandbox.calls("streamGenerateContent")) == 1


def test_client_sets_the_pace(gateway: Daemon, sandbox: Sandbox) -> None:
    """While the client does not read, upstream waits and memory does not grow."""
    events = {"n": 80_000, "size": 1000}  # some 80 MB
    sandbox.rule("many-events", **events, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash") as client:
        data = client.recv(1000)
        before, sent = resident(gateway), -1
        while sent < (sent := sandbox.calls("streamGenerateContent")[0]["eventsSent"]):
            time.sleep(0.2)

        assert sent * 1000 < 32 * MIB
        assert resident(gateway) - before < 32 * MIB
        while not data.endswith(b"\r\n0\r\n\r\n"):  # all of it comes, once it reads
            data = data[-100:] + client.recv(MIB)
    assert sandbox.calls("streamGenerateContent")[0]["eventsSent"] >= 80_000


def test_large_bodies(gateway: Daemon, sandbox: Sandbox) -> None:
    """An image of 20 MB in base64 arrives as it was sent."""
    picture = b"A" * 27_000_000
    part = b'{"inlineData":{"mimeType":"image/png","data":"%b"}}' % picture
    body = b'{"contents":[{"parts":[{"text":"Hello"},%b]}]}' % part
    with posted(gateway, "gemini-2.5-flash", body=body) as client:
        response = read_until(client, b"\r\n0\r\n\r\n")
    (call,) = sandbox.calls("streamGenerateContent")

    assert b" 200 OK" in response
    envelope = len(body) + len(b"{}")
    assert envelope < call["bodyBytes"] < envelope + 1000


def test_refused_while_sending(gateway: Daemon, sandbox: Sandbox) -> None:
    """Who sends too much, or without a key, is told before having sent it all."""
    for key, length, status in ((KEY, 10**9, b"413"), ("wrong", 10**8, b"401")):
        with connected(gateway) as client:
            client.sendall(
                b"POST /v1/models/x:generateContent HTTP/1.1\r\nHost: localhost\r\n"
                b"x-goog-api-key: %b\r\nContent-Length: %d\r\n\r\n"
                % (key.encode(), length)
            )
            assert read_to_the_end(client).startswith(b"HTTP/1.1 " + status)


def test_refused_after_sending(gateway: Daemon, sandbox: Sandbox) -> None:
    """Who reads only after having sent it all learns of the refusal as well."""
    where = urlsplit(gateway.url)
    for key, length, status in ((KEY, 40 * MIB, 413), ("wrong", 10 * MIB, 401)):
        client = http.client.HTTPConnection(str(where.hostname), where.port)
        headers = {"x-goog-api-key": key}
        client.request("POST", "/v1/models/x:generateContent", b"x" * length, headers)

        assert client.getresponse().status == status
        client.close()


def test_idle_connections_upstream(serve: Serve, sandbox: Sandbox) -> None:
    """A call on a connection that upstream has just closed is made again."""
    daemon = serve(accounts=("ada",))
    sandbox.rule("cut", after="nothing", method="streamGenerateContent", times=1)
    with posted(daemon, "gemini-2.5-flash") as client:
        response = read_until(client, b"\r\n0\r\n\r\n")

    assert b" 200 OK" in response
    assert len(sandbox.calls("streamGenerateContent")) == 2


def test_a_client_that_reads_nothing(serve: Serve, sandbox: Sandbox) -> None:
    """It is cut off after a while, and the call upstream ended."""
    daemon = serve("[http]\nwrite_seconds = 1", accounts=("ada",))
    sandbox.rule("many-events", n=80_000, size=1000, method="streamGenerateContent")
    with posted(daemon, "gemini-2.5-flash") as client:
        client.recv(1000)
        ended = eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])
        line = daemon.wait_for("streamGenerateContent 200 .*")[0]

    assert ended == "client-left"
    assert 'ended=write_timeout trouble="the client took nothing for 1 s"' in line


def test_a_client_that_reads_slowly(serve: Serve, sandbox: Sandbox) -> None:
    """It is not, even when it takes much less than there is room for."""
    daemon = serve("[http]\nwrite_seconds = 1", accounts=("ada",))
    sandbox.rule("many-events", n=12_000, size=1000, method="streamGenerateContent")
    with posted(daemon, "gemini-2.5-flash") as client:
        for _ in range(12):
            assert client.recv(64 * 1024)
            time.sleep(0.4)
        rest = read_until(client, b"\r\n0\r\n\r\n")

    assert len(rest) > MIB
    assert sandbox.calls("streamGenerateContent")[0]["eventsSent"] >= 12_000


def test_a_head_that_dribbles(serve: Serve) -> None:
    """A byte now and then does not keep a connection."""
    daemon = serve("[http]\nhead_seconds = 1")
    where = urlsplit(daemon.url)
    with socket.create_connection((where.hostname, where.port)) as client:
        client.settimeout(0.2)
        answer = b""
        for byte in b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 90:
            with contextlib.suppress(TimeoutError):
                client.sendall(bytes([byte]))
                answer = client.recv(1000)
            if answer:
                break

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close\r\n" in answer
    assert b'"status":"DEADLINE_EXCEEDED"' in answer


@pytest.mark.parametrize("size", [1000, 60_000])
def test_client_leaves_behind_what_waits(
    gateway: Daemon, sandbox: Sandbox, size: int
) -> None:
    """What it has sent in advance does not keep us from noticing that it has left."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash") as client:
        read_until(client, b"Hello")
        client.sendall(b"x" * size)
    ended = eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])

    assert ended == "client-left"


def test_a_client_that_sends_too_much_in_advance(
    gateway: Daemon, sandbox: Sandbox
) -> None:
    """It is cut off, and its call upstream with it."""
    sandbox.rule("stall", after=1, method="streamGenerateContent")
    with posted(gateway, "gemini-2.5-flash") as client:
        read_until(client, b"Hello")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                client.sendall(b"x" * 1000)
        ended = eventually(lambda: sandbox.calls("streamGenerateContent")[0]["ended"])

    assert ended == "client-left"
