"""Tests for ``antigravity_gw.relay``: who sets the pace, and when it ends."""

from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from world import LAST, TEXT, event

from antigravity_gw.errors import BrokenAnswer, UpstreamTimeout
from antigravity_gw.relay import Relay
from antigravity_gw.wire.answer import EventFraming, StreamedAnswer
from antigravity_gw.wire.envelope import unsealed


class Upstream:
    """A response, and the transport of its body."""

    def __init__(self) -> None:
        self.did: list[str] = []

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


class Client:
    """A request that is answered."""

    channel = object()

    def __init__(self) -> None:
        self.wrote = b""
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take the producer."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Let it go."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Take some of the answer."""
        self.wrote += data


class Scene:
    """One answer on its way."""

    def __init__(self, clock: Clock) -> None:
        self.upstream, self.client = Upstream(), Client()
        self.relay = Relay(StreamedAnswer(EventFraming(), unsealed), clock, idle=10.0)
        response: Any = self.upstream
        self.begun = Deferred.fromCoroutine(self.relay.begin(response, 5.0))

    def carried(self) -> "Deferred[None]":
        """Have the answer carried to the client."""
        request: Any = self.client
        return Deferred.fromCoroutine(self.relay.carry(request))

    def sent(self, *responses: object) -> None:
        """Upstream sends these."""
        self.upstream.receiver.dataReceived(b"".join(map(event, responses)))

    def ended(self) -> None:
        """Upstream has sent all."""
        self.upstream.receiver.connectionLost(Failure(ResponseDone()))


@pytest.fixture
def scene(clock: Clock) -> Scene:
    """An answer that has not begun."""
    return Scene(clock)


def test_all_of_it_in_order(scene: Scene, clock: Clock) -> None:
    """What came before the client was ready comes first, and nothing is left over."""
    scene.sent(TEXT)
    now(scene.begun)
    scene.sent(TEXT)
    carried = scene.carried()
    held = scene.client.wrote.count(b"data: ")
    scene.sent(LAST)
    scene.ended()

    assert held == 2
    assert now(carried) is None
    assert scene.client.wrote.count(b"data: ") == 3
    assert scene.client.producer is None
    assert clock.getDelayedCalls() == []


def test_whole_before_anybody_listens(scene: Scene) -> None:
    """An answer may be over before it is carried."""
    scene.sent(LAST)
    scene.ended()
    now(scene.begun)

    assert now(scene.carried()) is None
    assert b"STOP" in scene.client.wrote


def test_the_client_sets_the_pace(scene: Scene) -> None:
    """A client that does not read pauses upstream."""
    scene.sent(TEXT)
    carried = scene.carried()
    scene.client.producer.pauseProducing()
    scene.client.producer.resumeProducing()

    assert scene.upstream.did == ["pause", "resume"]
    assert not carried.called


def test_a_slow_client_is_no_silent_upstream(scene: Scene, clock: Clock) -> None:
    """While the client does not read, upstream's silence is not counted."""
    scene.sent(TEXT)
    carried = scene.carried()
    scene.client.producer.pauseProducing()
    clock.advance(1000)
    scene.client.producer.resumeProducing()
    clock.advance(9)
    assert not carried.called
    clock.advance(1)

    with pytest.raises(UpstreamTimeout):
        now(carried)
    assert scene.upstream.did[-1] == "stop"


def test_every_byte_is_a_sign_of_life(scene: Scene, clock: Clock) -> None:
    """A stream that is slow but alive goes on, comments included."""
    scene.sent(TEXT)
    carried = scene.carried()
    for _ in range(9):
        clock.advance(9)
        scene.upstream.receiver.dataReceived(b": still here\n")
    scene.sent(LAST)
    scene.ended()

    assert now(carried) is None


def test_never_begun(scene: Scene, clock: Clock) -> None:
    """What does not begin in time is given up."""
    clock.advance(5)

    with pytest.raises(UpstreamTimeout):
        now(scene.begun)
    assert scene.upstream.did == ["stop"]


def test_ended_before_it_began(scene: Scene, clock: Clock) -> None:
    """An answer without an event has never begun."""
    scene.ended()

    with pytest.raises(BrokenAnswer):
        now(scene.begun)
    assert clock.getDelayedCalls() == []


def test_abandoned(scene: Scene, clock: Clock) -> None:
    """Cancelling closes the connection; what still comes is not looked at."""
    scene.sent(TEXT)
    carried = scene.carried()
    carried.cancel()
    scene.sent(TEXT)
    scene.ended()

    with pytest.raises(CancelledError):
        now(carried)
    assert scene.upstream.did == ["stop"]
    assert scene.client.wrote.count(b"data: ") == 1
    assert clock.getDelayedCalls() == []


def test_bad_event(scene: Scene) -> None:
    """What is wrong in the middle ends it; what was right before it is delivered."""
    scene.sent(TEXT)
    carried = scene.carried()
    scene.upstream.receiver.dataReceived(event(TEXT) + b"data: nonsense\n\n")

    with pytest.raises(Exception, match="not a JSON object"):
        now(carried)
    assert scene.upstream.did == ["stop"]
    assert scene.client.wrote.count(b"data: ") == 2
