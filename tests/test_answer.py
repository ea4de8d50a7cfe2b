"""Tests for ``antigravity_gw.wire.answer``."""

import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import BrokenAnswer, MalformedStream, Unreachable
from antigravity_gw.wire.answer import (
    MOST_KEPT,
    ArrayFraming,
    EventFraming,
    Framing,
    StreamedAnswer,
    Whole,
    read_whole,
)
from antigravity_gw.wire.envelope import unsealed
from antigravity_gw.wire.google import UpstreamError
from antigravity_gw.wire.usage import Usage

COST = {"promptTokenCount": 5, "candidatesTokenCount": 2}
META = {"usageMetadata": {"promptTokenCount": 1}}
ROLE_ONLY = {"candidates": [{"content": {"role": "model", "parts": []}}]}
TEXT = {"candidates": [{"content": {"role": "model", "parts": [{"text": "é"}]}}]}
LAST = {"candidates": [{"content": {"parts": [{"text": "!"}]}, "finishReason": "STOP"}]}
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}}
ERROR = b'data: {"error":{"code":503,"message":"busy"}}\r\n\r\n'


def sent(*responses: object) -> bytes:
    """What upstream sends for these responses."""
    events = (json.dumps({"response": r, "traceId": "t"}) for r in responses)
    return b"".join(b"data: %b\r\n\r\n" % event.encode() for event in events)


def lines(*responses: object) -> bytes:
    """What the client of an event stream is to read."""
    return b"".join(b"data: %b\n\n" % json.dumps(r).encode() for r in responses)


def streamed(body: bytes, framing: Framing | None = None) -> tuple[bytes, object]:
    """What comes out of a whole body, and how it ended."""
    answer = StreamedAnswer(framing or EventFraming(), unsealed)
    out = answer.feed(body) + (b"" if answer.failure else answer.finish())
    return out, answer.failure


@given(st.lists(st.integers(0, 400)), st.sampled_from([EventFraming, ArrayFraming]))
def test_cuts_do_not_matter(cuts: list[int], framing: Callable[[], Framing]) -> None:
    """However upstream's body is cut, the client reads the same bytes."""
    body = sent(META, TEXT, TEXT, LAST)
    edges = sorted([0, *(min(cut, len(body)) for cut in cuts), len(body)])
    answer = StreamedAnswer(framing(), unsealed)
    out = b"".join(answer.feed(body[a:b]) for a, b in pairwise(edges))

    assert streamed(body, framing()) == (out + answer.finish(), None)
    assert answer.events == 4


def test_event_stream() -> None:
    """One line of data and a blank line per event, and nothing else."""
    assert (lines(TEXT, LAST), None) == streamed(sent(TEXT, LAST))


def test_half_a_surrogate_pair() -> None:
    """Half a letter is no UTF-8, but as an escape it is JSON, and stays as it came."""
    event = (
        b'{"candidates":[{"content":{"parts":[{"text":"\\ud83d \\\\ud800"}]},'
        b'"finishReason":"STOP"}]}'
    )

    assert streamed(b'data: {"response":%b}\n\n' % event) == (
        b"data: %b\n\n" % event,
        None,
    )
    whole = read_whole(b'{"traceId":"\\ud800","response":%b}' % event, unsealed)
    assert whole.response == event


def test_array() -> None:
    """The first byte is a bracket, the last one too, and it is one JSON array."""
    out, failure = streamed(sent(TEXT, LAST), ArrayFraming())

    assert json.loads(out) == [TEXT, LAST]
    assert (out[:1], out[-1:], failure) == (b"[", b"]", None)


def test_multi_line_and_pretty() -> None:
    """JSON that upstream spread over lines leaves on one."""
    pretty = json.dumps({"response": LAST}, indent=2).encode()
    spread = b"\r\n".join(b"data: " + line for line in pretty.split(b"\n"))
    out, failure = streamed(spread)

    assert json.loads(out.removeprefix(b"data: ")) == LAST
    assert (out.count(b"\n"), out[-2:], failure) == (2, b"\n\n", None)


def test_done_is_forwarded() -> None:
    """Upstream's [DONE] is passed on, and none is invented."""
    assert (lines(LAST) + b"data: [DONE]\n\n", None) == streamed(
        sent(LAST) + b"data: [DONE]\n\n"
    )
    assert b"DONE" not in streamed(sent(LAST))[0]
    assert json.loads(
        streamed(sent(LAST) + b"data: [DONE]\n\n", ArrayFraming())[0]
    ) == [LAST]


@pytest.mark.parametrize("silent", [META, ROLE_ONLY, {}, {"candidates": None}])
def test_nothing_is_sent_before_something_is_said(silent: object) -> None:
    """Until then the answer may still be asked for elsewhere."""
    answer = StreamedAnswer(EventFraming(), unsealed)

    assert answer.feed(sent(silent)) == b""
    assert not answer.begun
    assert lines(silent, TEXT) == answer.feed(sent(TEXT))
    assert answer.begun


@pytest.mark.parametrize("final", [LAST, BLOCKED])
def test_answers(final: object) -> None:
    """A finish reason ends an answer well, and so does a blocked prompt."""
    assert (lines(final), None) == streamed(sent(final))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", BrokenAnswer),
        (sent(META), BrokenAnswer),
        (sent(TEXT), BrokenAnswer),
        (ERROR, UpstreamError),
        (b'{"error":{"code":429}}', UpstreamError),
        (b'[{"error":\n{"code":429}}]', UpstreamError),
        (b"data: nonsense\n\n", MalformedStream),
        (b'data: {"response":{"candidates":7}}\n\n', MalformedStream),
        (b"<html>", BrokenAnswer),
    ],
)
def test_what_is_no_answer(body: bytes, kind: type[Exception]) -> None:
    """A 200 that is no answer is told from one that is."""
    assert isinstance(streamed(body)[1], kind)


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (ERROR, UpstreamError),
        (b'{"error":{"code":429}}', UpstreamError),
        (b"data: {\n\n", MalformedStream),
    ],
)
def test_what_came_before_a_failure_is_delivered(
    tail: bytes, kind: type[Exception]
) -> None:
    """Whole events leave, even when a bad one came in the same packet."""
    out, failure = streamed(sent(TEXT) + tail)

    assert lines(TEXT) == out
    assert isinstance(failure, kind)


def test_the_end_of_an_argument_is_not_the_end_of_the_answer() -> None:
    """Only a finishReason of a candidate counts, not one in what it says."""
    call = {"functionCall": {"name": "f", "args": {"finishReason": "STOP"}}}
    body = {"candidates": [{"content": {"parts": [call]}}]}

    assert isinstance(streamed(sent(body))[1], BrokenAnswer)


def test_much_that_says_nothing() -> None:
    """An upstream that never begins cannot fill the memory."""
    answer = StreamedAnswer(EventFraming(), unsealed)
    filler = sent({"modelVersion": "x" * 2**20})
    fed = 0
    while answer.failure is None and fed < 64:
        answer.feed(filler)
        fed += 1

    assert isinstance(answer.failure, MalformedStream)


def test_whole() -> None:
    """An answer in one piece leaves its envelope and is not touched."""
    response = json.dumps(LAST, indent=1).replace("!", "1.0 ").encode()
    whole = read_whole(b'{"response": %b}' % response, unsealed)
    assert whole.response == response


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"response":{}}',
        b'{"response":{"usageMetadata":{}}}',
        b'{"response":5}',
        b'{"response":[]}',
        b'{"response":{"candidates":5}}',
        b"<html>",
    ],
)
def test_whole_nothing(body: bytes) -> None:
    """What says nothing in one piece is no answer either."""
    with pytest.raises(Unreachable):
        read_whole(body, unsealed)


@pytest.mark.parametrize("error", [b'"boom"', b"5", b"[1]", b"{}", b"true"])
def test_errors_that_are_no_objects(error: bytes) -> None:
    """They are errors all the same, alone and in a stream."""
    body = b'{"error":%b}' % error
    with pytest.raises(UpstreamError):
        read_whole(body, unsealed)
    assert isinstance(streamed(b"data: %b\n\n" % body)[1], UpstreamError)


def test_cost_of_a_whole_answer() -> None:
    """What an answer says that it has cost is read with it."""
    told = json.dumps({"response": {**LAST, "usageMetadata": COST}}).encode()

    assert read_whole(told, unsealed).usage == Usage(prompt=5, output=2)
    assert read_whole(b'{"response":%b}' % json.dumps(LAST).encode(), unsealed) == (
        Whole(json.dumps(LAST).encode(), None)
    )


def test_cost_of_a_stream() -> None:
    """The last event that says something of it has the cost of all."""
    long = {**TEXT, "usageMetadata": COST, "padding": "x" * MOST_KEPT}
    answer = StreamedAnswer(EventFraming(), unsealed)

    answer.feed(sent(META))
    assert answer.usage == Usage(prompt=1)
    answer.feed(sent(long))
    assert answer.usage == Usage(prompt=5, output=2)
    answer.feed(sent({**LAST, "usageMetadata": {**COST, "candidatesTokenCount": 9}}))
    answer.finish()
    answer.let_go()
    assert answer.usage == Usage(prompt=5, output=9)
