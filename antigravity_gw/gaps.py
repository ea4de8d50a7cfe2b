"""How long the events of a stream were in coming, one after the other."""

from bisect import bisect_left

from attrs import define, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper ends of the classes that gaps are sorted into, in seconds."""


@define
class Gaps:
    """
    The gaps between what has come of one stream.

    Several events that come at once have none between them.  A client that reads
    slowly makes gaps too.

    :ivar counts: how many there are up to each of :data:`BOUNDS`, and beyond.
    :ivar total: all of them together, in seconds.
    """

    counts: list[int] = field(factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """There was one more; if the clock was set back meanwhile, it was short."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        if seconds > 0.0:
            self.total += seconds
