"""What was counted and is not stored yet.  No I/O, no clock."""

from bisect import bisect_left
from collections import defaultdict

from attrs import define, field

from antigravity_gw.journal import FIRST_BOUNDS, Served
from antigravity_gw.times import DAY, HOUR, MINUTE
from antigravity_gw.usage.counts import OTHER, By, Count, Minute

MOST_MODELS = 64
"""So many models of one key are told apart in one hour: clients choose the names."""

MOST_PLACES = 20_000
"""With so many places in one batch, what is new is told apart by key and day only."""

Place = tuple[int, str, str, str]
"""Where something is counted: the hour's start, the key, the account, the model."""

_FIELDS = {"key": 1, "account": 2, "model": 3}


@define
class Names:
    """The models that are told apart, by key, in the hour that was looked at last."""

    most: int = MOST_MODELS
    _hour: int = field(default=0, init=False)
    _known: defaultdict[str, set[str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._known = defaultdict(set)

    def told_apart(self, place: Place) -> Place:
        """*place*, but that the model may be one of the others."""
        hour, key, account, model = place
        if hour != self._hour:
            self._hour = hour
            self._known.clear()
        known = self._known[key]
        if model not in known:
            if len(known) >= self.most:
                return hour, key, account, OTHER
            known.add(model)
        return place


@define(eq=False)
class Batch:
    """
    Numbers that belong together on their way to the disk.

    :ivar hours: the fields of :class:`Count`, in their order, by place.
    :ivar minutes: requests, errors, tokens and then the classes of
        :attr:`Minute.firsts`, by the minute's start.
    """

    names: Names
    most: int = MOST_PLACES
    hours: dict[Place, list[int]] = field(factory=dict, init=False)
    minutes: dict[int, list[int]] = field(factory=dict, init=False)

    def __bool__(self) -> bool:
        return bool(self.hours or self.minutes)

    def note(self, served: Served) -> None:
        """One more request has ended, in the hour and minute in which it did."""
        end = int(served.began + served.seconds)
        place = (end - end % HOUR, served.key, served.account, served.model)
        sums = self.hours.get(place) or self._room_for(place)
        start = end - end % MINUTE
        minute = self.minutes.get(start) or self._minute(start)
        sums[0] += 1
        minute[0] += 1
        if served.is_error:
            sums[1] += 1
            minute[1] += 1
        if (usage := served.usage) is not None:
            prompt, output, thoughts = usage.prompt, usage.output, usage.thoughts
            sums[2] += prompt
            sums[3] += output
            sums[4] += thoughts
            sums[5] += usage.cached
            minute[2] += prompt + output + thoughts
        if (first := served.first) is not None:
            minute[3 + bisect_left(FIRST_BOUNDS, first - served.began)] += 1

    def _minute(self, start: int) -> list[int]:
        return self.minutes.setdefault(start, [0] * (4 + len(FIRST_BOUNDS)))

    def _room_for(self, place: Place) -> list[int]:
        """The numbers of a place, or of one that has to do instead."""
        place = self.names.told_apart(place)
        if place not in self.hours and len(self.hours) >= self.most:
            hour, key = place[:2]
            place = (hour - hour % DAY, key, OTHER, OTHER)
        return self.hours.setdefault(place, [0] * 6)

    def sums(self, by: By, since: float) -> dict[str, Count]:
        """What there is of the hours that begin at *since* or later."""
        found: defaultdict[str, Count] = defaultdict(Count)
        for place, numbers in self.hours.items():
            if place[0] >= since:
                found[str(place[_FIELDS[by]])] += Count(*numbers)
        return found

    def forget(self, hours: float, minutes: float) -> None:
        """Drop the hours and minutes that began before these moments."""
        self.hours = {p: n for p, n in self.hours.items() if p[0] >= hours}
        self.minutes = {m: n for m, n in self.minutes.items() if m >= minutes}


@define(eq=False)
class Series:
    """The minutes of the last while, in memory."""

    _minutes: dict[int, list[int]] = field(factory=dict, init=False)

    def add(self, minutes: dict[int, list[int]]) -> None:
        """There was this besides."""
        self._minutes |= _together(self._minutes, minutes)

    def forget(self, before: float) -> None:
        """Drop the minutes that began before."""
        self._minutes = {m: n for m, n in self._minutes.items() if m >= before}

    def since(self, since: float, besides: dict[int, list[int]]) -> list[Minute]:
        """
        Those that began then or later, in order, if anything happened in them.

        :param besides: there is this as well.
        """
        recent = {m: n for m, n in self._minutes.items() if m >= since}
        recent |= {m: n for m, n in _together(recent, besides).items() if m >= since}
        return [
            Minute(start, numbers[0], numbers[1], numbers[2], tuple(numbers[3:]))
            for start, numbers in sorted(recent.items())
        ]


def _together(
    known: dict[int, list[int]], more: dict[int, list[int]]
) -> dict[int, list[int]]:
    """The minutes of *more*, with what there is of them in *known*."""
    return {
        start: list(map(sum, zip(known[start], numbers, strict=True)))
        if start in known
        else list(numbers)
        for start, numbers in more.items()
    }
