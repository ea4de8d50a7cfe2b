"""
Connections that send at once.

Twisted puts what is written into a buffer, asks the reactor to say when the
socket can take it, and sends it then.  It nearly always can already; for an event
of a stream the detour costs as much as reading the event.  Here the socket is
tried first.  Relied upon are the attributes of ``FileDescriptor`` named below, that
a port makes connections of what its attribute ``transport`` says, and that a
connection can be made one of another class; ``tests/test_sending.py`` pins it all.
"""

from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IListeningPort
from twisted.internet.tcp import Client, Connection, Port, Server
from twisted.protocols.policies import ProtocolWrapper


def accept_prompt(port: IListeningPort) -> None:
    """Have the connections that *port* accepts send at once."""
    if isinstance(port, Port) and port.transport is Server:
        patched: Any = port
        patched.transport = PromptServer


def make_prompt(transport: Any) -> None:
    """Have an outgoing connection, or the one beneath its TLS, send at once."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    if type(transport) is Client:
        transport.__class__ = PromptClient


class PromptConnection(Connection):
    """A connection."""

    def write(self, data: bytes) -> None:
        """Send *data*, or as much of it as goes at once; the rest follows."""
        if self._may_send():
            sent = self.writeSomeData(data)
            if isinstance(sent, int) and sent > 0:
                data = data[sent:]
        if data:  # also when sending has failed, which the reactor will find out
            super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send them all in one go, if possible."""
        self.write(b"".join(iovec))

    def _may_send(self) -> bool:
        """Whether nothing is before it, and nobody waits to be asked for more."""
        return bool(
            self.connected
            and not self.TLS
            and not self._writeDisconnected
            and not self.dataBuffer
            and not self._tempDataBuffer
            and (self.producer is None or self.streamingProducer)
        )


class PromptServer(PromptConnection, Server):
    """A client's connection to us."""


class PromptClient(PromptConnection, Client):
    """Our connection to upstream."""
