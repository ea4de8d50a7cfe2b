"""How the requests that have ended did so, in numbers."""

from collections import Counter

from attrs import define, field


@define
class Tally:
    """
    Counts ends by a short word for each.

    :ivar ends: ``served``, ``client_left``, or the :meth:`~.GatewayError.word` of
        the error that the client was answered with; those that occurred.
    """

    ends: Counter[str] = field(factory=Counter)

    def count(self, end: str) -> None:
        """One more has ended so."""
        self.ends[end] += 1

    def line(self) -> str:
        """All numbers on one line, the largest first."""
        return " ".join(f"{end}={number}" for end, number in self.ends.most_common())
