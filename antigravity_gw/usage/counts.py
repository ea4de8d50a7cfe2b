"""What is counted of requests, in numbers.  No I/O, no clock."""

from collections.abc import Mapping
from typing import Literal

from attrs import astuple, frozen

By = Literal["key", "account", "model"]
"""What requests may be told apart by."""

OTHER = "(other)"
"""Stands for the models beyond those that are told apart."""

NOBODY: Mapping[str, str] = {"key": "(no key)", "account": "(no account)"}
"""How people read a name that is empty: none was shown, or none was asked."""


@frozen
class Count:
    """
    What some requests came to.

    :ivar errors: those that ended badly, unless their clients broke them off.
    :ivar prompt: tokens, as :class:`~antigravity_gw.wire.usage.Usage` has them.
    """

    requests: int = 0
    errors: int = 0
    prompt: int = 0
    output: int = 0
    thoughts: int = 0
    cached: int = 0

    def __add__(self, other: "Count") -> "Count":
        """All of them together."""
        return Count(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """All tokens that are paid for; those that were cached are in the prompt."""
        return self.prompt + self.output + self.thoughts


@frozen
class Line:
    """What some requests have in common, and what they came to."""

    name: str
    count: Count


@frozen
class Minute:
    """
    What one minute was like.

    :ivar start: in POSIX seconds.
    :ivar tokens: all that are paid for.
    :ivar firsts: how many answers began within each of
        :data:`~antigravity_gw.journal.FIRST_BOUNDS`, and later.
    """

    start: int
    requests: int
    errors: int
    tokens: int
    firsts: tuple[int, ...]


def ranked(sums: Mapping[str, Count]) -> list[Line]:
    """A line for each, those with most tokens first."""
    lines = [Line(name, count) for name, count in sums.items()]
    return sorted(lines, key=lambda e: (-e.count.total, -e.count.requests, e.name))


def title(by: str, name: str) -> str:
    """*name* as people read it."""
    return name or NOBODY.get(by, name)
