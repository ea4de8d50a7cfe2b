"""Tests for ``antigravity_sandbox.web.performance``, in memory and on a clock."""

from collections.abc import Iterable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from antigravity_sandbox.acts import Act, Acts, HangUp, Head, Silence, Wait, Write
from antigravity_sandbox.calls import Call, Record
from antigravity_sandbox.web.performance import Performance


@define(eq=False)
class Audience:
    """As much of a request, its channel and its transport as is played to."""

    seen: list[str] = field(factory=list)
    gone: Deferred[None] = field(factory=Deferred)

    @property
    def channel(self) -> "Audience":
        return self

    @property
    def transport(self) -> "Audience":
        return self

    def notifyFinish(self) -> Deferred[None]:
        return self.gone

    def registerProducer(self, producer: object, streaming: bool) -> None:
        assert streaming

    def unregisterProducer(self) -> None:
        self.seen.append("last act")

    def setResponseCode(self, code: int) -> None:
        self.seen.append(str(code))

    def setHeader(self, name: str, value: str) -> None:
        self.seen.append(f"{name}: {value}")

    def write(self, data: bytes) -> None:
        self.seen.append(data.decode())

    def finish(self) -> None:
        self.seen.append("finished")

    def loseConnection(self) -> None:
        self.seen.append("closed")

    def abortConnection(self) -> None:
        self.seen.append("reset")


@define(eq=False)
class Evening:
    """A performance, and all who take part in it."""

    acts: Iterable[Act]
    clock: Clock = field(factory=Clock)
    audience: Audience = field(factory=Audience)
    record: Record = field(factory=Record)
    closed: bool = False

    def begin(self) -> tuple[Performance, Call]:
        """Start the performance, and see its first acts."""
        call = self.record.begin(
            at=0,
            method="m",
            kind=None,
            endpoint="",
            query="",
            headers=[],
            bearer=None,
            body=b"",
        )
        show = Performance(
            self.audience,  # type: ignore[arg-type]
            self._played(),
            self.clock,
            call,
            self.record,
        )
        show.start()
        self.turn()
        return show, call

    def _played(self) -> Acts:
        try:
            yield from self.acts
        finally:
            self.closed = True

    def turn(self) -> None:
        """Let the reactor do what is due, no time passing."""
        self.clock.advance(0)


HEAD = Head(200, (("X", "y"),))
BEGUN = ["200", "X: y", ""]


def test_to_the_end() -> None:
    """The acts are performed in their order, and the answer is finished."""
    evening = Evening([HEAD, Write(b"a", event=True), Write(b"b")])
    _, call = evening.begin()

    assert evening.audience.seen == [*BEGUN, "a", "b", "last act", "finished"]
    assert (call.status, call.ended, call.events_sent) == (200, "finished", 1)
    assert evening.record.open == 0


def test_waiting() -> None:
    """Time passes between the acts as it was asked to."""
    evening = Evening([Wait(2.0), HEAD])
    evening.begin()

    evening.clock.advance(1.9)
    assert evening.audience.seen == []
    evening.clock.advance(0.1)

    assert evening.audience.seen == [*BEGUN, "last act", "finished"]


def test_backpressure() -> None:
    """A caller that does not read is not written to, until it does."""
    evening = Evening([HEAD, Wait(1.0), *(Write(b"a") for _ in range(10))])
    show, call = evening.begin()

    show.pauseProducing()
    evening.clock.advance(1.0)
    assert evening.audience.seen == BEGUN
    show.resumeProducing()
    evening.turn()

    assert call.ended == "finished"


def test_reading_again_does_not_hurry() -> None:
    """A pause between two acts lasts as long as it should, reading or not."""
    evening = Evening([HEAD, Wait(5.0), Write(b"a")])
    show, _ = evening.begin()

    show.pauseProducing()
    show.resumeProducing()
    evening.clock.advance(4.9)
    assert evening.audience.seen == BEGUN
    evening.clock.advance(0.1)

    assert evening.audience.seen == [*BEGUN, "a", "last act", "finished"]


def test_caller_leaves() -> None:
    """When the caller leaves, nothing more is made, and no timer is left."""
    evening = Evening([HEAD, Wait(60.0), Write(b"a")])
    show, call = evening.begin()

    evening.audience.gone.errback(Failure(ConnectionLost()))
    show.stopProducing()
    show.resumeProducing()
    evening.clock.advance(120.0)

    assert evening.audience.seen == BEGUN
    assert evening.closed
    assert call.ended == "client-left"
    assert evening.clock.getDelayedCalls() == []


def test_silence() -> None:
    """Silence lasts, whatever happens, until the caller leaves."""
    evening = Evening([HEAD, *(Silence() for _ in range(3))])
    show, call = evening.begin()

    evening.clock.advance(1000.0)
    show.pauseProducing()
    show.resumeProducing()
    evening.clock.advance(1000.0)

    assert call.ended is None
    assert evening.audience.seen == BEGUN
    assert evening.record.open == 1


def test_hanging_up() -> None:
    """A connection is closed or reset, as the act says."""
    ends = []
    for reset in (False, True):
        evening = Evening([HEAD, HangUp(reset)])
        _, call = evening.begin()
        ends.append((call.ended, evening.audience.seen[-1]))

    assert ends == [("finished", "closed"), ("finished", "reset")]


def test_bug(logged: list[dict[str, Any]]) -> None:
    """An answer that cannot be made is logged, and ends with a reset."""
    evening = Evening(1 // zero for zero in [0])  # type: ignore[misc]

    evening.begin()

    assert evening.audience.seen[-1] == "reset"
    assert logged.pop()["log_failure"].check(ZeroDivisionError)
