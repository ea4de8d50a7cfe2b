"""Tests for ``antigravity_gw.web.timed``: clients that take their time."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionAborted
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from world import HELLO, LAST, TEXT, WHOLE, Client, Reply, World, event

from antigravity_gw.steadying import Steadying
from antigravity_gw.web.admission import Limits
from antigravity_gw.web.deadlines import Deadlines

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
STREAM = POST.replace(b":g", b":streamG")
SENT = POST + b"Content-Length: %d\r\n\r\n" % len(HELLO)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = POST + b"Content-Length: 33554432\r\n\r\n"
MIB = 2**20


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway with the deadlines it has by default."""
    world = World(tmp_path, accounts="a", limits=Limits())
    world.google.script = [WHOLE]
    return world


def wait(world: World, seconds: float) -> None:
    """Let time pass."""
    world.clock.advance(seconds)
    world.settle()


def set_clock_back(world: World, seconds: float) -> None:
    """Have the clock say less from now on, and timers come when they would have."""
    steady = world.clock.seconds()
    steadying = Steadying(world.clock, lambda: steady)
    world.clock.rightNow -= seconds
    steadying.look()


def dribble(client: Client, data: bytes, every: float) -> None:
    """Send *data* byte by byte, until there is an answer."""
    for byte in data:
        if client.received():
            break
        client.send(bytes([byte]))
        wait(client.world, every)


def timed_out(client: Client) -> bool:
    """Whether it was told so, in one proper answer that ends the connection."""
    assert client.error() == (408, "DEADLINE_EXCEEDED")
    assert "connection: close" in client.head
    assert client.received().count(b"HTTP/1.1") == 1
    return client.is_closed()


@pytest.mark.parametrize("sent", [b"G", GET[:10], GET[:-4], GET[:-1], POST + b"X: y"])
def test_half_a_head(world: World, sent: bytes) -> None:
    """A head that was begun has ten seconds to come to its end."""
    client = world.client().send(sent)
    wait(world, 9.9)
    assert client.received() == b""
    wait(world, 0.2)

    assert timed_out(client)
    assert world.site.tally.ends == {"head_timeout": 1}


def test_a_head_that_dribbles(world: World) -> None:
    """It is the whole head that counts, at whatever speed it comes."""
    client = world.client()
    dribble(client, POST + b"X: y\r\n" * 90, every=0.5)

    assert world.clock.seconds() == 1e6 + 10.0
    assert timed_out(client)


def test_the_next_head(world: World) -> None:
    """After a first request, the time begins with the first byte of another."""
    client = world.client().send(GET)
    wait(world, 70)
    client.transport.clear()
    client.send(GET[:20])
    wait(world, 9.9)
    assert client.received() == b""
    wait(world, 0.2)

    assert timed_out(client)


def test_the_next_head_in_one_packet(world: World) -> None:
    """Also when that byte came with the request before."""
    client = world.client().send(GET + GET[:20])
    client.transport.clear()
    wait(world, 10.1)

    assert timed_out(client)


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_nothing_is_asked(world: World, sent: bytes) -> None:
    """A new connection on which nothing comes is closed without a word."""
    client = world.client()
    if sent:
        client.send(sent)
    wait(world, 9.9)
    assert not client.transport.disconnecting
    wait(world, 0.2)

    assert client.transport.disconnecting
    assert client.received() == b""
    assert not world.site.tally.ends


def test_a_request_that_comes_too_late(world: World) -> None:
    """What crosses the end of its connection is not served for nothing."""
    client = world.client().send(GET)
    client.transport.clear()
    world.clock.advance(75.1)
    assert client.transport.disconnecting
    client.protocol.dataReceived(SENT + HELLO)
    world.settle()

    assert client.received() == b""
    assert world.google.calls == []


def test_idle(world: World) -> None:
    """So is one on which nothing more comes, after a while that each request renews."""
    client = world.client().send(GET)
    wait(world, 60)
    client.send(GET)
    client.transport.clear()
    wait(world, 74.9)
    assert not client.transport.disconnecting
    wait(world, 0.2)

    assert client.transport.disconnecting
    assert client.received() == b""


@pytest.mark.parametrize(
    "sent", [SENT, SENT + HELLO[:5], CHUNKED, CHUNKED + b"5", CHUNKED + b"5\r\n{"]
)
def test_silence_in_a_body(world: World, sent: bytes) -> None:
    """A body may pause for thirty seconds."""
    client = world.client().send(sent)
    wait(world, 29.9)
    assert client.received() == b""
    wait(world, 0.2)

    assert timed_out(client)
    assert world.google.calls == []
    assert world.site.tally.ends == {"body_timeout": 1}


def test_a_pause_in_a_body(world: World) -> None:
    """It may pause again and again, as long as it comes at all."""
    client = world.client().send(SLOW)
    for _ in range(10):
        client.send(b"x" * MIB)
        wait(world, 29.9)

    assert client.received() == b""


@pytest.mark.parametrize(
    "body", [b"x" * 500, b"3;%b\r\n" % (b"e" * 500), b"0\r\n" + b"T: x\r\n" * 99]
)
def test_a_body_that_dribbles(world: World, body: bytes) -> None:
    """A byte now and then is no body, nor are extensions and trailers."""
    client = world.client().send(SLOW if body[:1] == b"x" else CHUNKED)
    dribble(client, body, every=5.0)

    assert world.clock.seconds() <= 1e6 + 35.0
    assert timed_out(client)


def test_a_slow_line(world: World) -> None:
    """Of 32 MiB that come with 1 Mbit/s, every byte is taken."""
    client = world.client().send(SLOW)
    body = HELLO[:-1] + b" " * (32 * MIB - len(HELLO)) + b"}"
    for start in range(0, len(body), 125_000):
        wait(world, 1.0)
        client.send(body[start : start + 125_000])

    assert client.json() == LAST
    assert world.clock.seconds() > 1e6 + 268.0


def test_pipelined_bodies(world: World) -> None:
    """A body that follows an answer has its own time."""
    client = world.client().send(GET + SENT)
    client.transport.clear()
    wait(world, 29.9)
    assert client.received() == b""
    wait(world, 0.2)

    assert timed_out(client)


def test_while_we_serve(world: World) -> None:
    """The client has no deadline as long as it is for us to answer."""
    world.google.script = [Reply(stays_open=True)]
    client = world.client().send(SENT + HELLO)
    wait(world, 599.0)

    assert client.received() == b""
    assert not client.transport.disconnecting


def test_new_deadlines(world: World) -> None:
    """A reload is taken up by open connections with what they do next."""
    client = world.client().send(GET)
    world.site.deadlines = Deadlines(body=1.0)
    client.transport.clear()
    client.send(SENT)
    wait(world, 1.1)

    assert timed_out(client)


@pytest.mark.parametrize("seconds", [2.0, 60.0, 3600.0])
def test_the_clock_is_set_back(world: World, seconds: float) -> None:
    """A client has no more time for that, neither for its first head nor between."""
    silent = world.client()
    idle = world.get("/healthz")
    wait(world, 5.0)
    set_clock_back(world, seconds)
    wait(world, 4.9)
    assert not silent.transport.disconnecting
    wait(world, 0.2)
    assert silent.transport.disconnecting
    assert not idle.transport.disconnecting
    wait(world, 65.0)

    assert idle.transport.disconnecting


class Line(FileDescriptor):
    """A connection with Twisted's own buffer, whose other end reads at will."""

    def __init__(self, protocol: Any) -> None:
        super().__init__(MemoryReactorClock())
        self.connected = 1
        self.protocol = protocol
        self.room = 0
        self.taken = 0
        self.aborted = False
        protocol.makeConnection(self)

    def writeSomeData(self, data: bytes) -> int:
        """As much as the other end has room for."""
        sent = min(self.room, len(data))
        self.room -= sent
        self.taken += sent
        return sent

    def read(self, size: int) -> None:
        """The other end reads."""
        self.room += size
        while self.room and (len(self.dataBuffer) - self.offset or self._tempDataLen):
            self.doWrite()

    def getHost(self) -> Any:
        """Somewhere."""

    getPeer = getHost

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborted = True
        self.protocol.connectionLost(Failure(ConnectionAborted()))


@pytest.fixture
def line(world: World) -> Line:
    """A connection on which a stream has been asked for, and nothing is read."""
    big = {"candidates": [{"content": {"parts": [{"text": "x" * 100_000}]}}]}
    world.google.script = [Reply(body=event(big) * 3, stays_open=True)]
    line = Line(world.site.buildProtocol(None))
    head = STREAM + b"Content-Length: %d\r\n\r\n" % len(HELLO)
    line.protocol.dataReceived(head + HELLO)
    world.settle()
    return line


def test_a_client_that_reads_nothing(world: World, line: Line) -> None:
    """It is cut off, and the call upstream ended with it."""
    wait(world, 59.9)
    assert not line.aborted
    wait(world, 0.2)

    assert line.aborted
    assert len(world.google.gone) == 1
    assert world.site.tally.ends == {"write_timeout": 1}
    assert [c for c in world.clock.getDelayedCalls() if c.getTime() > 1e6 + 90] == []


def test_a_client_that_reads_slowly(world: World, line: Line) -> None:
    """It is not, if it takes a week."""
    for _ in range(1000):
        wait(world, 44.0)
        line.read(10)

    assert not line.aborted
    assert line.taken == 10_000


def test_nothing_is_read_and_the_clock_is_set_back(world: World, line: Line) -> None:
    """The time may begin once more, but it has an end."""
    set_clock_back(world, 3600.0)
    for _ in range(76):
        wait(world, 1.0)

    assert line.aborted


def test_a_client_that_stops_reading(world: World, line: Line) -> None:
    """The time begins when it does."""
    for _ in range(2):
        line.read(1000)
        for _ in range(59):
            wait(world, 1.0)
        assert not line.aborted
    for _ in range(16):
        wait(world, 1.0)

    assert line.aborted


def test_a_client_that_waits_for_more(world: World, line: Line) -> None:
    """One that has read all there is waits for upstream, and is not to blame."""
    line.read(MIB)
    for _ in range(29):
        wait(world, 10.0)

    assert not line.aborted
    assert line.taken > 300_000


def test_the_end_of_an_answer_that_nobody_reads(world: World) -> None:
    """A connection that is to be closed does not wait for ever to be, either."""
    line = Line(world.site.buildProtocol(None))
    line.protocol.dataReceived(GET[:-2] + b"Connection: close\r\n\r\n")
    assert line.disconnecting
    wait(world, 60.1)

    assert line.aborted


def test_requests_behind_an_answer_that_nobody_reads(world: World, line: Line) -> None:
    """What is sent behind it is not read, and so does not miss its deadline."""
    world.google.script = [Reply(body=event(TEXT))]
    line.protocol.dataReceived(SENT)
    for _ in range(50):
        wait(world, 1.0)

    assert not line.aborted
    assert line.taken == 0
