"""
Event streams: the decoder and the rewriting, against a reader of whole bodies.

The reference follows section 9.2.6 of the WHATWG HTML standard, but for what the
gateway does on purpose: the last event counts without its blank line, a body may
be no event stream at all, and bytes stay bytes.
"""

import re
from random import Random

from attrs import define, field

from antigravity_gw.errors import BrokenAnswer, MalformedStream
from antigravity_gw.wire.answer import (
    ArrayFraming,
    EventFraming,
    Framing,
    StreamedAnswer,
)
from antigravity_gw.wire.envelope import unsealed
from antigravity_gw.wire.google import UpstreamError, read_error
from antigravity_gw.wire.sse import EventDecoder
from fuzz.engine import Case, Complaint, cut, damaged
from fuzz.plainjson import NotJson, TooDeep, Value, read

LIMIT = 60
"""The longest event, in bytes, where that is tried."""

TEXT = (
    b'{"response":{"candidates":[{"content":{"role":"model","parts":'
    b'[{"text":"H\xc3\xa9"}]}}],"modelVersion":"m"},"traceId":"t"}'
)
LAST = (
    b'{"response": {"candidates": [{"content": {"parts": [{"text": "!"}]}, '
    b'"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 1.0}}}'
)
BLOCKED = b'{"response":{"promptFeedback":{"blockReason":"SAFETY"}}}'
NEWS = b'{"traceId":"t","remainingCredits":[]}'
ERROR = b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}'
PRETTY = b'{\n  "response": {\n    "candidates": [ {\n "finishReason": 1 } ] } }'
CALL = (
    b'{"response":{"candidates":[{"content":{"parts":[{"functionCall":{"args":'
    b'{"finishReason":"STOP","q":"\\"\\\\\\ud83d\\ude00\\n"}}}]}}]}}'
)
HALF = b'{"response":{"candidates":[{"content":{"parts":[{"text":"\\ud83d"}]}}]}}'
DOCUMENTS = (
    TEXT,
    LAST,
    BLOCKED,
    NEWS,
    ERROR,
    PRETTY,
    CALL,
    HALF,
    b"[DONE]",
    b"{}",
    b"1",
)

WORDS = (
    *(b"data:", b"data: ", b"data", b"event: x\n", b"id", b"retry:", b":", b": c\n"),
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\xef\xbb\xbf", b" "),
    *(b"[DONE]", b" [DONE] ", b"null", b"true", b'""', b"[]", b"{}", b"[{}]", b"0"),
    *(b'"finishReason":', b'"blockReason":', b'"response":', b'"error":', b'"parts":'),
    *(b'"finish\\u0052eason":', b'"candidates":null', b'"content":null', b"NaN"),
    *(b"1e999", b"1" * 30, b"-0.0", b"\\ud800", b"\\u0000", b"\xc3", b"\xff", b"\\"),
    *DOCUMENTS,
)


class Decoder:
    """Any body, cut anywhere."""

    name = "decoder"

    def make(self, chance: Random) -> Case:
        """Some events, spelled in one of the ways there are, and then damaged."""
        end = chance.choice((b"\n", b"\r\n", b"\r\n", b"\r"))
        body = b"\xef\xbb\xbf" if chance.random() < 0.1 else b""
        for _ in range(chance.choice((0, 1, 2, 2, 3, 4, 6))):
            document = chance.choice(DOCUMENTS)
            if chance.random() < 0.3:
                document = damaged(chance, document, WORDS)
            if chance.random() < 0.1:
                body += document  # as it is, without a frame
            space = chance.choice((b" ", b" ", b"", b"  "))
            for line in re.split(rb"\r\n|\r|\n", document):
                body += b"data:" + space + line + end
            body += end
        if chance.random() < 0.5:
            body = damaged(chance, body, WORDS)
        return Case(cut(chance, body), chance.choice(("sse", "array")))

    def check(self, case: Case) -> None:
        """The same events as the reference, and the same answer."""
        body = case.whole
        singly = tuple(body[i : i + 1] for i in range(len(body)))
        ways = {case.pieces, (body,), singly if len(body) < 2000 else (body,)}
        seen = Reference(body)
        for pieces in ways:
            _check_events(seen, pieces)
            _check_limit(pieces)
        try:
            wanted = Wanted.of(seen)
        except TooDeep:
            return
        for pieces in ways:
            _check_answer(wanted, pieces, case.setting)

    def close(self) -> None:
        """There is nothing to let go of."""


@define
class Reference:
    """
    What a body says, read as a whole.

    :ivar events: the data of each.
    :ivar stray: lines that are no event stream's, each with its end.
    :ivar held: how long the event is that has not ended.
    """

    body: bytes
    events: list[bytes] = field(factory=list, init=False)
    stray: bytes = field(default=b"", init=False)
    held: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Read it."""
        text = self.body.removeprefix(b"\xef\xbb\xbf")
        *lines, unfinished = re.split(rb"\r\n|\r|\n", text)
        data = b""
        for line in lines:
            data = self._after(line, data)
        self.held = len(unfinished) + len(data)
        if not lines:
            self.held = len(self.body)  # a mark at the start is still with its line
        if unfinished:
            data = self._after(unfinished, data)
        self._after(b"", data)

    def _after(self, line: bytes, data: bytes) -> bytes:
        """The data of the event that has begun, after *line*."""
        name, colon, value = line.partition(b":")
        if not line:
            if data:
                self.events.append(data[:-1])
            return b""
        if name == b"data":
            return data + value.removeprefix(b" ") + b"\n"
        # A name that stands without its colon is one of the standard's as well,
        # but nobody sends that, and so it is kept to be looked at.
        if name not in (b"", b"event", b"id", b"retry") or not colon:
            self.stray = (self.stray + line + b"\n")[: 64 * 1024]
        return data


def _check_events(seen: Reference, pieces: tuple[bytes, ...]) -> None:
    decoder = EventDecoder()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    found += decoder.finish()
    if found != seen.events:
        raise Complaint("other events", f"{found} and not {seen.events}")
    if decoder.stray != seen.stray:
        raise Complaint("other stray lines", f"{decoder.stray!r}, not {seen.stray!r}")


def _check_limit(pieces: tuple[bytes, ...]) -> None:
    """It gives up when more is held than the limit, and only then."""
    decoder, come = EventDecoder(limit=LIMIT), b""
    for piece in pieces:
        come += piece
        held = Reference(come).held
        try:
            decoder.feed(piece)
        except MalformedStream:
            if held > LIMIT:
                return
            raise Complaint("gave up too early", f"holding {held}") from None
        if held > LIMIT:
            raise Complaint("holds more than the limit", f"{held} bytes")


@define
class Wanted:
    """
    What is to come of a body.

    :ivar payloads: of the events that come out, squeezed; None for ``[DONE]``.
    :ivar failure: the class of what is wrong in the end.
    """

    payloads: list[str | None] = field(factory=list)
    failure: type[Exception] | None = None
    begun: bool = False
    final: bool = False

    @classmethod
    def of(cls, seen: Reference) -> "Wanted":
        """What is to come of what was *seen*."""
        wanted = cls()
        for event in seen.events:
            wanted.failure = wanted._after(event)
            if wanted.failure is not None:
                break
        else:
            if read_error(seen.stray) is not None:
                wanted.failure = UpstreamError
            elif not (wanted.begun and wanted.final):
                wanted.failure = BrokenAnswer
        if not wanted.begun:
            wanted.payloads = []
        return wanted

    def _after(self, event: bytes) -> type[Exception] | None:
        if event.strip() == b"[DONE]":
            self.payloads.append(None)
            return None
        try:
            envelope = read(event, halves=True)
        except NotJson:
            return MalformedStream
        if envelope.kind != "object":
            return MalformedStream
        error, response = envelope.last("error"), envelope.last("response")
        if error is not None and not error.is_null:
            return UpstreamError
        if response is None or response.is_null:
            return None
        if response.kind != "object":
            return MalformedStream
        names = ('"finishReason"', '"blockReason"')
        if not self.begun or any(name in response.raw for name in names):
            if not _is_sound(response):
                return MalformedStream
            self.final = self.final or _is_final(response)
            self.begun = self.begun or self.final or _has_parts(response)
        self.payloads.append(response.squeezed())
        return None


def _is_sound(response: Value) -> bool:
    """Whether everything that is looked at is what it should be, wherever it is."""
    feedbacks = response.all("promptFeedback")
    lists = response.all("candidates")
    if not all(_is_a(each, "object") for each in feedbacks):
        return False
    if not all(_is_a(each, "array") for each in lists):
        return False
    candidates = [c for each in lists if not each.is_null for c in each.inside]
    contents = [content for c in candidates for content in c.all("content")]
    words = [word for c in candidates for word in c.all("finishReason")]
    words += [word for each in feedbacks for word in each.all("blockReason")]
    return (
        all(candidate.kind == "object" for candidate in candidates)
        and all(_is_a(content, "object") for content in contents)
        and all(_is_a(p, "array") for c in contents for p in c.all("parts"))
        and not any(float(n.raw) in (1e999, -1e999) for w in words for n in _numbers(w))
    )


def _numbers(value: Value) -> list[Value]:
    if value.kind == "object":
        return [n for _, inner in value.inside for n in _numbers(inner)]
    if value.kind == "array":
        return [n for inner in value.inside for n in _numbers(inner)]
    return [value] if value.kind == "number" else []


def _is_a(value: Value, kind: str) -> bool:
    return value.kind == kind or value.is_null


def _there(value: Value | None) -> bool:
    return value is not None and not value.is_null


def _candidates(response: Value) -> list[Value]:
    listed = response.last("candidates")
    return listed.inside if listed is not None and listed.kind == "array" else []


def _is_final(response: Value) -> bool:
    feedback = response.last("promptFeedback")
    return (feedback is not None and _there(feedback.last("blockReason"))) or any(
        _there(candidate.last("finishReason")) for candidate in _candidates(response)
    )


def _has_parts(response: Value) -> bool:
    contents = [candidate.last("content") for candidate in _candidates(response)]
    parts = [content.last("parts") for content in contents if content is not None]
    return any(p is not None and p.kind == "array" and p.inside for p in parts)


def _check_answer(wanted: Wanted, pieces: tuple[bytes, ...], form: str) -> None:
    framing: Framing = EventFraming() if form == "sse" else ArrayFraming()
    answer, out = StreamedAnswer(framing, unsealed), b""
    for piece in pieces:
        out += answer.feed(piece)
        if out and not answer.begun:
            raise Complaint("spoke before it began", repr(out))
        if answer.failure is not None:
            break
    else:
        out += answer.finish()
    failure = None if answer.failure is None else type(answer.failure)
    if failure is not wanted.failure:
        raise Complaint(
            f"{failure} and not {wanted.failure}", f"{answer.failure} {out!r}"
        )
    read_back = _from_events if form == "sse" else _from_array
    payloads = read_back(out, answer)
    hoped = [p for p in wanted.payloads if form == "sse" or p is not None]
    if payloads != hoped:
        raise Complaint("other payloads", f"{payloads} and not {hoped}")
    counted = sum(payload is not None for payload in payloads)
    if answer.begun is not wanted.begun or (wanted.begun and answer.events != counted):
        raise Complaint("counted wrongly", f"{answer}")


def _from_events(out: bytes, answer: StreamedAnswer) -> list[str | None]:
    """What is in an event stream of the strictest kind."""
    *events, rest = out.split(b"\n\n")
    if rest or b"\r" in out:
        raise Complaint("not a strict event stream", repr(out))
    payloads: list[str | None] = []
    for event in events:
        if not event.startswith(b"data: ") or b"\n" in event:
            raise Complaint("not a strict event stream", repr(out))
        data = event.removeprefix(b"data: ")
        payloads.append(
            None if data == b"[DONE]" else read(data, halves=True).squeezed()
        )
    return payloads


def _from_array(out: bytes, answer: StreamedAnswer) -> list[str | None]:
    """What is in an array, which is closed unless something was wrong."""
    if answer.failure is not None and out:
        out += b"]"
    if not out and answer.failure is not None:
        return []
    whole = read(out, halves=True)
    if (out[:1], out[-1:], whole.kind) != (b"[", b"]", "array"):
        raise Complaint("not an array", repr(out))
    return [element.squeezed() for element in whole.inside]
