"""
An HTTP channel on which nobody takes for ever.

Twisted's own timeout begins anew with every byte, and ends when a request is
complete.  Here there is one alarm for each connection, set to when the client
must have done what it is about; it is never moved by a client that dribbles.
"""

import math
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from antigravity_gw.errors import BodyTimeout, GatewayError, HeadTimeout, WriteTimeout
from antigravity_gw.web.alarm import Alarm
from antigravity_gw.web.deadlines import Phase
from antigravity_gw.web.quick import QuickChannel
from antigravity_gw.web.unsent import unsent

LINGER = 5.0
"""Seconds for which a client that was refused may go on sending."""

LAST_CALL = 1.0
"""Seconds for which a client may ask its first when the daemon is about to end."""

HURRIED_LINGER = 1.0
"""The same when the daemon is about to end."""

LOOKS = 4
"""How often to look, in the time a client has for taking something, if it does."""


class TimedChannel(QuickChannel):
    """
    One client's connection, and how long it takes over what.

    :ivar _phase: what it is about.  The alarm is set to when that takes too
        long, or to when to look if the client takes what is written to it.
    :ivar _since: when it began to be.
    :ivar _unsent: how many bytes the client had yet to take at the last look.
    :ivar _took: when it was seen that it had taken some.
    """

    site: Any  # a GatewaySite, which this module comes before
    _alarm: Alarm
    _phase = Phase.IDLE
    _since = 0.0
    _unsent = 0
    _took = 0.0

    def connectionMade(self) -> None:
        """A client has connected."""
        super().connectionMade()
        self._alarm = Alarm(self.site.reactor, self._overdue)
        self._enter(Phase.HEAD)  # the first request is due at once

    def dataReceived(self, data: bytes) -> None:
        """Something has come; it is too late for it when the connection is closed."""
        if self._phase is not Phase.CLOSING:
            super().dataReceived(data)
            if not self._busyReceiving:
                self._follow()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client, or we, have closed the connection."""
        self._alarm.stop()
        super().connectionLost(reason)

    def requestDone(self, request: Any) -> None:
        """An answer is complete; there may be another request to go on with."""
        super().requestDone(request)
        if not self._is_ending:
            self._enter(Phase.IDLE)
            if not self._busyReceiving:
                self._follow()

    def _follow(self) -> None:
        """See what the connection is about, after what has come."""
        if self._is_ending:
            return
        if self._handlingRequest:
            now = Phase.SERVING
        elif not self.line_mode:
            now = Phase.BODY
        elif self.requests or self._buffer:
            now = Phase.HEAD
        else:
            return  # nothing of another request
        if now is not self._phase:
            self._enter(now)
        elif now is Phase.BODY:
            self._expect_more()

    @property
    def _is_ending(self) -> bool:
        return self._phase is Phase.REFUSED or self._phase is Phase.CLOSING

    def _enter(self, phase: Phase) -> None:
        """From now on the connection is about *phase*."""
        self._phase = phase
        if self._waitingForTransport:
            return  # until the client reads, that is what it is about
        if phase is Phase.SERVING:
            self._alarm.set(math.inf)
            return
        self._since = now = self.site.reactor.seconds()
        self._alarm.set(now + self._time_for(phase))

    def _time_for(self, phase: Phase) -> float:
        """How long the connection may be about *phase*, in seconds."""
        if phase is Phase.IDLE:
            seconds = self.site.deadlines.idle
        elif phase is Phase.HEAD:
            seconds = self.site.deadlines.head
        elif phase is Phase.BODY:
            seconds = self.site.deadlines.body
        elif phase is Phase.LAST_CALL:
            seconds = LAST_CALL
        else:
            seconds = HURRIED_LINGER if self.site.connections.is_draining else LINGER
        return float(seconds)

    def _expect_more(self) -> None:
        """Some of a body has come."""
        if not self._waitingForTransport:
            size = self.requests[-1].content.tell()
            now = self.site.reactor.seconds()
            self._alarm.set(self.site.deadlines.body_end(self._since, now, size))

    def _overdue(self) -> None:
        """The client took too long."""
        if self._waitingForTransport or self._phase is Phase.CLOSING:
            self._look_at_writing()
        elif self._phase is Phase.REFUSED:
            self._close()
        elif self._phase is Phase.BODY:
            self._reject(BodyTimeout("the request body did not come in time"))
        elif self.requests or self._buffer:
            self._reject(HeadTimeout("the request head did not come in time"))
        else:
            self.loseConnection()  # nothing was asked, so nobody wants an answer

    def pauseProducing(self) -> None:
        """Much of what was written is still to be sent."""
        super().pauseProducing()
        self._watch_writing()

    def resumeProducing(self) -> None:
        """All that was written is sent."""
        super().resumeProducing()
        if self._phase is not Phase.CLOSING:
            self._enter(self._phase)

    def _watch_writing(self) -> None:
        """Look from time to time if the client takes anything."""
        self._unsent = unsent(self.transport)
        self._took = now = self.site.reactor.seconds()
        self._alarm.set(now + self.site.deadlines.write / LOOKS)

    def _look_at_writing(self) -> None:
        now, left = self.site.reactor.seconds(), unsent(self.transport)
        if left < self._unsent or now < self._took:  # the clock was set back
            self._took = now
        self._unsent = left
        patience = self.site.deadlines.write
        if now - self._took >= patience:
            self._cut_off(WriteTimeout(f"the client took nothing for {patience:g} s"))
        else:
            self._alarm.set(min(now + patience / LOOKS, self._took + patience))

    def _close(self) -> None:
        """Close the connection once everything is sent, if the client takes it."""
        if self._phase is not Phase.CLOSING:
            self._phase = Phase.CLOSING
            self._watch_writing()
        super().loseConnection()

    def _cut_off(self, error: GatewayError) -> None:
        """Close the connection at once; the client is not told why."""
        for request in self.requests:
            request.served.fail(error.word(), error.message)
        self.abort()

    def abort(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self.transport.abortConnection()

    def _reject(self, error: GatewayError) -> None:
        """Answer with *error* what has not come to its end."""
        raise NotImplementedError
