"""The daemon as twistd runs it: services, and the order in which they end."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from antigravity_gw.listening import CannotStart


class Daemon(MultiService):
    """
    All services of the daemon.  The last to start is the first to stop.

    :param twistd: the options of twistd itself.
    :param log: what twistd is to have the log written by, unless it has been told.
    """

    _log = Logger()

    def __init__(
        self, twistd: Mapping[str, Any], log: ILogObserver | None = None
    ) -> None:
        super().__init__()
        self._twistd = twistd
        self._observer = log

    def setServiceParent(self, parent: Any) -> None:
        """Become part of an application, of which twistd asks what logs."""
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """
        Open what needs opening.

        In the background, the process that was started in the foreground still
        waits for word; twistd sends none when the daemon exits by itself, and
        leaves its pid file behind.

        :raises CannotStart: when the daemon cannot run.
        """
        try:
            super().privilegedStartService()
        except CannotStart as refused:
            pipe, pidfile = map(self._twistd.get, ("statusPipe", "pidfile"))
            if pipe is not None:
                os.write(pipe, f"1 {refused}".encode("ascii", "replace")[:100])
            if pidfile:
                Path(pidfile).unlink(missing_ok=True)
            raise

    def stopService(self) -> Deferred[None]:
        """
        Stop one service after the other, and wait for each.

        Nobody comes in any more, what is under way is served, and only then is
        that taken away which serves it.
        """
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for part in reversed(self.services):
            try:
                await maybeDeferred(part.stopService)
            except Exception:
                self._log.failure("while stopping {part}", part=part)


class Repeating(TimerService):
    """Does something again and again, and at the end waits for none of it."""

    def stopService(self) -> None:
        """What is under way may be waiting for the network."""
        super().stopService()
