"""How late the reactor is: what else it had to do has kept it."""

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from antigravity_gw.metrics.histogram import Histogram

EVERY = 0.25
"""How often to look, in seconds."""


class LagWatch(Service):
    """
    Looks at the clock again and again, and notes how late it was for that.

    :param lag: where it is noted.
    """

    def __init__(self, clock: IReactorTime, lag: Histogram) -> None:
        self._clock = clock
        self._lag = lag
        self._due = 0.0
        self._call: IDelayedCall | None = None

    def startService(self) -> None:
        """Look from now on."""
        super().startService()
        self._again()

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _again(self) -> None:
        self._due = self._clock.seconds() + EVERY
        self._call = self._clock.callLater(EVERY, self._look)

    def _look(self) -> None:
        self._lag.note(self._clock.seconds() - self._due)
        self._again()
