"""
Keeping time when the clock is set back.

Twisted's timers go by the clock of the machine.  Set back by an hour, they would
all be an hour late: nothing would be written or taken up, nobody who is silent given
up, and systemd not told that the daemon is alive.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

EVERY = 1.0
"""How often to look, in seconds."""

LEAST = 2.0
"""A clock that is set back by less is let be, in seconds."""


class Steadying(Service):
    """
    Has timers come when they were to, however far the clock is set back.

    A thread sees to it, since no timer can.  What is kept by the clock itself, such as
    until when an account cools, is not touched.

    :param steady: seconds that nobody can set.
    """

    _log = Logger()

    def __init__(
        self, reactor: Any, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._reactor = reactor
        self._steady = steady
        self._ahead = reactor.seconds() - steady()
        self._ended = Event()

    def startService(self) -> None:
        """Begin to look, once the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._ended.set()

    def look(self) -> None:
        """Compare the clock with one that nobody sets."""
        ahead = self._reactor.seconds() - self._steady()
        lost, self._ahead = self._ahead - ahead, ahead
        if lost < LEAST:
            return
        for call in self._reactor.getDelayedCalls():
            left = call.getTime() - self._reactor.seconds()
            call.reset(max(0.0, left - lost))
        self._log.warn(
            "the clock was set back by {seconds:.0f} s; timers go on as if it had not "
            "been",
            seconds=lost,
        )

    def _begin(self) -> None:
        Thread(target=self._watch, name="steadying", daemon=True).start()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self._reactor.callFromThread(self.look)
