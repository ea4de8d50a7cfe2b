"""Telling systemd how the daemon is, over the socket that it listens at."""

import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Any, ClassVar

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from antigravity_gw.supervision import (
    ALIVE,
    READY,
    RELOADING,
    STOPPING,
    Supervision,
    more_time,
    reloading,
    status,
)

LOOK = 5.0
"""How often to see whether there is something new to tell, in seconds."""

MORE_TIME = 4 * LOOK
"""How much longer the end may take, each time that is said, in seconds."""

ENDING = "serving what is under way, and then ending"
REFUSED = "the configuration was refused, see the log, and the old one is in force"

WORDS_TO_KEEP = (READY, RELOADING, STOPPING)
"""What is said again when it has not got through; the rest is of the moment."""

MOST_KEPT = 3
"""As many of them: one reload, and the end."""


@define(eq=False)
class Line:
    """
    The way to whoever supervises the daemon.

    Nothing that is said here fails or waits.
    """

    supervision: Supervision
    _owed: list[bytes] = field(factory=list, init=False)
    _is_down: bool = field(default=False, init=False)
    _log: ClassVar[Logger] = Logger()

    def say(self, *words: str) -> None:
        """Send *words* as one message, after what is still owed."""
        message = "\n".join(words).encode()
        try:
            while self._owed:
                self._send(self._owed[0])
                del self._owed[0]
            self._send(message)
            self._is_down = False
        except (OSError, ValueError) as error:
            if words[0] in WORDS_TO_KEEP:
                self._owed = [*self._owed, message][-MOST_KEPT:]
            self._complain(error)

    def _send(self, message: bytes) -> None:
        address = self.supervision.socket_address()
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as sender:
            sender.sendto(message, address)

    def _complain(self, error: OSError | ValueError) -> None:
        if self._is_down or isinstance(error, BlockingIOError):
            return  # it is said already, or will be all right
        self._is_down = True
        self._log.error(
            "systemd cannot be told how the daemon is, and may take it for hung: "
            "NOTIFY_SOCKET={address}: {why}. See that the unit has Type=notify and "
            "NotifyAccess=main, and allows AF_UNIX if it has RestrictAddressFamilies=",
            address=self.supervision.address,
            why=getattr(error, "strerror", None) or str(error),
        )


class Notifying(Service):
    """
    Tells whoever supervises the daemon that it is ready, alive, and how it is.

    It starts last, so that it is the first to stop: what the end takes is told
    as well, as long as the reactor runs.  Nobody to tell is no trouble.

    :param environ: names the socket; what it says of that is taken out.
    :param standing: how the daemon is, in one line for an operator.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        environ: MutableMapping[str, str],
        standing: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reactor = reactor
        self._environ = environ
        self._standing = standing
        self._monotonic = monotonic
        self._refused = False
        self._ends = False
        self._told = ""
        self._line: Line | None = None

    def startService(self) -> None:
        """Find out whom to tell; the process has the id by now that it will have."""
        super().startService()
        supervision = Supervision.taken(self._environ, os.getpid())
        if supervision.address:
            self._line = Line(supervision)
            self._reactor.callWhenRunning(self._begin, supervision.alive_every)

    def stopService(self) -> None:
        """Say that the end has begun; from now on each look asks for more time."""
        super().stopService()
        self._ends = True
        self._say(STOPPING, more_time(MORE_TIME))

    def reloading(self) -> None:
        """The configuration is about to be read again."""
        self._say(*reloading(self._monotonic()))

    def reloaded(self, is_taken_up: bool) -> None:
        """It was, and is in force now, or is not."""
        self._refused = not is_taken_up
        self._say(READY)

    def _begin(self, alive_every: float) -> None:
        """All have started, and the reactor runs."""
        self._say(READY)
        self._repeat(LOOK, self._look)
        if alive_every:
            self._repeat(alive_every, self._be_alive)

    def _repeat(self, seconds: float, what: Callable[[], None]) -> None:
        call = LoopingCall(what)
        call.clock = self._reactor
        call.start(seconds, now=False).addErrback(self._broken)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("while telling how the daemon is", failure=failure)

    def _look(self) -> None:
        """Tell what is new, if anything is."""
        if self._ends:
            self._say(more_time(MORE_TIME))
        elif self._status() != self._told:
            self._say()

    def _be_alive(self) -> None:
        if self._line is not None:
            self._line.say(ALIVE)

    def _say(self, *words: str) -> None:
        """Tell *words*, and how the daemon is."""
        if self._line is not None:
            self._told = self._status()
            self._line.say(*words, status(self._told))

    def _status(self) -> str:
        standing = self._standing()
        if self._ends:
            return f"{ENDING}; {standing}"
        return f"{standing}; {REFUSED}" if self._refused else standing
