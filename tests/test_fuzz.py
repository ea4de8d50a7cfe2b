"""Tests for ``tests/fuzz``: the fuzzers still run, and would find something."""

from collections.abc import Iterator
from random import Random

import pytest
from fuzz.engine import Case, Complaint, Run, Target, cut
from fuzz.plainjson import NotJson, read
from fuzz.strict import End, requests
from fuzz.targets import TARGETS


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Each of them."""
    target = TARGETS[request.param]()
    yield target
    target.close()


def test_a_few(target: Target) -> None:
    """Nothing is found by looking for some seconds."""
    run = Run(target)
    run.many(300)

    assert run.tried == 300
    assert [str(finding) for finding in run.findings.values()] == []


class Planted:
    """Fails where there are three letters, anywhere."""

    name = "planted"

    def make(self, chance: Random) -> Case:
        """Some noise, and what is looked for in half of the cases."""
        noise = chance.randbytes(50).replace(b"x", b"y")
        return Case(cut(chance, noise + b"abxcd"[: chance.choice((2, 5))] + noise))

    def check(self, case: Case) -> None:
        """Fail."""
        if b"x" in case.whole:
            raise Complaint("an x", "where none should be")

    def close(self) -> None:
        """There is nothing to let go of."""


def test_what_is_found_is_made_small() -> None:
    """A case that fails loses all that has nothing to do with it."""
    run = Run(Planted())
    found = [finding for _ in range(20) if (finding := run.one())]

    assert [finding.case.pieces for finding in found] == [(b"x",)]
    assert found[0].times > 1
    assert "an x: where none should be" in str(found[0])


@pytest.mark.parametrize(
    ("text", "squeezed"),
    [
        (
            b' {"a" : [1.0 , -0e1],"a":"\\u00e9\\\\"}\n',
            '{"a":[1.0,-0e1],"a":"\\u00e9\\\\"}',
        ),
        (b'"\\ud83d\\ude00"', '"\\ud83d\\ude00"'),
        (b"[]", "[]"),
    ],
)
def test_plain_reader(text: bytes, squeezed: str) -> None:
    """What is JSON is read, and spelled as it was."""
    assert read(text).squeezed() == squeezed


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"{",
            b"[1,]",
            b'{"a":1,}',
            b"01",
            b"1.",
            b"NaN",
            b"'a'",
            b'"\\x"',
            b"[]]",
        ),
        *(b'"\\ud83d"', b'"\n"', b"\xff", b"\xef\xbb\xbf1", b"{1:2}", b"[1 2]", b"nul"),
    ],
)
def test_plain_reader_refuses(text: bytes) -> None:
    """What is not JSON is not taken for it."""
    with pytest.raises(NotJson):
        read(text)


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("data", "bodies", "end"),
    [
        (
            b"\r\n" + HEAD + b"Content-Length: 2\r\n\r\nhi" + HEAD,
            [b"hi"],
            End.INCOMPLETE,
        ),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nT: x\r\n\r\n",
            [b"hi"],
            End.ALL,
        ),
        (HEAD + b"Connection: x, close\r\n\r\n" + HEAD, [b""], End.CLOSED),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", [], End.UNCLEAR),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\n\r\n\r\n", [], End.UNCLEAR),
        (HEAD + b"X : y\r\n\r\n", [], End.UNCLEAR),
    ],
)
def test_strict_reader(data: bytes, bodies: list[bytes], end: End) -> None:
    """What could be read in two ways is where it stops."""
    seen = requests(data)

    assert [asked.body for asked in seen.requests] == bodies
    assert seen.end is end
