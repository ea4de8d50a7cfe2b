"""Making cases, trying them, and making those that fail small."""

import re
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Protocol

from attrs import define, evolve, field, frozen

SHRINK_SECONDS = 30.0
"""How long to look for a smaller case that fails in the same way."""

_EMPTY_LINE = re.compile(rb"(?:\r\n|\r|\n){2}")
ODD_BYTES = b'\x00\x09\x0a\x0b\x0c\x0d\x1f\x20"%,/:;=?[\\]{|}\x7f\x80\x85\xa0\xe2\xff'


@frozen
class Case:
    """
    Some bytes, in the pieces they arrive in.

    :ivar setting: what they arrive at, where a target has several.
    """

    pieces: tuple[bytes, ...]
    setting: str = ""

    @property
    def whole(self) -> bytes:
        """All the bytes."""
        return b"".join(self.pieces)


@define
class Complaint(Exception):
    """
    Something is not as it must be.

    :ivar kind: the same for every case of one mistake.
    """

    kind: str
    what: str = ""


class Target(Protocol):
    """What is fuzzed."""

    name: str

    def make(self, chance: Random) -> Case:
        """A case; the same for chance in the same state."""

    def check(self, case: Case) -> None:
        """
        Try *case*.

        :raises Complaint: when it finds a mistake.  So it is when anything else
            is raised.
        """

    def close(self) -> None:
        """Let go of what was needed for trying."""


def complaint(target: Target, case: Case) -> Complaint | None:
    """What is wrong with how *target* takes *case*."""
    try:
        target.check(case)
    except Complaint as found:
        return found
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {place.name}"
        return Complaint(kind, traceback.format_exc())
    return None


@define
class Finding:
    """A mistake, the first case of it, and how many there were."""

    number: int
    found: Complaint
    case: Case
    times: int = 1

    def __str__(self) -> str:
        """As much as is needed to repeat it."""
        return (
            f"{self.found.kind}: {_short(self.found.what)}\n"
            f"  case {self.number}, setting {self.case.setting!r}, made small:\n"
            f"  {_short(repr(self.case.whole))}\n"
            f"  in {len(self.case.pieces)} pieces: {_short(repr(self.case.pieces))}"
        )


def _short(text: str) -> str:
    return text if len(text) < 1500 else f"{text[:900]} ... {text[-500:]}"


@define
class Run:
    """
    Cases of one target, one after the other.

    :ivar first: the number of the first case.
    """

    target: Target
    first: int = 0
    tried: int = 0
    findings: dict[str, Finding] = field(factory=dict)

    def case(self, number: int) -> Case:
        """The case of that number."""
        return self.target.make(Random(f"{self.target.name} {number}"))

    def one(self, shrinks: bool = True) -> Finding | None:
        """Try the next case; what it shows, if that is new."""
        number = self.first + self.tried
        self.tried += 1
        case = self.case(number)
        found = complaint(self.target, case)
        if found is None:
            return None
        if found.kind in self.findings:
            self.findings[found.kind].times += 1
            return None
        if shrinks:
            case = shrunk(self.target, case, found.kind)
            found = complaint(self.target, case) or found
        finding = self.findings[found.kind] = Finding(number, found, case)
        return finding

    def many(self, cases: int) -> None:
        """Try so many cases."""
        for _ in range(cases):
            self.one(shrinks=False)

    def until(self, ends: float) -> Iterator[Finding]:
        """Try cases until that moment of the monotonic clock; each new mistake."""
        while time.monotonic() < ends:
            finding = self.one()
            if finding is not None:
                yield finding


def shrunk(target: Target, case: Case, kind: str) -> Case:
    """A case that fails as *case* does, and has less that does not matter."""
    ends = time.monotonic() + SHRINK_SECONDS

    def fails(smaller: Case) -> bool:
        if time.monotonic() > ends:
            return False
        found = complaint(target, smaller)
        return found is not None and found.kind == kind

    in_one = evolve(case, pieces=(case.whole,))
    if fails(in_one):
        case = in_one
    smaller = None
    while smaller != case:
        smaller, case = case, _less(case, fails)
    return case


def _less(case: Case, fails: Callable[[Case], bool]) -> Case:
    """*case* without as many bytes and borders as can be spared."""
    for place in range(len(case.pieces) - 1, 0, -1):
        joined = case.pieces[place - 1] + case.pieces[place]
        pieces = (*case.pieces[: place - 1], joined, *case.pieces[place + 1 :])
        if fails(merged := evolve(case, pieces=pieces)):
            case = merged
    for place in range(len(case.pieces)):
        length = len(case.pieces[place])
        while length:
            start = 0
            while start < len(case.pieces[place]):
                piece = case.pieces[place]
                piece = piece[:start] + piece[start + length :]
                pieces = (*case.pieces[:place], piece, *case.pieces[place + 1 :])
                if fails(spared := evolve(case, pieces=pieces)):
                    case = spared
                else:
                    start += length
            length //= 2
    return evolve(case, pieces=tuple(filter(None, case.pieces)) or (b"",))


def cut(chance: Random, data: bytes) -> tuple[bytes, ...]:
    """*data* in pieces: whole, single bytes, at line ends, at empty lines, anywhere."""
    way = chance.randrange(5)
    if way == 0:
        return (data,)
    if way == 1 and len(data) < 600:
        return tuple(data[i : i + 1] for i in range(len(data)))
    if way == 2:
        ends = [i for i, byte in enumerate(data) if byte in b"\r\n"]
        places = [i + chance.randrange(2) for i in ends if chance.random() < 0.7]
    elif way == 3:
        places = [found.end() for found in _EMPTY_LINE.finditer(data)]
    else:
        places = [chance.randrange(len(data) + 1) for _ in range(chance.randrange(9))]
    return at(data, places)


def at(data: bytes, places: Sequence[int]) -> tuple[bytes, ...]:
    """*data* cut at these places."""
    edges = sorted({0, *places, len(data)})
    return tuple(data[a:b] for a, b in pairwise(edges))


def damaged(
    chance: Random, data: bytes, words: Sequence[bytes], times: int | None = None
) -> bytes:
    """
    *data* with some small things changed.

    :param words: what is put in, now and then.
    :param times: how many things; by chance if it does not say.
    """
    if times is None:
        times = chance.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))
    for _ in range(times):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((1, 1, 2, 4, 16, 64)))
        match chance.randrange(9):
            case 0:  # another byte
                new = bytes([chance.randrange(256)])
            case 1:  # a byte that means something
                new = bytes([chance.choice(ODD_BYTES)])
            case 2:  # nothing
                new = b""
            case 3:  # twice the same
                new = data[start:end] * 2
            case 4:  # a word
                new = chance.choice(words)
            case 5:  # a word more
                new, end = chance.choice(words), start
            case 6:  # something from elsewhere
                other = chance.randrange(len(data) + 1)
                new = data[other : other + chance.choice((1, 4, 16, 64))]
            case 7:  # the end comes early
                new, end = b"", len(data) if chance.random() < 0.2 else end
            case _:  # one bit
                new = bytes(
                    byte ^ (1 << chance.randrange(8) if i == 0 else 0)
                    for i, byte in enumerate(data[start:end])
                )
        data = data[:start] + new + data[end:]
    return data
