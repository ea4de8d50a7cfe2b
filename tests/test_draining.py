"""Tests for ``antigravity_gw.draining``, and for what the site does then."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import Deferred
from world import HELLO, LAST, STREAM, TEXT, WHOLE, Reply, World, event

from antigravity_gw.draining import LAST_WORDS, Draining, Signals
from antigravity_gw.web.deadlines import Deadlines
from antigravity_gw.web.forms import Form
from antigravity_gw.web.timed import HURRIED_LINGER, LAST_CALL

GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = (
    b"POST /v1beta/models/pro:generateContent HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: %d\r\n\r\n" % len(HELLO)
)
BEGUN = Reply(body=event(TEXT), stays_open=True)
SILENT = Reply(stays_open=True)


class Ending:
    """A world that is being brought to its end."""

    def __init__(self, world: World, grace: float = 30.0) -> None:
        self.world = world
        self.totals = 0
        connections = world.site.connections
        self.draining = Draining(world.clock, connections, lambda: grace, self.total)

    def total(self) -> None:
        """Count how often the totals were logged."""
        self.totals += 1

    def begin(self, cause: str = "SIGTERM") -> Deferred[None]:
        """The daemon was told to end."""
        self.draining.cause = cause
        ended = self.draining.stopService()
        self.world.settle()
        return ended

    def wait(self, seconds: float) -> None:
        """Let time pass, and what happens in it."""
        self.world.clock.advance(seconds)
        self.world.settle()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway in memory."""
    return World(tmp_path)


@pytest.fixture
def ending(world: World) -> Ending:
    """The end of it."""
    return Ending(world)


def said(logged: list[dict[str, Any]]) -> list[str]:
    """What was logged about the end."""
    return [
        str(e["log_format"]).format(**e)
        for e in logged
        if "Draining" in e["log_namespace"]
    ]


def finish(world: World, body: bytes = b"") -> None:
    """Have Google come to the end of its last answer."""
    request = world.google.calls[-1].request
    request.write(body)
    request.finish()
    world.settle()


def test_nothing_to_wait_for(ending: Ending, logged: list[dict[str, Any]]) -> None:
    """Without a connection the end comes at once."""
    assert now(ending.begin()) is None
    assert ending.totals == 1
    assert ending.world.clock.getDelayedCalls() == []
    assert said(logged) == [
        "SIGTERM: no new connections; no request is under way",
        "drained",
    ]


def test_idle_connections(ending: Ending) -> None:
    """They are closed at once if they have had a request, and else in a moment."""
    silent = ending.world.client()
    kept = ending.world.get("/healthz")
    ended = ending.begin()
    assert kept.transport.disconnecting
    assert not silent.transport.disconnecting
    ending.wait(LAST_CALL)

    assert silent.transport.disconnecting
    assert now(ended) is None


@pytest.mark.parametrize("came", [0, 20, len(POST), len(POST) + 5])
def test_the_first_request(ending: Ending, came: int) -> None:
    """Who was let in before the end is served, even if little or nothing has come."""
    ending.world.google.script = [WHOLE]
    client = ending.world.client().send((POST + HELLO)[:came])
    ended = ending.begin()
    ending.wait(LAST_CALL / 2)
    client.send((POST + HELLO)[came:-1])
    ending.wait(LAST_CALL)  # once it has begun, it has as long as ever
    client.send(HELLO[-1:])

    assert client.json() == LAST
    assert "connection: close" in client.head
    assert now(ended) is None


def test_whole_answers(ending: Ending, logged: list[dict[str, Any]]) -> None:
    """One under way is served, and says that it is the last of its connection."""
    ending.world.google.script = [Reply(stays_open=True)]
    client = ending.world.generate()
    ended = ending.begin()
    ending.wait(29)
    assert client.received() == b""
    assert not ended.called
    finish(ending.world, WHOLE.body)

    assert client.json() == LAST
    assert "connection: close" in client.head
    assert client.transport.disconnecting
    assert now(ended) is None
    assert said(logged) == [
        "SIGTERM: no new connections; waiting up to 30 s for 1 request",
        "drained",
    ]


def test_streams(ending: Ending) -> None:
    """One that has begun goes on to its end, and then its connection is closed."""
    ending.world.google.script = [BEGUN]
    client = ending.world.stream()
    ended = ending.begin()
    assert not client.transport.disconnecting
    finish(ending.world, event(LAST))

    assert client.ended_well
    assert client.body.count(b"data: ") == 2
    assert client.transport.disconnecting
    assert now(ended) is None


@pytest.mark.parametrize(
    ("path", "status"), [(b"/readyz", 503), (b"/v1/models", 503), (b"/healthz", 200)]
)
def test_new_requests(ending: Ending, path: bytes, status: int) -> None:
    """They are told what is going on; but the daemon is alive as long as it lives."""
    request = GET % path
    client = ending.world.get("/healthz")
    client.transport.clear()
    client.send(request[:-4])
    ended = ending.begin()
    client.send(request[-4:])

    assert client.status == status
    assert "connection: close" in client.head
    assert client.ended_well
    if status == 503:
        assert client.error() == (503, "UNAVAILABLE")
        assert "shutting down" in client.json()["error"]["message"]
    assert now(ended) is None


def test_readiness(ending: Ending) -> None:
    """Who balances load is told not to come here, on a new connection as well."""
    client = ending.world.client()
    ended = ending.begin()
    client.send(GET % b"/readyz")

    assert client.error() == (503, "UNAVAILABLE")
    assert now(ended) is None


def test_requests_behind_others(ending: Ending) -> None:
    """What a client has sent behind a stream is answered, with a 503."""
    ending.world.google.script = [BEGUN]
    client = ending.world.stream()
    ended = ending.begin()
    client.send(GET % b"/readyz")
    finish(ending.world, event(LAST))
    first, _, second = client.received().partition(b"\r\n0\r\n\r\n")

    assert b'"finishReason"' in first
    assert second.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in second.lower()
    assert now(ended) is None


def test_bodies_that_are_still_coming(ending: Ending) -> None:
    """A request that has begun before the end is served."""
    ending.world.google.script = [WHOLE]
    client = ending.world.client().send(POST + HELLO[:5])
    ended = ending.begin()
    client.send(HELLO[5:])

    assert client.json() == LAST
    assert now(ended) is None


@pytest.mark.parametrize("query", ["?alt=sse", "?alt=json"])
def test_streams_that_take_too_long(
    ending: Ending, query: str, logged: list[dict[str, Any]]
) -> None:
    """They get an error as their last event, and no clean end; Google is let go."""
    ending.world.google.script = [BEGUN]
    client = ending.world.stream(query)
    ended = ending.begin()
    ending.wait(30)
    last = client.body[client.body.rindex(b'{"error"') :].rstrip()

    assert json.loads(last)["error"] == {
        "code": 503,
        "message": "the gateway is shutting down",
        "status": "UNAVAILABLE",
    }
    assert not client.ended_well
    assert client.transport.disconnecting
    assert ending.world.google.gone == ending.world.google.calls
    assert now(ended) is None
    assert ending.totals == 1
    assert said(logged)[1:] == ["gave up on 1 request after 30 s"]


def test_answers_that_do_not_begin(ending: Ending) -> None:
    """Their clients get a complete error, and no account is blamed."""
    ending.world.google.script = [SILENT]
    client, other = ending.world.generate(), ending.world.stream()
    ended = ending.begin()
    ending.wait(30)

    for one in (client, other):
        assert one.error() == (503, "UNAVAILABLE")
        assert "connection: close" in one.head
        assert one.ended_well
    assert len(ending.world.google.gone) == 2
    assert ending.world.account("a").holds.by_model == {}
    assert now(ended) is None


def test_errors_in_an_array(tmp_path: Path) -> None:
    """A client that would have got an array gets its error in one."""
    ending = Ending(World(tmp_path, form=Form.ARRAY))
    ending.world.google.script = [SILENT]
    client = ending.world.stream("")
    ending.begin()
    ending.wait(30)

    assert client.status == 503
    assert client.json()[0]["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize("sent", [POST[:20], POST, POST + HELLO[:5]])
def test_requests_that_do_not_end(ending: Ending, sent: bytes) -> None:
    """A client that does not finish its request is told, too."""
    ending.world.site.deadlines = Deadlines(head=60.0, body=60.0)
    client = ending.world.client().send(sent)
    ended = ending.begin()
    ending.wait(30)

    assert client.error() == (503, "UNAVAILABLE")
    assert "connection: close" in client.head
    ending.wait(HURRIED_LINGER)
    assert now(ended) is None


def test_requests_that_were_refused(ending: Ending) -> None:
    """Who may still be sending is waited for, but not for long."""
    head = POST.replace(b"%d" % len(HELLO), b"10001")
    client = ending.world.client().send(head)
    ended = ending.begin()
    assert client.status == 413
    assert not ended.called
    ending.wait(HURRIED_LINGER)

    assert now(ended) is None


def test_clients_that_do_not_read(ending: Ending) -> None:
    """Their connections are cut."""
    ending.world.google.script = [STREAM]
    client = ending.world.client()
    client.transport.loseConnection = lambda: None  # it has not been sent yet
    client.send(POST + HELLO)
    ended = ending.begin()
    ending.wait(30)
    assert not ended.called
    del client.transport.loseConnection
    ending.wait(LAST_WORDS)

    assert client.transport.disconnecting
    assert now(ended) is None


def test_no_patience(world: World) -> None:
    """With a grace of 0 there is no waiting."""
    world.google.script = [BEGUN]
    client = world.stream()
    ended = Ending(world, grace=0.0).begin()

    assert b"shutting down" in client.body
    assert now(ended) is None


class Reactor:
    """As much of a reactor as signals need; it always runs."""

    def __init__(self) -> None:
        self.stopped = 0

    def callWhenRunning(self, function: Callable[[], None]) -> None:
        """It does."""
        function()

    def callFromThread(self, function: Callable[..., None], *args: object) -> None:
        """There are no threads here."""
        function(*args)

    def stop(self) -> None:
        """Begin to end."""
        self.stopped += 1


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signals' handlers are afterwards as they were."""
    before = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals(ending: Ending, handlers: None, logged: list[dict[str, Any]]) -> None:
    """The first has the daemon drain, the second has it stop waiting."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reactor = Reactor()
    Signals(reactor, ending.draining).startService()
    ending.world.google.script = [BEGUN]
    client = ending.world.stream()
    signal.raise_signal(signal.SIGINT)
    assert reactor.stopped == 1
    ended = ending.begin(ending.draining.cause)
    assert not ended.called
    signal.raise_signal(signal.SIGTERM)
    ending.world.settle()

    assert reactor.stopped == 1
    assert b"shutting down" in client.body
    assert now(ended) is None
    assert said(logged) == [
        "SIGINT: no new connections; waiting up to 30 s for 1 request",
        "gave up on 1 request since there was another SIGTERM",
    ]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_signals_that_are_ignored(ending: Ending, handlers: None) -> None:
    """In the background of a shell, Ctrl-C is not meant for the daemon."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Signals(Reactor(), ending.draining).startService()

    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_two_signals_at_once(ending: Ending) -> None:
    """The second may come before the first has had any consequences."""
    ending.world.google.script = [BEGUN]
    ending.world.stream()
    ending.draining.hurry("SIGTERM")

    assert now(ending.begin()) is None
