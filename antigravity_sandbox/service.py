"""The sandbox as a service."""

import socket
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred

from antigravity_sandbox.sandbox import Sandbox
from antigravity_sandbox.web.site import SandboxFactory

BACKLOG = 4096
"""How many connections may wait to be accepted."""


class SandboxService(Service):
    """
    A sandbox on loopback.

    Its port is taken at once, so that :attr:`url` is known before anything
    runs; connections wait there until the service is started.

    :param port: 0 for one that is free.
    :param pace: seconds between two events of a stream.
    :param seed: of its randomness, for a run that can be repeated.
    :ivar url: such as ``http://127.0.0.1:8046``.
    :raises OSError: when the port is taken.
    """

    def __init__(
        self, reactor: Any, port: int = 0, pace: float = 0.15, seed: int | None = None
    ) -> None:
        self.sandbox = Sandbox(Random(seed), pace)
        self._reactor = reactor
        self._factory = SandboxFactory(self.sandbox, reactor)
        self._socket = _listening(port)
        self._port: Any = None
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def startService(self) -> None:
        """Serve."""
        super().startService()
        self._port = self._reactor.adoptStreamPort(
            self._socket.fileno(), socket.AF_INET, self._factory
        )
        self._socket.close()  # the reactor has a duplicate

    def stopService(self) -> Deferred[None]:
        """
        Stop listening, and cut what is under way.

        :returns: a Deferred firing when the port is free.
        """
        super().stopService()
        self._socket.close()
        self._factory.drop()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening if port else lambda: None)


def _listening(port: int) -> socket.socket:
    """A socket that listens on *port* of 127.0.0.1."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    listener.listen(BACKLOG)
    return listener
