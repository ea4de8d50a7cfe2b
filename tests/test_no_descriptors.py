"""No file descriptor is left to ask Google with: nobody is blamed for it."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import now
from twisted.internet.defer import fail
from twisted.internet.error import ConnectBindError, DNSLookupError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from world import WHOLE, World

from antigravity_gw.errors import OutOfDescriptors
from antigravity_gw.upstream.body import SealedBody
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.order import Order
from antigravity_gw.waiting import is_out_of_descriptors, is_room_left
from antigravity_gw.wire.judging import Table
from antigravity_gw.wire.verdict import Blame, Setback

NONE_LEFT = ConnectBindError(errno.EMFILE, "Too many open files")


@contextmanager
def exhausted() -> Iterator[None]:
    """Nothing can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NONE_LEFT, True),
        (ConnectBindError(errno.ENFILE, "Too many open files in system"), True),
        (OutOfDescriptors(), True),
        (ConnectBindError(errno.EADDRINUSE, "Address already in use"), False),
        (Refused(), False),
        (DNSLookupError(), False),
    ],
)
def test_reasons(error: Exception, expected: bool) -> None:
    """Not each connection that cannot be made lacks a descriptor."""
    assert is_out_of_descriptors(error) is expected


def test_room() -> None:
    """There is a way to know before."""
    assert is_room_left()
    with exhausted():
        assert not is_room_left()


def test_no_connection_is_begun() -> None:
    """Looking up a name might never come to an end."""
    reactor = MemoryReactorClock()
    http = make_client(reactor, Connections(reactor), 5.0)
    url = "http://127.0.0.1:1/token"
    upstream = Upstream(http, reactor, Patience(15.0, 30.0), "x", Table(), 10_000)
    body = SealedBody(b"", b"{}", b"")
    with exhausted():
        with pytest.raises(Setback) as caught:
            now(upstream.generate(Order(url, ()), body, 9.0))
        with pytest.raises(OutOfDescriptors):
            now(upstream.post_form(url, b"x"))

    assert caught.value.verdict.blame is Blame.GATEWAY
    assert reactor.tcpClients == []


def refuse(world: World, error: Exception | None) -> None:
    """Have no call reach Google, or have them all."""
    traversing: Any = type(world.agent).request
    agent: Any = world.agent
    agent.request = lambda *args, **kwargs: (
        fail(error) if error else traversing(agent, *args, **kwargs)
    )


def test_calls(tmp_path: Path) -> None:
    """The client gets a 503 at once; neither account nor host is held responsible."""
    world = World(tmp_path, hosts=("http://one.example", "http://two.example"))
    world.google.script = [WHOLE]
    refuse(world, NONE_LEFT)
    client = world.generate()
    assert client.error() == (503, "UNAVAILABLE")
    assert "no file descriptors left" in client.json()["error"]["message"]
    refuse(world, None)

    assert world.generate().status == 200
    assert world.google.calls[0].host == "one.example"
    assert world.google.calls[0].account == "a"


def test_tokens(tmp_path: Path) -> None:
    """The same holds when it is the token that cannot be renewed."""
    world = World(tmp_path)
    world.google.script = [WHOLE]
    renew = world.token_reply

    def fails(account: str) -> tuple[int, bytes]:
        raise OutOfDescriptors

    world.token_reply = fails
    assert world.generate().error() == (503, "UNAVAILABLE")
    assert [a.holds.by_model for a in world.pool.accounts] == [{}, {}, {}]
    world.token_reply = renew

    assert world.generate().status == 200


def test_projects(tmp_path: Path) -> None:
    """And when it is the project that cannot be looked up."""
    world = World(tmp_path, accounts=())
    world.add("a", project=None)
    refuse(world, NONE_LEFT)

    assert world.generate().error() == (503, "UNAVAILABLE")
    assert world.account("a").holds.by_model == {}
