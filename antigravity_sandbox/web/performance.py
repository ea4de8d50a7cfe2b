"""Performing the acts of an answer on a socket."""

from typing import cast

from twisted.internet.interfaces import (
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.web.server import Request
from zope.interface import implementer

from antigravity_sandbox.acts import Act, Acts, HangUp, Head, Silence, Wait, Write
from antigravity_sandbox.calls import Call, Record


@implementer(IPushProducer)
class Performance:
    """
    One answer on its way to one caller, at the caller's pace.

    Each act takes a turn of the reactor, so that what one has written is on
    its way before the next, and no answer keeps others waiting.  When the
    caller leaves, the acts are closed, and nothing more is made.
    """

    _log = Logger()

    def __init__(
        self,
        request: Request,
        acts: Acts,
        clock: IReactorTime,
        call: Call,
        record: Record,
    ) -> None:
        self._request = request
        self._acts = acts
        self._clock = clock
        self._call = call
        self._record = record
        self._turn: IDelayedCall | None = None
        self._paused = False

    def start(self) -> None:
        """Begin.  How it ended will be in the record."""
        self._request.notifyFinish().addErrback(lambda _: self._end("client-left"))
        self._request.registerProducer(self, True)
        self._schedule(0)  # not at once, lest the first two acts share a turn

    def pauseProducing(self) -> None:
        """Hold the next act back: the caller is not reading."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on, unless an act is taking its time."""
        self._paused = False
        if self._turn is None and self._call.ended is None:
            self._schedule(0)

    def stopProducing(self) -> None:
        """Do nothing: :meth:`start` has seen to the caller's leaving."""

    def _schedule(self, seconds: float) -> None:
        self._turn = self._clock.callLater(seconds, self._step)

    def _step(self) -> None:
        """Perform the next act, and arrange for the one after it."""
        self._turn = None
        if self._paused:
            return
        match self._next():
            case None:
                self._finish()
            case HangUp(reset):
                self._hang_up(reset)
            case Silence():
                pass
            case Wait(seconds):
                self._schedule(seconds)
            case Head() as head:
                self._begin(head)
                self._schedule(0)
            case Write(data, event):
                self._request.write(data)
                self._call.events_sent += event
                self._schedule(0)

    def _next(self) -> Act | None:
        """The next act, None when there is none left."""
        try:
            return next(self._acts, None)
        except Exception:
            self._log.failure("while answering {method}", method=self._call.method)
            return HangUp(reset=True)

    def _begin(self, head: Head) -> None:
        self._call.status = head.status
        self._request.setResponseCode(head.status)
        for name, value in head.headers:
            self._request.setHeader(name, value)
        self._request.write(b"")  # which sends the headers

    def _finish(self) -> None:
        self._end("finished")
        self._request.unregisterProducer()
        self._request.finish()

    def _hang_up(self, reset: bool) -> None:
        self._end("finished")
        self._request.unregisterProducer()
        if reset:
            connection = cast(ITCPTransport, self._request.channel.transport)
            connection.abortConnection()
        else:
            self._request.loseConnection()

    def _end(self, how: str) -> None:
        """Note the end, of which there is only one."""
        if self._call.ended is None:
            self._record.end(self._call, how)
            self._acts.close()
            if self._turn is not None:
                self._turn.cancel()
                self._turn = None
