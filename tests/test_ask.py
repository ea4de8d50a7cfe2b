"""Tests for ``antigravity_gw.wire.ask``."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.errors import BadRequest
from antigravity_gw.wire.ask import Conversation, read_body


def said(*contents: Any) -> Conversation | None:
    """What a body with these contents belongs to."""
    return read_body(json.dumps({"contents": contents}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b'{"a":1}}',
        b'{"a":1},"project":"x"',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":01}',
        b"{'a':1}",
        b'{"a":[1,]}',
        b'{"a":"\x01"}',
        b'{"a":\x00}',
        b'{"a":1}\x00',
        b'{"a":1.}',
        b'{"a":+1}',
        b'{"a":tru}',
        b'{"a":"\xed\xa0\x80"}',
        rb'{"a":"\x"}',
        rb'{"a":"\ud8"}',
        rb'{"a":"\ud800\u12"}',
        rb'{"a":"\ud800',
        rb'{"a":"\ud800\\',
        rb'{"a":\ud800}',
        rb'{"a":"\ud800"\\}',
        rb'{"a":"\ud800",\\"b":1}',
        rb'{"a":"\ud800"},"project":"x"',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_no_json_object(body: bytes) -> None:
    """Only one JSON object in UTF-8 can go into the envelope as it is."""
    with pytest.raises(BadRequest):
        read_body(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b' \n{"a":1}\t\r\n',
        b'{"a":1,"a":2}',
        b'{"a":1e400,"b":' + b"1" * 5000 + b"}",
        '{"a":"é"}'.encode(),
        rb'{"a":"\ud800"}',
        rb'{"a":"\uDC00\uD800 \\"}',
        rb'{"\ud800":["\udfff"]}',
        rb'{"a":"\\\ud800\\"}',
        b'{"contents":1e400}',
        b'{"a":-0,"b":1E-400,"c":123456789012345678901234567890}',
        b'{"a":"\x7f"}',
        b'{"contents":7}',
        b'{"contents":[7,{"role":1},{"parts":{}}]}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_odd_but_an_object(body: bytes) -> None:
    """What an object says is for upstream to judge."""
    assert read_body(body) is None


FIRST = {"role": "user", "parts": [{"text": "Hello"}]}
PICTURE = {"mimeType": "image/png", "data": "AAAA"}


@pytest.mark.parametrize(
    "spelled",
    [
        {"parts": [{"text": "Hello"}]},
        {"parts": {"text": "Hello"}},
        {"role": "", "parts": [{"text": "Hello"}]},
        {"parts": [{"thought": False, "text": "Hello"}], "role": "user"},
    ],
)
def test_spellings_of_one_message(spelled: Any) -> None:
    """A conversation is known by what was said first, however it is spelled."""
    assert said(FIRST) == said(spelled)


@pytest.mark.parametrize(
    "spelled",
    [
        {"inlineData": PICTURE},
        {"inline_data": PICTURE},
        {"inlineData": {"mime_type": "image/png", "data": "AAAA"}},
    ],
)
def test_spellings_of_one_picture(spelled: Any) -> None:
    """So is one that begins with a picture."""
    assert said({"parts": [{"inlineData": PICTURE}]}) == said({"parts": [spelled]})


def test_later_turns() -> None:
    """What is said afterwards does not change it."""
    answer = {"role": "model", "parts": [{"text": "Hi"}]}

    first, later = said(FIRST), said(FIRST, answer, {"role": "user", "parts": []})

    assert first is not None
    assert later == Conversation(first.fingerprint, is_new=False)
    assert first.is_new


def test_what_the_model_says_first_does_not_count() -> None:
    """A conversation begins with the user."""
    assert said(FIRST) == said({"role": "model", "parts": [{"text": "Hi"}]}, FIRST)


@given(st.lists(st.text(max_size=5), min_size=1), st.lists(st.text(max_size=5)))
def test_different_messages(one: list[str], other: list[str]) -> None:
    """Two messages are one conversation only if they are the same."""
    same = said({"parts": [{"text": text} for text in one]}) == said(
        {"parts": [{"text": text} for text in other]}
    )

    assert (one == other) == same


def test_no_user_message() -> None:
    """Without one, there is no conversation to tell."""
    assert said({"role": "model", "parts": [{"text": "Hi"}]}) is None
    assert said() is None
    assert read_body(b'{"contents":7}') is None


@pytest.mark.parametrize("half", [r"\ud800", r"\uDFFF", r"\ude00\ud83d"])
def test_half_a_pair(half: str) -> None:
    """A string that was cut in the middle of a letter tells a conversation as well."""

    def cut(*texts: str) -> Conversation | None:
        parts = ",".join(f'{{"text":"{text}"}}' for text in texts)
        return read_body(f'{{"contents":[{{"parts":[{parts}]}}]}}'.encode())

    assert cut(half) == cut(half)
    assert cut(half, "x") != cut(half, "y")
    assert cut("x", half) != cut("x")


LETTERS = ["x", "\\u00e9", "é", "\\ud83d\\ude00", "\\ud83d", "😀"]


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("shift", range(4))
def test_long_texts(letter: str, shift: int) -> None:
    """Of a long text the beginning counts, however its letters are spelled."""
    long = "y" * shift + letter * 70_000

    def turn(text: str) -> Conversation | None:
        return read_body(b'{"contents":{"parts":{"text":"%b"}}}' % text.encode())

    assert turn(long) == turn(long + "and more")
    assert turn(long) != turn("other" + long)


def test_long_data() -> None:
    """So it does of a file."""

    def turn(data: str) -> Conversation | None:
        part = b'{"inlineData":{"mimeType":"image/png","data":"%b"}}' % data.encode()
        return read_body(b'{"contents":{"parts":%b}}' % part)

    assert turn("A" * 100_000) == turn("A" * 100_001)
    assert turn("A" * 100_000) != turn("B" + "A" * 100_000)
