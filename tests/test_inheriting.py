"""Tests for ``antigravity_gw.inheriting``: sockets that others go on with."""

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.python.systemd import ListenFDs

from antigravity_gw.inheriting import (
    InheritedUnixEndpoint,
    NotInherited,
    check_spelling,
    inherited,
)
from twisted.plugins import twisted_core

NAMES = ("web",)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A listening socket that Twisted believes to come from systemd."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handed = ListenFDs([listener.fileno()], NAMES)
        parser = twisted_core.systemdEndpointParser
        monkeypatch.setattr(parser, "_sddaemon", handed)
        yield listener


@pytest.mark.parametrize(
    "description",
    ["systemd:domain=INET:name=web", "systemd:domain=INET:index=0"],
)
def test_spelling(description: str) -> None:
    """What makes sense is no mistake, whether or not it was handed over."""
    check_spelling(MemoryReactor(), description)


@pytest.mark.parametrize(
    "description",
    [
        "systemd:domain=INET",
        "systemd:domain=INET:name=web:index=0",
        "systemd:domain=INET:index=first",
        "systemd:name=web",
        "systemd:domain=INET:name=web:backlog=9",
    ],
)
def test_misspelling(description: str) -> None:
    """What cannot be is told before the service is started."""
    with pytest.raises((TypeError, ValueError)):
        check_spelling(MemoryReactor(), description)


@pytest.mark.parametrize("which", ["name=web", "index=0"])
def test_named_and_numbered(listener: socket.socket, which: str) -> None:
    """A socket has a name, and a number beside the others."""
    endpoint: Any = inherited(MemoryReactor(), f"systemd:domain=INET:{which}", NAMES)

    assert isinstance(endpoint, AdoptedStreamServerEndpoint)
    assert endpoint.fileno == listener.fileno()


@pytest.mark.parametrize("which", ["name=other", "index=1"])
def test_others(listener: socket.socket, which: str) -> None:
    """One that was not handed over is told beside those that were."""
    with pytest.raises(NotInherited, match="'web', and no such socket"):
        inherited(MemoryReactor(), f"systemd:domain=INET:{which}", NAMES)


def test_another_domain(listener: socket.socket) -> None:
    """Twisted would take its address for one of that domain."""
    with pytest.raises(NotInherited, match=r"say domain=INET$"):
        inherited(MemoryReactor(), "systemd:domain=UNIX:name=web", NAMES)


@pytest_twisted.ensureDeferred
async def test_a_unix_socket(tmp_path: Path) -> None:
    """It is left as it was: its file, its mode, and that it listens."""
    from twisted.internet import reactor

    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        endpoint = InheritedUnixEndpoint(reactor, os.dup(listener.fileno()))
        port = await endpoint.listen(Factory())
        assert port.getHost().name == os.fsencode(path)
        await maybeDeferred(port.stopListening)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            listener.settimeout(10)
            listener.accept()[0].close()
