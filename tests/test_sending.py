"""Tests for ``antigravity_gw.sending``: nothing lost, nothing twice, in order."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Client, Connection, Port, Server
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from antigravity_gw.sending import (
    PromptClient,
    PromptServer,
    accept_prompt,
    make_prompt,
)


class Reactor(MemoryReactor):
    """Notes who waits to write."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Any] = []

    def addWriter(self, writer: Any) -> None:
        """Somebody has something to write."""
        self.waiting.append(writer)

    def removeWriter(self, writer: Any) -> None:
        """And has written it."""
        self.waiting = [each for each in self.waiting if each is not writer]


class Ends:
    """Both ends of a connection, ours being prompt."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self.reactor = Reactor()
        protocol, reactor = Protocol(), self.reactor
        server: Any = PromptServer(ours, protocol, ("", 0), None, 0, reactor)  # type: ignore[arg-type]
        self.ours = server
        protocol.makeConnection(server)

    def flush(self) -> None:
        """What the reactor does when the socket can take more."""
        for writer in list(self.reactor.waiting):
            writer.doWrite()

    def read(self) -> bytes:
        """What has arrived at the other end."""
        pieces = []
        try:
            while piece := self.theirs.recv(1 << 20):
                pieces.append(piece)
        except BlockingIOError:
            pass
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of both."""
        self.ours.socket.close()
        self.theirs.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection."""
    ends = Ends()
    yield ends
    ends.close()


class Producer:
    """Counts how often it was told to pause."""

    paused = resumed = 0

    def pauseProducing(self) -> None:
        """Enough."""
        self.paused += 1

    def resumeProducing(self) -> None:
        """More."""
        self.resumed += 1

    def stopProducing(self) -> None:
        """No more."""


def test_at_once(ends: Ends) -> None:
    """What the socket takes is there before the reactor runs again."""
    ends.ours.write(b"hello ")
    ends.ours.writeSequence([b"wor", b"ld"])

    assert ends.read() == b"hello world"
    assert ends.reactor.waiting == []


sizes = st.lists(st.sampled_from([0, 1, 1000, 70_000, 300_000]), max_size=12)


@given(sizes, st.sets(st.integers(0, 12)))
def test_all_of_it_in_order(lengths: list[int], reads: set[int]) -> None:
    """However little the socket takes at a time."""
    ends, received = Ends(), b""
    for number, length in enumerate(lengths):
        ends.ours.write(bytes([number]) * length)
        if number in reads:
            received += ends.read()
    while ends.reactor.waiting:
        received += ends.read()
        ends.flush()
    received += ends.read()
    ends.close()

    assert received == b"".join(
        bytes([number]) * length for number, length in enumerate(lengths)
    )


def test_a_client_that_does_not_read(ends: Ends) -> None:
    """Pauses who produces for it, and has it go on when it does."""
    producer = Producer()
    ends.ours.registerProducer(producer, True)
    while not producer.paused:
        ends.ours.write(b"x" * 10_000)
    while ends.reactor.waiting:
        ends.read()
        ends.flush()

    assert (producer.paused, producer.resumed) == (1, 1)


def test_who_wants_to_be_asked_is_asked(ends: Ends) -> None:
    """A producer that writes when it is told to is told by the reactor, as ever."""
    producer = Producer()
    ends.ours.registerProducer(producer, False)
    ends.ours.write(b"x")
    assert ends.read() == b""
    ends.flush()

    assert ends.read() == b"x"
    assert producer.resumed == 2


def test_a_connection_that_is_gone(ends: Ends) -> None:
    """The reactor finds out, and tells the protocol; a write does neither."""
    ends.theirs.close()
    ends.ours.write(b"x")
    ends.ours.write(b"y")

    assert ends.reactor.waiting != []
    ends.ours.connected = 0
    ends.ours.write(b"z")


def test_after_the_end(ends: Ends) -> None:
    """What is written to a connection that we have closed for writing is dropped."""
    ends.ours.connected = 0
    ends.ours.write(b"x")

    assert ends.read() == b""


def test_what_of_twisted_is_relied_upon() -> None:
    """A port makes connections of a class it can be given."""
    port = Port(0, Factory(), reactor=MemoryReactor())
    assert Port.transport is Server
    accept_prompt(port)

    assert port.transport is PromptServer


@pytest.mark.parametrize("is_secure", [False, True])
def test_outgoing(is_secure: bool) -> None:
    """A connection to upstream is made prompt, also the one beneath TLS."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client: Any = Client.__new__(Client)
        Connection.__init__(client, ours, Protocol(), MemoryReactor())
        transport = client
        if is_secure:
            transport = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
            transport.transport = client
        make_prompt(transport)
        client.connected = True
        client.write(b"hello")

        assert type(client) is PromptClient
        assert theirs.recv(9) == b"hello"


def test_in_memory() -> None:
    """Other connections are left alone."""
    transport = StringTransport()
    make_prompt(transport)

    assert type(transport) is StringTransport


def test_what_of_its_buffers(ends: Ends) -> None:
    """Twisted keeps what has not been sent where it is looked for."""
    for name in ("dataBuffer", "_tempDataBuffer", "_writeDisconnected", "TLS"):
        assert not getattr(ends.ours, name), name
