"""Tests for ``antigravity_gw.cli.asking``."""

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from antigravity_gw.cli.asking import LONGEST_LINE, ByHand, InBrowser, Typed
from antigravity_gw.login import Answers, LoginFailed
from antigravity_gw.wire.consent import Attempt
from antigravity_gw.wire.oauth import OAuthClient

URL = "https://accounts.example/auth?x"
ANSWER = "http://127.0.0.1:1/oauth2callback?state=s&code=c"


@define
class Reader:
    """Stands where the reactor reads."""

    reading: list[Typed] = field(factory=list)

    def addReader(self, reader: Typed) -> None:
        """Begin to look at it."""
        self.reading.append(reader)

    def removeReader(self, reader: Typed) -> None:
        """Look at it no more."""
        self.reading.remove(reader)


def new_answers() -> Answers:
    """Those to a login whose state is ``s``."""
    client = OAuthClient("id", "secret")
    return Answers(Attempt(client, URL, "http://127.0.0.1:1/", "s", "v"))


def outcome(answers: Answers) -> list[Any]:
    """The code that was typed, or why there is none; empty while it is awaited."""
    found: list[Any] = []
    answers.code.addCallbacks(found.append, lambda failure: found.append(failure.value))
    return found


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Where somebody types, the end to read from first."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


@given(st.lists(st.integers(0, 200)))
def test_pieces(cuts: list[int]) -> None:
    """A line may come in any pieces, with others around it."""
    text = f"\r\nhello\r\n\xff\n{ANSWER}\nbye".encode("latin-1")
    edges = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    reading, writing = os.pipe()
    answers = new_answers()
    typed = Typed(answers, reading)
    for start, end in pairwise(edges):
        os.write(writing, text[start:end])
        typed.doRead()
    os.close(writing)
    os.close(reading)

    assert outcome(answers) == ["c"]


def test_the_last_line_may_lack_its_end(pipe: tuple[int, int]) -> None:
    """What was typed before the input ended counts."""
    answers = new_answers()
    typed = Typed(answers, pipe[0])
    os.write(pipe[1], ANSWER.encode())
    os.close(pipe[1])
    typed.doRead()
    typed.doRead()

    assert outcome(answers) == ["c"]


def test_the_end(pipe: tuple[int, int]) -> None:
    """When nothing more can be typed, nothing more is awaited."""
    answers = new_answers()
    os.close(pipe[1])
    Typed(answers, pipe[0]).doRead()
    (error,) = outcome(answers)

    assert isinstance(error, LoginFailed)
    assert "the input ended" in error.message


@pytest.mark.parametrize(
    ("text", "lost", "expected"),
    [
        (b"", ConnectionDone(), [LoginFailed]),
        (ANSWER.encode(), ConnectionDone(), [str]),
        (b"", ConnectionLost(), []),
    ],
)
def test_what_the_reactor_says(
    pipe: tuple[int, int], text: bytes, lost: Exception, expected: list[type]
) -> None:
    """It may know of the end before anything is read, or come to its own."""
    answers = new_answers()
    typed = Typed(answers, pipe[0])
    os.write(pipe[1], text or b"\n")
    typed.doRead()
    os.close(pipe[1])
    typed.connectionLost(Failure(lost))

    assert list(map(type, outcome(answers))) == expected


def test_what_cannot_be_read() -> None:
    """An input that is none has ended."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    answers = new_answers()
    Typed(answers, reading).doRead()

    assert isinstance(outcome(answers)[0], LoginFailed)


def test_nothing_there_after_all(pipe: tuple[int, int]) -> None:
    """Where reading does not block, there may be nothing, and that is not the end."""
    answers = new_answers()
    os.set_blocking(pipe[0], False)
    Typed(answers, pipe[0]).doRead()
    os.close(pipe[1])

    assert outcome(answers) == []


def test_without_end(pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]) -> None:
    """A line that has no end is none, and is not kept for ever."""
    answers = new_answers()
    typed = Typed(answers, pipe[0])
    for _ in range(LONGEST_LINE // 4096 + 1):
        os.write(pipe[1], b"x" * 4096)
        typed.doRead()
    os.write(pipe[1], f"\n{ANSWER}\n".encode())
    typed.doRead()
    os.close(pipe[1])

    assert capsys.readouterr().err.count("That is not it") == 1
    assert outcome(answers) == ["c"]


def test_by_hand(pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]) -> None:
    """The address is shown, and the input read until the login has its answer."""
    reader, answers = Reader(), new_answers()
    asks = ByHand(reader, pipe[0])
    asks.end()
    asks.begin(URL, answers)
    (typed,) = reader.reading
    asks.end()
    os.close(pipe[1])
    out, err = capsys.readouterr()

    assert (out, f"\n{URL}\n" in err) == ("", True)
    assert (typed.fileno(), reader.reading) == (pipe[0], [])


@pytest.mark.parametrize(
    ("opened", "told"),
    [(succeed(True), False), (succeed(False), True), (Deferred(), False)],
)
def test_in_a_browser(
    opened: Deferred[bool], told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address is shown in any case, and what to do if no browser opens."""
    InBrowser(lambda url: opened).begin(URL, new_answers())
    out, err = capsys.readouterr()

    assert (out, f"\n{URL}\n" in err) == ("", True)
    assert ("--no-browser" in err) is told


def test_a_browser_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure to open one is no failure of the login."""
    InBrowser(lambda url: fail(OSError("x"))).begin(URL, new_answers())

    assert "No browser could be opened here" in capsys.readouterr().err
