"""
What clients have used of what their keys allow.  No I/O, no clock.

It is kept by the name of a key, so a new secret or a new configuration is no new
beginning.
"""

from collections import deque
from collections.abc import Mapping

from attrs import define, field

from antigravity_gw.errors import (
    Busy,
    TokensSpent,
    TooManyPerMinute,
    whole_seconds,
)
from antigravity_gw.journal import Served
from antigravity_gw.keys import Key
from antigravity_gw.times import DAY, MINUTE


def day_of(now: float) -> int:
    """The number of the day in UTC that *now* is in; it begins at that many DAYs."""
    return int(now // DAY)


@define
class Allowances:
    """
    Counts the requests for an answer, and the tokens that the answers cost.

    :ivar _lately: when each key has asked in the last minute, as far as its
        requests are limited.
    :ivar _day: the day that tokens are counted of.
    :ivar _tokens: what each key has used of them.
    """

    _lately: dict[str, deque[float]] = field(factory=dict, init=False)
    _day: int = field(default=0, init=False)
    _tokens: dict[str, int] = field(factory=dict, init=False)

    def admit(self, key: Key, now: float) -> None:
        """
        Let a client ask for an answer, which counts from here, however it ends.

        :raises TokensSpent: when it has used up its tokens of the day.
        :raises TooManyPerMinute: when it has asked too often.
        """
        allowance = key.allowance
        if allowance.tokens_per_day is not None:
            self._check_tokens(key.name, allowance.tokens_per_day, now)
        if allowance.requests_per_minute is not None:
            self._count(key.name, allowance.requests_per_minute, now)

    def note(self, served: Served) -> None:
        """A request has ended: what has its answer cost?"""
        if served.usage is not None and served.key:
            self._turn_to(day_of(served.began + served.seconds))
            self._add(served.key, served.usage.total)

    def seed(self, day: int, tokens: Mapping[str, int]) -> None:
        """
        Take up what was used before.

        Whatever of it was counted here as well does not count twice.

        :param day: of :func:`day_of`.
        :param tokens: what each key has used on that day so far.
        """
        if day < self._day:
            return
        self._turn_to(day)
        for name, number in tokens.items():
            self._tokens[name] = max(number, self._tokens.get(name, 0))

    def tokens(self, name: str, now: float) -> int:
        """What a key has used today."""
        return self._tokens.get(name, 0) if day_of(now) == self._day else 0

    def _check_tokens(self, name: str, most: int, now: float) -> None:
        if self.tokens(name, now) < most:
            return
        raise _told(
            TokensSpent,
            f"this key has used up its {most} tokens of today (tokens_per_day); the "
            "next day begins at 00:00 UTC, in",
            (day_of(now) + 1) * DAY - now,
        )

    def _count(self, name: str, most: int, now: float) -> None:
        times = self._lately.setdefault(name, deque())
        while times and now < times[-1]:
            times.pop()  # the clock was set back, and nobody waits for it
        while times and times[0] + MINUTE <= now:
            times.popleft()
        if len(times) < most:
            times.append(now)
            return
        raise _told(
            TooManyPerMinute,
            f"this key may ask for {most} answers in a minute (requests_per_minute); "
            "the next one in",
            times[-most] + MINUTE - now,
        )

    def _turn_to(self, day: int) -> None:
        """Count of *day*; a clock that is set back over midnight is no new day."""
        if day > self._day or day < self._day - 1:
            self._day = day
            self._tokens.clear()

    def _add(self, name: str, number: int) -> None:
        self._tokens[name] = self._tokens.get(name, 0) + number


def _told(kind: type[Busy], message: str, wait: float) -> Busy:
    """An error whose *message* ends with how long to wait, as its headers say."""
    return kind(f"{message} {whole_seconds(wait)} s", wait)
