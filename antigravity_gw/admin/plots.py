"""The course of an hour or a day, in columns to draw.  No I/O, no clock."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from antigravity_gw.journal import FIRST_BOUNDS
from antigravity_gw.times import DAY, HOUR, MINUTE
from antigravity_gw.usage.counts import Minute


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


def columns(minutes: Iterable[Minute], range: Range, now: float) -> dict[str, object]:
    """
    What happened, step by step; one in which nothing did is there all the same.

    The step that is not over yet is left out: it would look like a fall.

    :param minutes: those there are; the ones outside of the range are left out.
    """
    times = _times(range, now)
    steps: dict[int, list[Minute]] = {start: [] for start in times}
    for minute in minutes:
        start = minute.start - minute.start % range.step
        if start in steps:
            steps[start].append(minute)
    firsts = [
        [*map(sum, zip(*(m.firsts for m in s), strict=True))] for s in steps.values()
    ]
    return {
        "step": range.step,
        "start": times,
        "requests": [sum(m.requests for m in step) for step in steps.values()],
        "errors": [sum(m.errors for m in step) for step in steps.values()],
        "tokens": [sum(m.tokens for m in step) for step in steps.values()],
        "first_p50": [quantile(classes, 0.5) for classes in firsts],
        "first_p95": [quantile(classes, 0.95) for classes in firsts],
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
