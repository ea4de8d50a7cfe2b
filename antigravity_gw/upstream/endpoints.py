"""Which of Google's hosts to ask next.  No clock: *now* is an argument."""

from collections.abc import Sequence

from attrs import define, field

from antigravity_gw.happenings import FAILING, NO_ROOM, Avoided, Listener, unheard

LONGEST = 300.0
"""No host is avoided for longer, whatever it asks, in seconds."""


@define
class Endpoints:
    """
    Which base URLs to avoid for a while.

    :ivar avoid_seconds: how long one that failed comes last, when it does not
        say itself.
    :ivar tell: is told of each that fails.
    """

    avoid_seconds: float
    tell: Listener = unheard
    _avoided_until: dict[tuple[str, str], float] = field(factory=dict, init=False)

    def in_order(self, bases: Sequence[str], now: float, model: str = "") -> list[str]:
        """
        All of *bases*, the best for *model* first, and else in their order.

        One that failed is still the last resort: avoiding is no ban, so that a
        hiccup of them all does not close the gateway.
        """
        return sorted(bases, key=lambda base: self._badness(base, model, now))

    def avoid(
        self, base: str, now: float, model: str = "", seconds: float | None = None
    ) -> float:
        """
        *base* has just failed.

        :param model: the one it has no room for, when it is not failing as such.
        :param seconds: how long it asked to be left alone, if it did.
        :returns: how long it is, in seconds.
        """
        seconds = self.avoid_seconds if seconds is None else min(seconds, LONGEST)
        over = [key for key, until in self._avoided_until.items() if until <= now]
        for key in over:
            del self._avoided_until[key]
        self._avoided_until[base, model] = now + seconds
        self.tell(Avoided(base, NO_ROOM if model else FAILING))
        return seconds

    def recovered(self, base: str, model: str = "") -> None:
        """*base* has just answered about *model*."""
        self._avoided_until.pop((base, ""), None)
        self._avoided_until.pop((base, model), None)

    def is_avoided(self, base: str, now: float) -> bool:
        """Whether *base* comes last, whatever it is to be asked for."""
        return self._badness(base, "", now) > 0.0

    def _badness(self, base: str, model: str, now: float) -> float:
        keys = ((base, ""), (base, model))
        until = max(self._avoided_until.get(key, 0.0) for key in keys)
        return until if until > now else 0.0
