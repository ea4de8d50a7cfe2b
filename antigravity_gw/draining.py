"""Ending the daemon without cutting off anybody who is being served."""

import signal
from collections.abc import Callable
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from antigravity_gw.errors import GatewayError, ShuttingDown

LAST_WORDS = 1.0
"""Seconds for what the last clients are told to reach them."""


class Connections(Protocol):
    """Those of the clients."""

    def __len__(self) -> int:
        """How many are open."""

    @property
    def busy(self) -> int:
        """How many have a request."""

    def drain(self) -> Deferred[None]:
        """Serve no new request; the Deferred fires when the last one is closed."""

    def cut_short(self, error: GatewayError) -> None:
        """End with *error* what has not ended."""

    def abort(self) -> None:
        """Close what is left, whatever is still to be sent."""


class Draining(Service):
    """
    Holds up the end until what is under way has ended, or has had its time.

    :ivar cause: why the daemon ends.
    :param grace: says how long to wait, in seconds.
    :param log_totals: says what has become of all requests.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        connections: Connections,
        grace: Callable[[], float],
        log_totals: Callable[[], None],
    ) -> None:
        self.cause = "stopping"
        self._clock = clock
        self._connections = connections
        self._grace = grace
        self._log_totals = log_totals
        self._hurry = ""
        self._alarm: IDelayedCall | None = None
        self._gave_up = False

    def stopService(self) -> Deferred[None]:
        """The Deferred fires when no connection is left; it does not fail."""
        super().stopService()
        grace = 0.0 if self._hurry else self._grace()
        busy = self._connections.busy
        self._log.info(
            "{cause}: no new connections; {plan}",
            cause=self.cause,
            plan=f"waiting up to {grace:g} s for {_requests(busy)}"
            if busy
            else "no request is under way",
        )
        why = self._hurry or f"after {grace:g} s"
        self._alarm = self._clock.callLater(grace, self._give_up, why)
        return self._connections.drain().addCallback(self._drained)

    def hurry(self, cause: str) -> None:
        """Wait no longer."""
        self._hurry = f"since there was another {cause}"
        if self._alarm is not None and self._alarm.active() and not self._gave_up:
            self._alarm.cancel()
            self._give_up(self._hurry)

    def _give_up(self, why: str) -> None:
        self._gave_up = True
        self._log.warn(
            "gave up on {requests} {why}",
            requests=_requests(len(self._connections)),
            why=why,
        )
        self._alarm = self._clock.callLater(LAST_WORDS, self._connections.abort)
        self._connections.cut_short(ShuttingDown())

    def _drained(self, _: None) -> None:
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        if not self._gave_up:
            self._log.info("drained")
        self._log_totals()


class Signals(Service):
    """
    Ends the daemon when it is told to by SIGTERM or SIGINT.

    The first has it drain, the second has it wait no longer; a third ends the
    process where it stands.  Unlike twistd's own handlers, these leave it an
    exit status of 0.
    """

    _log = Logger()

    def __init__(self, reactor: Any, draining: Draining) -> None:
        self._reactor = reactor
        self._draining = draining
        self._is_ending = False

    def startService(self) -> None:
        """Listen for them, once the reactor runs and has put in its own handlers."""
        super().startService()
        self._reactor.callWhenRunning(self._install)

    def _install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._signalled)

    def _signalled(self, number: int, _: object) -> None:
        self._reactor.callFromThread(self.told, signal.Signals(number).name)

    def told(self, name: str) -> None:
        """The signal called *name* has come."""
        if not self._is_ending:
            self._is_ending = True
            self._draining.cause = name
            self._reactor.stop()
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, signal.SIG_DFL)
            self._draining.hurry(name)


def _requests(count: int) -> str:
    return f"{count} request" if count == 1 else f"{count} requests"
