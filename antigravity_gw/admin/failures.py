"""The requests that failed last, for whoever asks what went wrong.  No I/O."""

from collections import deque

from attrs import define, field

from antigravity_gw.errors import NoOperator
from antigravity_gw.journal import CLIENT_LEFT, Served

MOST, FEW = 100, 20
"""So many are remembered of each sort, and so few of those that show no key."""


@define(eq=False)
class Failures:
    """
    Remembers what failed last.  It is a witness of every request.

    A browser that has yet to show its key is no failure: it asks its user then.
    Requests that never came to ask a model something are remembered apart, and those
    that show no key as well: who knocks must not push out what matters more.
    """

    _asked: deque[Served] = field(factory=lambda: deque(maxlen=MOST), init=False)
    _refused: deque[Served] = field(factory=lambda: deque(maxlen=MOST), init=False)
    _knocks: deque[Served] = field(factory=lambda: deque(maxlen=FEW), init=False)

    def note(self, served: Served) -> None:
        """A request has ended; it is kept if that was not well."""
        if served.is_well:
            return
        if served.model:
            self._asked.append(served)
        elif served.ended not in (CLIENT_LEFT, NoOperator.word()):
            (self._refused if served.key else self._knocks).append(served)

    def latest(self) -> list[Served]:
        """All that are remembered, the last first."""
        together = [*self._asked, *self._refused, *self._knocks]
        return sorted(together, key=lambda s: s.began + s.seconds, reverse=True)
