"""The one timer that a connection has."""

import math
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Alarm:
    """
    One timer, for all that a connection waits for, one thing after the other.

    It is mostly put off.  That only notes the time: the timer finds out when it
    runs out, so that there is hardly more than one for each time it is late.
    """

    __slots__ = ("_call", "_clock", "_due", "_ring", "_runs_out")

    def __init__(self, clock: IReactorTime, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._due = self._runs_out = math.inf
        self._call: IDelayedCall | None = None

    def set(self, due: float) -> None:
        """
        Ring at another time than so far.

        :param due: in the clock's seconds; infinity for not at all.
        """
        self._due = due
        if due < self._runs_out:
            self._wind()

    def stop(self) -> None:
        """Ring no more, for good."""
        self._ring = _silence
        self._due = self._runs_out = math.inf
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wind(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._runs_out = self._due
        wait = max(0.0, self._due - self._clock.seconds())
        self._call = self._clock.callLater(wait, self._run_out)

    def _run_out(self) -> None:
        # A clock that was set back meanwhile has brought the timer forward as well.
        # What was put off after that may ring so much too early, this one time.
        self._due -= max(0.0, self._runs_out - self._clock.seconds())
        self._call, self._runs_out = None, math.inf
        if self._due <= self._clock.seconds():
            self._due = math.inf
            self._ring()
        elif self._due < math.inf:
            self._wind()


def _silence() -> None:
    """What an alarm does that is over."""
