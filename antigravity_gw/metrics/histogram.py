"""Durations, sorted into classes."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import add

from attrs import define, field


@define
class Histogram:
    """
    How many durations there were of each class.

    :ivar bounds: the upper ends of the classes, in seconds.
    :ivar counts: how many there were up to each, and beyond the last.
    :ivar total: all of them together, in seconds.
    """

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def note(self, seconds: float) -> None:
        """There was one more; if the clock was set back meanwhile, it was short."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def take_in(self, counts: Sequence[int], total: float) -> None:
        """There were more, sorted into the same classes by somebody else."""
        self.counts = list(map(add, self.counts, counts))
        self.total += total

    def buckets(self) -> list[tuple[str, float]]:
        """How many there were up to each bound, as Prometheus wants it."""
        bounds = map(str, self.bounds)
        upto = accumulate(self.counts)
        return [(b, float(n)) for b, n in zip((*bounds, "+Inf"), upto, strict=True)]
