"""The course of an hour or a day, in columns to draw.  No I/O, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from operator import add

from attrs import field, frozen

from antigravity_gw.usage.counts import DAY, FIRST_BOUNDS, HOUR, MINUTE, Minute


@frozen
class Range:
    """
    A stretch of time that ends now.

    :ivar seconds: how long it is.
    :ivar step: the seconds that are told together.
    """

    seconds: int
    step: int


RANGES: Mapping[str, Range] = {
    "hour": Range(HOUR, MINUTE),
    "day": Range(DAY, 5 * MINUTE),
}

LATEST = Range(MINUTE, MINUTE)
"""The last minute that is over."""


@frozen
class _Step:
    """What happened in one step; like :class:`Minute`, but of any length."""

    requests: int = 0
    errors: int = 0
    tokens: int = 0
    firsts: tuple[int, ...] = field(default=(0,) * (len(FIRST_BOUNDS) + 1))

    def with_(self, minute: Minute) -> "_Step":
        return _Step(
            self.requests + minute.requests,
            self.errors + minute.errors,
            self.tokens + minute.tokens,
            tuple(map(add, self.firsts, minute.firsts)),
        )


_NOTHING = _Step()


def columns(minutes: Iterable[Minute], range: Range, now: float) -> dict[str, object]:
    """
    What happened, step by step; one in which nothing did is there all the same.

    The step that is not over yet is left out: it would look like a fall.

    :param minutes: those there are; the ones outside of the range are left out.
    """
    times = _times(range, now)
    steps: dict[int, _Step] = {}
    for minute in minutes:
        start = minute.start - minute.start % range.step
        steps[start] = steps.get(start, _NOTHING).with_(minute)
    found = [steps.get(start, _NOTHING) for start in times]
    return {
        "step": range.step,
        "start": times,
        "requests": [step.requests for step in found],
        "errors": [step.errors for step in found],
        "tokens": [step.tokens for step in found],
        "first_p50": [quantile(step.firsts, 0.5) for step in found],
        "first_p95": [quantile(step.firsts, 0.95) for step in found],
    }


def _times(span: Range, now: float) -> list[int]:
    last = int(now) - int(now) % span.step
    return list(range(last - span.seconds, last, span.step))


def quantile(firsts: Sequence[int], share: float) -> float | None:
    """
    The time within which a *share* of answers began, in seconds; None without any.

    Only their classes are known, so it is read off a straight line through the
    class that it falls into; what took longer than the longest counts as that.
    """
    total = sum(firsts)
    if not total:
        return None
    wanted, below, lower = share * total, 0, 0.0
    for count, upper in zip(firsts, FIRST_BOUNDS, strict=False):
        if count and below + count >= wanted:
            return round(lower + (upper - lower) * (wanted - below) / count, 3)
        below, lower = below + count, upper
    return FIRST_BOUNDS[-1]


def pace(minutes: Iterable[Minute], now: float) -> dict[str, float]:
    """
    What happens in a minute just now: the one that has begun, and of the one
    before as much as is less than a minute ago.
    """
    begun = int(now) - int(now) % MINUTE
    shares = {begun: 1.0, begun - MINUTE: 1.0 - (now - begun) / MINUTE}
    sums = {"requests": 0.0, "errors": 0.0, "tokens": 0.0}
    for minute in minutes:
        share = shares.get(minute.start, 0.0)
        for name in sums:
            sums[name] += share * getattr(minute, name)
    return {name: round(number, 1) for name, number in sums.items()}
