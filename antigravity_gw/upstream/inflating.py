"""
Answers that come compressed, inflated no faster than they are read.

Twisted's own decoder inflates whatever has come at once, and a few hundred
kilobytes of gzip can be hundreds of megabytes.  Here they become pieces of a
bounded size, and a receiver that pauses or stops is obeyed between two of them.
"""

import zlib
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from antigravity_gw.errors import BrokenAnswer, MalformedStream

PIECE = 64 * 1024
"""The most to inflate in one step, in bytes."""

_GZIP = 16 + zlib.MAX_WBITS
_IDENTITY = b"identity"


@implementer(IAgent)
class InflatingAgent:
    """Says which codings are welcome, and inflates the answers that come in gzip."""

    def __init__(self, agent: IAgent, accept: bytes) -> None:
        """
        :param accept: the ``Accept-Encoding`` of every request.  It only asks:
            gzip that comes nevertheless is inflated all the same.
        """
        self._agent = agent
        self._accept = accept

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """
        Send a request, as the agent beneath would.

        The body of its response fails with :class:`MalformedStream` when it is
        not the gzip it claims to be or is in another coding, and with
        :class:`BrokenAnswer` when it ends before the gzip does.

        :param headers: is given its ``Accept-Encoding``, always the same one.
        """
        headers = Headers() if headers is None else headers
        headers.setRawHeaders(b"accept-encoding", [self._accept])
        asked = self._agent.request(method, uri, headers, bodyProducer)
        return asked.addCallback(_inflated)


def _inflated(response: IResponse) -> IResponse:
    """*response*, or one whose body is inflated where it is compressed."""
    fields = response.headers.getRawHeaders(b"content-encoding", [])
    words = b",".join(fields).lower().split(b",")
    codings = [word.strip() for word in words if word.strip() not in (b"", _IDENTITY)]
    return _Inflated(response, codings) if codings else response


@implementer(IResponse)
class _Inflated:
    """A response as it would have come without compression."""

    length = UNKNOWN_LENGTH

    def __init__(self, response: IResponse, codings: list[bytes]) -> None:
        self.version = response.version
        self.code = response.code
        self.phrase = response.phrase
        self.request = response.request
        self.previousResponse = response.previousResponse
        self.headers = response.headers.copy()
        for name in (b"content-encoding", b"content-length"):
            self.headers.removeHeader(name)
        self._response = response
        self._codings = codings

    def setPreviousResponse(self, response: IResponse) -> None:
        """Note the response that redirected here."""
        self.previousResponse = response

    def deliverBody(self, protocol: IProtocol) -> None:
        """Deliver the inflated body to *protocol*."""
        is_gzip = self._codings in ([b"gzip"], [b"x-gzip"])
        inflater = Gunzip() if is_gzip else _Unreadable()
        self._response.deliverBody(_Inflater(protocol, inflater))


class Gunzip:
    """
    Takes gzip, of one member or of many, and gives back what is in it.

    What was flushed when it was compressed comes out as soon as it is all in.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._member: Any = None

    @property
    def is_whole(self) -> bool:
        """Whether all that came has been taken, and nothing is missing from it."""
        return not self._rest and self._member is None

    def feed(self, data: bytes) -> None:
        """Take in the next bytes.  Nothing is inflated yet."""
        self._rest += data

    def take(self) -> bytes:
        """
        Inflate the next piece: at most :data:`PIECE` bytes, none if more must come.

        :raises MalformedStream: when it is not gzip, or its checksum is wrong.
        """
        while self._rest or self._member:
            member = self._member or zlib.decompressobj(_GZIP)
            try:
                piece: bytes = member.decompress(self._rest, PIECE)
            except zlib.error as error:
                raise MalformedStream("upstream sent gzip that is broken") from error
            self._rest = member.unconsumed_tail or member.unused_data
            self._member = None if member.eof else member
            if piece or self._member:
                return piece
        return b""


class _Unreadable(Gunzip):
    """A body in a coding that nobody asked for.  One without a byte is readable."""

    def take(self) -> bytes:
        """Fail, if there is anything to take."""
        if self._rest:
            raise MalformedStream("upstream sent a body in a coding not asked for")
        return b""


@implementer(IPushProducer)
class _Inflater(Protocol):
    """
    Receives a compressed body, and is the transport of who receives it inflated.

    While the receiver pauses, what came waits as it came, and upstream with it.
    """

    def __init__(self, receiver: IProtocol, gunzip: Gunzip) -> None:
        self._receiver = receiver
        self._gunzip = gunzip
        self._paused = False
        self._stopped = False
        self._busy = False
        self._lost: Failure | None = None
        self._over = False

    def connectionMade(self) -> None:
        """The body begins."""
        self._receiver.makeConnection(cast(Any, self))

    def dataReceived(self, data: bytes) -> None:
        """Some of the body has come, as it was sent."""
        if not self._is_open:
            return  # the last words of a connection we have closed
        self._gunzip.feed(data)
        if self._paused:
            # Twisted resumes when it has handed over what came with the head,
            # and would not know that this was too much already.
            self._upstream.pauseProducing()
        self._pass_on()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended; the receiver has yet to get what waits."""
        if self._lost is None:
            self._lost = reason
            self._pass_on()

    def pauseProducing(self) -> None:
        """The receiver has enough."""
        self._paused = True
        if self._is_open:
            self._upstream.pauseProducing()

    def resumeProducing(self) -> None:
        """The receiver goes on: first with what waits, then with what is to come."""
        self._paused = False
        self._pass_on()
        if self._is_open and not self._paused:
            self._upstream.resumeProducing()

    def stopProducing(self) -> None:
        """The receiver wants no more; it is told when upstream's connection is gone."""
        if self._over or self._stopped:
            return
        self._stopped = True
        self._upstream.stopProducing()
        self._pass_on()

    loseConnection = stopProducing
    abortConnection = stopProducing

    @property
    def _upstream(self) -> IPushProducer:
        return cast(IPushProducer, self.transport)

    @property
    def _is_open(self) -> bool:
        """Whether upstream may have more to say."""
        return self._lost is None and not self._stopped

    def _pass_on(self) -> None:
        """Hand over what waits for as long as it is wanted, and then the end."""
        if self._busy:
            return  # we are called by the receiver, and will go on when it returns
        self._busy = True
        try:
            while not (self._paused or self._stopped) and (piece := self._next()):
                self._receiver.dataReceived(piece)
        finally:
            self._busy = False
        if self._stopped or not self._paused:
            self._end()

    def _next(self) -> bytes:
        try:
            return self._gunzip.take()
        except MalformedStream:
            if self._lost is None:
                self._upstream.stopProducing()
            self._lost = Failure()
            return b""

    def _end(self) -> None:
        """Tell the receiver of the end, when it has come."""
        reason = self._lost
        if reason is None or self._over:
            return
        self._over = True
        if reason.check(ResponseDone, PotentialDataLoss):
            if self._stopped:
                reason = Failure(ResponseFailed([reason]))
            elif not self._gunzip.is_whole:
                reason = Failure(BrokenAnswer("upstream broke off its answer"))
        self._receiver.connectionLost(reason)
