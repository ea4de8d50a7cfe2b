"""
Listening sockets that wait when there is no file descriptor left.

Twisted's ``tcp.Port`` is told by the kernel again and again that somebody wants
to come in: it closes their connections unanswered, or spins, and logs each time.
What is relied upon here is that a port takes what its attribute ``socket`` accepts,
and that it takes ``EAGAIN`` for the end of those that wait; a test pins both.
"""

import errno
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.tcp import Port
from twisted.logger import Logger

PAUSE = 1.0
"""Seconds for which nobody is accepted when there is no descriptor left."""

SAID_EVERY = 10.0
"""How often to say so, in seconds, while it lasts."""

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def make_patient(port: IListeningPort, clock: IReactorTime) -> None:
    """Have *port* pause when it cannot accept; who wants to come in waits."""
    if isinstance(port, Port):
        patient: Any = PatientSocket(port.socket, port, clock)
        port.socket = patient


@define(eq=False)
class PatientSocket:
    """Stands in for the listening socket of a port."""

    _socket: Any
    _port: Any
    _clock: IReactorTime
    _said: float | None = field(default=None, init=False)
    _log: ClassVar[Logger] = Logger()

    def accept(self) -> Any:
        """As a socket does; when there is no descriptor left, nobody is there."""
        try:
            return self._socket.accept()
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self._pause(error)
            raise BlockingIOError(errno.EAGAIN, "later") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def _pause(self, error: OSError) -> None:
        self._port.stopReading()
        self._clock.callLater(PAUSE, self._go_on)
        now = self._clock.seconds()
        if self._said is None or now >= self._said + SAID_EVERY:
            self._said = now
            self._log.error(
                "cannot accept connections just now: {why}. Clients wait until others "
                "have gone. Raise the limit (LimitNOFILE= under systemd, 'ulimit -n' "
                "in a shell), or lower limits.connections",
                why=error.strerror,
            )

    def _go_on(self) -> None:
        if self._port.connected and not self._port.disconnecting:
            self._port.startReading()
