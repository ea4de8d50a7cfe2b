"""Which of Google's hosts to ask next.  No clock: *now* is an argument."""

from attrs import define, field


@define
class Endpoints:
    """
    The configured base URLs, and which of them to avoid for a while.

    :ivar bases: in the operator's order of preference.
    :ivar avoid_seconds: how long one that failed comes last.
    """

    bases: tuple[str, ...]
    avoid_seconds: float
    _avoided_until: dict[str, float] = field(factory=dict, init=False)

    def in_order(self, now: float) -> list[str]:
        """
        All of them, the best first.

        One that failed is still the last resort: avoiding is no ban, so that a
        hiccup of them all does not close the gateway.
        """
        return sorted(self.bases, key=lambda base: self._badness(base, now))

    def avoid(self, base: str, now: float) -> None:
        """*base* has just failed."""
        self._avoided_until[base] = now + self.avoid_seconds

    def recovered(self, base: str) -> None:
        """*base* has just answered."""
        self._avoided_until.pop(base, None)

    def _badness(self, base: str, now: float) -> float:
        until = self._avoided_until.get(base, 0.0)
        return until if until > now else 0.0
