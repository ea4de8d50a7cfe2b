"""
Listening sockets that systemd has opened, and keeps over a restart.

Twisted's endpoint ``systemd:`` says which one.  It takes a UNIX socket for its
own, though: its file gets another mode, and at the end it is removed and the socket
shut down, for the next daemon as well.  What is relied upon here are the errors of
the parser, the attributes of its endpoint, and what ``unix.Port`` does in which
method; ``tests/test_inheriting.py`` pins it all.
"""

import os
import socket
from contextlib import closing
from typing import Any

from attrs import frozen
from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, execute
from twisted.internet.endpoints import serverFromString
from twisted.internet.fdesc import setNonBlocking
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from zope.interface import implementer

PREFIX = "systemd:"


class NotInherited(Exception):
    """There is no such socket; the message says so, and what to do."""


def check_spelling(reactor: Any, description: str) -> None:
    """
    See that *description* makes sense, whatever was handed over.

    :raises Exception: when it does not.
    """
    try:
        serverFromString(reactor, description)
    except LookupError:  # that is for the daemon to find out when it starts
        return


def inherited(
    reactor: Any, description: str, names: tuple[str, ...]
) -> IStreamServerEndpoint:
    """
    The endpoint of the socket that *description* names.

    :param names: those of the sockets that were handed over.
    :raises NotInherited: when it was not, or is of another kind.
    """
    try:
        endpoint: Any = serverFromString(reactor, description)
    except LookupError:
        raise NotInherited(_why_none(names)) from None
    domain = _domain(endpoint.fileno)
    if domain != endpoint.addressFamily:
        raise NotInherited(
            "the socket that systemd has opened is of another domain; say "
            f"domain={domain.name.removeprefix('AF_')}"
        )
    if domain is socket.AF_UNIX:
        return InheritedUnixEndpoint(reactor, endpoint.fileno)
    return endpoint  # type: ignore[no-any-return]


def _why_none(names: tuple[str, ...]) -> str:
    if names:
        told = " and ".join(map(repr, names))
        return (
            f"systemd has opened {told}, and no such socket; say name=NAME with the "
            "FileDescriptorName= of the socket unit"
        )
    return (
        "systemd has opened no socket for this process. Start it by its socket unit "
        "('systemctl enable --now antigravity-gw.socket', then restart the service), "
        "or say listen = ['tcp:8045:interface=127.0.0.1']"
    )


def _domain(descriptor: int) -> socket.AddressFamily:
    """Of what domain a socket is, whatever the configuration says."""
    with closing(socket.socket(fileno=os.dup(descriptor))) as found:
        return socket.AddressFamily(found.family)


@implementer(IStreamServerEndpoint)
@frozen
class InheritedUnixEndpoint:
    """Listens on a UNIX socket that was handed over."""

    reactor: Any
    descriptor: int

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Let in who comes there."""
        return execute(self._listen, factory)

    def _listen(self, factory: IProtocolFactory) -> IListeningPort:
        setNonBlocking(self.descriptor)
        port = InheritedUnixPort._fromListeningDescriptor(
            self.reactor, self.descriptor, factory
        )
        port.startListening()
        os.close(self.descriptor)  # the port has another of its own
        return port  # type: ignore[no-any-return]


class InheritedUnixPort(unix.Port):
    """A UNIX socket that others go on with: it is left as it was found."""

    _shouldShutdown = False

    def startListening(self) -> None:
        """Listen, and let its file and backlog be."""
        port: Any = self  # what Twisted says of the types below is not so
        port.factory.doStart()
        port.socket, port._preexistingSocket = port._preexistingSocket, None
        port.fileno = port.socket.fileno
        self.numberAccepts = 100
        self.connected = True
        self.startReading()

    def connectionLost(self, reason: Any) -> None:
        """Let go of it; its file stays."""
        tcp.Port.connectionLost(self, reason)
