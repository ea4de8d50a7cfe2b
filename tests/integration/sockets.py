"""Bare connections to the daemon, for what no HTTP client would do."""

import contextlib
import socket
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from daemons import Daemon

PATIENCE = 20.0
"""Seconds to wait for what must happen soon; generous, for busy machines."""

T = TypeVar("T")


def connected(daemon: Daemon) -> socket.socket:
    """A new connection, which takes little at a time."""
    where = urlsplit(daemon.url)
    client = socket.create_connection((where.hostname, where.port), PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    return client


def read_until(client: socket.socket, mark: bytes) -> bytes:
    """All bytes up to and including *mark*."""
    data = b""
    while mark not in data:
        piece = client.recv(65536)
        assert piece, f"the connection ended before {mark!r}: {data!r}"
        data += piece
    return data


def read_to_the_end(client: socket.socket) -> bytes:
    """All bytes until the connection ends, in whatever way."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            data += piece
    return data


def eventually(holds: Callable[[], T], within: float = PATIENCE) -> T:
    """Wait until something holds, and return what it returned."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.02)
    return found
