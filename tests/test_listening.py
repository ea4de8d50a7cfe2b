"""Tests for ``antigravity_gw.listening``: what an endpoint string means."""

from pathlib import Path

import pytest
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from antigravity_gw.listening import BACKLOG, endpoint_of


@pytest.mark.parametrize(
    ("description", "backlog"),
    [
        ("tcp:8045", BACKLOG),
        ("tcp:8045:interface=127.0.0.1", BACKLOG),
        ("tcp6:8045:interface=\\:\\:1", BACKLOG),
        ("tcp:8045:interface=127.0.0.1:backlog=7", 7),
        ("tcp:8045:backlog=7:interface=127.0.0.1", 7),
        ("tcp:8045:127.0.0.1:7", 7),
    ],
)
def test_backlog(description: str, backlog: int) -> None:
    """A crowd can wait to be let in, unless the operator says otherwise."""
    reactor = MemoryReactor()
    endpoint_of(reactor, description).listen(Factory())

    assert [server[2] for server in reactor.tcpServers] == [backlog]


def test_backlog_of_a_unix_socket(tmp_path: Path) -> None:
    """The same holds there."""
    reactor = MemoryReactor()
    endpoint_of(reactor, f"unix:{tmp_path}/gw.sock:mode=660").listen(Factory())

    assert [server[2] for server in reactor.unixServers] == [BACKLOG]


def test_what_is_no_endpoint() -> None:
    """It is refused by its own name."""
    with pytest.raises(ValueError, match="'nonsense'"):
        endpoint_of(MemoryReactor(), "nonsense:8045")
