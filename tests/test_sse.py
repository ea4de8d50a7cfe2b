"""Tests for ``antigravity_gw.wire.sse``."""

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antigravity_gw.errors import MalformedStream
from antigravity_gw.wire.sse import EventDecoder

LINE_ENDS = (b"\n", b"\r\n", b"\r")

lines = st.binary(max_size=20).map(lambda b: b.translate(None, b"\r\n"))
events = st.lists(lines, min_size=1, max_size=3).map(b"\n".join)
cuts = st.lists(st.integers(0, 400))
line_ends = st.sampled_from(LINE_ENDS)


def encoded(data: bytes, end: bytes, plain: bool = False) -> bytes:
    """One event as a server might write it, with things that are to be ignored."""
    head = [b": comment", b"event: message", b"id: 7", b"retry: 10"] * (not plain)
    body = [b"data: " + line for line in data.split(b"\n")]
    return end.join([*head, *body, b"", b""])


def chunks(body: bytes, at: list[int]) -> list[bytes]:
    """*body*, cut in pieces."""
    edges = sorted([0, *(min(cut, len(body)) for cut in at), len(body)])
    return [body[a:b] for a, b in pairwise(edges)]


def decoded(*pieces: bytes) -> list[bytes]:
    """The events in *pieces*, the unterminated last one included."""
    decoder = EventDecoder()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + decoder.finish()


@given(st.lists(events, max_size=5), line_ends, cuts)
@example([b"\xc3\xa9"], b"\r\n", list(range(100)))
def test_cuts_do_not_matter(expected: list[bytes], end: bytes, at: list[int]) -> None:
    """However a body is cut, and however its lines end, the same events come out."""
    body = b"".join(encoded(event, end) for event in expected)

    assert expected == decoded(*chunks(body, at))


@given(st.lists(events, max_size=5), st.lists(line_ends, min_size=5), st.booleans())
def test_an_event_a_piece(
    expected: list[bytes], ends: list[bytes], is_told_apart: bool
) -> None:
    """As they mostly come: each event in one piece, whatever ends its lines."""
    pieces = [
        encoded(event, end, plain=True)
        for event, end in zip(expected, ends, strict=False)
    ]
    if is_told_apart:
        pieces.insert(0, b": comment\n\n")

    assert expected == decoded(*pieces)


def test_linear_time() -> None:
    """A byte of a long event costs the same in small pieces as in large ones."""
    body = b"data: %b\n\n" % (b"x" * 2**24)

    def seconds(size: int) -> float:
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        spent = []
        for _ in range(3):
            decoder, began = EventDecoder(), process_time()
            found = [event for piece in pieces for event in decoder.feed(piece)]
            spent.append(process_time() - began)
            assert [len(event) for event in found] == [2**24]
        return min(spent)

    # A call costs something, too; time that grew with the square would be 1000-fold.
    assert seconds(2**10) < 8 * seconds(2**20)


def test_an_event_is_there_with_its_last_byte() -> None:
    """Nothing waits for the next event, not even the LF of a CRLF."""
    decoder = EventDecoder()

    assert decoder.feed(b"data: 1\r\n") == []
    assert decoder.feed(b"\r") == [b"1"]
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: 2\r\n\r\n") == [b"2"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_unterminated(end: bytes) -> None:
    """The last event counts even without its blank line."""
    assert decoded(b"data: 1\n\ndata: 2" + end) == [b"1", b"2"]


def test_byte_order_mark() -> None:
    """A BOM at the start is no part of the first line; later it is data."""
    body = b"\xef\xbb\xbfdata: 1\n\ndata: \xef\xbb\xbf2\n\n"

    assert decoded(*(body[i : i + 1] for i in range(99))) == [b"1", b"\xef\xbb\xbf2"]


def test_space_after_the_colon() -> None:
    """One space is framing, a second is data."""
    assert decoded(b"data:1\n\ndata:  2\n\ndata\n\n") == [b"1", b" 2", b""]


def test_stray_lines_are_kept() -> None:
    """What is no event stream can be looked at afterwards."""
    decoder = EventDecoder()
    decoder.feed(b'{"error":\n{}}')
    decoder.finish()

    assert decoder.stray == b'{"error":\n{}}\n'


def test_stray_lines_are_bounded() -> None:
    """A body that is something else altogether does not fill the memory."""
    decoder = EventDecoder()
    for _ in range(100):
        decoder.feed(b"x" * 10_000 + b"\n")

    assert len(decoder.stray) == 64 * 1024


@pytest.mark.parametrize("body", [b"x" * 11, b"data: 1\n" * 9, b"data\n" * 11])
def test_limit(body: bytes) -> None:
    """An event that does not end does not fill the memory either."""
    with pytest.raises(MalformedStream):
        EventDecoder(limit=10).feed(body)
