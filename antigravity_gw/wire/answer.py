"""
A streamed answer: upstream's events in, what the client reads out.

The payload that leaves is the payload that came.  Only the envelope is taken
off and the framing made exact: the official SDKs are no full readers of event
streams, so each event is one ``data:`` line with one JSON object
(``docs/protocol.md``, "What SDKs accept").
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from attrs import define, field, frozen
from msgspec import Raw

from antigravity_gw.errors import BrokenAnswer, MalformedStream, Unreachable
from antigravity_gw.wire.envelope import on_one_line
from antigravity_gw.wire.google import UpstreamError, read_error
from antigravity_gw.wire.jsons import NOTHING, tamed
from antigravity_gw.wire.sse import EventDecoder
from antigravity_gw.wire.usage import MARK, Usage, read_usage, usage_of

DONE = b"[DONE]"

MOST_KEPT = 4096
"""An event longer than this is not kept for what it says of tokens, but read."""

Opening = Callable[[bytes], bytes | None]
"""
Makes of what came what the client is to have; None when that is nothing.

It raises UpstreamError for an error, and MalformedStream for what is no object.
"""


class Framing(Protocol):
    """How the payloads of a stream are put into an HTTP body."""

    content_type: str

    def event(self, payload: bytes) -> bytes:
        """One payload, framed."""

    def done(self) -> bytes:
        """What to send where upstream sent its ``[DONE]``."""

    def end(self) -> bytes:
        """What closes a stream that ended well."""


@define
class EventFraming:
    """Server-sent events."""

    content_type: str = "text/event-stream"

    def event(self, payload: bytes) -> bytes:
        """One ``data:`` line and the blank line that ends the event."""
        return b"data: %b\n\n" % payload

    def done(self) -> bytes:
        """The marker, since upstream sent it."""
        return self.event(DONE)

    def end(self) -> bytes:
        """Nothing: an event stream just ends."""
        return b""


@define
class ArrayFraming:
    """
    One JSON array, an element per event.

    Its first byte is ``[``, its last ``]``: google-api-core reads one
    character at a time and refuses even a newline after the end.
    """

    content_type: str = "application/json"
    _opened: bool = field(default=False, init=False)

    def event(self, payload: bytes) -> bytes:
        """One element, after the bracket or the comma it needs."""
        opening = b",\r\n" if self._opened else b"["
        self._opened = True
        return opening + payload

    def done(self) -> bytes:
        """Nothing: the marker is no JSON."""
        return b""

    def end(self) -> bytes:
        """The closing bracket."""
        return b"]" if self._opened else b"[]"


class _Content(msgspec.Struct):
    parts: list[Raw] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    finishReason: Any = None


class _Feedback(msgspec.Struct):
    blockReason: Any = None


class _Glimpse(msgspec.Struct):
    """As much of a response as must be understood to know whether it is whole."""

    candidates: list[_Candidate] | None = None
    promptFeedback: _Feedback | None = None
    usageMetadata: Raw = NOTHING

    def says_something(self) -> bool:
        """Whether there is content, or word that there will be none."""
        return self.is_final() or any(
            candidate.content is not None and candidate.content.parts
            for candidate in self.candidates or ()
        )

    def is_final(self) -> bool:
        """Whether generation ended here, or was refused from the start."""
        feedback = self.promptFeedback
        if feedback is not None and feedback.blockReason is not None:
            return True
        return any(c.finishReason is not None for c in self.candidates or ())


_glimpses = msgspec.json.Decoder(_Glimpse)
_FINISHED, _BLOCKED = b'"finishReason"', b'"blockReason"'


@define
class StreamedAnswer:
    """
    Rewrites one streamed answer as it passes.  It does no I/O.

    Nothing comes out before the first event that says something, so that an
    answer which fails until then can still be asked for elsewhere.

    :ivar opened: takes what is upstream's own off an event.
    :ivar begun: whether that event has been seen.
    :ivar events: how many events have come out.
    :ivar failure: what was wrong with the body, once something is:
        :class:`UpstreamError` for an error where an event should be,
        :class:`MalformedStream` for bytes that are none of the protocol's,
        :class:`BrokenAnswer` for an end that came too early.  What came
        before it is whole and has been handed out.
    """

    framing: Framing
    opened: Opening
    begun: bool = field(default=False, init=False)
    events: int = field(default=0, init=False)
    failure: UpstreamError | Unreachable | None = field(default=None, init=False)
    _decoder: EventDecoder = field(factory=EventDecoder, init=False)
    _held: list[bytes] = field(factory=list, init=False)
    _held_bytes: int = field(default=0, init=False)
    _final: bool = field(default=False, init=False)
    _counted: bytes = field(default=b"", init=False)
    _usage: Usage | None = field(default=None, init=False)

    @property
    def usage(self) -> Usage | None:
        """What the answer has cost until now, if it has said so."""
        return read_usage(self._counted) or self._usage

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of upstream's body; return those to send now."""
        try:
            return self._pass_on(self._decoder.feed(chunk))
        except MalformedStream as error:
            self.failure = error.with_traceback(None)
            return b""

    def finish(self) -> bytes:
        """Upstream's body has ended: return the last bytes to send."""
        last = self._pass_on(self._decoder.finish())
        self.failure = self.failure or self._shortcoming()
        return last if self.failure else last + self.framing.end()

    def let_go(self) -> None:
        """Hold nothing any more of what has come, nor what was wrong with it."""
        self._decoder = EventDecoder()
        self._held.clear()
        self.failure = None

    def _shortcoming(self) -> UpstreamError | BrokenAnswer | None:
        """What is missing from the answer, now that no more will come."""
        error = read_error(bytes(self._decoder.stray))
        if error is not None:
            return UpstreamError(error)
        if not self.begun:
            return BrokenAnswer("upstream's answer was empty")
        if not self._final:
            return BrokenAnswer("upstream's answer ended without a finishReason")
        return None

    def _pass_on(self, events: list[bytes]) -> bytes:
        """Frame *events* up to the first bad one, or hold them until it begins."""
        out: list[bytes] = []
        try:
            for data in events:
                out.append(self._framed(data))
        except (UpstreamError, MalformedStream) as error:
            self.failure = error.with_traceback(None)
        if not self.begun:
            self._hold(out)
            return b""
        if self._held:
            out[:0] = self._held
            self._held.clear()
        return b"".join(out)

    def _hold(self, frames: list[bytes]) -> None:
        said = [frame for frame in frames if frame]
        self._held += said
        self._held_bytes += sum(map(len, said))
        if self._held_bytes > self._decoder.limit:
            self.failure = MalformedStream("upstream sent much and said nothing")

    def _framed(self, data: bytes) -> bytes:
        if data.strip() == DONE:
            return self.framing.done()
        response = self.opened(data)
        if response is None:
            return b""  # news of the envelope alone, such as remaining credits
        payload = on_one_line(response)
        self._look_at(payload)
        self.events += 1
        return self.framing.event(payload)

    def _look_at(self, payload: bytes) -> None:
        """Notice beginning, end and cost, parsing only where that must be."""
        # Each event has the cost so far, near its end: the last one counts.
        if payload.rfind(MARK) >= 0:
            if len(payload) <= MOST_KEPT:
                self._counted = payload
            else:
                self._usage, self._counted = read_usage(payload), b""
        if self.begun and _FINISHED not in payload and _BLOCKED not in payload:
            return
        glimpse = _glimpse(payload)
        self.begun = self.begun or glimpse.says_something()
        self._final = self._final or glimpse.is_final()


@frozen
class Whole:
    """
    An answer that came in one piece.

    :ivar response: what the client is to have of it.
    :ivar usage: what it has cost, if it says so.
    """

    response: bytes = field(repr=False)
    usage: Usage | None


def read_whole(body: bytes, opened: Opening) -> Whole:
    """
    The response inside an answer that came in one piece.

    :param opened: takes what is upstream's own off it.

    :raises UpstreamError: when it holds an error.
    :raises Unreachable: when it is not an answer.
    """
    response = opened(body)
    if response is None:
        raise BrokenAnswer("upstream's answer was empty")
    glimpse = _glimpse(response)
    if not glimpse.says_something():
        raise BrokenAnswer("upstream's answer was empty")
    return Whole(response, usage_of(bytes(glimpse.usageMetadata)))


def _glimpse(payload: bytes) -> _Glimpse:
    try:
        try:
            return _glimpses.decode(payload)
        except msgspec.DecodeError:
            return _glimpses.decode(tamed(payload))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedStream(
            f"upstream sent a response that is not Gemini's: {error}"
        ) from None
