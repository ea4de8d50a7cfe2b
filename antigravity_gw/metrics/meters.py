"""
All that is counted, in plain numbers.

Requests are counted on the way of the next one, so nothing is done here that can wait
for a scrape.
"""

from collections import Counter
from typing import NamedTuple, TypeVar

from attrs import define, field

from antigravity_gw.gaps import BOUNDS as GAP_BOUNDS
from antigravity_gw.happenings import Happening
from antigravity_gw.journal import FIRST_BOUNDS, Served
from antigravity_gw.metrics.histogram import Histogram
from antigravity_gw.metrics.names import FewNames

H = TypeVar("H", bound=Happening)

MOST_MODELS = 100
"""So many models have a name that the configuration does not have."""

MOST_KEYS = 1000
"""So many client keys have a name, of all that there were since the start."""

DURATION_BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
LAG_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

ANSWERED = "answered"
ABANDONED = "abandoned"
"""Nobody waited any longer for what would come of the call."""


class Place(NamedTuple):
    """
    Where a request belongs.

    :ivar model: the one upstream was asked for; empty for requests that ask none.
    :ivar kind: of the account that was asked last; empty if none was.
    :ivar outcome: how it ended, in a word.
    :ivar hundreds: the first digit of its status; 0 when it got none.
    """

    key: str
    model: str
    kind: str
    outcome: str
    hundreds: int


@define(eq=False)
class Row:
    """The requests of one place, with all that was received, sent and spent."""

    requests: int = 0
    received: int = 0
    sent: int = 0
    events: int = 0
    prompt: int = 0
    output: int = 0
    thoughts: int = 0
    cached: int = 0


@define(eq=False)
class Timing:
    """How long requests for models took."""

    first: Histogram = field(factory=lambda: Histogram(FIRST_BOUNDS))
    duration: Histogram = field(factory=lambda: Histogram(DURATION_BOUNDS))
    gaps: Histogram = field(factory=lambda: Histogram(GAP_BOUNDS))


@define(eq=False)
class Meters:
    """
    What has happened since the daemon was started.

    However odd the names that clients send, the numbers kept are bounded: a model
    that is not configured gets a name only once it has been served.

    :ivar timings: by kind, and whether a stream was asked for.
    :ivar attempts: calls upstream, by kind and outcome.
    :ivar happened: how often what happens beside the requests has.
    :ivar lag: how late the reactor was for what was to be done.
    """

    models: FewNames = field(factory=lambda: FewNames(MOST_MODELS))
    keys: FewNames = field(factory=lambda: FewNames(MOST_KEYS))
    rows: dict[Place, Row] = field(factory=dict, init=False)
    timings: dict[tuple[str, bool], Timing] = field(factory=dict, init=False)
    attempts: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    happened: Counter[Happening] = field(factory=Counter, init=False)
    lag: Histogram = field(factory=lambda: Histogram(LAG_BOUNDS), init=False)

    def note(self, served: Served) -> None:
        """A request has ended."""
        usage, hundreds = served.usage, served.status // 100
        place = Place(served.key, served.model, served.kind, served.ended, hundreds)
        row = self.rows.get(place) or self._row(place, served.is_well)
        row.requests += 1
        row.received += served.received
        row.sent += served.sent
        row.events += served.events
        if usage is not None:
            row.prompt += usage.prompt
            row.output += usage.output
            row.thoughts += usage.thoughts
            row.cached += usage.cached
        if served.model:
            self._time(served)
        if served.attempts:
            self._note_attempts(served)

    def hear(self, happening: Happening) -> None:
        """Something has happened beside the requests."""
        self.happened[happening] += 1

    def happenings(self, sort: type[H]) -> list[tuple[H, int]]:
        """How often each of one sort has happened."""
        return [(h, n) for h, n in self.happened.items() if isinstance(h, sort)]

    def _row(self, place: Place, is_well: bool) -> Row:
        """The row for what has none yet under its own names."""
        model = place.model and self.models.of(place.model, is_well)
        place = place._replace(key=self.keys.of(place.key), model=model)
        return self.rows.setdefault(place, Row())

    def _time(self, served: Served) -> None:
        place = served.kind, served.streams
        timing = self.timings.get(place)
        if timing is None:
            timing = self.timings[place] = Timing()
        timing.duration.note(served.seconds)
        first = served.first_seconds
        if first is not None:
            timing.first.note(first)
        if served.gaps is not None:
            timing.gaps.take_in(served.gaps.counts, served.gaps.total)

    def _note_attempts(self, served: Served) -> None:
        """All calls but the last have failed, and that one has if it is told of."""
        for failure in served.failures:
            self.attempts[failure] += 1
        if served.attempts > len(served.failures):
            end = ABANDONED if served.first is None else ANSWERED
            self.attempts[served.kind, end] += 1
