"""Every deadline that upstream has, and what comes of it; with a clock."""

from pathlib import Path

import pytest
from helpers import now
from twisted.internet.testing import MemoryReactorClock
from twisted.web.http_headers import Headers
from world import HELLO, LAST, STREAM, TEXT, WHOLE, Client, Reply, World, event

from antigravity_gw.upstream.http import Connections, make_client

GENERATE = "/v1beta/models/pro:generateContent"
STREAMING = "/v1beta/models/pro:streamGenerateContent?alt=sse"
SILENCE = Reply(is_silent=True)
LIVELY = Reply(body=event(TEXT), stays_open=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway with three accounts and one host."""
    return World(tmp_path)


def post(world: World, path: str, seconds: str) -> Client:
    """Ask, and give the gateway some seconds for it."""
    return world.post(path, HELLO, f"X-Server-Timeout: {seconds}")


def wait(world: World, seconds: float) -> None:
    """Let time pass."""
    world.clock.advance(seconds)
    world.settle()


def say(world: World, response: object) -> None:
    """Have Google say something in the stream that it has begun."""
    world.google.calls[0].request.write(event(response))
    world.settle()


def test_connecting() -> None:
    """A connection that does not come about is given up when configured."""
    reactor = MemoryReactorClock()
    client = make_client(reactor, Connections(reactor), 5.0)
    asked = client.request("GET", "http://127.0.0.1:1/", headers=Headers(), data=None)
    *_, timeout, _ = reactor.tcpClients[-1]
    asked.addErrback(lambda _: None)
    asked.cancel()

    assert timeout == 5.0
    assert now(asked) is None


def test_headers(tmp_path: Path) -> None:
    """A stream without a head is given up before one that has begun to be one."""
    world = World(tmp_path, hosts=("http://one.example", "http://two.example"))
    world.google.script = [SILENCE, STREAM]
    client = world.stream()
    wait(world, 59)
    assert len(world.google.calls) == 1
    wait(world, 2)

    assert (client.status, client.ended_well) == (200, True)
    assert [call.host for call in world.google.gone] == ["one.example"]
    assert list(world.endpoints._avoided_until) == [("http://one.example", "")]


def test_headers_of_a_whole_answer(world: World) -> None:
    """They come with it, which may take minutes."""
    world.google.script = [SILENCE]
    client = world.generate()
    wait(world, 599)
    assert client.received() == b""
    wait(world, 2)

    assert client.error() == (504, "DEADLINE_EXCEEDED")
    assert (len(world.google.calls), len(world.google.gone)) == (1, 1)


@pytest.mark.parametrize("path", [GENERATE, STREAMING])
@pytest.mark.parametrize("reply", [SILENCE, Reply(body=b": \n", stays_open=True)])
def test_the_client_has_little_time(world: World, path: str, reply: Reply) -> None:
    """It is told in time, and its haste is held against nobody."""
    world.google.script = [reply]
    client = post(world, path, "5")
    wait(world, 4)
    assert client.received() == b""
    wait(world, 2)

    assert client.error() == (504, "DEADLINE_EXCEEDED")
    assert "5 s of X-Server-Timeout" in client.json()["error"]["message"]
    assert (len(world.google.calls), len(world.google.gone)) == (1, 1)
    assert not world.endpoints._avoided_until


def test_all_attempts_share_it(world: World) -> None:
    """Also the time that other attempts have taken."""
    world.google.script = [SILENCE, Reply(status=500), SILENCE]
    client = post(world, STREAMING, "70")
    wait(world, 61)
    assert len(world.google.calls) == 3
    wait(world, 10)

    assert client.error() == (504, "DEADLINE_EXCEEDED")


def test_the_client_cannot_have_more(world: World) -> None:
    """What it sends shortens, and never lengthens."""
    world.google.script = [SILENCE]
    client = post(world, GENERATE, "100000")
    wait(world, 601)

    assert client.error() == (504, "DEADLINE_EXCEEDED")


def test_a_living_stream_goes_on(world: World) -> None:
    """A client's clock starts anew at each event, so ours does not end it."""
    world.google.script = [LIVELY]
    client = post(world, STREAMING, "5")
    for _ in range(10):
        wait(world, 200)
        say(world, TEXT)
    say(world, LAST)
    world.google.calls[0].request.finish()
    world.settle()

    assert client.ended_well
    assert client.body.count(b"data: ") == 12


@pytest.mark.parametrize(("header", "seconds"), [("100000", 1000), ("400", 400)])
def test_the_longest_stream(tmp_path: Path, header: str, seconds: int) -> None:
    """Where there is a limit to streams, a client can have a shorter one."""
    world = World(tmp_path, stream_seconds=1000.0)
    world.google.script = [LIVELY]
    client = post(world, STREAMING, header)
    for _ in range(seconds // 100 - 1):
        wait(world, 100)
        say(world, TEXT)
    assert b"error" not in client.body
    wait(world, 101)

    assert b'"code":504' in client.body
    assert not client.ended_well
    assert len(world.google.gone) == 1


def test_no_limit_outlives_its_stream(tmp_path: Path) -> None:
    """A stream that ends in time leaves no timer behind."""
    world = World(tmp_path, stream_seconds=1000.0)
    world.google.script = [STREAM]
    assert world.stream().ended_well

    assert [c for c in world.clock.getDelayedCalls() if c.getTime() > 1e6 + 600] == []


@pytest.mark.parametrize("seconds", ["", "0", "-1", "1e3", "nan", "5s", "9" * 10])
def test_no_time_at_all(world: World, seconds: str) -> None:
    """What is no number of seconds is said to be none."""
    world.google.script = [WHOLE]
    client = post(world, GENERATE, seconds)

    assert client.error() == (400, "INVALID_ARGUMENT")
    assert "X-Server-Timeout" in client.json()["error"]["message"]
    assert world.google.calls == []


def test_fractions(world: World) -> None:
    """Of a second are some, too."""
    world.google.script = [WHOLE]

    assert post(world, GENERATE, "0.5").status == 200
