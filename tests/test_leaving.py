"""A client that leaves takes its call with it, whatever the gateway is waiting for."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from world import HELLO, STREAM, TEXT, Reply, World, event

SILENCE = Reply(is_silent=True)
TALKING = Reply(body=event(TEXT), stays_open=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A gateway with one account."""
    return World(tmp_path, accounts="a", patience=2.0)


def nothing_follows(world: World, calls: int) -> bool:
    """Whether no other call is made, and nobody waits for one."""
    world.clock.advance(700)
    world.settle()
    requests = world.site.admission.requests
    return (len(world.google.calls), world.account("a").serving, requests) == (
        calls,
        0,
        0,
    )


@pytest.mark.parametrize(
    "reply",
    [SILENCE, Reply(stays_open=True), Reply(body=b": \n", stays_open=True), TALKING],
    ids=["before the head", "before the body", "before the first event", "streaming"],
)
def test_while_upstream_answers(world: World, reply: Reply) -> None:
    """The call is cut off at once."""
    world.google.script = [reply, STREAM]
    client = world.stream()
    assert len(world.google.calls) == 1
    client.leave()

    assert len(world.google.gone) == 1
    assert nothing_follows(world, calls=1)


def test_while_an_answer_in_one_piece_comes(world: World) -> None:
    """Also when some of it is there."""
    world.google.script = [Reply(body=b'{"response":', stays_open=True), STREAM]
    client = world.generate()
    client.leave()

    assert len(world.google.gone) == 1
    assert nothing_follows(world, calls=1)


def test_while_it_waits_for_an_account(world: World) -> None:
    """Its place is given up; the account is not lent to it when it comes free."""
    world.store.change("a", concurrency=1)
    world.take_up()
    world.google.script = [TALKING, STREAM]
    first, second = world.stream(), world.stream()
    assert len(world.google.calls) == 1
    second.leave()
    first.leave()

    assert len(world.pool._waiting) == 0
    assert nothing_follows(world, calls=1)


@pytest.mark.parametrize("leaves", [True, False])
def test_while_a_token_is_renewed(world: World, leaves: bool) -> None:
    """The renewal goes on, for whoever else may want it; no call follows."""
    renewal: Deferred[tuple[int, bytes]] = Deferred()

    async def post(form: bytes) -> tuple[int, bytes]:
        return await renewal

    world.kind.post = post
    world.google.script = [STREAM]
    client = world.stream()
    if leaves:
        client.leave()
    renewal.callback((200, b'{"access_token":"token-of-a","expires_in":3599}'))
    world.settle()

    assert nothing_follows(world, calls=int(not leaves))
    assert world.pool.tokens.held(world.account("a")) == "token-of-a"


def test_while_a_project_is_looked_up(tmp_path: Path) -> None:
    """So does a lookup."""
    world = World(tmp_path, accounts="")
    world.add("a", project=None)
    world.google.script = [SILENCE]
    client = world.stream()
    client.leave()

    assert [call.method for call in world.google.calls] == ["loadCodeAssist"]
    assert nothing_follows(world, calls=len(world.google.calls))


class Unconnected:
    """An agent whose connections do not come about."""

    def __init__(self) -> None:
        self.given_up = 0

    def request(self, *_: Any) -> Deferred[Any]:
        """Try to connect, for ever."""
        return Deferred(self._give_up)

    def _give_up(self, _: object) -> None:
        self.given_up += 1


def test_while_connecting(world: World) -> None:
    """The attempt is given up."""
    agent = Unconnected()
    world.upstream.http._agent = agent
    client = world.stream()
    client.leave()

    assert agent.given_up == 1
    assert nothing_follows(world, calls=0)


def test_between_two_attempts(tmp_path: Path) -> None:
    """The one under way is the last."""
    world = World(tmp_path)
    world.google.script = [Reply(status=500), SILENCE, STREAM]
    client = world.stream()
    assert len(world.google.calls) == 2
    client.leave()

    assert len(world.google.gone) == 1
    assert nothing_follows(world, calls=2)


def test_while_it_sends(world: World) -> None:
    """Nothing has been asked then."""
    head = (
        b"POST /v1beta/models/pro:streamGenerateContent HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Length: %d\r\n\r\n" % len(HELLO)
    )
    client = world.client().send(head + HELLO[:-1])
    client.leave()

    assert nothing_follows(world, calls=0)
    assert world.site.admission.bodies == 0


def test_while_it_does_not_read(world: World) -> None:
    """A stream that is paused for its sake is cut off as well."""
    world.google.script = [TALKING]
    client = world.stream()
    client.protocol.pauseProducing()
    client.leave()

    assert len(world.google.gone) == 1
    assert nothing_follows(world, calls=1)
