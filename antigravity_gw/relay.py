"""Carrying one upstream body to one client, at the client's pace."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse
from twisted.web.server import Request
from zope.interface import implementer

from antigravity_gw.errors import (
    BrokenAnswer,
    GatewayError,
    Unreachable,
    UpstreamTimeout,
)
from antigravity_gw.gaps import Gaps
from antigravity_gw.waiting import within
from antigravity_gw.wire.answer import StreamedAnswer


@implementer(IPushProducer)
class Relay(Protocol):
    """
    The receiving end of a streamed answer.

    First it waits for the answer to begin (:meth:`begin`), holding what
    arrives; then it writes to the client what comes (:meth:`carry`).  It is
    the producer of the client's request: a client that reads slowly pauses
    upstream, and stops the clock that watches for silence.

    :ivar gaps: those between what has come.
    """

    def __init__(
        self,
        answer: StreamedAnswer,
        clock: IReactorTime,
        idle: float,
        end_by: float | None = None,
    ) -> None:
        """
        :param idle: seconds of silence after which upstream is given up.
        :param end_by: when the client is given up, however much it still gets,
            in POSIX seconds.
        """
        self.gaps = Gaps()
        self._answer = answer
        self._clock = clock
        self._idle = idle
        self._end_by = end_by
        self._held: list[bytes] = []
        self._request: Request | None = None
        self._alarm: IDelayedCall | None = None
        self._begun: Deferred[None] = Deferred(lambda _: self._abandon())
        self._ended: Deferred[None] = Deferred(lambda _: self._abandon())
        self._over = False
        self._last: float | None = None

    async def begin(self, response: IResponse, seconds: float) -> None:
        """
        Receive *response*'s body until it says something.

        :param seconds: how long it may take to.
        :raises UpstreamError: when it is an error instead.
        :raises Unreachable: when it is none of the protocol's, or breaks off.
        :raises UpstreamTimeout: when it stays silent.
        """
        response.deliverBody(self)
        await within(seconds, self._clock, self._begun)

    async def carry(self, request: Request) -> None:
        """
        Write the answer to *request*, from its beginning to its end.

        The request is left unfinished.  Cancelling closes the upstream
        connection.  Fails as :meth:`begin` does; what was whole until then
        has been written.
        """
        self._request = request
        request.registerProducer(self, True)
        self._watch()
        curfew = self._curfew()
        try:
            request.write(b"".join(self._held))
            self._held.clear()
            await self._ended
        finally:
            self._unwatch()
            if curfew is not None and curfew.active():
                curfew.cancel()
            if request.channel is not None:
                request.unregisterProducer()

    def dataReceived(self, data: bytes) -> None:
        """Some of the body has come."""
        if self._over:
            return  # the last words of a connection we have closed
        now, last = self._clock.seconds(), self._last
        self._last = now
        if last is not None:
            self.gaps.add(now - last)
        if self._alarm is not None:
            self._alarm.reset(self._idle)
        self._write(self._answer.feed(data))
        if self._answer.failure is not None:
            self._abandon()
            self._end(self._answer.failure)
        elif self._answer.begun and not self._begun.called:
            self._begun.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended, well or not."""
        if self._over:
            return
        self._over = True
        if reason.check(ResponseDone, PotentialDataLoss):
            # Where nothing tells the length, the answer itself says if it is whole.
            self._write(self._answer.finish())
            self._end(self._answer.failure)
        elif isinstance(reason.value, Unreachable):
            self._end(reason.value)
        else:
            self._end(BrokenAnswer("upstream broke off its answer"))

    def pauseProducing(self) -> None:
        """The client has enough to read."""
        self._unwatch()
        self._upstream.pauseProducing()

    def resumeProducing(self) -> None:
        """The client has caught up."""
        if not self._over:
            self._watch()
            self._upstream.resumeProducing()

    def stopProducing(self) -> None:
        """The client has left."""
        self._abandon()

    def break_off(self, error: GatewayError) -> None:
        """Carry nothing more, and fail with *error*."""
        if not self._over:
            self._abandon()
            self._end(error)

    @property
    def _upstream(self) -> IPushProducer:
        return cast(IPushProducer, self.transport)

    def _write(self, data: bytes) -> None:
        if self._request is None:
            self._held.append(data)
        elif data:
            self._request.write(data)

    def _end(self, failure: Exception | None) -> None:
        """Tell whoever waits; the beginning comes before the end."""
        self._answer.let_go()
        if failure is None:
            if not self._begun.called:
                self._begun.callback(None)
            self._ended.callback(None)
        elif self._begun.called:
            self._ended.errback(failure)
        else:
            self._held.clear()
            self._begun.errback(failure)

    def _abandon(self) -> None:
        """Close the upstream connection; nothing it says counts any more."""
        if not self._over:
            self._over = True
            self._unwatch()
            self._upstream.stopProducing()

    def _curfew(self) -> IDelayedCall | None:
        if self._end_by is None:
            return None
        error = UpstreamTimeout("the stream has taken as long as it may")
        seconds = max(0.0, self._end_by - self._clock.seconds())
        return self._clock.callLater(seconds, self.break_off, error)

    def _watch(self) -> None:
        if self._alarm is None and not self._over:
            self._alarm = self._clock.callLater(self._idle, self._silent)

    def _unwatch(self) -> None:
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self._alarm = None

    def _silent(self) -> None:
        self._alarm = None
        self.break_off(UpstreamTimeout(f"upstream said nothing for {self._idle:g} s"))
